//! A cloud in which something begins and ends in every hour, so that what an hour's run
//! loses nobody sees again.

use super::{FloatingIp, Plan, Project, Volume};
use crate::server::{Server, Servers};

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;
/// Servers of a project that go on, one of each flavor and of each user.
const LASTING: usize = 5;
const VOLUMES: usize = 2;

impl Plan {
    /// Two projects, the hours that begin at `first`, and in each project
    ///
    /// - servers 0 to 4, which were there ten days before and stay,
    /// - for each hour `h` (from 0) server `10 + h`, from its fifth minute to its fortieth,
    /// - volumes 0 and 1, which were there a day before, and volume 2, which comes in the
    ///   tenth minute of hour 2,
    /// - a floating IP.
    ///
    /// Lists come in pages of six.
    pub fn hourly(first: i64, hours: usize) -> Self {
        Plan {
            projects: (0..2).map(|n| project(n, first, hours)).collect(),
            max_limit: 6,
            ..Plan::default()
        }
    }
}

fn project(project: usize, first: i64, hours: usize) -> Project {
    let server = |n: usize, created: i64| Server {
        created,
        launched: Some(created),
        updated: created,
        ..Server::numbered(project, n)
    };
    let lasting = (0..LASTING).map(|n| server(n, first - 10 * DAY));
    let short = (0..hours).zip(0_i64..).map(|(n, h)| {
        let hour = first + h * HOUR;
        server(10 + n, hour + 300).deleted(hour + 2_400)
    });
    let volume = |n: usize, created: i64| Volume {
        created,
        updated: Some(created),
        ..Volume::numbered(project, n)
    };
    let old = (0..VOLUMES).map(|n| volume(n, first - DAY));
    let late = volume(VOLUMES, first + 2 * HOUR + 600);
    let address = FloatingIp {
        created: first - DAY,
        ..FloatingIp::numbered(project, 0, &format!("203.0.113.{project}"))
    };
    Project {
        volumes: old.chain([late]).collect(),
        floating_ips: vec![address],
        ..Project::numbered(project, Servers::Listed(lasting.chain(short).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids;

    /// A harness that knows the plan counts on its ids and times.
    #[test]
    fn each_hour_has_a_server_of_its_own() {
        let plan = Plan::hourly(0, 3);
        let Servers::Listed(servers) = &plan.projects[1].servers else {
            panic!("they are listed")
        };
        let second = servers.iter().find(|it| it.id == ids::server_id(1, 11));
        let second = second.expect("a server of the second hour");
        assert_eq!((second.created, second.terminated), (3_900, Some(6_000)));
        assert_eq!(servers.len(), 8);
    }
}
