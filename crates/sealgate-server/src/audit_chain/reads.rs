//! Who reads the records: on record itself, once in a while for each reader.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sealgate_model::Uptime;

/// How long a reader's further reading goes with what is on record: whoever follows the log reads it every
/// second.
const TOGETHER: Duration = Duration::from_secs(3600);

/// How many readers are told apart. With more, each reading is on record.
const READERS: usize = 1024;

/// Who has read the records of late.
#[derive(Debug, Default)]
pub(crate) struct Reads(Mutex<HashMap<String, Uptime>>);

impl Reads {
    /// Whether it is to be recorded that `reader` reads now.
    pub(crate) fn is_news(&self, reader: String, now: Uptime) -> bool {
        let mut readers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        readers.retain(|_, last| now.since(*last) < TOGETHER);
        if readers.contains_key(&reader) {
            return false;
        }
        if readers.len() < READERS {
            readers.insert(reader, now);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use sealgate_host::FakeClock;
    use sealgate_model::{Clock as _, Timestamp};

    use super::*;

    #[test]
    fn a_reader_is_news_once_an_hour() {
        let clock = FakeClock::at(Timestamp::from_seconds(1_800_000_000));
        let reads = Reads::default();
        assert!(reads.is_news("user:a".to_owned(), clock.uptime()));
        assert!(!reads.is_news("user:a".to_owned(), clock.uptime()));
        assert!(reads.is_news("user:b".to_owned(), clock.uptime()));
        clock.advance(TOGETHER);
        assert!(reads.is_news("user:a".to_owned(), clock.uptime()));
    }
}
