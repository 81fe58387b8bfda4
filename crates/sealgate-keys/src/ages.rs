//! How long keys have been what they are, whatever becomes of the wall clock meanwhile.
//!
//! The store knows when a key changed by the wall clock of that moment. A clock that is set forward
//! would make a key of a second ago look old enough to sign, and one that retired a second ago ready to
//! go; set back, it would hold everything up for years. So an age is taken from the wall clock once, when
//! the process first sees the keys, and counts by the process's own uptime from then on.

use std::collections::HashMap;
use std::time::Duration;

use sealgate_jose::Algorithm;
use sealgate_model::{Timestamp, Uptime};
use sealgate_store::{KeyRow, KeyState};

use crate::KeyError;
use crate::life::Key;

/// The keys' ages, by their ids.
#[derive(Debug, Default)]
pub(crate) struct Ages {
    seen: HashMap<String, Seen>,
    /// Whether the keys have been seen before, so that what is new is new, not just unknown.
    started: bool,
}

#[derive(Debug, Clone, Copy)]
struct Seen {
    state: KeyState,
    published: Age,
    changed: Age,
}

/// An age that was `then` at `at`.
#[derive(Debug, Clone, Copy)]
struct Age {
    then: Duration,
    at: Uptime,
}

impl Age {
    fn at(self, uptime: Uptime) -> Duration {
        self.then + uptime.since(self.at)
    }
}

impl Ages {
    /// Takes note of the keys as they are at `now` and `uptime`.
    pub(crate) fn observe(&mut self, rows: &[KeyRow], now: Timestamp, uptime: Uptime) {
        self.seen
            .retain(|kid, _| rows.iter().any(|row| row.kid == *kid));
        let started = self.started;
        let age = |since: Timestamp| Age {
            then: if started {
                Duration::ZERO
            } else {
                now.since(since)
            },
            at: uptime,
        };
        for row in rows {
            let published = self.seen.get(&row.kid).map(|seen| seen.published);
            let published = published.unwrap_or_else(|| age(row.created_at));
            match self.seen.get(&row.kid) {
                Some(seen) if seen.state == row.state => {}
                _ => {
                    let seen = Seen {
                        state: row.state,
                        published,
                        changed: age(row.changed_at),
                    };
                    self.seen.insert(row.kid.clone(), seen);
                }
            }
        }
        self.started = true;
    }

    /// The keys with the times that their ages make of `now`. They must have been observed.
    pub(crate) fn keys(
        &self,
        rows: &[KeyRow],
        now: Timestamp,
        uptime: Uptime,
    ) -> Result<Vec<Key<String>>, KeyError> {
        let key = |row: &KeyRow| {
            let unreadable = || KeyError::Unreadable(row.kid.clone());
            let seen = self.seen.get(&row.kid).ok_or_else(unreadable)?;
            Ok(Key {
                name: row.kid.clone(),
                algorithm: Algorithm::parse(&row.algorithm).ok_or_else(unreadable)?,
                state: row.state,
                published_at: now - seen.published.at(uptime),
                changed_at: now - seen.changed.at(uptime),
            })
        };
        rows.iter().map(key).collect()
    }
}

#[cfg(test)]
mod tests;
