//! Which servers of a list belong to the window. The rule is cASO's, to the
//! second, because a record that cASO sent and we do not (or the other way
//! round) is a difference in somebody's accounting.

use caso_model::Window;
use caso_model::usage::Server;

/// How a list's servers are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// The list of changed servers: those that were there in the window, by
    /// their own times, or that the usage API names.
    InWindow,
    /// Later lists: those that the usage API names.
    Named,
}

impl Rule {
    pub fn takes(self, server: &Server, named: bool, window: Window) -> bool {
        // Both of cASO's paths leave out what was created after the window,
        // and both keep what was created in the second it ends with.
        if server.created.is_some_and(|created| created > window.end) {
            return false;
        }
        match self {
            Rule::Named => named,
            Rule::InWindow => named || end(server).is_none_or(|end| end >= window.start),
        }
    }
}

/// When a server ended, by cASO's rule: when it was terminated; else, if it
/// never ran, when it was created; else, if it is deleted all the same (some
/// failures leave no time), when it was last touched.
fn end(server: &Server) -> Option<i64> {
    server.terminated.or_else(|| {
        if server.launched.is_none() {
            server.created
        } else if server.status.as_deref() == Some("DELETED") {
            server.updated
        } else {
            None
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Window = Window {
        start: 1000,
        end: 2000,
    };

    fn server(created: i64, launched: Option<i64>, terminated: Option<i64>) -> Server {
        Server {
            id: "x".into(),
            name: None,
            project_id: "p".into(),
            user_id: None,
            status: Some("ACTIVE".into()),
            vm_state: None,
            task_state: None,
            created: Some(created),
            launched,
            terminated,
            updated: None,
            image_id: None,
            flavor_id: None,
            embedded_flavor: None,
            addresses: None,
            compute_usage: None,
            counters: None,
            attributes: Vec::new(),
        }
    }

    #[test]
    fn the_window_is_cut_as_caso_cuts_it() {
        for (server, taken) in [
            (server(500, Some(510), None), true),
            (server(2000, Some(2000), None), true),
            (server(2001, Some(2002), None), false),
            (server(500, Some(510), Some(999)), false),
            (server(500, Some(510), Some(1000)), true),
            // Never launched: it ended when it was created.
            (server(999, None, None), false),
            (server(1000, None, None), true),
        ] {
            assert_eq!(
                Rule::InWindow.takes(&server, false, WINDOW),
                taken,
                "{server:?}"
            );
        }
    }

    #[test]
    fn a_deleted_server_without_an_end_ends_when_it_was_last_touched() {
        let mut gone = server(500, Some(510), None);
        gone.status = Some("DELETED".into());
        gone.updated = Some(999);
        assert!(!Rule::InWindow.takes(&gone, false, WINDOW));
        gone.updated = Some(1000);
        assert!(Rule::InWindow.takes(&gone, false, WINDOW));
    }

    #[test]
    fn the_usage_api_overrules_the_end_but_not_the_beginning() {
        let before = server(500, Some(510), Some(900));
        let after = server(2001, Some(2001), None);
        let unknown = Server {
            created: None,
            ..server(0, Some(510), None)
        };
        assert!(Rule::InWindow.takes(&before, true, WINDOW));
        assert!(!Rule::InWindow.takes(&after, true, WINDOW));
        assert!(Rule::Named.takes(&unknown, true, WINDOW));
        assert!(!Rule::Named.takes(&unknown, false, WINDOW));
    }
}
