//! How a run ended.

/// The outcome, worst last: a worse one wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// Nothing was found.
    Clean,
    /// Something was found.
    Findings,
    /// The job could not be done, or not all of it.
    Failed,
}

impl Status {
    /// 0, 1, 2.
    pub fn code(self) -> u8 {
        match self {
            Self::Clean => 0,
            Self::Findings => 1,
            Self::Failed => 2,
        }
    }
}
