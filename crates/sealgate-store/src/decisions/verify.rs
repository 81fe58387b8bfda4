//! Going through the chain.

use rusqlite::{Connection, params};
use sealgate_audit::decision::{Batch, BlockHead, ChainHash, Index, Stream, body_hash};

use super::read::{HEAD, head};
use super::writer::{signed, unsigned};
use crate::StoreError;

/// What was found by going through blocks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verified {
    /// How many blocks were looked at.
    pub blocks: u64,
    /// How many of them have let go of their batch.
    pub retired: u64,
    /// The decisions in the others.
    pub decisions: u64,
    /// What does not fit, at most a hundred.
    pub faults: Vec<Fault>,
    /// The place of the last one, and its hash as it is worked out: where to go on.
    pub through: u64,
    /// Whether there are more.
    pub more: bool,
    /// The hashes of the blocks that were looked at, the last at place `through`.
    hashes: Vec<ChainHash>,
}

impl Verified {
    /// The hash of the block at `place`, if it was looked at.
    pub fn hash_at(&self, place: u64) -> Option<ChainHash> {
        let back = usize::try_from(self.through.checked_sub(place)?).ok()?;
        let index = self.hashes.len().checked_sub(back + 1)?;
        self.hashes.get(index).copied()
    }
}

/// Something that does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The place in the stream.
    pub place: u64,
    /// What is wrong there.
    pub kind: FaultKind,
}

/// What may be wrong with a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// Blocks before it are gone, and nothing says that they were let go of.
    Missing,
    /// Its hash is not that of its head, its batch and the block before.
    Hash,
    /// Its batch is not the one that its hash is over.
    Body,
    /// Its batch cannot be read, or is not of that stream, process or number.
    Batch,
    /// What it is found by is not what is in it.
    Index,
}

impl FaultKind {
    /// The stable reason code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Missing => "decisions_block_missing",
            Self::Hash => "decisions_block_hash",
            Self::Body => "decisions_block_body",
            Self::Batch => "decisions_block_batch",
            Self::Index => "decisions_block_index",
        }
    }
}

/// The most faults that are told.
const FAULTS: usize = 100;

/// Goes through up to `limit` blocks of `stream` after place `after`.
pub(super) fn verify(
    connection: &Connection,
    stream: Stream,
    after: u64,
    limit: u32,
) -> Result<Verified, StoreError> {
    let mut verified = Verified {
        through: after,
        ..Verified::default()
    };
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {HEAD}, first_at, last_at, rows, decisions, hash, body_hash, idx, body FROM block
         WHERE stream = ?1 AND place >= ?2 ORDER BY place LIMIT ?3"
    ))?;
    // From the block that the first one stands on.
    let many = i64::from(limit) + 2;
    let mut rows = statement.query(params![stream.number(), signed(after), many])?;
    let mut before: Option<(u64, ChainHash)> = (after == 0).then_some((0, ChainHash::default()));
    while let Some(row) = rows.next()? {
        let (_, head) = head(row)?;
        let hash: ChainHash = row.get("hash")?;
        if head.place <= after {
            before = Some((head.place, hash));
            continue;
        }
        if verified.blocks == u64::from(limit) {
            verified.more = true;
            break;
        }
        verified.blocks += 1;
        verified.through = head.place;
        let digest: ChainHash = row.get("body_hash")?;
        let body: Option<Vec<u8>> = row.get("body")?;
        let mut faults = Vec::new();
        match before {
            Some((place, last)) if place + 1 == head.place => {
                if head.hash(&last, &digest) != hash {
                    faults.push(FaultKind::Hash);
                }
            }
            // The first one that is left stands on what was let go of, if it was itself.
            _ if body.is_none() && verified.blocks == 1 => {}
            _ => faults.push(FaultKind::Missing),
        }
        match body {
            None => verified.retired += 1,
            Some(body) => {
                verified.decisions += unsigned(row.get("decisions")?);
                faults.extend(body_fault(row, &head, &digest, &body)?);
            }
        }
        before = Some((head.place, hash));
        verified.hashes.push(hash);
        let room = FAULTS - verified.faults.len().min(FAULTS);
        let place = head.place;
        let told = faults.into_iter().map(|kind| Fault { place, kind });
        verified.faults.extend(told.take(room));
    }
    Ok(verified)
}

fn body_fault(
    row: &rusqlite::Row<'_>,
    head: &BlockHead,
    digest: &ChainHash,
    body: &[u8],
) -> Result<Option<FaultKind>, StoreError> {
    if body_hash(body) != *digest {
        return Ok(Some(FaultKind::Body));
    }
    let Ok(batch) = Batch::read(body) else {
        return Ok(Some(FaultKind::Batch));
    };
    let is_its = batch.stream() == head.stream
        && *batch.instance() == head.instance
        && batch.sequence() == head.sequence
        && batch.gate() == head.gate;
    if !is_its {
        return Ok(Some(FaultKind::Batch));
    }
    // These are not in the hash, for they follow from what is.
    let lengths = batch.lengths();
    let index: Option<Vec<u8>> = row.get("idx")?;
    let is_found = row.get::<_, i64>("first_at")? == lengths.first.as_millis()
        && row.get::<_, i64>("last_at")? == lengths.last.as_millis()
        && unsigned(row.get("decisions")?) == lengths.decisions
        && index.as_deref() == Some(Index::of(&batch).as_bytes());
    Ok((!is_found).then_some(FaultKind::Index))
}
