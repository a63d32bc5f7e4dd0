//! How a run ends. What counts as a finding is decided where it is found.

use std::process::ExitCode;

/// The outcome of a run, of the three that scripts tell apart; of several units the worst counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// 0: everything was judged, and nothing needs anybody's attention.
    #[default]
    Clean,
    /// 1: everything was judged, and something is not as it was declared or asked for.
    Findings,
    /// 2: something that was asked for could not be judged.
    Failed,
}

impl Status {
    /// The worse of the two.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        self.max(other)
    }

    /// The exit status of the process.
    pub const fn code(self) -> u8 {
        match self {
            Self::Clean => 0,
            Self::Findings => 1,
            Self::Failed => 2,
        }
    }
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(status.code())
    }
}

#[cfg(test)]
mod tests {
    use super::Status::{Clean, Failed, Findings};

    #[test]
    fn the_worst_wins_in_either_order() {
        assert_eq!(Clean.and(Findings), Findings);
        assert_eq!(Failed.and(Findings), Failed);
        assert_eq!(Findings.and(Failed), Failed);
        assert_eq!([Clean, Findings, Failed].map(super::Status::code), [0, 1, 2]);
    }
}
