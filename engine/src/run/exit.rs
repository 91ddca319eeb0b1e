//! How a run ended, for cron and whatever watches it.

/// What the process's exit code means. The one table of them; help texts print
/// it by [`Exit::table`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// All that was asked for is done.
    Done,
    /// Nothing is done: no project was extracted, no record delivered.
    Nothing,
    /// The command line or the configuration is wrong; nothing was touched.
    Usage,
    /// Some of it is done; the rest is named on stderr and waits.
    Partly,
    /// Another run holds the lock.
    Locked,
}

impl Exit {
    /// Those of a command that takes no lock.
    pub const WITHOUT_LOCK: [Self; 4] = [Self::Done, Self::Nothing, Self::Usage, Self::Partly];
    /// Those of a run.
    pub const ALL: [Self; 5] = [
        Self::Done,
        Self::Nothing,
        Self::Usage,
        Self::Partly,
        Self::Locked,
    ];

    /// The process's exit code. 75 is sysexits' EX_TEMPFAIL.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Nothing => 1,
            Self::Usage => 2,
            Self::Partly => 3,
            Self::Locked => 75,
        }
    }

    fn meaning(self) -> &'static str {
        match self {
            Self::Done => "all done",
            Self::Nothing => "nothing done",
            Self::Usage => "wrong command line or configuration",
            Self::Partly => "partly done",
            Self::Locked => "another run holds the lock",
        }
    }

    /// The line of a help text: `Exit codes: 0 all done, 1 …`.
    pub fn table(exits: &[Self]) -> String {
        let one = |exit: &Self| format!("{} {}", exit.code(), exit.meaning());
        let all: Vec<String> = exits.iter().map(one).collect();
        format!("Exit codes: {}", all.join(", "))
    }

    /// What `successes` and `failures` of a run come to.
    pub fn of(successes: usize, failures: usize, partial_is_success: bool) -> Self {
        match (successes, failures) {
            (_, 0) => Self::Done,
            (0, _) => Self::Nothing,
            _ if partial_is_success => Self::Done,
            _ => Self::Partly,
        }
    }
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_beside_a_success_is_partly_unless_the_site_says_otherwise() {
        assert_eq!(Exit::of(3, 0, false), Exit::Done);
        assert_eq!(Exit::of(0, 0, false), Exit::Done);
        assert_eq!(Exit::of(0, 2, false), Exit::Nothing);
        assert_eq!(Exit::of(0, 2, true), Exit::Nothing);
        assert_eq!(Exit::of(1, 2, false), Exit::Partly);
        assert_eq!(Exit::of(1, 2, true), Exit::Done);
    }

    #[test]
    fn the_table_is_the_contract() {
        assert_eq!(
            Exit::table(&Exit::ALL),
            "Exit codes: 0 all done, 1 nothing done, 2 wrong command line or configuration, \
             3 partly done, 75 another run holds the lock"
        );
        assert!(Exit::table(&Exit::WITHOUT_LOCK).ends_with(", 3 partly done"));
    }
}
