//! Rounds: sign-ins that end well and are refused right after, until somebody stops them and explains.
//!
//! The browser counts in a cookie of its own. It is not sealed: one cause of rounds is processes that
//! cannot open each other's seals, and who forges it only gets a page for themselves.

use std::time::Duration;

use sealgate_model::Timestamp;

use crate::cookies::CookieNames;
use crate::denial::Denial;
use crate::request::{Request, cookies_where};

/// This many sign-ins that end well within [`WINDOW`] are no accident.
const MOST: u8 = 3;
const WINDOW: Duration = Duration::from_secs(60);

/// The sign-ins that ended well in a browser within the last minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rounds {
    count: u8,
    since: i64,
}

impl Rounds {
    /// Reads the cookie; nothing counts that is not as it was written, or is there twice.
    pub(crate) fn read(names: &CookieNames, request: &Request<'_>, now: Timestamp) -> Option<Self> {
        let name = names.rounds();
        match cookies_where(request, |other| other == name).as_slice() {
            [(_, value)] => Self::parse(value, now),
            _ => None,
        }
    }

    /// `<count>.<seconds since 1970>`, within a minute of now. Also ahead of it: processes whose clocks
    /// differ are another cause of rounds.
    fn parse(value: &str, now: Timestamp) -> Option<Self> {
        let (count, since) = value.split_once('.')?;
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if value.len() > 16 || !digits(count) || !digits(since) {
            return None;
        }
        let rounds = Self {
            count: count.parse().ok()?,
            since: since.parse().ok()?,
        };
        let is_recent = now.as_seconds().abs_diff(rounds.since) < WINDOW.as_secs();
        (is_recent && (1..=MOST).contains(&rounds.count)).then_some(rounds)
    }

    /// One more, which ended just `now`.
    pub(crate) fn one_more(before: Option<Self>, now: Timestamp) -> Self {
        let first = Self {
            count: 0,
            since: now.as_seconds(),
        };
        let before = before.unwrap_or(first);
        Self {
            count: (before.count + 1).min(MOST),
            ..before
        }
    }

    /// Whether it is time to stop.
    pub(crate) const fn are_too_many(self) -> bool {
        self.count >= MOST
    }

    /// The `Set-Cookie` value.
    pub(crate) fn cookie(self, names: &CookieNames) -> String {
        let value = format!("{}.{}", self.count, self.since);
        names.write(&names.rounds(), &value, WINDOW)
    }
}

/// The `Set-Cookie` value that forgets them.
pub(crate) fn forget(names: &CookieNames) -> String {
    names.delete(&names.rounds())
}

/// Refusals that lead to sign-in, and so can be what goes on in circles; each with its likely causes.
const CAUSES: [(Denial, &str); 10] = [
    (
        Denial::CredentialMissing,
        "The cookie with the session did not come back. The browser may block or drop cookies here, or the \
         application is shown under another address than the one in its settings.",
    ),
    (
        Denial::CredentialInvalid,
        "The cookie with the session could not be opened. The application's processes may have different \
         seal keys, or another application on this host uses the same cookie.",
    ),
    (
        Denial::CredentialOversize,
        "The cookie with the session was too long. Another application on this host may use the same name.",
    ),
    (
        Denial::SessionExpired,
        "The session was over as soon as it began. A clock may be wrong: the application's, or that of the \
         sign-in service.",
    ),
    (
        Denial::SessionIdle,
        "The session counted as unused as soon as it began. The clocks of the application's processes may \
         differ.",
    ),
    (
        Denial::SessionRevoked,
        "The session was revoked as soon as it began. The account or this application may be disabled, or \
         a clock may be wrong.",
    ),
    (
        Denial::SessionOutdated,
        "What the account may do changed as soon as the session began, and the sign-in service gives this \
         application nothing to renew it with.",
    ),
    (
        Denial::RenewalRefused,
        "The session could not be renewed. The sign-in service ended it as soon as it began.",
    ),
    (
        Denial::AcrMissing,
        "The page needs a stronger sign-in than the sign-in service gives. The account may lack a second \
         factor, or the service does not know what it is asked for.",
    ),
    (
        Denial::AuthenticationOld,
        "The page needs a recent sign-in, and the sign-in service does not ask anew. A clock may be wrong.",
    ),
];

/// The refusal with this code, if it leads to sign-in.
pub(crate) fn denial_named(code: &str) -> Option<Denial> {
    let mut known = CAUSES.iter().map(|(denial, _)| *denial);
    known.find(|denial| denial.code() == code)
}

/// What was refused last and why that may be, in words for a person.
pub(crate) fn cause(denial: Denial) -> &'static str {
    let found = CAUSES.iter().find(|(known, _)| *known == denial);
    found.map_or("It is not known here what was refused.", |(_, words)| words)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_790_000_000);

    #[test]
    fn three_within_a_minute_are_too_many() {
        let first = Rounds::one_more(None, NOW);
        let second = Rounds::one_more(Some(first), NOW + Duration::from_secs(59));
        assert!(!first.are_too_many() && !second.are_too_many());
        assert!(Rounds::one_more(Some(second), NOW + Duration::from_secs(59)).are_too_many());
    }

    #[test]
    fn the_cookie_is_believed_for_a_minute_and_only_as_it_was_written() {
        let parse = |value: &str| Rounds::parse(value, NOW);
        assert!(parse("2.1790000000").is_some());
        assert!(parse("2.1789999941").is_some());
        assert!(parse("2.1790000059").is_some());
        for value in [
            "2.1789999940",
            "2.1790000060",
            "0.1790000000",
            "4.1790000000",
            "+2.1790000000",
            "2.-1790000000",
            "2",
            "2.",
            ".",
            "",
            "2.17900000000000000",
        ] {
            assert_eq!(parse(value), None, "{value}");
        }
    }

    #[test]
    fn a_denial_that_sign_in_mends_has_its_cause_in_words() {
        for (denial, words) in CAUSES {
            assert_eq!(denial_named(denial.code()), Some(denial));
            assert_eq!(cause(denial), words);
        }
        assert_eq!(denial_named("scope_missing"), None);
    }

    proptest! {
        #[test]
        fn any_cookie_is_rounds_or_nothing(value in "[0-9.+-]{0,20}") {
            if let Some(rounds) = Rounds::parse(&value, NOW) {
                let again = Rounds::parse(&format!("{}.{}", rounds.count, rounds.since), NOW);
                prop_assert_eq!(again, Some(rounds));
            }
        }
    }
}
