//! What comes of a write when that is more than yes or no.

use sealgate_model::GrantId;

use crate::RefreshToken;

/// What came of accepting an invitation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Accepted {
    /// The account is active.
    Done,
    /// The link was used before, has expired meanwhile, or its account is disabled; nothing changed.
    Spent,
}

/// What came of redeeming an authorization code or a device code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Redeemed {
    /// The session has started.
    Started,
    /// It was redeemed before. If it is an authorization code, the session it gave is now revoked
    /// (RFC 6749, 4.1.2).
    Reused,
    /// It has expired meanwhile, or what it came from has ended (the browser sign-in, the account, the
    /// client, the consent), or what was started then is revoked; nothing changed. Without this a code
    /// would outlive the logout that came after it.
    Ended,
}

/// What came of putting a token exchange on record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delegated {
    /// It is on record: the token may be given out.
    Done,
    /// The delegation has another id: another exchange has made it meanwhile. Nothing changed.
    Other(GrantId),
    /// It, or the delegation whose token was exchanged, is revoked or not there; nothing changed.
    Revoked,
    /// The session or the client has ended; nothing changed.
    Ended,
}

/// What came of rotating a refresh token.
#[derive(Debug, Clone)]
pub enum Rotated {
    /// This call won: the successor is stored.
    Won,
    /// Another call won; the token as it stands now, with the answer that was given.
    Lost(RefreshToken),
    /// The session is revoked or expired; nothing changed.
    Ended,
}

/// What a sweep has deleted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Swept {
    /// How many rows of each kind that can expire, by the kind's stable name, in a fixed order.
    pub rows: Vec<(&'static str, u64)>,
    /// In how many writes: one for each kind, and more where there was more than fits in one.
    pub slices: u64,
}

impl Swept {
    /// How many rows in all.
    pub fn total(&self) -> u64 {
        self.rows.iter().map(|(_, rows)| rows).sum()
    }
}
