//! Which servers of a list belong to the window. The rule is cASO's, to the
//! second, because a record that cASO sent and we do not (or the other way
//! round) is a difference in somebody's accounting.

use super::ending::end;
use super::search::APART;
use caso_history::Reported;
use caso_model::Window;
use caso_model::usage::Server;

/// How a list's servers are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// The list of changed servers: those that were there in the window, by
    /// their own times, or that the usage API names.
    InWindow,
    /// Later lists: those that the usage API names, and those that were there when
    /// the last window ended and have not been seen.
    Named,
}

/// What speaks for a server, beside its own times.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Known {
    /// The usage API names it.
    pub named: bool,
    /// What earlier windows reported of it.
    pub reported: Option<Reported>,
}

impl Rule {
    /// Whether a server belongs to a window; `continues` where the window goes on at
    /// the end of the last one whose servers are remembered.
    pub fn takes(self, server: &Server, known: Known, window: Window, continues: bool) -> bool {
        // Both of cASO's paths leave out what was created after the window,
        // and both keep what was created in the second it ends with.
        if server.created.is_some_and(|created| created > window.end) {
            return false;
        }
        if known.named {
            return true;
        }
        if self == Rule::Named {
            return known.reported == Some(Reported::Alive);
        }
        // Listed only because the list goes back behind the window.
        if continues && server.updated.is_some_and(|time| time < window.start) {
            return match known.reported {
                None => true,
                Some(Reported::Alive) => is_deleted(server),
                Some(Reported::Ended) => false,
            };
        }
        // A host's clock may be behind: of a server that was alive when the last window
        // ended, the end is reported whatever that clock says. Where nobody knows, a
        // clock may be behind by so much; a row that is touched long after its end is
        // another matter.
        let start = match known.reported {
            Some(Reported::Alive) if is_deleted(server) => return true,
            _ if is_deleted(server) && server.terminated.is_some() => {
                window.start.saturating_sub(APART)
            }
            _ => window.start,
        };
        end(server).is_none_or(|end| end >= start)
    }
}

/// Whether its row says that it is gone.
pub fn is_deleted(server: &Server) -> bool {
    server.status.as_deref() == Some("DELETED")
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Window = Window {
        start: 10_000,
        end: 20_000,
    };

    fn server(created: i64, launched: Option<i64>, terminated: Option<i64>) -> Server {
        Server {
            id: "x".into(),
            project_id: "p".into(),
            status: Some("ACTIVE".into()),
            created: Some(created),
            launched,
            terminated,
            ..Server::default()
        }
    }

    const NAMED: Known = Known {
        named: true,
        reported: None,
    };

    fn takes(rule: Rule, server: &Server) -> bool {
        rule.takes(server, Known::default(), WINDOW, false)
    }

    fn gone(terminated: i64, updated: i64) -> Server {
        Server {
            status: Some("DELETED".into()),
            updated: Some(updated),
            ..server(500, Some(510), Some(terminated))
        }
    }

    #[test]
    fn the_end_of_a_deleted_server_is_reported_whatever_its_hosts_clock_says() {
        assert!(takes(Rule::InWindow, &gone(9_700, 10_300)));
        // Touched long after its end: only of one that was alive it is news.
        let touched = gone(6_000, 10_300);
        assert!(!takes(Rule::InWindow, &touched));
        let alive = Known {
            reported: Some(Reported::Alive),
            ..Known::default()
        };
        assert!(Rule::InWindow.takes(&touched, alive, WINDOW, true));
        let mut never_launched = gone(9_700, 10_300);
        (never_launched.launched, never_launched.terminated) = (None, None);
        assert!(!takes(Rule::InWindow, &never_launched));
    }

    #[test]
    fn what_became_visible_late_is_reported_unless_it_was_already() {
        let late = gone(9_700, 9_900);
        let alive = Server {
            updated: Some(9_900),
            ..server(9_600, Some(9_600), None)
        };
        let takes = |server: &Server, reported| {
            let known = Known {
                reported,
                ..Known::default()
            };
            Rule::InWindow.takes(server, known, WINDOW, true)
        };
        for (reported, end, life) in [
            (None, true, true),
            (Some(Reported::Alive), true, false),
            (Some(Reported::Ended), false, false),
        ] {
            assert_eq!(takes(&late, reported), end, "{reported:?}");
            assert_eq!(takes(&alive, reported), life, "{reported:?}");
        }
    }

    #[test]
    fn who_is_looked_for_is_taken_from_any_list() {
        let known = Known {
            reported: Some(Reported::Alive),
            ..Known::default()
        };
        for rule in [Rule::InWindow, Rule::Named] {
            assert!(rule.takes(&gone(9_700, 9_800), known, WINDOW, true));
        }
        let none = Known::default();
        assert!(!Rule::Named.takes(&gone(17_000, 18_000), none, WINDOW, true));
    }

    #[test]
    fn the_window_is_cut_as_caso_cuts_it() {
        for (server, taken) in [
            (server(500, Some(510), None), true),
            (server(20_000, Some(20_000), None), true),
            (server(20_001, Some(20_002), None), false),
            (server(500, Some(510), Some(9_999)), false),
            (server(500, Some(510), Some(10_000)), true),
            // Never launched: it ended when it was created.
            (server(9_999, None, None), false),
            (server(10_000, None, None), true),
        ] {
            assert_eq!(takes(Rule::InWindow, &server), taken, "{server:?}");
        }
    }

    #[test]
    fn a_deleted_server_without_an_end_ends_when_it_was_last_touched() {
        let mut gone = server(500, Some(510), None);
        gone.status = Some("DELETED".into());
        gone.updated = Some(9_999);
        assert!(!takes(Rule::InWindow, &gone));
        gone.updated = Some(10_000);
        assert!(takes(Rule::InWindow, &gone));
    }

    #[test]
    fn the_usage_api_overrules_the_end_but_not_the_beginning() {
        let before = server(500, Some(510), Some(9_000));
        let after = server(20_001, Some(20_001), None);
        let unknown = Server {
            created: None,
            ..server(0, Some(510), None)
        };
        assert!(Rule::InWindow.takes(&before, NAMED, WINDOW, false));
        assert!(!Rule::InWindow.takes(&after, NAMED, WINDOW, false));
        assert!(Rule::Named.takes(&unknown, NAMED, WINDOW, false));
        assert!(!takes(Rule::Named, &unknown));
    }
}
