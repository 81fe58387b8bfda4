//! What this gate reports to the control plane: its decisions, and how it is set up.

mod buffer;
mod decisions;
mod entry;
mod figures;
mod network;
mod sampling;
mod sender;
mod spool;
pub(crate) mod state;

use decisions::Delivery;
pub(crate) use decisions::Reports;
pub use entry::{About, Verb, trace_of};
pub use network::NetworkTold;
pub use sampling::Sampling;
