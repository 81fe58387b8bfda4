//! What one slot of the table holds: a tag, which says what is revoked, and a value, which says how.

use std::hash::Hasher as _;

use sealgate_model::Timestamp;
use siphasher::sip::SipHasher13;

/// What kind of thing a slot is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    All,
    Tenant,
    Key,
    Client,
    User,
    Grant,
    Session,
    Token,
    UserClaims,
    ClientClaims,
    Policy,
}

impl Kind {
    /// Every kind, in the order of the counts in a table's header.
    pub(crate) const ALL: [Self; 11] = [
        Self::All,
        Self::Tenant,
        Self::Key,
        Self::Client,
        Self::User,
        Self::Grant,
        Self::Session,
        Self::Token,
        Self::UserClaims,
        Self::ClientClaims,
        Self::Policy,
    ];

    /// Its name in messages and metrics.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Tenant => "tenant",
            Self::Key => "key",
            Self::Client => "client",
            Self::User => "user",
            Self::Grant => "grant",
            Self::Session => "session",
            Self::Token => "token",
            Self::UserClaims => "user_claims",
            Self::ClientClaims => "client_claims",
            Self::Policy => "policy",
        }
    }

    pub(crate) const fn place(self) -> usize {
        self as usize
    }
}

/// Makes tags: keyed, so that nobody who does not know the key can choose two names with one tag.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tagger(SipHasher13);

/// The lowest bits of a tag are its kind, counted from one: an empty slot is zero, and slots can be counted
/// by kind.
const KIND_BITS: u64 = 0xF;

impl Tagger {
    pub(crate) fn new(key: [u64; 2]) -> Self {
        Self(SipHasher13::new_with_keys(key[0], key[1]))
    }

    /// The tag of `name` among things of `kind`: 60 bits of hash, the kind in the other four.
    pub(crate) fn tag(&self, kind: Kind, name: &[u8]) -> u64 {
        let mut hasher = self.0;
        // The kind is hashed too, or a user and a client of one name would stand in each other's way.
        hasher.write(name);
        hasher.write_u8(kind as u8);
        (hasher.finish() & !KIND_BITS) | (kind as u64 + 1)
    }
}

/// The place in [`Kind::ALL`] of a slot's kind; none if it is empty, or no view wrote it.
pub(crate) fn kind_of(tag: u64) -> Option<usize> {
    let place = usize::try_from(tag & KIND_BITS).ok()?.checked_sub(1)?;
    (place < Kind::ALL.len()).then_some(place)
}

/// A revocation in one word: 48 bits "not before" in milliseconds, 16 bits expiry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Packed(pub(crate) u64);

impl Packed {
    /// Covers whatever started, whenever. A "not before" that does not fit (past the year 10889) does too.
    const EVERYTHING: u64 = (1 << 48) - 1;

    pub(crate) fn new(not_before: Option<Timestamp>, expires_at: Timestamp) -> Self {
        let moment = not_before.map_or(Self::EVERYTHING, |moment| {
            u64::try_from(moment.as_millis().max(0))
                .map_or(Self::EVERYTHING, |millis| millis.min(Self::EVERYTHING))
        });
        Self(moment << 16 | u64::from(Span::after(expires_at).0))
    }

    /// The most restrictive of two.
    pub(crate) fn merge(self, other: Self) -> Self {
        let moment = self.moment().max(other.moment());
        Self(moment << 16 | u64::from(self.span().max(other.span()).0))
    }

    pub(crate) fn covers(self, started_at: Timestamp) -> bool {
        // What started before 1970 is before any "not before".
        let started_at = u64::try_from(started_at.as_millis()).unwrap_or(0);
        self.moment() == Self::EVERYTHING || started_at <= self.moment()
    }

    /// The last moment that it covers.
    pub(crate) fn not_before(self) -> Timestamp {
        let millis = i64::try_from(self.moment()).unwrap_or(i64::MAX);
        let everything = self.moment() == Self::EVERYTHING;
        Timestamp::from_millis(if everything { i64::MAX } else { millis })
    }

    const fn moment(self) -> u64 {
        self.0 >> 16
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "the lowest 16 bits are what is meant"
    )]
    pub(crate) const fn span(self) -> Span {
        Span(self.0 as u16)
    }
}

/// An expiry as a count of four-hour spans since 2026-01-01, rounded up. It runs out in 2055; what lies past
/// that is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Span(pub(crate) u16);

impl Span {
    pub(crate) const NEVER: Self = Self(u16::MAX);
    const ORIGIN: i64 = 1_767_225_600_000;
    const MILLIS: i64 = 4 * 3600 * 1000;

    fn after(time: Timestamp) -> Self {
        let spans = (time.as_millis().saturating_sub(Self::ORIGIN))
            .div_euclid(Self::MILLIS)
            .saturating_add(1);
        Self(u16::try_from(spans.max(0)).unwrap_or(u16::MAX))
    }

    pub(crate) fn is_over(self, now: Timestamp) -> bool {
        self != Self::NEVER && i64::from(self.0) * Self::MILLIS + Self::ORIGIN <= now.as_millis()
    }
}
