//! How a client wants the user to be involved (`OpenID` Connect Core, 3.1.2.1, `prompt`).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::OAuthError;

/// One value of `prompt`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prompt {
    /// Not at all; stands alone.
    None,
    /// Sign in again, whoever is signed in.
    Login,
    /// Choose an account: the sign-in page takes any.
    SelectAccount,
    /// See the consent page, whatever is remembered.
    Consent,
}

impl Prompt {
    const ALL: [Self; 4] = [Self::None, Self::Login, Self::SelectAccount, Self::Consent];

    /// The values that are understood, as metadata lists them.
    pub const VALUES: [&str; 4] = ["none", "login", "select_account", "consent"];

    /// The value as it is sent.
    pub const fn as_str(self) -> &'static str {
        Self::VALUES[self as usize]
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// The values of `prompt` in one request; none at all: as needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Prompts(u8);

impl Prompts {
    /// Whether `prompt` is among them.
    pub const fn contains(self, prompt: Prompt) -> bool {
        self.0 & prompt.bit() != 0
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.0 == 0
    }

    /// Whether the user must not be involved: `none`.
    pub const fn is_silent(self) -> bool {
        self.contains(Prompt::None)
    }

    /// Whether the user is to sign in again: `login` or `select_account`. The page takes any account,
    /// so that signing in there answers both.
    pub const fn asks_sign_in(self) -> bool {
        self.contains(Prompt::Login) || self.contains(Prompt::SelectAccount)
    }

    /// Whether the user is to see the consent page even if consent is remembered.
    pub const fn asks_consent(self) -> bool {
        self.contains(Prompt::Consent)
    }
}

impl FromStr for Prompts {
    type Err = OAuthError;
    /// Reads values separated by spaces. An unknown one is refused: it would go unheeded.
    fn from_str(text: &str) -> Result<Self, OAuthError> {
        const INVALID: OAuthError = OAuthError::ParameterInvalid("prompt");
        let mut set = Self::default();
        for value in text.split(' ').filter(|value| !value.is_empty()) {
            let known = Prompt::ALL
                .into_iter()
                .find(|prompt| prompt.as_str() == value);
            set.0 |= known.ok_or(INVALID)?.bit();
        }
        if set.is_empty() || set.is_silent() && set.0 != Prompt::None.bit() {
            Err(INVALID)
        } else {
            Ok(set)
        }
    }
}

impl TryFrom<String> for Prompts {
    type Error = OAuthError;
    fn try_from(text: String) -> Result<Self, OAuthError> {
        text.parse()
    }
}

impl From<Prompts> for String {
    fn from(prompts: Prompts) -> Self {
        prompts.to_string()
    }
}

impl fmt::Display for Prompts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let values = Prompt::ALL
            .into_iter()
            .filter(|prompt| self.contains(*prompt))
            .map(Prompt::as_str)
            .collect::<Vec<_>>();
        f.write_str(&values.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Prompts, OAuthError> {
        text.parse()
    }

    #[test]
    fn each_value_keeps_its_own_meaning() {
        for (text, silent, sign_in, consent) in [
            ("none", true, false, false),
            ("login", false, true, false),
            ("select_account", false, true, false),
            ("consent", false, false, true),
            ("consent login", false, true, true),
            ("login  login select_account consent", false, true, true),
        ] {
            let prompts = read(text).unwrap();
            assert_eq!(
                (
                    prompts.is_silent(),
                    prompts.asks_sign_in(),
                    prompts.asks_consent()
                ),
                (silent, sign_in, consent),
                "{text}"
            );
            assert_eq!(read(&prompts.to_string()), Ok(prompts));
        }
    }

    #[test]
    fn none_stands_alone_and_unknown_values_are_refused() {
        for text in [
            "",
            "  ",
            "none login",
            "consent none",
            "create",
            "Login",
            "none,login",
        ] {
            assert_eq!(
                read(text),
                Err(OAuthError::ParameterInvalid("prompt")),
                "{text}"
            );
        }
    }

    #[test]
    fn no_prompt_asks_for_nothing() {
        let prompts = Prompts::default();
        assert!(!prompts.is_silent() && !prompts.asks_sign_in() && !prompts.asks_consent());
    }
}
