//! What a sealed session holds.

use minicbor::{Decode, Encode};
use sealgate_model::{ClaimValues, SessionId, Timestamp, User};

use crate::claims::{CLAIMS_LIMIT, Claims};
use crate::{SealError, cbor};

/// The content of a sealed session, written as a CBOR map (RFC 8949) with small integer keys, which
/// docs/spec/sealed-session.md lists. Unknown keys are skipped, so that a newer gate's cookies open in
/// an older one.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct SessionContent {
    #[cbor(n(0), with = "minicbor::bytes")]
    sid: [u8; 16],
    #[n(1)]
    sub: String,
    #[n(2)]
    email: Option<String>,
    #[n(3)]
    name: Option<String>,
    #[n(4)]
    scopes: Vec<String>,
    #[n(5)]
    roles: Vec<String>,
    #[n(6)]
    started_at: i64,
    #[n(7)]
    renewed_at: i64,
    #[n(8)]
    renew_at: i64,
    #[n(9)]
    expires_at: i64,
    #[n(10)]
    refresh: Option<String>,
    #[n(11)]
    authenticated_at: i64,
    #[n(12)]
    key: Option<String>,
    #[n(13)]
    tenant: Option<String>,
    #[n(14)]
    acr: Option<String>,
    /// In milliseconds; absent where it is `started_at`.
    #[n(15)]
    told_at: Option<i64>,
    #[n(16)]
    claims: Option<Claims>,
}

/// What stands for a time that nobody told: so long ago that it is recent for nobody.
const NOT_SAID: i64 = 0;

/// The parts from which a [`SessionContent`] is made; times in whole seconds when written.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionParts {
    /// `sid`.
    pub session: SessionId,
    /// Who.
    pub user: User,
    /// When the session started, by the issuer's clock: what "not before" is compared with.
    pub started_at: Timestamp,
    /// When its access part was last renewed: what the idle limit counts from.
    pub renewed_at: Timestamp,
    /// From when on it must be renewed before it is good for anything.
    pub renew_at: Timestamp,
    /// From when on it is over, whatever happens.
    pub expires_at: Timestamp,
    /// When the user last proved who they are, if the issuer says so.
    pub authenticated_at: Option<Timestamp>,
    /// The refresh handle, as the issuer gave it.
    pub refresh: Option<String>,
    /// The issuer's key that vouched for it.
    pub key: Option<String>,
    /// As of when the issuer told what is known of the user, by the issuer's clock: at this moment it was so
    /// or had been so. Exact to the millisecond.
    pub told_at: Timestamp,
    /// What is kept of the ID token's other claims, each under its path as a JSON pointer (RFC 6901).
    pub claims: Vec<(String, ClaimValues)>,
}

impl std::fmt::Debug for SessionContent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SessionContent({})", self.session())
    }
}

impl std::fmt::Debug for SessionParts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SessionParts({})", self.session)
    }
}

impl From<SessionParts> for SessionContent {
    fn from(parts: SessionParts) -> Self {
        Self {
            sid: *parts.session.as_bytes(),
            sub: parts.user.id,
            email: parts.user.email,
            name: parts.user.name,
            scopes: parts.user.scopes,
            roles: parts.user.roles,
            started_at: parts.started_at.as_seconds(),
            renewed_at: parts.renewed_at.as_seconds(),
            renew_at: parts.renew_at.as_seconds(),
            expires_at: parts.expires_at.as_seconds(),
            authenticated_at: parts
                .authenticated_at
                .map_or(NOT_SAID, Timestamp::as_seconds),
            tenant: parts.user.tenant,
            acr: parts.user.acr,
            refresh: parts.refresh,
            key: parts.key,
            told_at: Some(parts.told_at.as_millis())
                .filter(|told_at| *told_at != parts.started_at.as_seconds() * 1000),
            claims: Some(parts.claims)
                .filter(|claims| !claims.is_empty())
                .map(Claims::sorted),
        }
    }
}

impl SessionContent {
    /// The content's bytes.
    ///
    /// # Errors
    /// [`SealError::TooLong`] where its claims take up more than they may.
    pub fn encode(&self) -> Result<Vec<u8>, SealError> {
        if let Some(claims) = &self.claims {
            let length = cbor::encode(claims)?.len();
            if length > CLAIMS_LIMIT {
                let limit = CLAIMS_LIMIT;
                return Err(SealError::TooLong { length, limit });
            }
        }
        cbor::encode(self)
    }

    /// Reads what [`Self::encode`] wrote, all of it and nothing behind it.
    pub fn decode(bytes: &[u8]) -> Result<Self, SealError> {
        cbor::decode(bytes)
    }

    /// `sid`.
    pub const fn session(&self) -> SessionId {
        SessionId::from_bytes(self.sid)
    }

    /// The user's id, without taking the content apart.
    pub fn subject(&self) -> &str {
        &self.sub
    }

    /// When the session started.
    pub const fn started_at(&self) -> Timestamp {
        Timestamp::from_seconds(self.started_at)
    }

    /// When its access part was last renewed.
    pub const fn renewed_at(&self) -> Timestamp {
        Timestamp::from_seconds(self.renewed_at)
    }

    /// From when on it must be renewed.
    pub const fn renew_at(&self) -> Timestamp {
        Timestamp::from_seconds(self.renew_at)
    }

    /// From when on it is over.
    pub const fn expires_at(&self) -> Timestamp {
        Timestamp::from_seconds(self.expires_at)
    }

    /// When the user last proved who they are, if the issuer says so.
    pub fn authenticated_at(&self) -> Option<Timestamp> {
        let at = Timestamp::from_seconds(self.authenticated_at);
        (self.authenticated_at != NOT_SAID).then_some(at)
    }

    /// The refresh handle.
    pub fn refresh(&self) -> Option<&str> {
        self.refresh.as_deref()
    }

    /// The issuer's key that vouched for it.
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// As of when the issuer told what is known of the user. A session of before there was such a time was
    /// never told anything later than at its start, as far as anybody can say.
    pub fn told_at(&self) -> Timestamp {
        self.told_at
            .map_or(self.started_at(), Timestamp::from_millis)
    }

    /// What is kept of the ID token's other claims, each under its path as a JSON pointer.
    pub fn claims(&self) -> &[(String, ClaimValues)] {
        self.claims.as_ref().map_or(&[], |claims| &claims.0)
    }

    /// The organisation that the user belongs to.
    pub fn tenant(&self) -> Option<&str> {
        self.tenant.as_deref()
    }

    /// The user.
    pub fn into_user(self) -> User {
        self.into_parts().user
    }

    /// The parts. The user's client is not among them: it is the one that the seal is bound to.
    pub fn into_parts(self) -> SessionParts {
        SessionParts {
            session: self.session(),
            started_at: self.started_at(),
            renewed_at: self.renewed_at(),
            renew_at: self.renew_at(),
            expires_at: self.expires_at(),
            authenticated_at: self.authenticated_at(),
            told_at: self.told_at(),
            user: User {
                authenticated_at: self.authenticated_at(),
                id: self.sub,
                email: self.email,
                name: self.name,
                scopes: self.scopes,
                roles: self.roles,
                tenant: self.tenant,
                acr: self.acr,
                client: None,
                via: Vec::new(),
            },
            refresh: self.refresh,
            key: self.key,
            claims: self.claims.unwrap_or_default().0,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sealgate_model::ClaimValue;

    use super::*;

    #[test]
    fn bytes_behind_the_content_are_refused() {
        let mut bytes = typical().encode().unwrap();
        assert_eq!(SessionContent::decode(&bytes), Ok(typical()));
        bytes.push(0);
        assert_eq!(SessionContent::decode(&bytes), Err(SealError::Content));
    }

    #[test]
    fn a_sign_in_of_unknown_time_stays_one() {
        let parts = SessionParts {
            authenticated_at: None,
            ..typical().into_parts()
        };
        let bytes = SessionContent::from(parts).encode().unwrap();
        let content = SessionContent::decode(&bytes).unwrap();
        assert_eq!(content.authenticated_at(), None);
        assert_eq!(content.into_user().authenticated_at, None);
    }

    #[test]
    fn what_was_told_at_the_start_needs_no_time_of_its_own() {
        assert_eq!(typical().told_at().as_millis(), 1_790_000_300_250);
        let parts = SessionParts {
            told_at: typical().started_at(),
            ..typical().into_parts()
        };
        let content = SessionContent::from(parts);
        assert!(content.encode().unwrap().len() < typical().encode().unwrap().len());
        assert_eq!(content.told_at(), content.started_at());
    }

    fn many(values: &[&str]) -> ClaimValues {
        let text = |text: &&str| ClaimValue::Text((*text).to_owned());
        ClaimValues::Many(values.iter().map(text).collect())
    }

    #[test]
    fn claims_are_kept_up_to_their_limit_and_no_further() {
        assert_eq!(typical().claims().len(), 1);
        let with = |claims| {
            SessionContent::from(SessionParts {
                claims,
                ..typical().into_parts()
            })
        };
        let bare = with(Vec::new());
        assert_eq!(bare.claims(), []);
        assert!(bare.encode().unwrap().len() < typical().encode().unwrap().len());
        let of = |bytes: usize| with(vec![("/a".into(), many(&[&"x".repeat(bytes)]))]);
        // A head for the map, three bytes of the name, a head for the list, and three before the text.
        assert!(of(1_024 - 8).encode().is_ok());
        let long = of(1_024 - 7).encode();
        assert!(
            matches!(long, Err(SealError::TooLong { limit: 1_024, .. })),
            "{long:?}"
        );
        let one = ClaimValues::One(ClaimValue::Number(-3));
        let two = vec![
            ("/bb".to_owned(), one.clone()),
            ("/a".to_owned(), ClaimValues::Many(Vec::new())),
        ];
        let read = SessionContent::decode(&with(two.clone()).encode().unwrap()).unwrap();
        assert_eq!(read.claims(), [two[1].clone(), two[0].clone()]);
    }

    pub(crate) fn typical() -> SessionContent {
        let at = Timestamp::from_seconds(1_790_000_000);
        SessionParts {
            session: SessionId::from_bytes([7; 16]),
            user: User {
                id: "01890a5d-ac96-774b-bcce-b302099a8057".into(),
                email: Some("ada.lovelace@example.com".into()),
                name: Some("Ada Lovelace".into()),
                scopes: ["openid", "profile", "email"].map(String::from).to_vec(),
                roles: vec!["accountant".into()],
                tenant: Some("acme".into()),
                acr: Some("urn:sealgate:acr:password".into()),
                ..User::default()
            },
            started_at: at,
            renewed_at: at,
            renew_at: at,
            expires_at: at,
            authenticated_at: Some(at),
            refresh: Some("r".repeat(64)),
            key: Some("k".repeat(11)),
            told_at: Timestamp::from_millis(1_790_000_300_250),
            claims: vec![("/groups".into(), many(&["finance", "staff"]))],
        }
        .into()
    }

    proptest! {
        #[test]
        fn any_bytes_are_content_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            if let Ok(content) = SessionContent::decode(&bytes) {
                prop_assert_eq!(SessionContent::decode(&content.encode().unwrap()), Ok(content));
            }
        }
    }
}
