//! Versions of the bundle of policies that gates load.

use sealgate_model::Timestamp;

/// A version that is about to be applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPolicy {
    /// What it says: one line of JSON, as `sealgate_policy::Document::to_json` writes it.
    pub document: String,
    /// Its digest, 64 characters of hexadecimal.
    pub digest: String,
    /// The version that the caller took for the last one, 0 for none; none: whichever it is.
    pub before: Option<u64>,
    /// Why, in the caller's words.
    pub note: Option<String>,
    /// The version whose document this is, when it is rolled back to.
    pub repeats: Option<u64>,
}

/// A version, without what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyVersion {
    /// Its number: from 1, each greater than the one before.
    pub version: u64,
    /// When it was applied; later than every one before.
    pub made_at: Timestamp,
    /// Its document's digest.
    pub digest: String,
    /// How long its document is, in bytes.
    pub bytes: u64,
    /// Who applied it, as the audit log calls them.
    pub by: String,
    /// Why, in their words.
    pub note: Option<String>,
    /// The version whose document it repeats.
    pub repeats: Option<u64>,
}

/// A version, and what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPolicy {
    /// The version.
    pub version: PolicyVersion,
    /// Its document, as it was applied.
    pub document: String,
}

/// What became of a version that was to be applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PolicyApplied {
    /// Gates decide by it from now on.
    Applied(PolicyVersion),
    /// It says what the last version says already: nothing was done.
    Unchanged(PolicyVersion),
    /// Another version than the caller knew is the last one: this number, or 0 for none. Nothing was done.
    Outdated(u64),
}
