//! A block of the log: a batch as it came, who brought it, and a hash over that and the block before.

use aws_lc_rs::digest::{Context, SHA256, digest};
use sealgate_model::Timestamp;

use super::batch::{Batch, BatchError};
use super::record::Stream;

/// The hash of a block, over everything before it in its stream. That of none is all zeros.
pub type ChainHash = [u8; 32];

/// Tells this hash from every other use of the function.
const DOMAIN: &[u8] = b"sealgate decision block v1\0";

/// What stands around a batch in the log. All of it goes into the hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockHead {
    /// The stream that it belongs to.
    pub stream: Stream,
    /// Its place in that stream, from 1 on, without gaps.
    pub place: u64,
    /// The client that the gate authenticated as.
    pub client: String,
    /// Which process of it.
    pub instance: [u8; 16],
    /// The batch's number among what that process said.
    pub sequence: u64,
    /// What the gate calls itself.
    pub gate: String,
    /// When it was kept, by the control plane's clock.
    pub kept_at: Timestamp,
}

impl BlockHead {
    /// The hash of the block with this head and a body of hash `body`, after the block with hash `before`.
    pub fn hash(&self, before: &ChainHash, body: &ChainHash) -> ChainHash {
        let mut context = Context::new(&SHA256);
        context.update(DOMAIN);
        context.update(before);
        context.update(&[self.stream.number()]);
        context.update(&self.place.to_be_bytes());
        context.update(&self.sequence.to_be_bytes());
        context.update(&self.instance);
        context.update(&self.kept_at.as_millis().to_be_bytes());
        for text in [&self.client, &self.gate] {
            // With its length before it, no two heads are the same bytes.
            context.update(&(text.len() as u64).to_be_bytes());
            context.update(text.as_bytes());
        }
        context.update(body);
        bytes(context.finish().as_ref())
    }
}

/// The hash of a batch as it came.
pub fn body_hash(body: &[u8]) -> ChainHash {
    bytes(digest(&SHA256, body).as_ref())
}

fn bytes(digest: &[u8]) -> ChainHash {
    let mut hash = ChainHash::default();
    hash.copy_from_slice(digest);
    hash
}

/// A block of the log, as it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// Its number in the log, both streams together: what readers go on after. Numbers grow.
    pub number: u64,
    /// What stands around the batch.
    pub head: BlockHead,
    /// The batch as it came.
    pub body: Vec<u8>,
}

impl Block {
    /// The batch in it.
    ///
    /// # Errors
    /// [`BatchError`] if what was kept is no batch any more.
    pub fn batch(&self) -> Result<Batch<'_>, BatchError> {
        Batch::read(&self.body)
    }
}
