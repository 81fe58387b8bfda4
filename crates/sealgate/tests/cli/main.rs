//! The real binary: serving, administration of a running and of a stopped control plane, refusals.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod accepting;
mod administering;
mod agents;
mod covering;
mod declaring;
mod examining;
mod harness;
mod machines;
mod operating;
mod refusing;
mod registering;
mod remote;
mod reporting;
mod restoring;
mod revoking;
mod serving;
mod tracing;
mod welcoming;
