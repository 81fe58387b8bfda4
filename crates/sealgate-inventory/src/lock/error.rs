//! Why a lock file was not taken.

use thiserror::Error;

/// What is wrong with a lock file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockProblem {
    /// It is longer than any that is written.
    TooLarge,
    /// It has more routes than any application.
    TooManyRoutes,
    /// It is not TOML, has a key that is not known, or a value of another type.
    Syntax,
    /// It is of another version.
    Version,
    /// A block does not name a route.
    Route,
    /// A route has two blocks.
    Duplicate,
    /// A requirement is not as it is written.
    Requirement,
    /// A route is public without a reason.
    ReasonMissing,
    /// An expiry is not a day.
    Expiry,
}

/// Why a lock file was not taken.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{}{detail}", .line.map_or_else(String::new, |line| format!("line {line}: ")))]
pub struct LockError {
    /// What is wrong.
    pub problem: LockProblem,
    /// Where, from 1, if it stands in one place.
    pub line: Option<u32>,
    /// What is wrong, in one sentence without a full stop.
    pub detail: String,
}

impl LockError {
    /// The stable reason code.
    pub const fn code(&self) -> &'static str {
        match self.problem {
            LockProblem::TooLarge => "lock_too_large",
            LockProblem::TooManyRoutes => "lock_too_many_routes",
            LockProblem::Syntax => "lock_syntax",
            LockProblem::Version => "lock_version",
            LockProblem::Route => "lock_route",
            LockProblem::Duplicate => "lock_duplicate",
            LockProblem::Requirement => "lock_requirement",
            LockProblem::ReasonMissing => "lock_reason_missing",
            LockProblem::Expiry => "lock_expiry",
        }
    }

    /// What to do, in one sentence without a full stop.
    pub const fn hint(&self) -> &'static str {
        match self.problem {
            LockProblem::TooLarge | LockProblem::TooManyRoutes => {
                "delete it and run `sealgate routes lock`, if it was damaged"
            }
            LockProblem::Syntax => "people write class, reason, owner and expires; undo the rest",
            LockProblem::Version => "use the version of sealgate that wrote it, or a newer one",
            LockProblem::Route => {
                "undo the change to the block's name: `sealgate routes lock` writes it"
            }
            LockProblem::Duplicate => "keep one of the two blocks, and run `sealgate routes lock`",
            LockProblem::Requirement => {
                "undo the change to `requires`: `sealgate routes lock` writes it"
            }
            LockProblem::ReasonMissing => "say in `reason` why strangers may call it",
            LockProblem::Expiry => "write a day without quotes: expires = 2027-06-30",
        }
    }
}
