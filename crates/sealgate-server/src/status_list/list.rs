//! Token status lists (draft-ietf-oauth-status-list-20): one bit for each token, for resources that follow no
//! feed.

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use serde::{Deserialize, Serialize};

/// The type of a status list token (draft, 5.1).
pub(crate) const STATUS_LIST_TYPE: &str = "statuslist+jwt";

/// The `status` of a token: where it is looked up (draft, 6.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StatusClaim {
    /// The one way there is.
    pub(crate) status_list: StatusPlace,
}

/// A place in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StatusPlace {
    /// Which bit, from 0.
    pub(crate) idx: u32,
    /// Where the list is, which is also its `sub`.
    pub(crate) uri: String,
}

/// The claims of a status list token (draft, 5.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StatusListClaims {
    /// Who says it.
    pub(crate) iss: String,
    /// The list's own address.
    pub(crate) sub: String,
    /// When it was made, in seconds since 1970.
    pub(crate) iat: i64,
    /// From when on it must not be believed.
    pub(crate) exp: i64,
    /// For how many seconds it may be kept before it is asked for anew.
    pub(crate) ttl: u64,
    /// The list.
    pub(crate) status_list: StatusListForm,
}

/// A list as it is written (draft, 4.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StatusListForm {
    /// Bits per token.
    pub(crate) bits: u8,
    /// The bits, zlib-compressed, in base64url.
    pub(crate) lst: String,
}

/// One bit for each token: set where it is revoked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StatusList(Vec<u8>);

impl StatusList {
    /// A list of `size` tokens, none of them revoked. `size` is rounded up to whole bytes.
    pub(crate) fn new(size: u32) -> Self {
        Self(vec![0; size.div_ceil(8) as usize])
    }

    /// Says that the token at `idx` is revoked; of one that is not in the list nothing.
    pub(crate) fn revoke(&mut self, idx: u32) {
        if let Some(byte) = self.0.get_mut((idx / 8) as usize) {
            *byte |= 1 << (idx % 8);
        }
    }

    #[cfg(test)]
    fn is_revoked(&self, idx: u32) -> bool {
        let byte = self.0.get((idx / 8) as usize);
        byte.is_some_and(|byte| byte >> (idx % 8) & 1 == 1)
    }

    /// The list as it is written.
    pub(crate) fn form(&self) -> std::io::Result<StatusListForm> {
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::best());
        zlib.write_all(&self.0)?;
        Ok(StatusListForm {
            bits: 1,
            lst: URL_SAFE_NO_PAD.encode(zlib.finish()?),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use proptest::prelude::*;

    use super::*;

    fn read(form: &StatusListForm) -> Vec<u8> {
        let bytes = URL_SAFE_NO_PAD.decode(&form.lst).unwrap();
        let mut plain = Vec::new();
        flate2::read::ZlibDecoder::new(&bytes[..])
            .read_to_end(&mut plain)
            .unwrap();
        plain
    }

    #[test]
    fn the_example_of_the_draft_comes_out() {
        // Section 4.1: bits from the least significant on.
        let mut list = StatusList::new(16);
        for idx in [0, 3, 4, 5, 7, 8, 9, 13, 15] {
            list.revoke(idx);
        }
        assert_eq!(list.0, [0xb9, 0xa3]);
        let published = StatusListForm {
            bits: 1,
            lst: "eNrbuRgAAhcBXQ".to_owned(),
        };
        assert_eq!(read(&published), list.0);
        assert_eq!(read(&list.form().unwrap()), list.0);
    }

    proptest! {
        #[test]
        fn what_is_revoked_is_all_that_is(size in 1..5000_u32, some in proptest::collection::btree_set(0..6000_u32, 0..40)) {
            let mut list = StatusList::new(size);
            for idx in &some {
                list.revoke(*idx);
            }
            let told = size.next_multiple_of(8);
            for idx in 0..6000 {
                prop_assert_eq!(list.is_revoked(idx), idx < told && some.contains(&idx));
            }
            prop_assert_eq!(read(&list.form().unwrap()), list.0);
        }
    }
}
