//! An answer by the gate itself.

use crate::caller::Caller;

/// An answer by the gate itself.
#[derive(Debug, Clone)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Header names, in lower case, and values.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// The stable reason code; empty for answers that refuse nothing.
    pub reason: &'static str,
    /// Whose credential a refused request came with, once that is certain.
    pub caller: Option<Caller>,
}
