//! Which uses of service accounts were noted of late, so that a busy one is no load on the store.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sealgate_model::{ClientId, Uptime};
use sealgate_store::UseKind;

/// How long after a use was noted the next one of the same thing is not: an hour, and some for what lies
/// between the request and the note.
const NOTED: Duration = Duration::from_secs(60 * 60 + 5);

/// The most clients that are remembered. Of more each use is offered to the store, which writes one in an hour all
/// the same.
const CLIENTS: usize = 4096;

/// The most things that are remembered of one client. No client is registered for as many.
const THINGS: usize = 128;

/// What was noted of late. There is a bound on how much is kept.
#[derive(Debug, Default)]
pub struct UseMemory(Mutex<HashMap<ClientId, Vec<Noted>>>);

#[derive(Debug)]
struct Noted {
    kind: UseKind,
    name: String,
    at: Uptime,
}

impl UseMemory {
    /// Nothing noted yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Those of `what` that are to be noted now, and that count as noted from now on.
    pub(super) fn due<'a>(
        &self,
        client: &ClientId,
        what: impl Iterator<Item = (UseKind, &'a str)>,
        now: Uptime,
    ) -> Vec<(UseKind, String)> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !all.contains_key(client) {
            if all.len() >= CLIENTS {
                let is_recent = |noted: &Noted| now.since(noted.at) < NOTED;
                all.retain(|_, known| known.iter().any(is_recent));
            }
            if all.len() >= CLIENTS {
                return what.map(|(kind, name)| (kind, name.to_owned())).collect();
            }
            all.insert(client.clone(), Vec::new());
        }
        let Some(known) = all.get_mut(client) else {
            return Vec::new();
        };
        let mut due = Vec::new();
        for (kind, name) in what {
            let same = |noted: &&mut Noted| noted.kind == kind && noted.name == name;
            match known.iter_mut().find(same) {
                Some(noted) if now.since(noted.at) < NOTED => continue,
                Some(noted) => noted.at = now,
                None => {
                    if known.len() >= THINGS {
                        known.retain(|noted| now.since(noted.at) < NOTED);
                    }
                    if known.len() < THINGS {
                        let name = name.to_owned();
                        known.push(Noted {
                            kind,
                            name,
                            at: now,
                        });
                    }
                }
            }
            due.push((kind, name.to_owned()));
        }
        due
    }

    /// Forgets what was noted of a client, where it may not have been written.
    pub(super) fn forget(&self, client: &ClientId) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.remove(client);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: u64) -> Uptime {
        Uptime::from_elapsed(Duration::from_secs(seconds))
    }

    const TOKEN: (UseKind, &str) = (UseKind::Token, "");
    const READ: (UseKind, &str) = (UseKind::Scope, "expenses:read");

    #[test]
    fn a_use_is_due_once_an_hour_and_each_thing_by_itself() {
        let (memory, robot) = (UseMemory::new(), "robot".parse().unwrap());
        let due = |what: &[(UseKind, &'static str)], now| {
            memory.due(&robot, what.iter().copied(), at(now)).len()
        };
        assert_eq!(due(&[TOKEN, READ], 0), 2);
        assert_eq!(due(&[TOKEN, READ], 3_600), 0);
        assert_eq!(
            due(&[TOKEN, (UseKind::Resource, "expenses:read")], 3_600),
            1
        );
        assert_eq!(due(&[TOKEN, READ], 3_605), 2);
        let other = "other".parse().unwrap();
        assert_eq!(memory.due(&other, [TOKEN].into_iter(), at(0)).len(), 1);
        memory.forget(&robot);
        assert_eq!(due(&[TOKEN], 3_606), 1);
    }

    #[test]
    fn of_more_clients_than_it_keeps_every_use_is_due() {
        let memory = UseMemory::new();
        for number in 0..CLIENTS {
            let client = format!("c{number}").parse().unwrap();
            memory.due(&client, [TOKEN].into_iter(), at(0));
        }
        let more = "more".parse().unwrap();
        for _ in 0..2 {
            assert_eq!(memory.due(&more, [TOKEN].into_iter(), at(0)).len(), 1);
        }
        assert_eq!(memory.0.lock().unwrap().len(), CLIENTS);
        // What was noted long ago makes room.
        assert_eq!(memory.due(&more, [TOKEN].into_iter(), at(4_000)).len(), 1);
        assert_eq!(memory.due(&more, [TOKEN].into_iter(), at(4_000)).len(), 0);
    }

    proptest! {
        #[test]
        fn whatever_is_used_nothing_is_due_twice_in_an_hour(
            uses in proptest::collection::vec((0u64..600, 0usize..160), 1..400)
        ) {
            let (memory, robot) = (UseMemory::new(), "robot".parse().unwrap());
            let mut now = 0;
            let mut last: HashMap<usize, u64> = HashMap::new();
            for (pause, name) in uses {
                now += pause;
                let text = name.to_string();
                let due = memory.due(&robot, [(UseKind::Scope, text.as_str())].into_iter(), at(now));
                let before = last.get(&name).copied();
                let known = memory.0.lock().unwrap()[&robot].len();
                prop_assert!(known <= THINGS);
                if !due.is_empty() && known < THINGS {
                    prop_assert!(before.is_none_or(|before| now - before >= 3_600));
                }
                if !due.is_empty() {
                    last.insert(name, now);
                }
            }
        }
    }
}
