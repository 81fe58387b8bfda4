//! Writers that die at every word in turn, and what the next process finds.

use std::sync::Arc;

use super::*;
use crate::Memory;
use crate::model::Mortal;
use crate::words::death;

/// Enough for two growths of the smallest table.
const ENTRIES: u8 = 30;
const SWEEP_AFTER: u8 = 20;

fn numbered(number: u8) -> Entry {
    let name = format!("n{}", number / 5);
    let not_before = at(i64::from(number));
    let subject = match number % 5 {
        0 => Subject::Session(id(number)),
        1 => Subject::User {
            sub: name,
            not_before,
        },
        2 => Subject::Token { jti: name },
        3 => Subject::UserClaims {
            sub: name,
            not_before,
        },
        // One subject, time and again.
        _ => Subject::All { not_before },
    };
    let days = if is_short(number) { 1 } else { 10 };
    Entry {
        subject,
        expires_at: at(days * 86_400),
        reason: None,
    }
}

fn is_short(number: u8) -> bool {
    number.is_multiple_of(3) && number % 5 != 4
}

/// Whether `view` knows of it, by the one question that it alone answers.
fn is_known(view: &View, number: u8) -> bool {
    let name = format!("n{}", number / 5);
    let moment = at(i64::from(number));
    let nothing = Credential {
        session: None,
        subject: None,
        key: None,
        token: None,
        started_at: at(1_000),
        ..credential(0)
    };
    match number % 5 {
        0 => {
            let session = Some(id(number));
            view.check(&Credential { session, ..nothing }) == Some(RevokedBy::Session)
        }
        2 => {
            let token = Some(name.as_str());
            view.check(&Credential { token, ..nothing }) == Some(RevokedBy::Token)
        }
        3 => view.is_outdated(Some(&name), "app", moment),
        1 => {
            let user = Credential {
                subject: Some(&name),
                started_at: moment,
                ..nothing
            };
            view.check(&user).is_some()
        }
        _ => {
            let any = Credential {
                started_at: moment,
                ..nothing
            };
            view.check(&any) == Some(RevokedBy::All)
        }
    }
}

/// The memory of some processes: one writes, and dies when it is told to; another has only ever read.
struct House {
    memory: Arc<Mortal>,
    writer: View,
    reader: View,
    swept: bool,
}

impl House {
    fn open() -> Self {
        let memory = Arc::new(Mortal::default());
        let view = || View::over(Arc::<Mortal>::clone(&memory) as Arc<dyn Memory>).unwrap();
        Self {
            writer: view(),
            reader: view(),
            memory,
            swept: false,
        }
    }

    /// Does `deed`, once more in another process if the first one died over it.
    fn survive(&mut self, deed: impl Fn(&View)) {
        deed(&self.writer);
        if !death::is_dead() {
            return;
        }
        death::never();
        self.writer = View::over(Arc::<Mortal>::clone(&self.memory) as Arc<dyn Memory>).unwrap();
        self.compare();
        deed(&self.writer);
    }

    fn live_through_it(&mut self) {
        for number in 0..ENTRIES {
            let proves = Uptime::from_elapsed(Duration::from_millis(u64::from(number) + 1));
            self.survive(|view| {
                view.insert(&numbered(number));
                view.prove(proves);
            });
            if number == SWEEP_AFTER {
                self.swept = true;
                self.survive(|view| view.sweep(at(5 * 86_400)));
            }
            self.compare();
        }
    }

    /// Both know whatever is said to be proven, unless it has expired.
    fn compare(&self) {
        let proven = self
            .reader
            .proven()
            .map_or(0, |moment| moment.elapsed().as_millis());
        for number in (0..ENTRIES).filter(|number| u128::from(*number) < proven) {
            let forgotten = self.swept && is_short(number) && number <= SWEEP_AFTER;
            for view in [&self.reader, &self.writer] {
                assert!(forgotten || is_known(view, number), "{number} of {proven}");
            }
        }
    }
}

#[test]
fn whichever_word_is_a_writers_last_nothing_proven_is_lost_and_nothing_is_counted_twice() {
    death::after(u64::MAX - 1);
    let mut undisturbed = House::open();
    undisturbed.live_through_it();
    let writes = u64::MAX - 1 - death::left();
    let counts: Vec<_> = undisturbed.reader.len_by_kind().collect();
    assert_eq!(undisturbed.reader.len(), 19);
    assert!(writes > 300, "{writes}");
    for last in 0..writes {
        death::never();
        let mut house = House::open();
        death::after(last + 1);
        house.live_through_it();
        death::never();
        let found: Vec<_> = house.reader.len_by_kind().collect();
        assert_eq!(found, counts, "died after {last}");
    }
}

#[test]
fn a_memory_whose_first_writer_died_over_setting_it_up_is_set_up_by_the_next() {
    for last in 0..12 {
        let memory = Arc::new(Mortal::default());
        let view = || View::over(Arc::<Mortal>::clone(&memory) as Arc<dyn Memory>);
        death::after(last);
        drop(view());
        death::never();
        let view = view().unwrap();
        view.insert(&numbered(0));
        assert!(is_known(&view, 0), "{last}");
    }
}
