//! Each record stands on all before it: their hashes, signed checkpoints, and the verification of both.
