//! How a client says who it is (RFC 6749, 2.3): reading the claim, not yet believing it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sealgate_model::{ClientId, Secret};
use zeroize::Zeroizing;

use crate::assertion::{ASSERTION_TYPE, claimed_subject};
use crate::params::decode;
use crate::{OAuthError, Params};

/// The credentials a client presented. Ids are text here: one that is not well formed is answered
/// like one that is not known.
///
/// A method that is added here (a client certificate, RFC 8705) is refused wherever it is not handled.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum ClientCredentials {
    /// `client_secret_basic`: in the `Authorization` header.
    Basic(String, Secret),
    /// `client_secret_post`: in the body.
    Post(String, Secret),
    /// `private_key_jwt`: the client that the assertion claims to be from, and the assertion, at most
    /// 8 KiB, of which nothing has been verified.
    Assertion(String, Secret),
    /// `none`: a public client only names itself.
    None(String),
}

/// Bytes of an `Authorization` header: enough for an id and a secret with every byte escaped.
const HEADER: usize = 4 * 1024;

impl ClientCredentials {
    /// Reads the credentials from every `Authorization` header of the request and its parameters.
    /// More than one method at once is an error, as is a header that contradicts the parameters.
    pub fn from_request<'a>(
        headers: impl IntoIterator<Item = &'a [u8]>,
        params: &Params,
    ) -> Result<Self, OAuthError> {
        let mut headers = headers.into_iter();
        let (header, more) = (headers.next(), headers.next());
        let assertion = params.get("client_assertion");
        let assertion_type = params.get("client_assertion_type");
        let secret = params.get("client_secret");
        let methods = [
            header.is_some(),
            more.is_some(),
            assertion.is_some() || assertion_type.is_some(),
            secret.is_some(),
        ];
        if methods.iter().filter(|&&used| used).count() > 1 {
            return Err(OAuthError::ClientAuthenticationRepeated);
        }
        let named = params.get("client_id");
        if assertion.is_some() || assertion_type.is_some() {
            return Self::from_assertion(
                params.require("client_assertion_type")?,
                params.require("client_assertion")?,
                named,
            );
        }
        match (header, named, secret) {
            (Some(header), named, _) => {
                let credentials = Self::from_basic(header)?;
                // A client may repeat its id in the body; a different one is two clients at once.
                if named.is_some_and(|id| id != credentials.client_id()) {
                    return Err(OAuthError::ClientAuthenticationRepeated);
                }
                Ok(credentials)
            }
            (None, Some(id), Some(secret)) => Ok(Self::Post(id.to_owned(), Secret::new(secret))),
            (None, Some(id), None) => Ok(Self::None(id.to_owned())),
            (None, None, _) => Err(OAuthError::ParameterMissing("client_id")),
        }
    }

    fn from_assertion(
        kind: &str,
        assertion: &str,
        named: Option<&str>,
    ) -> Result<Self, OAuthError> {
        if kind != ASSERTION_TYPE {
            return Err(OAuthError::AssertionTypeUnsupported);
        }
        let subject = claimed_subject(assertion)?;
        // A client may name itself beside (RFC 7521, 4.2); a different name is two clients at once.
        if named.is_some_and(|id| id != subject) {
            return Err(OAuthError::AssertionSubject);
        }
        Ok(Self::Assertion(subject, Secret::new(assertion)))
    }

    /// Reads one `Authorization: Basic` header: base64 of the form-encoded id and secret with a colon
    /// between (RFC 6749, 2.3.1).
    pub fn from_basic(header: &[u8]) -> Result<Self, OAuthError> {
        const MALFORMED: OAuthError = OAuthError::ClientAuthenticationMalformed;
        if header.len() > HEADER {
            return Err(MALFORMED);
        }
        let space = header.iter().position(|&b| b == b' ').ok_or(MALFORMED)?;
        let (scheme, rest) = header.split_at(space);
        if !scheme.eq_ignore_ascii_case(b"basic") {
            return Err(OAuthError::ClientAuthenticationUnsupported);
        }
        let pair = Zeroizing::new(STANDARD.decode(rest.trim_ascii()).map_err(|_| MALFORMED)?);
        let colon = pair.iter().position(|&b| b == b':').ok_or(MALFORMED)?;
        let id = decode(&pair[..colon], HEADER).map_err(|_| MALFORMED)?;
        let secret = decode(&pair[colon + 1..], HEADER).map_err(|_| MALFORMED)?;
        Ok(Self::Basic(id, Secret::new(secret)))
    }

    /// The id the client claims.
    pub fn client_id(&self) -> &str {
        match self {
            Self::Basic(id, _) | Self::Post(id, _) | Self::Assertion(id, _) | Self::None(id) => id,
        }
    }

    /// The id the client claims, if it is one that can be registered.
    pub fn known_client_id(&self) -> Option<ClientId> {
        self.client_id().parse().ok()
    }

    /// The secret presented, if any.
    pub fn secret(&self) -> Option<&Secret> {
        match self {
            Self::Basic(_, secret) | Self::Post(_, secret) => Some(secret),
            Self::Assertion(..) | Self::None(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Limits;

    fn read(headers: &[&str], body: &str) -> Result<ClientCredentials, OAuthError> {
        let params = Params::parse(body.as_bytes(), Limits::STANDARD).unwrap();
        ClientCredentials::from_request(headers.iter().map(|header| header.as_bytes()), &params)
    }

    fn basic(pair: &str) -> String {
        format!("Basic {}", STANDARD.encode(pair))
    }

    #[test]
    fn basic_credentials_are_form_decoded() {
        let credentials = read(&[&basic("an%2Dapp:a%3Ab+c%C3%A9")], "").unwrap();
        assert!(matches!(&credentials, ClientCredentials::Basic(id, secret)
            if id == "an-app" && secret.expose() == "a:b cé"));
        assert!(
            read(
                &[&basic("app:s").replace("Basic", "bAsIc")],
                "client_id=app"
            )
            .is_ok()
        );
    }

    #[test]
    fn the_body_and_the_bare_id_are_read_too() {
        assert!(matches!(
            read(&[], "client_id=app&client_secret=s"),
            Ok(ClientCredentials::Post(..))
        ));
        assert!(matches!(
            read(&[], "client_id=app"),
            Ok(ClientCredentials::None(..))
        ));
        assert_eq!(
            read(&[], "a=b").unwrap_err(),
            OAuthError::ParameterMissing("client_id")
        );
    }

    #[test]
    fn more_than_one_method_at_once_is_refused() {
        let header = basic("app:s");
        for (headers, body) in [
            (vec![header.as_str()], "client_secret=s"),
            (vec![header.as_str()], "client_id=other"),
            (vec![header.as_str(), header.as_str()], ""),
            (vec![header.as_str()], "client_assertion=x"),
            (vec![], "client_id=app&client_secret=s&client_assertion=x"),
        ] {
            let error = read(&headers, body).unwrap_err();
            assert_eq!(error, OAuthError::ClientAuthenticationRepeated, "{body}");
        }
    }

    #[test]
    fn what_is_not_offered_is_said_to_be_unsupported() {
        let unsupported = OAuthError::ClientAuthenticationUnsupported;
        assert_eq!(read(&["Bearer abc"], "").unwrap_err(), unsupported);
    }

    const JWT_BEARER: &str = "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer";

    /// A JWT whose payload is `{"sub":"app"}`, and whose signature nobody looks at.
    fn assertion() -> String {
        "e30.eyJzdWIiOiJhcHAifQ.c2ln".to_owned()
    }

    #[test]
    fn an_assertion_names_its_client_itself() {
        let body = format!(
            "client_assertion_type={JWT_BEARER}&client_assertion={}",
            assertion()
        );
        for body in [body.clone(), format!("client_id=app&{body}")] {
            let credentials = read(&[], &body).unwrap();
            assert_eq!(credentials.client_id(), "app");
            assert!(credentials.secret().is_none());
            assert!(matches!(&credentials, ClientCredentials::Assertion(_, text)
                if text.expose() == assertion()));
            assert!(!format!("{credentials:?}").contains("e30"));
        }
    }

    #[test]
    fn an_assertion_in_doubt_is_refused() {
        let text = assertion();
        let long = format!("e30.{}.c2ln", "A".repeat(8186));
        for (body, error) in [
            (
                format!("client_assertion={text}"),
                OAuthError::ParameterMissing("client_assertion_type"),
            ),
            (
                format!("client_assertion_type={JWT_BEARER}"),
                OAuthError::ParameterMissing("client_assertion"),
            ),
            (
                format!("client_assertion_type=jwt-bearer&client_assertion={text}"),
                OAuthError::AssertionTypeUnsupported,
            ),
            (
                format!("client_assertion_type={JWT_BEARER}&client_assertion=x"),
                OAuthError::AssertionMalformed,
            ),
            (
                format!("client_assertion_type={JWT_BEARER}&client_assertion={long}"),
                OAuthError::AssertionMalformed,
            ),
            (
                format!(
                    "client_id=other&client_assertion_type={JWT_BEARER}&client_assertion={text}"
                ),
                OAuthError::AssertionSubject,
            ),
        ] {
            let params = Params::parse(body.as_bytes(), Limits::WITH_TOKEN).unwrap();
            let refused = ClientCredentials::from_request([], &params).unwrap_err();
            assert_eq!(refused, error, "{body}");
        }
    }

    #[test]
    fn malformed_headers_are_refused() {
        let long = basic(&"a".repeat(4096));
        let colonless = basic("app");
        let escape = basic("app:%zz");
        for wrong in ["", "Basic", "Basic !", &colonless, &escape, &long] {
            let error = read(&[wrong], "").unwrap_err();
            assert_eq!(error, OAuthError::ClientAuthenticationMalformed, "{wrong}");
        }
        let latin = format!("Basic {}", STANDARD.encode(b"app:\xff"));
        assert_eq!(
            read(&[&latin], "").unwrap_err(),
            OAuthError::ClientAuthenticationMalformed
        );
    }

    proptest! {
        #[test]
        fn any_header_gives_credentials_or_an_error(raw in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = ClientCredentials::from_basic(&raw);
            let _ = ClientCredentials::from_basic(&[b"Basic ", STANDARD.encode(&raw).as_bytes()].concat());
        }

        #[test]
        fn what_a_client_encodes_is_what_is_read(id in "[^\\p{Cc}]{1,40}", secret in "[^\\p{Cc}]{0,60}") {
            let encode = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
            let header = basic(&format!("{}:{}", encode(&id), encode(&secret)));
            let credentials = ClientCredentials::from_basic(header.as_bytes()).unwrap();
            prop_assert_eq!(credentials.client_id(), &id);
            prop_assert_eq!(credentials.secret().unwrap().expose(), &secret);
        }
    }
}
