//! A password that can be typed: four groups of five letters and digits.

use sealgate_model::{Random, Secret};

/// Without `l` and `o`, which read like digits. There are 32, so that each byte gives one evenly.
const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// A fresh one of 100 random bits.
pub(super) fn make(random: &dyn Random) -> Secret {
    let mut text = String::with_capacity(23);
    for (index, byte) in random.bytes::<20>().into_iter().enumerate() {
        if index % 5 == 0 && index > 0 {
            text.push('-');
        }
        text.push(char::from(LETTERS[usize::from(byte % 32)]));
    }
    Secret::new(text)
}

#[cfg(test)]
mod tests {
    use sealgate_host::FakeRandom;

    use super::*;

    #[test]
    fn it_is_long_enough_and_can_be_typed() {
        let random = FakeRandom::seeded(1);
        let (one, other) = (make(&random), make(&random));
        assert_ne!(one.expose(), other.expose());
        let groups: Vec<&str> = one.expose().split('-').collect();
        assert!(groups.len() == 4 && groups.iter().all(|group| group.len() == 5));
        assert!(
            one.expose()
                .bytes()
                .all(|b| b == b'-' || LETTERS.contains(&b))
        );
    }
}
