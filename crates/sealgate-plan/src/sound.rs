//! What names and words must be, wherever a state comes from.

use sealgate_model::ClientId;

use crate::read::MOST_THINGS;
use crate::state::{STANDARD_SCOPES, State, Word};

/// The algorithms that have a schedule.
pub const ALGORITHMS: [&str; 5] = ["EdDSA", "ES256", "RS256", "PS256", "ML-DSA-65"];

/// The longest that a key may sign, in seconds.
pub(crate) const LONGEST_SCHEDULE: u64 = 400 * 86_400;

/// What is wrong with a name of a thing of this kind, if anything is.
pub(crate) fn name(kind: &str, name: &str) -> Result<(), String> {
    if name.is_empty() || name.len() > 512 || name.chars().any(char::is_control) {
        return Err(format!(
            "{kind}: a name has 1 to 512 bytes and no control characters"
        ));
    }
    let fits = match kind {
        "client" | "machine" => {
            let parsed = name.parse::<ClientId>();
            return parsed
                .map(drop)
                .map_err(|error| format!("{kind}.{name:?}: {error}"));
        }
        "role" => {
            let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b':');
            (name.len() <= 64 && name.bytes().all(plain))
                .then_some(())
                .ok_or("a role is 1 to 64 of A-Z a-z 0-9 - _ . :")
        }
        "scope" => {
            let token = |b: u8| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
            let own = name.starts_with("sealgate:") || STANDARD_SCOPES.contains(&name);
            (name.len() <= 256 && name.bytes().all(token) && !own)
                .then_some(())
                .ok_or("a scope is 1 to 256 printable characters without space, quote or backslash, and none of those with a meaning of their own")
        }
        "keys" => ALGORITHMS
            .contains(&name)
            .then_some(())
            .ok_or("this is no algorithm that is offered: EdDSA, ES256, RS256, PS256, ML-DSA-65"),
        _ => Ok(()),
    };
    fits.map_err(|why| format!("{kind}.{name:?}: {why}"))
}

/// What is wrong with what a word is said to mean.
pub(crate) fn word(kind: &str, name: &str, word: &Word) -> Result<(), String> {
    let text = &word.description;
    if text.trim().is_empty() || text.len() > 200 || text.chars().any(char::is_control) {
        return Err(format!(
            "{kind}.{name:?}: a description has 1 to 200 bytes and no control characters"
        ));
    }
    Ok(())
}

impl State {
    /// Whether every name and word is one that can be declared, and there are not too many: of a state that did
    /// not come out of a file.
    ///
    /// # Errors
    /// What is wrong, in a sentence without its end.
    pub fn check(&self) -> Result<(), String> {
        if self.len() > MOST_THINGS {
            return Err(format!("at most {MOST_THINGS} things are declared at once"));
        }
        macro_rules! names {
            ($($part:ident),*) => {
                $(self.$part.keys().try_for_each(|one| name(stringify!($part), one))?;)*
            };
        }
        names!(client, machine, resource, role, scope, keys);
        for (kind, words) in [("role", &self.role), ("scope", &self.scope)] {
            words
                .iter()
                .try_for_each(|(name, one)| word(kind, name, one))?;
        }
        for (algorithm, schedule) in &self.keys {
            if schedule.rotate_every.0 > LONGEST_SCHEDULE {
                return Err(format!(
                    "keys.{algorithm}: a key signs for at most 400 days"
                ));
            }
        }
        Ok(())
    }
}
