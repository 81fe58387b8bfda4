//! Which passwords may be chosen (NIST SP 800-63B-4, 3.1.1.2).
//!
//! Length is the rule; there are none about kinds of characters. Text is taken as its bytes: two ways
//! of composing the same accented letter are two passwords, because normalising needs tables that
//! change with every Unicode version while a hash lasts for years.

use sealgate_model::Secret;

/// The least number of characters (Unicode code points): what SP 800-63B-4 asks of a password that
/// is the only factor.
pub(crate) const SHORTEST_PASSWORD: usize = 15;

/// The most bytes. Nothing is ever cut off.
pub(crate) const LONGEST_PASSWORD: usize = 1024;

/// Words that add nothing to a password chosen here.
const GIVEN: [&str; 3] = ["sealgate", "password", "passwort"];

/// Whether `password` may be chosen for the account with the address `email`; if not, why, as a
/// sentence for its owner.
pub(crate) fn check_rules(password: &Secret, email: &str) -> Result<(), &'static str> {
    let text = password.expose();
    if text.chars().count() < SHORTEST_PASSWORD {
        return Err("Use at least 15 characters. Several words in a row are fine.");
    }
    if text.len() > LONGEST_PASSWORD {
        return Err("Use at most 1024 bytes, which is 1024 plain letters.");
    }
    let text = text.to_lowercase();
    if is_repetitive(&text) {
        return Err("Use something with less repetition.");
    }
    if own_part(&text, &email.to_lowercase()) < SHORTEST_PASSWORD / 2 {
        return Err("Use something other than your e-mail address and the name of this service.");
    }
    Ok(())
}

/// Few different characters, a short piece said again and again, or a walk along the alphabet.
fn is_repetitive(text: &str) -> bool {
    let chars: Vec<char> = text.chars().collect();
    let mut different = chars.clone();
    different.sort_unstable();
    different.dedup();
    let repeats =
        (1..=chars.len() / 2).any(|piece| chars.iter().zip(&chars[piece..]).all(|(a, b)| a == b));
    let step = |pair: &[char]| i64::from(u32::from(pair[1])) - i64::from(u32::from(pair[0]));
    let walks = chars
        .windows(2)
        .filter(|pair| matches!(step(pair), -1..=1 | -9 | 9))
        .count();
    different.len() < 5 || repeats || walks * 10 > chars.len() * 7
}

/// How many letters and digits are left without the parts that anybody would try first. Both texts
/// are in lower case.
fn own_part(text: &str, email: &str) -> usize {
    let local = email.split('@').next().unwrap_or_default();
    let mut left = text.to_owned();
    for word in [email, local].into_iter().chain(GIVEN) {
        // Taking out one or two letters would only mangle the rest.
        if word.len() >= 3 {
            left = left.replace(word, " ");
        }
    }
    left.chars().filter(|c| c.is_alphanumeric()).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(password: &str) -> Result<(), &'static str> {
        check_rules(&Secret::new(password), "ada@harbour.example")
    }

    #[test]
    fn length_counts_characters_not_bytes() {
        assert!(check("fünfzehnzeichen").is_ok());
        assert!(check("vierzehnzeiche").is_err());
        assert!(check("密码由十五个不同汉字组成才行吧").is_ok());
    }

    #[test]
    fn no_kind_of_character_is_asked_for() {
        assert!(check("correct horse battery staple").is_ok());
        assert!(check("Xkq7 vLw2 Pz9e t").is_ok());
    }

    #[test]
    fn a_long_password_is_refused_whole_never_cut() {
        let long: String = ('a'..='z')
            .cycle()
            .step_by(7)
            .take(LONGEST_PASSWORD)
            .collect();
        let mut varied = long;
        varied.replace_range(..20, "not a repeated piece");
        assert!(check(&varied).is_ok());
        varied.push('x');
        assert!(check(&varied).is_err());
    }

    #[test]
    fn what_anybody_would_try_first_is_refused() {
        for trivial in [
            "ada@harbour.example",
            "ADA@harbour.example1",
            "sealgatesealgate",
            "Sealgate-Sealgate-1",
            "sealgatepassword2026",
            "aaaaaaaaaaaaaaaa",
            "abcabcabcabcabcabc",
            "correctcorrect1correctcorrect1",
            "1234567890123456",
            "abcdefghijklmnop",
            "zyxwvutsrqponml",
            "111112222233333",
        ] {
            assert!(check(trivial).is_err(), "{trivial}");
        }
    }
}
