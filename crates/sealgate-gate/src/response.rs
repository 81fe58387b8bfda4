//! An answer by the gate itself.

/// An answer by the gate itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Header names, in lower case, and values.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// The stable reason code; empty for answers that refuse nothing.
    pub reason: &'static str,
}
