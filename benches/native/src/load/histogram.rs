//! How long answers took, counted in buckets that are at most 3 % wide.

use std::time::Duration;

/// Up to here each microsecond has a bucket; from here on, each power of two has half as many.
const STEPS: u64 = 64;

/// Durations, in microseconds.
#[derive(Default)]
pub(crate) struct Histogram {
    counts: Vec<u64>,
    total: u64,
    most: u64,
}

impl Histogram {
    pub(crate) fn add(&mut self, taken: Duration) {
        let micros = u64::try_from(taken.as_micros()).unwrap_or(u64::MAX).max(1);
        let bucket = bucket(micros);
        if self.counts.len() <= bucket {
            self.counts.resize(bucket + 1, 0);
        }
        self.counts[bucket] += 1;
        self.total += 1;
        self.most = self.most.max(micros);
    }

    /// How many there are.
    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    /// The longest, in microseconds.
    pub(crate) fn most(&self) -> u64 {
        self.most
    }

    /// What so many of a thousand stay below, in microseconds.
    pub(crate) fn below(&self, thousandths: u64) -> u64 {
        let rank = (self.total * thousandths).div_ceil(1000);
        let mut seen = 0;
        for (bucket, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= rank {
                return upper(bucket).min(self.most);
            }
        }
        self.most
    }
}

/// The power of two, and within it the five bits after the first.
fn bucket(micros: u64) -> usize {
    let power = u64::from(micros.ilog2()).saturating_sub(5);
    let index = if micros < STEPS {
        micros
    } else {
        power * (STEPS / 2) + (micros >> power)
    };
    usize::try_from(index).unwrap_or(usize::MAX)
}

/// The most that falls into a bucket.
fn upper(bucket: usize) -> u64 {
    let index = bucket as u64;
    if index < STEPS {
        return index;
    }
    let power = index / (STEPS / 2) - 1;
    let head = index - power * (STEPS / 2);
    ((head + 1) << power) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_holds_what_falls_into_it_and_is_narrow() {
        for micros in (2..100_000).chain([1 << 30, (1 << 40) + 12_345]) {
            let upper = upper(bucket(micros));
            assert!(
                upper >= micros && upper - micros <= micros / 31,
                "{micros} {upper}"
            );
            assert!(bucket(micros - 1) <= bucket(micros), "{micros}");
        }
    }

    #[test]
    fn percentiles_are_read_from_the_buckets() {
        let mut histogram = Histogram::default();
        for micros in 1..=1000 {
            histogram.add(Duration::from_micros(micros));
        }
        assert!((500..=510).contains(&histogram.below(500)));
        assert!((990..=1000).contains(&histogram.below(990)));
        assert_eq!((histogram.below(1000), histogram.most()), (1000, 1000));
    }
}
