//! What a verification finds.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Hash;

/// The kinds of findings. The words are stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// A record does not have its hash: something in it or the hash was changed.
    Altered,
    /// Records are gone, and no retention tells of it.
    Removed,
    /// Records were put between others, whose numbers were moved.
    Inserted,
    /// A record stands in another one's place.
    Reordered,
    /// A checkpoint knows later records than there are.
    Truncated,
    /// Records have good hashes and are not those that a checkpoint was signed over.
    Rewritten,
    /// A checkpoint that was kept elsewhere is of another history of the same records.
    Fork,
    /// A stored checkpoint is not a checkpoint, or says another number than it is kept under.
    CheckpointMalformed,
    /// The signature of a checkpoint does not hold.
    CheckpointSignature,
    /// A checkpoint names a key that nobody vouches for.
    CheckpointKeyUnknown,
    /// A checkpoint was signed by a key after it was out of use.
    CheckpointKeyGone,
    /// A checkpoint does not follow the one before: one was removed or put between.
    CheckpointChain,
    /// A range is called retired, and no `audit.retire` record in the chain tells of it.
    RetiredUnrecorded,
    /// An `audit.retire` record does not agree with the ranges that are kept for it.
    RetireMismatch,
    /// A range is called retired, and records of it are there.
    RetiredPresent,
    /// A hold that a record tells of is gone, or another one.
    HoldAltered,
}

impl FindingKind {
    /// All of them.
    pub const ALL: [Self; 16] = [
        Self::Altered,
        Self::Removed,
        Self::Inserted,
        Self::Reordered,
        Self::Truncated,
        Self::Rewritten,
        Self::Fork,
        Self::CheckpointMalformed,
        Self::CheckpointSignature,
        Self::CheckpointKeyUnknown,
        Self::CheckpointKeyGone,
        Self::CheckpointChain,
        Self::RetiredUnrecorded,
        Self::RetireMismatch,
        Self::RetiredPresent,
        Self::HoldAltered,
    ];

    /// The word for it in JSON and output.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Altered => "altered",
            Self::Removed => "removed",
            Self::Inserted => "inserted",
            Self::Reordered => "reordered",
            Self::Truncated => "truncated",
            Self::Rewritten => "rewritten",
            Self::Fork => "fork",
            Self::CheckpointMalformed => "checkpoint_malformed",
            Self::CheckpointSignature => "checkpoint_signature",
            Self::CheckpointKeyUnknown => "checkpoint_key_unknown",
            Self::CheckpointKeyGone => "checkpoint_key_gone",
            Self::CheckpointChain => "checkpoint_chain",
            Self::RetiredUnrecorded => "retired_unrecorded",
            Self::RetireMismatch => "retire_mismatch",
            Self::RetiredPresent => "retired_present",
            Self::HoldAltered => "hold_altered",
        }
    }
}

/// Something that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What.
    pub kind: FindingKind,
    /// The first record that it is about, by its number.
    pub first: i64,
    /// The last one.
    pub last: i64,
    /// The same in words.
    pub detail: String,
}

/// What was verified, and what was found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// How many records were verified.
    pub records: u64,
    /// The first one's number; 0 if there is none.
    pub first: i64,
    /// The last one's number.
    pub last: i64,
    /// The last one's hash.
    pub head: Option<Hash>,
    /// How many checkpoints hold.
    pub checkpoints: u64,
    /// The last record that a good checkpoint was signed over; later ones have nobody's signature yet.
    pub signed: i64,
    /// How many records were retired, each told by a chained record.
    pub retired: u64,
    /// The findings, in order of their numbers; the first thousand of them.
    pub findings: Vec<Finding>,
    /// How many there are of each kind.
    pub counts: BTreeMap<FindingKind, u64>,
}

/// How many findings are told one by one.
const TOLD: usize = 1000;

impl Report {
    /// Whether everything is as it was written.
    pub fn is_sound(&self) -> bool {
        self.counts.is_empty()
    }

    pub(super) fn find(&mut self, kind: FindingKind, first: i64, last: i64, detail: String) {
        *self.counts.entry(kind).or_default() += 1;
        if self.findings.len() < TOLD {
            self.findings.push(Finding {
                kind,
                first,
                last,
                detail,
            });
        }
    }
}
