//! From what a client says of itself to its row.

use sealgate_host::Outbound;
use sealgate_jose::Jwk;
use sealgate_model::{ClientId, Random, Timestamp};
use sealgate_oauth::{
    ClientDocument, ClientMetadata, ClientRegistration, DocumentId, OwnAuthentication,
};
use sealgate_store::{
    Client, ClientAuthentication, ClientDetails, ClientKind, ClientOrigin, Consent, OwnWords,
};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The name of one that does not say how it is called.
const UNNAMED: &str = "An application without a name";

/// What stands before the ids that are made here: never the beginning of a URL.
const PREFIX: &str = "dyn_";

/// Whether the keys that a client gives, or the address that they are at, can be used at all. Where they are
/// fetched from is judged again each time.
pub(crate) fn check_keys(
    outbound: &dyn Outbound,
    metadata: &ClientMetadata,
) -> Result<(), &'static str> {
    match &metadata.authentication {
        OwnAuthentication::None => Ok(()),
        OwnAuthentication::JwksUri(uri) => outbound
            .check(uri)
            .map_err(|_| "jwks_uri is no address that can be asked"),
        OwnAuthentication::Jwks(set) => {
            let keys = set["keys"]
                .as_array()
                .map(Vec::as_slice)
                .unwrap_or_default();
            let sound = |key: &serde_json::Value| {
                // Nothing of a key is repeated: it may be a private one.
                Jwk::parse(key.to_string().as_bytes()).is_ok_and(|key| key.check().is_ok())
            };
            if !keys.is_empty() && keys.iter().all(sound) {
                Ok(())
            } else {
                Err("a key in jwks is not a public key that can be used")
            }
        }
    }
}

/// The client of a document that was read at `now` and need not be read again until `fresh_until`.
pub(super) fn of_document(
    id: &DocumentId,
    document: &ClientDocument,
    now: Timestamp,
    fresh_until: Timestamp,
) -> Client {
    let words = OwnWords {
        read_at: Some(now),
        fresh_until: Some(fresh_until),
        ..OwnWords::default()
    };
    let origin = ClientOrigin::Document;
    let mut client = row(id.id().clone(), &document.metadata, origin, words, now);
    if document.metadata.name.is_none() {
        id.host().clone_into(&mut client.name);
    }
    client
}

/// A client that registers itself.
pub(crate) struct DynamicClient;

impl DynamicClient {
    /// Its row, with an id that nobody has.
    pub(crate) fn row(
        registration: &ClientRegistration,
        random: &dyn Random,
        now: Timestamp,
    ) -> Option<Client> {
        let id = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(random.bytes::<18>()));
        let words = OwnWords {
            read_at: Some(now),
            digest: Some(registration.digest()),
            ..OwnWords::default()
        };
        let origin = ClientOrigin::Dynamic;
        let id = id.parse().ok()?;
        Some(row(id, &registration.metadata, origin, words, now))
    }
}

/// Nothing in it lets the client do more than any other stranger's: its users are always asked, its tokens say
/// that it is an agent, and neither scopes nor resources are its own.
fn row(
    id: ClientId,
    metadata: &ClientMetadata,
    origin: ClientOrigin,
    words: OwnWords,
    now: Timestamp,
) -> Client {
    let (kind, authentication) = if metadata.is_public() {
        (ClientKind::Public, ClientAuthentication::None)
    } else {
        (
            ClientKind::Confidential,
            ClientAuthentication::PrivateKeyJwt,
        )
    };
    let (jwks, jwks_uri) = match &metadata.authentication {
        OwnAuthentication::None => (None, None),
        OwnAuthentication::Jwks(set) => (Some(set.clone()), None),
        OwnAuthentication::JwksUri(uri) => (None, Some(uri.clone())),
    };
    Client {
        id,
        name: metadata.name.clone().unwrap_or_else(|| UNNAMED.to_owned()),
        kind,
        secret_hash: None,
        redirect_uris: metadata.redirect_uris.clone(),
        logout_uris: Vec::new(),
        scopes: Vec::new(),
        details: ClientDetails {
            authentication,
            jwks,
            jwks_uri,
            grants: metadata.grants.clone(),
            resources: Vec::new(),
            require_pushed: metadata.require_pushed,
            require_dpop: metadata.require_dpop,
            consent: Consent::Required,
            agent: true,
            origin,
            own_words: OwnWords {
                client_uri: metadata.client_uri.clone(),
                tos_uri: metadata.tos_uri.clone(),
                policy_uri: metadata.policy_uri.clone(),
                ..words
            },
            ..ClientDetails::for_kind(kind)
        },
        created_at: now,
        disabled_at: None,
    }
}

/// `before` as the document has it now. What an administrator has set besides stays.
pub(super) fn renewed(before: &Client, read: Client) -> Client {
    let details = ClientDetails {
        authentication: read.details.authentication,
        jwks: read.details.jwks,
        jwks_uri: read.details.jwks_uri,
        grants: read.details.grants,
        require_pushed: read.details.require_pushed,
        require_dpop: read.details.require_dpop,
        own_words: read.details.own_words,
        ..before.details.clone()
    };
    Client {
        name: read.name,
        kind: read.kind,
        redirect_uris: read.redirect_uris,
        details,
        ..before.clone()
    }
}

/// Whether two rows differ in nothing but when they were read.
pub(super) fn same_words(one: &Client, other: &Client) -> bool {
    let timeless = |client: &Client| {
        let mut client = client.clone();
        client.details.own_words.read_at = None;
        client.details.own_words.fresh_until = None;
        client
    };
    timeless(one) == timeless(other)
}
