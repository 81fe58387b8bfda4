//! How much of what gates decided is kept.

use sealgate_store::decisions::{Keep, Retention};
use serde::{Deserialize, Serialize};

use super::Span;

/// The decisions of gates.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Kept {
    pub(crate) keep_allowed: Span,
    pub(crate) keep_denied: Span,
    /// In MiB.
    pub(crate) allowed_mib: u32,
    /// In MiB.
    pub(crate) denied_mib: u32,
}

impl Default for Kept {
    fn default() -> Self {
        const DAY: u64 = 86_400;
        Self {
            keep_allowed: Span::seconds(30 * DAY),
            keep_denied: Span::seconds(400 * DAY),
            allowed_mib: 1_024,
            denied_mib: 8_192,
        }
    }
}

impl Kept {
    /// What the control plane is told.
    pub(crate) fn retention(&self) -> Retention {
        let keep = |age: Span, mib: u32| Keep {
            age: age.0,
            bytes: u64::from(mib) << 20,
        };
        Retention {
            allowed: keep(self.keep_allowed, self.allowed_mib),
            denied: keep(self.keep_denied, self.denied_mib),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_by_default_is_what_the_log_keeps_by_default() {
        assert_eq!(Kept::default().retention(), Retention::default());
    }
}
