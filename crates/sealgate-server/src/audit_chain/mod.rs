//! The audit chain: checkpoints, retention, legal holds and verification.
