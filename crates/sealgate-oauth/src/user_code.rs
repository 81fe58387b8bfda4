//! The code that a user types to let a device in (RFC 8628, 6.1).

use std::fmt;
use std::str::FromStr;

use sealgate_model::Random;

use crate::OAuthError;

/// Letters without vowels, so that no words come up, and no digits, which letters are taken for.
const ALPHABET: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";

const LENGTH: usize = 8;

/// A user code: 8 of 20 letters, 34.5 bits. Shown as `XXXX-XXXX`. Whoever guesses it could answer for
/// somebody else's device, so `Debug` keeps it, and guesses have to be limited.
#[derive(Clone, PartialEq, Eq)]
pub struct UserCode(String);

impl UserCode {
    /// A fresh code, each as likely as any other.
    pub fn generate(random: &dyn Random) -> Self {
        const CODES: u64 = 20_u64.pow(8);
        // What lies above the last whole multiple would make some codes likelier.
        const WHOLE: u64 = u64::MAX - u64::MAX % CODES;
        let mut number = loop {
            let number = u64::from_be_bytes(random.bytes());
            if number < WHOLE {
                break number % CODES;
            }
        };
        let mut letters = String::with_capacity(LENGTH);
        for _ in 0..LENGTH {
            let index = usize::try_from(number % 20).unwrap_or_default();
            letters.push(char::from(ALPHABET[index]));
            number /= 20;
        }
        Self(letters)
    }

    /// The eight letters alone: what a store looks the code up by.
    pub fn letters(&self) -> &str {
        &self.0
    }
}

impl FromStr for UserCode {
    type Err = OAuthError;
    /// Reads a code as people type it: in either case, with spaces and hyphens anywhere.
    fn from_str(text: &str) -> Result<Self, OAuthError> {
        const INVALID: OAuthError = OAuthError::ParameterInvalid("user_code");
        if text.len() > 64 {
            return Err(INVALID);
        }
        let mut letters = String::with_capacity(LENGTH);
        for c in text.chars() {
            match c.to_ascii_uppercase() {
                // Hyphens and dashes as keyboards and phones put them in.
                ' ' | '-' | '\u{a0}' | '\u{2010}'..='\u{2015}' => {}
                letter if u8::try_from(letter).is_ok_and(|b| ALPHABET.contains(&b)) => {
                    letters.push(letter);
                }
                _ => return Err(INVALID),
            }
        }
        if letters.len() == LENGTH {
            Ok(Self(letters))
        } else {
            Err(INVALID)
        }
    }
}

impl fmt::Display for UserCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (left, right) = self.0.split_at(LENGTH / 2);
        write!(f, "{left}-{right}")
    }
}

impl fmt::Debug for UserCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserCode(…)")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::Mutex;

    use proptest::prelude::*;
    use sealgate_host::FakeRandom;

    use super::*;

    #[test]
    fn a_code_is_read_however_it_is_typed() {
        for typed in [
            "WDJB-MJHT",
            "wdjbmjht",
            "wdjb mjht",
            " W-D-J-B-M-J-H-T ",
            "WDJB–MJHT",
            "wdjb\u{a0}mjht",
        ] {
            let code: UserCode = typed.parse().unwrap();
            assert_eq!(
                (code.letters(), code.to_string().as_str()),
                ("WDJBMJHT", "WDJB-MJHT")
            );
        }
    }

    #[test]
    fn anything_else_is_no_code() {
        let long = "-".repeat(65);
        for wrong in [
            "",
            "WDJB-MJH",
            "WDJB-MJHTT",
            "ADJB-MJHT",
            "WDJB-MJH1",
            "WDJB_MJHT",
            "ＷDJBMJHT",
            &long,
        ] {
            assert_eq!(
                wrong.parse::<UserCode>(),
                Err(OAuthError::ParameterInvalid("user_code")),
                "{wrong}"
            );
        }
    }

    #[test]
    fn debug_output_shows_no_code() {
        assert_eq!(
            format!("{:?}", "WDJB-MJHT".parse::<UserCode>()),
            "Ok(UserCode(…))"
        );
    }

    #[test]
    fn fresh_codes_use_every_letter_at_every_place() {
        let random = FakeRandom::default();
        let mut seen = vec![HashSet::new(); LENGTH];
        for _ in 0..400 {
            let code = UserCode::generate(&random);
            for (place, letter) in code.letters().bytes().enumerate() {
                seen[place].insert(letter);
            }
        }
        assert!(seen.iter().all(|letters| letters.len() == ALPHABET.len()));
    }

    /// Hands out given numbers, once each.
    struct Given(Mutex<Vec<u64>>);
    impl Random for Given {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.copy_from_slice(&self.0.lock().unwrap().pop().unwrap().to_be_bytes());
        }
    }

    #[test]
    fn a_number_that_would_favour_some_codes_is_drawn_again() {
        let random = Given(Mutex::new(vec![19, u64::MAX]));
        assert_eq!(UserCode::generate(&random).letters(), "ZBBBBBBB");
        assert!(random.0.lock().unwrap().is_empty());
    }

    proptest! {
        #[test]
        fn any_text_is_a_code_that_survives_display_or_an_error(text in "\\PC{0,20}|[B-DF-HJ-NP-TV-XZb-dx -]{7,12}") {
            if let Ok(code) = text.parse::<UserCode>() {
                prop_assert_eq!(code.to_string().parse::<UserCode>(), Ok(code));
            }
        }
    }
}
