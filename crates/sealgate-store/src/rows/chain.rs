//! Rows of the audit chain beside the records themselves.

use sealgate_audit::chain::Hash;
use sealgate_model::{ClientId, Timestamp, UserId};
use serde::Serialize;

use crate::Outcome;

/// How much of callers' addresses records keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NetworkDetail {
    /// The address.
    #[default]
    Full,
    /// The network: 24 bits of an IPv4 address, 48 of an IPv6 address.
    Prefix,
    /// Nothing.
    None,
}

/// The newest record of the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChainHead {
    /// Its number; 0 if there is none.
    pub number: i64,
    /// Its hash.
    pub hash: Hash,
}

/// A signed checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The newest record when it was signed.
    pub number: i64,
    /// When that was.
    pub at: Timestamp,
    /// The key that signed it.
    pub kid: String,
    /// The compact JWS.
    pub token: String,
}

/// The public key of checkpoints, sealed by the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditKey {
    /// Its id.
    pub kid: String,
    /// The JWK as JSON, sealed.
    pub sealed_jwk: String,
}

/// What is held: records that fit everything that is named.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct HoldScope {
    /// Those about this user, or done by them.
    pub user: Option<UserId>,
    /// Those about this client, by it or through it.
    pub client: Option<ClientId>,
    /// Those of this actor, as records name it.
    pub actor: Option<String>,
    /// Those of this request.
    pub trace: Option<String>,
    /// Those of this time or later.
    pub since: Option<Timestamp>,
    /// Those of before this time.
    pub until: Option<Timestamp>,
}

/// A legal hold: records that are not retired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// Its number; 0 until it is stored.
    pub id: i64,
    /// When it was made.
    pub made_at: Timestamp,
    /// By whom, as records name actors.
    pub made_by: String,
    /// Why, in the words of whoever made it.
    pub reason: String,
    /// What is held.
    pub scope: HoldScope,
    /// When it was released; none while it holds.
    pub released_at: Option<Timestamp>,
    /// By whom.
    pub released_by: Option<String>,
}

/// A slice of the retirement of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetireSlice {
    /// Which stream.
    pub stream: Outcome,
    /// Records with a number up to this have been looked at.
    pub after: i64,
    /// Those of before this time go.
    pub before: Timestamp,
    /// So many are looked at.
    pub limit: u32,
}

/// What a slice did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RetiredSlice {
    /// Records that are gone.
    pub records: u64,
    /// Records that a hold kept.
    pub held: u64,
    /// Up to which number everything was looked at.
    pub after: i64,
    /// Whether there may be more to retire now.
    pub more: bool,
}
