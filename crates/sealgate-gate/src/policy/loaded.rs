//! One version of the bundle, ready to be decided by.

use sealgate_model::Timestamp;
use sealgate_policy::cedar::{Policies, PolicySource};
use sealgate_policy::mapping::Mapping;
use sealgate_policy::{Bundle, PolicyError};

use super::Answers;

/// One version of the bundle, ready to be decided by.
pub(crate) struct Loaded {
    /// Its number; 0: it is a file of this gate's own.
    pub(crate) version: u64,
    /// When it was applied, by the control plane's clock; of a file, the beginning of time.
    pub(crate) made_at: Timestamp,
    /// What claims give.
    pub(crate) mapping: Mapping,
    /// What actors may do.
    pub(crate) policies: Policies,
    /// What they were asked before.
    pub(crate) answers: Answers,
    /// The key that signed it; none: it is a file.
    key: Option<String>,
}

impl Loaded {
    /// The bundle that key `key` signed. It may take long: it is not for the event loop.
    ///
    /// # Errors
    /// If it says what cannot be decided by here.
    pub(crate) fn new(bundle: Bundle, key: String) -> Result<Self, PolicyError> {
        Ok(Self {
            version: bundle.version,
            made_at: bundle.made_at,
            mapping: bundle.document.mapping,
            policies: Policies::compile(&bundle.document.policies)?,
            answers: Answers::default(),
            key: Some(key),
        })
    }

    /// What a file of this gate's own says.
    ///
    /// # Errors
    /// If it says what cannot be decided by.
    pub(crate) fn of_file(mapping: Mapping, policies: &PolicySource) -> Result<Self, PolicyError> {
        Ok(Self {
            version: 0,
            made_at: Timestamp::from_millis(0),
            mapping,
            policies: Policies::compile(policies)?,
            answers: Answers::default(),
            key: None,
        })
    }

    /// Whether it is a file of this gate's own.
    pub(crate) const fn is_own(&self) -> bool {
        self.key.is_none()
    }

    /// The key that signed it.
    pub(super) fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }
}
