//! The hash kept in place of a random secret.

use aws_lc_rs::digest;
use sealgate_model::SecretHash;

/// The SHA-256 of `bytes`.
pub fn sha256(bytes: &[u8]) -> SecretHash {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    SecretHash::from_bytes(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_sha256() {
        let empty = sha256(b"");
        assert_eq!(empty.as_bytes()[..4], [0xe3, 0xb0, 0xc4, 0x42]);
    }
}
