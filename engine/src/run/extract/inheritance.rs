//! Which cloud inherits what Python's cASO left of a project.
//!
//! cASO kept one lastrun file for a project, of the one cloud that it knew. Of
//! several clouds that have the project the first in the configuration goes on
//! from that file, and the others start afresh: a cloud with such a project waits
//! until those before it have read their cursors. The clouds' lists of projects
//! are known only while they run, so that this cannot be settled before.

use caso_config::{CloudConfig, Config};
use caso_extract::ProjectRef;
use caso_model::notice::Notices;
use caso_state::Cursors;
use tokio::sync::watch;

/// A cloud's place in the line.
pub struct Turn {
    /// Of the clouds before it: whether they have read their cursors.
    before: Vec<watch::Receiver<bool>>,
    /// The same of this one, for those behind it.
    taken: watch::Sender<bool>,
}

/// One turn for each of the clouds, in their order.
pub fn turns(clouds: usize) -> Vec<Turn> {
    let (senders, receivers): (Vec<_>, Vec<_>) = (0..clouds).map(|_| watch::channel(false)).unzip();
    let turn = |(index, taken)| Turn {
        before: receivers.iter().take(index).cloned().collect(),
        taken,
    };
    senders.into_iter().enumerate().map(turn).collect()
}

impl Turn {
    /// Waits for the clouds before it. One that came to its end without
    /// cursors inherits nothing, and is not waited for.
    pub async fn wait(&self) {
        for before in &self.before {
            // An error is a turn that was dropped.
            let _ = before.clone().wait_for(|taken| *taken).await;
        }
    }

    /// Lets those behind it go on.
    pub fn taken(&self) {
        self.taken.send_replace(true);
    }
}

/// Projects that are found by their tag or their id, and that cASO in Python had by their names: it is by those that they
/// go on. In the first cloud, as cASO knew no other; and a name that two of them have says of neither which it is.
pub fn by_former_names(
    config: &Config,
    cloud: &CloudConfig,
    cursors: &Cursors,
    projects: &mut [ProjectRef],
    warnings: &Notices,
) {
    if config.clouds.first().is_none_or(|it| it.name != cloud.name) {
        return;
    }
    let names: Vec<Option<String>> = projects.iter().map(|it| it.name.clone()).collect();
    let is_alone = |name: &String| names.iter().flatten().filter(|it| *it == name).count() == 1;
    for project in projects {
        let Some(name) = project.name.clone() else {
            continue;
        };
        if project.configured.as_ref() == Some(&name)
            || is_an_id(&name)
            || !cursors.has_lastrun_of_another(&project.id, &name)
            || !is_alone(&name)
        {
            continue;
        }
        warnings.warn_once(&format!("lastrun-by-name:{}", project.id), || {
            (
                format!(
                    "project `{}` goes on from `lastrun.{name}`, left by an earlier cASO under its name",
                    project.id
                ),
                format!(
                    "if that was another project: caso cursor set {} WHEN, from when on it is to be extracted",
                    project.id
                ),
            )
        });
        project.configured = Some(name);
    }
}

/// Whether a name looks like an id: so may one of another project, which is in no list of this run.
fn is_an_id(name: &str) -> bool {
    let mut digits = name.bytes().filter(|byte| *byte != b'-');
    digits.clone().count() == 32 && digits.all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[test]
    fn a_cloud_waits_for_all_before_it() {
        let turns = turns(3);
        let waits = |at: usize| turns[at].wait().now_or_never().is_none();
        assert_eq!((waits(0), waits(1), waits(2)), (false, true, true));
        turns[1].taken();
        assert!(waits(2), "the first has not taken yet");
        turns[0].taken();
        assert_eq!((waits(1), waits(2)), (false, false));
    }

    #[test]
    fn one_that_failed_is_not_waited_for() {
        let mut turns = turns(2);
        drop(turns.remove(0));
        assert!(turns[0].wait().now_or_never().is_some());
    }
}
