//! Why a configuration was not taken.

use thiserror::Error;

/// What is wrong with a configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfigProblem {
    /// It is longer than any that people write.
    TooLarge,
    /// It is not TOML, has a key that is not known, or a value of another type.
    Syntax,
    /// A gate is not named as `module:name`.
    GateName,
    /// One callable is a gate and none, or its strength is said twice.
    GateTwice,
    /// A pattern for routes is none.
    Pattern,
    /// A pattern would make a whole application public.
    PatternTooWide,
    /// A public route is declared, or a finding accepted, without a reason.
    ReasonMissing,
    /// An expiry is not a day.
    Expiry,
    /// A rule is accepted whose findings cannot be.
    AcceptRule,
    /// A finding is accepted wherever it stands.
    AcceptPlace,
}

/// Why a configuration was not taken.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{}{detail}", .line.map_or_else(String::new, |line| format!("line {line}: ")))]
pub struct ConfigError {
    /// What is wrong.
    pub problem: ConfigProblem,
    /// Where, from 1, if it stands in one place.
    pub line: Option<u32>,
    /// What is wrong, in one sentence without a full stop.
    pub detail: String,
}

impl ConfigError {
    /// The stable reason code.
    pub const fn code(&self) -> &'static str {
        match self.problem {
            ConfigProblem::TooLarge => "config_too_large",
            ConfigProblem::Syntax => "config_syntax",
            ConfigProblem::GateName => "config_gate_name",
            ConfigProblem::GateTwice => "config_gate_twice",
            ConfigProblem::Pattern => "config_pattern",
            ConfigProblem::PatternTooWide => "config_pattern_too_wide",
            ConfigProblem::ReasonMissing => "config_reason_missing",
            ConfigProblem::Expiry => "config_expiry",
            ConfigProblem::AcceptRule => "config_accept_rule",
            ConfigProblem::AcceptPlace => "config_accept_place",
        }
    }

    /// What to do, in one sentence without a full stop.
    pub const fn hint(&self) -> &'static str {
        match self.problem {
            ConfigProblem::TooLarge => "give a file of its own with --config",
            ConfigProblem::Syntax => "use the keys and values that [tool.sealgate.routes] has",
            ConfigProblem::GateName => "write the module, a colon, and the name: app.auth:get_user",
            ConfigProblem::GateTwice => "keep one of the two",
            ConfigProblem::Pattern => {
                "write a path, perhaps with methods before it and /* at its end: GET /health"
            }
            ConfigProblem::PatternTooWide => "name the paths that are meant",
            ConfigProblem::ReasonMissing => "say in `reason` why",
            ConfigProblem::Expiry => "write a day without quotes: expires = 2027-06-30",
            ConfigProblem::AcceptRule => {
                "put it right, or declare the route public with a reason, or name its gate"
            }
            ConfigProblem::AcceptPlace => {
                "name the route or the file: route = \"GET /health\", file = \"app/auth.py\" or \"app/old/**\""
            }
        }
    }
}
