//! What a follower asks of its caller, and why.

/// What the caller has to do after an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Nothing: go on reading.
    Continue,
    /// Close the stream, fetch a snapshot, open the stream anew from [`Follower::position`]. Wait a
    /// little, and longer each time in a row.
    Resync(ResyncReason),
    /// Nothing: the message told nothing new.
    Ignore(IgnoreReason),
}

/// Why a snapshot is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResyncReason {
    /// There has been none yet.
    Start,
    /// A message is missing before this one.
    Gap,
    /// The message is of another history.
    OtherEpoch,
    /// The control plane knows less than it did.
    Rollback,
    /// The control plane cannot go on from where this view stands.
    Reset,
    /// Messages arrive, but too late to keep the view fresh.
    Behind,
    /// The clocks were last tied together too long ago to trust that they run alike.
    AnchorOld,
    /// The snapshot is not newer than what is known.
    OldSnapshot,
    /// What was handed over as a snapshot is none.
    NotASnapshot,
    /// A revocation found no room in memory; a snapshot shows whether there is room again.
    NoRoom,
}

impl ResyncReason {
    /// The stable reason code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Start => "feed_start",
            Self::Gap => "feed_gap",
            Self::OtherEpoch => "feed_epoch_other",
            Self::Rollback => "feed_rollback",
            Self::Reset => "feed_reset",
            Self::Behind => "feed_behind",
            Self::AnchorOld => "feed_anchor_old",
            Self::OldSnapshot => "feed_snapshot_old",
            Self::NotASnapshot => "feed_snapshot_missing",
            Self::NoRoom => "feed_no_room",
        }
    }
}

/// Why a message told nothing new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IgnoreReason {
    /// A revocation that is known already.
    Duplicate,
    /// Not newer than the newest message: a replay, or a message that was overtaken.
    Replayed,
    /// Waiting for a snapshot, which alone can restore freshness.
    Resyncing,
}

impl IgnoreReason {
    /// The stable reason code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Duplicate => "feed_duplicate",
            Self::Replayed => "feed_replayed",
            Self::Resyncing => "feed_resyncing",
        }
    }
}
