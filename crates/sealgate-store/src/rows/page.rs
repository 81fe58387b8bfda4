//! A slice of a list.

/// A slice of a list: rows with an id greater than `after`, at most `limit`.
#[derive(Debug, Clone, Copy)]
pub struct Page {
    /// The last id already seen (16 bytes), if any.
    pub after: Option<[u8; 16]>,
    /// At most this many rows, 1 to 1000.
    pub limit: u32,
}

impl Default for Page {
    fn default() -> Self {
        Self {
            after: None,
            limit: 1000,
        }
    }
}
