//! What is wrong with a setting.

use thiserror::Error;

/// A setting that is missing or cannot be used. The message names the setting and the way out, and
/// never holds a secret.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{name} {problem}")]
pub struct SettingsError {
    name: &'static str,
    problem: String,
}

impl SettingsError {
    pub(crate) fn new(name: &'static str, problem: impl Into<String>) -> Self {
        Self {
            name,
            problem: problem.into(),
        }
    }

    /// The stable reason code.
    pub const fn code(&self) -> &'static str {
        "setting_bad"
    }

    /// The environment variable that it is about.
    pub const fn name(&self) -> &'static str {
        self.name
    }
}
