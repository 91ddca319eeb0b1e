//! The servers of a project, listed by the test or generated from their number, in
//! the orders in which Nova lists them.

use super::Server;
use crate::ids;

/// A project's servers.
#[derive(Clone, Debug)]
pub enum Servers {
    Listed(Vec<Server>),
    /// Created in May 2026, one a minute. Every third was deleted in October,
    /// so that an October window lists it as changed; the others have not
    /// changed since May, so that a window of October knows them from the
    /// usage call alone, which is what most servers of a real cloud are like.
    Generated {
        project: usize,
        count: usize,
    },
}

impl Servers {
    /// As Nova lists them: newest first, by id among equals; after `marker`,
    /// if there is one. `None`: no such marker.
    pub(crate) fn newest_first(&self, marker: Option<&str>) -> Option<Page<'_>> {
        match self {
            Servers::Listed(servers) => {
                let key = |server: &Server| {
                    (
                        std::cmp::Reverse(server.created),
                        std::cmp::Reverse(server.id.clone()),
                    )
                };
                listed(servers, key, marker)
            }
            Servers::Generated { project, count } => {
                let end = match marker {
                    None => *count,
                    Some(id) => ids::server_number(*project, id).filter(|n| n < count)?,
                };
                Some(Box::new((0..end).rev().map(|n| generated(*project, n))))
            }
        }
    }

    /// Those that were touched last before others; generated ones are all listed as they were made.
    pub(crate) fn last_touched_first(&self, marker: Option<&str>) -> Option<Page<'_>> {
        match self {
            Servers::Listed(servers) => {
                let key = |server: &Server| (std::cmp::Reverse(server.updated), server.id.clone());
                listed(servers, key, marker)
            }
            Servers::Generated { .. } => self.newest_first(marker),
        }
    }

    /// As the usage call lists them: by id, after `marker`.
    pub(crate) fn by_id(&self, marker: Option<&str>) -> Option<Page<'_>> {
        match self {
            Servers::Listed(servers) => listed(servers, |server| server.id.clone(), marker),
            Servers::Generated { project, count } => {
                let start = match marker {
                    None => 0,
                    Some(id) => ids::server_number(*project, id).filter(|n| n < count)? + 1,
                };
                Some(Box::new((start..*count).map(|n| generated(*project, n))))
            }
        }
    }

    pub(crate) fn find(&self, id: &str) -> Option<Server> {
        match self {
            Servers::Listed(servers) => servers.iter().find(|server| server.id == id).cloned(),
            Servers::Generated { project, count } => ids::server_number(*project, id)
                .filter(|n| n < count)
                .map(|n| generated(*project, n)),
        }
    }
}

/// What comes after a marker, made one by one.
pub(crate) type Page<'a> = Box<dyn Iterator<Item = Server> + 'a>;

fn listed<K: Ord>(
    servers: &[Server],
    key: impl Fn(&Server) -> K,
    marker: Option<&str>,
) -> Option<Page<'static>> {
    let mut sorted: Vec<Server> = servers.to_vec();
    sorted.sort_by_key(key);
    let from = match marker {
        None => 0,
        Some(id) => sorted.iter().position(|server| server.id == id)? + 1,
    };
    Some(Box::new(sorted.into_iter().skip(from)))
}

/// 2026-05-01 and 2026-10-05, written out because this runs once a server.
const FIRST_CREATED: i64 = 1_777_593_600;
const FIRST_DELETED: i64 = 1_791_158_400;

fn generated(project: usize, n: usize) -> Server {
    let created = FIRST_CREATED + 60 * n as i64;
    let server = Server {
        user_id: ids::user_id(n % 10),
        image_id: Some(ids::image_id(n % 20)),
        created,
        launched: Some(created + 30),
        updated: created + 30,
        ..Server::numbered(project, n)
    };
    match n % 3 {
        2 => server.deleted(FIRST_DELETED + 61 * n as i64),
        _ => server,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::epoch;

    #[test]
    fn a_generated_server_is_found_by_its_id() {
        let servers = Servers::Generated {
            project: 7,
            count: 10,
        };
        for server in servers.by_id(None).unwrap() {
            assert_eq!(
                servers.find(&server.id).map(|found| found.name),
                Some(server.name)
            );
        }
        assert!(servers.find(&ids::server_id(7, 10)).is_none());
        assert!(servers.find(&ids::server_id(6, 1)).is_none());
        assert!(servers.find("x").is_none());
        assert_eq!(FIRST_CREATED, epoch("2026-05-01"));
        assert_eq!(FIRST_DELETED, epoch("2026-10-05"));
    }

    #[test]
    fn markers_cut_both_orders_without_loss() {
        let generated = Servers::Generated {
            project: 1,
            count: 9,
        };
        let listed = Servers::Listed(generated.by_id(None).unwrap().collect());
        for servers in [&generated, &listed] {
            let all: Vec<String> = servers.newest_first(None).unwrap().map(|s| s.id).collect();
            let rest: Vec<String> = servers
                .newest_first(Some(&all[3]))
                .unwrap()
                .map(|s| s.id)
                .collect();
            assert_eq!(rest, all[4..]);
            let rest: Vec<String> = servers
                .by_id(Some(&all[3]))
                .unwrap()
                .map(|s| s.id)
                .collect();
            assert_eq!(rest.len(), 3);
            assert!(servers.by_id(Some("unknown")).is_none());
        }
    }
}
