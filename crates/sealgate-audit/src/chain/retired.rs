//! Ranges of records that were taken away under the declared retention.

use serde::{Deserialize, Serialize};

use super::Hash;

/// What the list of ranges is hashed after.
const RANGES: &[u8] = b"sealgate audit retired 1\n";

/// Records that are gone, and what the next one stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retired {
    /// The first one's number.
    pub first: i64,
    /// The last one's number.
    pub last: i64,
    /// The last one's hash.
    pub after: Hash,
    /// The number of the `audit.retire` record that tells of it.
    pub by: i64,
}

/// What an `audit.retire` record says, as its `object`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetiredNote {
    /// How many records went.
    pub records: u64,
    /// In how many ranges.
    pub ranges: u64,
    /// The hash of the ranges.
    pub digest: Hash,
}

impl RetiredNote {
    /// The note of `ranges`, which are in order.
    pub fn of(ranges: &[Retired]) -> Self {
        let mut bytes = RANGES.to_vec();
        let mut records = 0_u64;
        for range in ranges {
            bytes.extend_from_slice(&range.first.to_be_bytes());
            bytes.extend_from_slice(&range.last.to_be_bytes());
            bytes.extend_from_slice(range.after.as_bytes());
            let many = range.last.saturating_sub(range.first).saturating_add(1);
            records = records.saturating_add(u64::try_from(many).unwrap_or(0));
        }
        Self {
            records,
            ranges: ranges.len() as u64,
            digest: Hash::of(&bytes),
        }
    }

    /// What such a record says; none if it says something else.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(' ');
        let mut number = |name: &str| {
            let digits = parts.next()?.strip_prefix(name)?.strip_prefix('=')?;
            let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            plain.then(|| digits.parse::<u64>().ok()).flatten()
        };
        let (records, ranges) = (number("records")?, number("ranges")?);
        let digest = parts.next()?.strip_prefix("digest=")?.parse().ok()?;
        parts.next().is_none().then_some(Self {
            records,
            ranges,
            digest,
        })
    }
}

impl std::fmt::Display for RetiredNote {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            records,
            ranges,
            digest,
        } = self;
        write!(f, "records={records} ranges={ranges} digest={digest}")
    }
}
