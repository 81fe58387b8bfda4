//! Content as CBOR (RFC 8949): written, and read whole.

use minicbor::{Decode, Encode};

use crate::SealError;

pub(crate) fn encode<T: Encode<()>>(content: &T) -> Result<Vec<u8>, SealError> {
    minicbor::to_vec(content).map_err(|_| SealError::Content)
}

/// Reads one item and nothing behind it.
pub(crate) fn decode<'b, T: Decode<'b, ()>>(bytes: &'b [u8]) -> Result<T, SealError> {
    let mut decoder = minicbor::Decoder::new(bytes);
    let content = decoder.decode().map_err(|_| SealError::Content)?;
    if decoder.position() == bytes.len() {
        Ok(content)
    } else {
        Err(SealError::Content)
    }
}
