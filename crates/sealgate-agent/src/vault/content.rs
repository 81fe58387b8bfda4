//! What a vault holds: secrets under names.
//!
//! Encoded as the number of entries, then for each, in the order of the names, the length of the name,
//! the name, the length of the value and the value; all numbers have 4 bytes, the most significant first.
//! It is written by hand so that no copy of a secret is left behind in a buffer that grew.

use std::collections::BTreeMap;

use sealgate_model::Secret;
use zeroize::Zeroizing;

use super::VaultError;

/// The most entries.
pub const ENTRY_LIMIT: usize = 256;
/// The longest name, in bytes.
pub const NAME_LIMIT: usize = 200;
/// The longest value, in bytes.
pub const VALUE_LIMIT: usize = 64 * 1024;

/// Secrets under names.
#[derive(Debug, Default)]
pub struct Content(BTreeMap<String, Secret>);

impl Content {
    /// The secret under `name`.
    pub fn get(&self, name: &str) -> Option<&Secret> {
        self.0.get(name)
    }

    /// Keeps `value` under `name`, in place of what was there.
    ///
    /// # Errors
    /// The name is empty, or one of the limits would be passed.
    pub fn put(&mut self, name: &str, value: Secret) -> Result<(), VaultError> {
        if name.is_empty() || name.len() > NAME_LIMIT {
            return Err(VaultError::Full("a name has 1 to 200 bytes"));
        }
        if value.expose().len() > VALUE_LIMIT {
            return Err(VaultError::Full("an entry has at most 64 KiB"));
        }
        if self.0.len() >= ENTRY_LIMIT && !self.0.contains_key(name) {
            return Err(VaultError::Full("it has at most 256 entries"));
        }
        self.0.insert(name.to_owned(), value);
        Ok(())
    }

    /// Forgets the secret under `name`; whether there was one.
    pub fn remove(&mut self, name: &str) -> bool {
        self.0.remove(name).is_some()
    }

    /// All names, in their order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The bytes that are sealed.
    pub fn encode(&self) -> Zeroizing<Vec<u8>> {
        let sizes = self
            .0
            .iter()
            .map(|(name, value)| 8 + name.len() + value.expose().len());
        // The exact size: a buffer that grew would leave secrets behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(4 + sizes.sum::<usize>()));
        number(&mut bytes, self.0.len());
        for (name, value) in &self.0 {
            for part in [name.as_str(), value.expose()] {
                number(&mut bytes, part.len());
                bytes.extend_from_slice(part.as_bytes());
            }
        }
        bytes
    }

    /// Reads what [`Content::encode`] wrote, and nothing else.
    ///
    /// # Errors
    /// It is anything else: cut, with more behind it, out of order, twice the same, or past a limit.
    pub fn decode(bytes: &[u8]) -> Result<Self, VaultError> {
        let mut rest = bytes;
        let count = length(&mut rest, ENTRY_LIMIT)?;
        let mut content = BTreeMap::new();
        for _ in 0..count {
            let name = text(&mut rest, NAME_LIMIT)?;
            let value = text(&mut rest, VALUE_LIMIT)?;
            let last = content
                .last_key_value()
                .map(|(last, _): (&String, _)| last.as_str());
            if name.is_empty() || last.is_some_and(|last| last >= name) {
                return Err(VaultError::Malformed("its entries are out of order"));
            }
            content.insert(name.to_owned(), Secret::new(value));
        }
        if rest.is_empty() {
            Ok(Self(content))
        } else {
            Err(VaultError::Malformed("there is more behind its entries"))
        }
    }
}

fn number(bytes: &mut Vec<u8>, number: usize) {
    // All limits are far below.
    bytes.extend_from_slice(&u32::try_from(number).unwrap_or(u32::MAX).to_be_bytes());
}

fn length(rest: &mut &[u8], limit: usize) -> Result<usize, VaultError> {
    let (head, tail) = rest.split_first_chunk().ok_or(CUT)?;
    *rest = tail;
    let length = u32::from_be_bytes(*head) as usize;
    if length > limit {
        return Err(VaultError::Malformed("an entry is past a limit"));
    }
    Ok(length)
}

fn text<'a>(rest: &mut &'a [u8], limit: usize) -> Result<&'a str, VaultError> {
    let length = length(rest, limit)?;
    let (head, tail) = rest.split_at_checked(length).ok_or(CUT)?;
    *rest = tail;
    std::str::from_utf8(head).map_err(|_| VaultError::Malformed("an entry is no text"))
}

const CUT: VaultError = VaultError::Malformed("it ends too early");
