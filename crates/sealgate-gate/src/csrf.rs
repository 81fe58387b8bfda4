//! Tokens for browsers that say nothing of where a request comes from.
//!
//! A page of the application carries the token in its forms, or its script in a header; a foreign page
//! cannot read it (docs/decisions/0021-csrf-tokens-without-an-origin.md).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sealgate_model::{Random, SessionId};
use sealgate_session::{MAC_LEN, MacRing};
use url::form_urlencoded;

use crate::denial::Denial;
use crate::request::Request;
use crate::settings::{Settings, SettingsError};

/// How much of a form is looked through for the token, in bytes.
pub(crate) const FORM_LIMIT: usize = 64 * 1024;

const HEADER: &[u8] = b"x-csrf-token";
const FIELD: &str = "csrf_token";
const FORM: &[u8] = b"application/x-www-form-urlencoded";
const NONCE_LEN: usize = 16;
const TOKEN_LEN: usize = NONCE_LEN + MAC_LEN;

/// Makes tokens and knows them again, whichever of the application's processes made them.
pub(crate) struct CsrfTokens(MacRing);

/// How a request shows its token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shown {
    /// In the header, and it is good.
    InHeader,
    /// In the form that follows, if at all.
    InForm,
}

impl CsrfTokens {
    pub(crate) fn new(settings: &Settings) -> Result<Self, SettingsError> {
        let macs = settings.seal_keys.macs_for("csrf-token").map_err(|error| {
            SettingsError::new("SEALGATE_SEAL_KEYS", format!("cannot be used: {error}"))
        })?;
        Ok(Self(macs))
    }

    /// A token for pages shown to `session`: 64 characters that need no escaping anywhere. Each is
    /// different, so that compressed pages do not tell it piece by piece (BREACH).
    pub(crate) fn make(&self, random: &dyn Random, session: SessionId) -> Option<String> {
        let nonce: [u8; NONCE_LEN] = random.bytes();
        let code = self.0.code(&message(&nonce, session)).ok()?;
        let mut token = [0; TOKEN_LEN];
        token[..NONCE_LEN].copy_from_slice(&nonce);
        token[NONCE_LEN..].copy_from_slice(&code);
        Some(URL_SAFE_NO_PAD.encode(token))
    }

    /// Whether `token` was made for one of `sessions`, under any key that seals are still opened with.
    fn verifies(&self, token: &[u8], sessions: &[SessionId]) -> bool {
        let mut bytes = [0; TOKEN_LEN];
        if !matches!(
            URL_SAFE_NO_PAD.decode_slice(token, &mut bytes),
            Ok(TOKEN_LEN)
        ) {
            return false;
        }
        let (nonce, code) = bytes.split_at(NONCE_LEN);
        sessions
            .iter()
            .any(|session| self.0.verifies(&message(nonce, *session), code))
    }

    /// Looks for the token in the headers of a request that came with one of `sessions`.
    pub(crate) fn check_headers(
        &self,
        request: &Request<'_>,
        sessions: &[SessionId],
    ) -> Result<Shown, Denial> {
        match only(request, HEADER) {
            Some(Ok(token)) if self.verifies(token, sessions) => Ok(Shown::InHeader),
            Some(_) => Err(Denial::CsrfTokenWrong),
            None if is_form(request) => Ok(Shown::InForm),
            None => Err(Denial::CsrfTokenMissing),
        }
    }

    /// Looks for the token in the beginning of a form: what was read of it, one byte beyond
    /// [`FORM_LIMIT`] at most.
    pub(crate) fn check_form(&self, body: &[u8], sessions: &[SessionId]) -> Result<(), Denial> {
        let mut fields = form_urlencoded::parse(whole_fields(body))
            .filter(|(name, _)| name == FIELD)
            .map(|(_, value)| value);
        match (fields.next(), fields.next()) {
            (None, _) => Err(Denial::CsrfTokenMissing),
            (Some(token), None) if self.verifies(token.as_bytes(), sessions) => Ok(()),
            _ => Err(Denial::CsrfTokenWrong),
        }
    }
}

fn message(nonce: &[u8], session: SessionId) -> Vec<u8> {
    [nonce, session.as_bytes()].concat()
}

/// The fields that are there to their end: a form that is longer than what is read ends within one.
fn whole_fields(body: &[u8]) -> &[u8] {
    if body.len() <= FORM_LIMIT {
        return body;
    }
    let end = body.iter().rposition(|byte| *byte == b'&');
    &body[..end.unwrap_or(0)]
}

/// The one value of a header, an error if there are several.
fn only<'a>(request: &Request<'a>, name: &[u8]) -> Option<Result<&'a [u8], ()>> {
    let mut values = request.headers.iter().filter(|(other, _)| *other == name);
    let (_, value) = values.next()?;
    Some(if values.next().is_none() {
        Ok(*value)
    } else {
        Err(())
    })
}

fn is_form(request: &Request<'_>) -> bool {
    let Some(Ok(content_type)) = only(request, b"content-type") else {
        return false;
    };
    let kind = content_type.split(|byte| *byte == b';').next();
    kind.unwrap_or_default()
        .trim_ascii()
        .eq_ignore_ascii_case(FORM)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sealgate_host::FakeRandom;
    use sealgate_session::KeyRing;

    use super::*;
    use crate::request::Transport;

    const SESSION: SessionId = SessionId::from_bytes([7; 16]);
    const KEY: &str = "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA";
    const NEXT: &str = "IB8eHRwbGhkYFxYVFBMSERAPDg0MCwoJCAcGBQQDAgE";

    fn tokens(keys: &str) -> CsrfTokens {
        CsrfTokens(
            KeyRing::parse(keys)
                .unwrap()
                .macs_for("csrf-token")
                .unwrap(),
        )
    }

    fn token() -> String {
        tokens(KEY).make(&FakeRandom::seeded(1), SESSION).unwrap()
    }

    fn in_headers(fields: &[(&'static str, &str)]) -> Result<Shown, Denial> {
        let headers: Vec<(&[u8], &[u8])> = fields
            .iter()
            .map(|(name, value)| (name.as_bytes(), value.as_bytes()))
            .collect();
        let request = Request {
            transport: Transport::Http,
            method: "POST",
            path: "/",
            query: b"",
            headers: &headers,
        };
        tokens(KEY).check_headers(&request, &[SESSION])
    }

    #[test]
    fn a_token_is_good_for_its_session_under_every_key_of_the_ring() {
        let made = token();
        assert_eq!(made.len(), 64);
        let both = tokens(&format!("{NEXT},{KEY}"));
        assert!(both.verifies(made.as_bytes(), &[SESSION]));
        assert!(!tokens(NEXT).verifies(made.as_bytes(), &[SESSION]));
        assert!(!both.verifies(made.as_bytes(), &[SessionId::from_bytes([8; 16])]));
        assert!(!both.verifies(made.as_bytes(), &[]));
    }

    #[test]
    fn tokens_differ_each_time() {
        let random = FakeRandom::seeded(1);
        let [first, second] = std::array::from_fn(|_| tokens(KEY).make(&random, SESSION).unwrap());
        assert_ne!(first, second);
    }

    #[test]
    fn a_header_counts_once_and_before_any_form() {
        let good = token();
        assert_eq!(in_headers(&[("x-csrf-token", &good)]), Ok(Shown::InHeader));
        let form = ("content-type", "application/x-www-form-urlencoded");
        for wrong in [
            "",
            "x",
            &good[1..],
            &format!("{good}A"),
            &format!("{good}="),
        ] {
            assert_eq!(
                in_headers(&[("x-csrf-token", wrong), form]),
                Err(Denial::CsrfTokenWrong),
                "{wrong:?}"
            );
        }
        assert_eq!(
            in_headers(&[("x-csrf-token", &good), ("x-csrf-token", &good)]),
            Err(Denial::CsrfTokenWrong)
        );
    }

    #[test]
    fn only_a_plain_form_may_bring_the_token_later() {
        for (fields, expected) in [
            (vec!["application/x-www-form-urlencoded"], Ok(Shown::InForm)),
            (
                vec!["Application/X-WWW-Form-URLEncoded ; charset=utf-8"],
                Ok(Shown::InForm),
            ),
            (vec!["multipart/form-data; boundary=x"], Err(())),
            (vec!["application/json"], Err(())),
            (vec!["text/plain"], Err(())),
            (vec![], Err(())),
            (vec!["application/x-www-form-urlencoded"; 2], Err(())),
        ] {
            let headers: Vec<_> = fields.iter().map(|kind| ("content-type", *kind)).collect();
            assert_eq!(
                in_headers(&headers),
                expected.map_err(|()| Denial::CsrfTokenMissing),
                "{fields:?}"
            );
        }
    }

    #[test]
    fn a_form_has_the_token_once_within_its_first_64_kib() {
        let (tokens, good) = (tokens(KEY), token());
        let check = |body: &str| tokens.check_form(body.as_bytes(), &[SESSION]);
        assert_eq!(check(&format!("a=b&csrf_token={good}&a=c")), Ok(()));
        assert_eq!(check("a=b&csrf=x"), Err(Denial::CsrfTokenMissing));
        assert_eq!(check(""), Err(Denial::CsrfTokenMissing));
        assert_eq!(check("csrf_token="), Err(Denial::CsrfTokenWrong));
        assert_eq!(
            check(&format!("csrf_token={good}&csrf_token={good}")),
            Err(Denial::CsrfTokenWrong)
        );
        let rest = "x".repeat(FORM_LIMIT);
        let read = |form: String| form[..=FORM_LIMIT].to_owned();
        assert_eq!(check(&read(format!("csrf_token={good}&a={rest}"))), Ok(()));
        assert_eq!(
            check(&read(format!("a={rest}&csrf_token={good}"))),
            Err(Denial::CsrfTokenMissing)
        );
        // A token that is cut off is not there.
        let cut = format!("a={}&csrf_token={good}", "x".repeat(FORM_LIMIT - 30));
        assert_eq!(check(&read(cut)), Err(Denial::CsrfTokenMissing));
    }

    proptest! {
        #[test]
        fn nothing_but_a_token_passes(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(tokens(KEY).check_form(&body, &[SESSION]).is_err());
            let mut form = b"csrf_token=".to_vec();
            form.extend(&body);
            prop_assert!(tokens(KEY).check_form(&form, &[SESSION]).is_err());
        }
    }
}
