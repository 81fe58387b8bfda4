//! What gates report of their decisions: the record, batches of them, and their form on the wire.
//!
//! A gate puts records into a [`Draft`] and sends what [`Draft::encode`] makes of it. Whoever receives it reads it
//! with [`Batch::read`], which allocates next to nothing: a batch is a dictionary of texts and columns of numbers.
//! What is kept is a [`Block`]: the batch as it came, who brought it, and a hash over all that and the block before.

mod batch;
mod block;
mod draft;
mod index;
mod record;

pub use batch::{Batch, BatchError, LeftOut, Lengths};
pub use block::{Block, BlockHead, ChainHash, body_hash};
pub use draft::{Draft, DraftFull};
pub use index::Index;
pub use record::{Decided, Outcome, Stream, Trace};

/// The version of the form on the wire.
pub const VERSION: u64 = 1;
/// The media type of a batch.
pub const MEDIA_TYPE: &str = "application/vnd.sealgate.decisions+cbor";
/// The longest batch, in bytes: what the control plane reads of any request before it knows whose it is.
pub const BATCH_LIMIT: usize = 64 * 1024;
/// The most rows of a batch.
pub const ROWS_LIMIT: usize = 4_096;
/// The most texts that a batch may name.
pub const TEXTS_LIMIT: usize = 16_384;
/// The longest of these, in bytes.
pub const TEXT_LIMIT: usize = 1_024;

#[cfg(test)]
mod tests;
