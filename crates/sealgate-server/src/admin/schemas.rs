//! How ids, times and words look in the description: types that only stand for a schema, because the
//! crates that know the real ones know nothing of HTTP.

use std::borrow::Cow;

use sealgate_audit::anomaly::{Severity, builtin};
use sealgate_audit::chain::FindingKind;
use sealgate_audit::decision::{Outcome as Decided, Stream};
use sealgate_jose::Algorithm;
use sealgate_keys::Why;
use sealgate_model::{Grant, IssuerKind};
use sealgate_store::{
    ActorType, AnomalyState, ClientAuthentication, ClientKind, ClientOrigin, Consent,
    CredentialType, KeyState, Outcome, RevokeReason, StreamStatus,
};
use serde_json::{Value, json};
use utoipa::openapi::schema::{Object, ObjectBuilder, Schema, Type};
use utoipa::openapi::{KnownFormat, RefOr, SchemaFormat};
use utoipa::{PartialSchema, ToSchema};

use super::feed::{GateState, ReceiptState, RevokedKind};
use super::gates::ReportedState;

/// Text of a form.
fn text(pattern: &str, about: &str, example: &str) -> ObjectBuilder {
    Object::builder()
        .schema_type(Type::String)
        .pattern(Some(pattern))
        .description(Some(about))
        .examples([json!(example)])
}

/// One of a few words.
fn word<'a>(about: &str, words: impl IntoIterator<Item = &'a str>) -> ObjectBuilder {
    Object::builder()
        .schema_type(Type::String)
        .description(Some(about))
        .enum_values(Some(words.into_iter().map(Value::from)))
}

macro_rules! schemas {
    ($($standin:ident = $name:literal: $schema:expr;)*) => {$(
        pub(super) struct $standin;

        impl PartialSchema for $standin {
            fn schema() -> RefOr<Schema> {
                RefOr::T(Schema::Object($schema.build()))
            }
        }

        impl ToSchema for $standin {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed($name)
            }
        }
    )*};
}

const UUID: &str = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$";
const A_UUID: &str = "01928e2a-7c00-7000-8000-000000000001";

schemas! {
    UserIdText = "UserId": text(UUID, "An account's id: the `sub` of its tokens.", A_UUID);
    SessionIdText = "SessionId": text(UUID, "A session's id: the `sid` of its tokens.", A_UUID);
    GrantIdText = "GrantId": text(UUID, "A delegation's id.", A_UUID);
    ClientIdText = "ClientId":
        text("^([A-Za-z0-9._-]{1,128}|https?://[A-Za-z0-9._~:/?=&%+-]{1,247})$", "A `client_id`.", "expense-tracker-k3m9xq");
    TransmitterIdText = "TransmitterId": text(UUID, "An identity system's id.", A_UUID);
    RegistrationTokenIdText = "RegistrationTokenId": text(UUID, "A registration token's id.", A_UUID);
    StreamIdText = "StreamId": text(UUID, "A stream's id.", A_UUID);
    SinkNameText = "SinkName": text("^[a-z0-9][a-z0-9-]{0,63}$", "A sink's name.", "siem");
    StreamStatusWord = "StreamStatus": word(
        "Whether a stream carries events, keeps them, or neither.",
        StreamStatus::ALL.map(StreamStatus::as_str),
    );
    TenantIdText = "TenantId": text("^[a-z0-9-]{1,64}$", "An organisation.", "acme");
    KidText = "KeyId":
        text("^[A-Za-z0-9_-]{1,64}$", "A signing key's id in headers and in the JWKS.", "00f1e2d3c4b5a697");
    UriText = "Uri": Object::builder()
        .schema_type(Type::String)
        .min_length(Some(1))
        .max_length(Some(2000))
        .description(Some(
            "An absolute https URL as a browser would write it; where the rest is this machine, http."
        ))
        .examples([json!("https://expenses.example.com/auth/callback")]);
    ScopeWord = "Scope":
        text("^[!#-\\[\\]-~]{1,256}$", "A scope (RFC 6749, 3.3).", "expenses:read");
    RoleWord = "Role": text("^[A-Za-z0-9._:-]{1,64}$", "A role.", "accountant");
    ActionWord = "Action":
        text("^[a-z_]{1,32}\\.[a-z_]{1,32}$", "What was done: noun and verb.", "session.revoke");
    ActorWord = "Actor": text(
        "^(operator|anonymous|system|user:[0-9a-f-]{36}|client:[A-Za-z0-9._-]{1,128})$",
        "Who did it: a kind, and for a user or a client the id.",
        "client:expense-tracker-k3m9xq"
    );
    ActorTypeWord = "ActorType":
        word("What kind of actor it was.", ActorType::ALL.map(ActorType::as_str));
    CredentialWord = "CredentialType": word(
        "What kind of credential was presented.",
        CredentialType::ALL.map(CredentialType::as_str),
    );
    StreamWord = "DecisionStream":
        word("What went on, or what did not.", Stream::ALL.map(Stream::as_str));
    DecidedWord = "DecisionOutcome":
        word("What came of a request.", Decided::ALL.map(Decided::as_str));
    FindingWord = "FindingKind": word(
        "What is not as it was written.",
        FindingKind::ALL.map(FindingKind::as_str),
    );
    HashText = "Hash": text(
        "^[0-9a-f]{64}$",
        "A SHA-256 in hexadecimal.",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    );
    Millis = "Time": Object::builder()
        .schema_type(Type::Integer)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
        .minimum(Some(0_i64))
        .maximum(Some(super::LAST_TIME))
        .description(Some("A point in time, in milliseconds since 1970."))
        .examples([json!(1_795_338_305_000_i64)]);
    KindWord = "ClientKind": word(
        "Whether a client can keep a secret (RFC 6749, 2.1).",
        ClientKind::ALL.map(ClientKind::as_str),
    );
    AuthenticationWord = "ClientAuthentication": word(
        "How a client proves who it is: by its secret, in the header or in the form; by an assertion \
         signed with its key (RFC 7523); or not at all.",
        ClientAuthentication::ALL.map(ClientAuthentication::as_str),
    );
    ConsentWord = "Consent": word(
        "Whether the administrator has agreed for everybody, or each user is asked.",
        [Consent::Trusted, Consent::Required].map(|consent| match consent {
            Consent::Trusted => "trusted",
            Consent::Required => "required",
        }),
    );
    OriginWord = "ClientOrigin": word(
        "Where a client's registration comes from: an administrator, a document that it publishes, or itself.",
        ClientOrigin::ALL.map(ClientOrigin::as_str),
    );
    IssuerKindWord = "IssuerKind": word(
        "What kind of issuer of identities it is. `enterprise` vouches for people, the others for machines.",
        IssuerKind::ALL.map(IssuerKind::as_str),
    );
    GrantWord = "Grant": word("A grant type.", Grant::NAMES);
    AlgorithmWord = "Algorithm": word(
        "The JWA name of a signature algorithm. `Ed25519` is the newer name of `EdDSA`.",
        Algorithm::NAMES,
    );
    ReasonWord = "RevokeReason": word(
        "Why a session ended before its time.",
        RevokeReason::ALL.map(RevokeReason::as_str),
    );
    KeyStateWord = "KeyState": word(
        "Where a signing key stands: published and not yet used, signing, published and no longer \
         used, no longer published.",
        KeyState::ALL.map(KeyState::as_str),
    );
    WhyWord = "Why": word(
        "Why a key moves without anybody's command.",
        [Why::Missing, Why::Outlived, Why::Scheduled].map(|why| match why {
            Why::Missing => "missing",
            Why::Outlived => "outlived",
            Why::Scheduled => "scheduled",
        }),
    );
    GateStateWord = "GateState": word(
        "How a gate is doing: it follows and answers, it is connected and has not answered for longer \
         than its staleness bound, its connection has ended.",
        GateState::ALL.map(GateState::as_str),
    );
    ReportedStateWord = "ReportedState": word(
        "Whether a gate has reported within three minutes.",
        ReportedState::ALL.map(ReportedState::as_str),
    );
    WhenStaleWord = "WhenStale": word(
        "What becomes of credentials once the staleness bound is over: none passes, the control plane is asked \
         about each, routes that are marked for it go on for a while.",
        ["deny", "introspect", "allow"],
    );
    AgreementWord = "RouteAgreement": word(
        "Whether routes are as the lock file has them.",
        ["agrees", "differs", "no_lock_file", "unknown"],
    );
    CoverageWord = "RouteCoverage": word(
        "What stands before a route: a gate that it asks for, a gate because it says nothing, nothing for a \
         reason, nothing that is known of, or it could not be told.",
        ["gated", "unmarked", "public", "open", "unresolved"],
    );
    SeverityWord = "Severity": word(
        "How bad an anomaly is.",
        Severity::ALL.map(Severity::as_str),
    );
    AnomalyStateWord = "AnomalyState": word(
        "Where an anomaly stands: nobody has seen to it, somebody has, it is over.",
        AnomalyState::ALL.map(AnomalyState::as_str),
    );
    AnomalySourceWord = "AnomalySource": word(
        "What a rule looks at: the control plane's records, the decisions of gates, or what there is.",
        ["acts", "decisions", "state"],
    );
    RuleWord = "AnomalyRule": word(
        "A rule of anomalies, by its id.",
        builtin().iter().map(|rule| rule.id.as_str()),
    );
    ReceiptStateWord = "ReceiptState": word(
        "What a gate made of a revocation: it has applied it; it was not heard of for longer than its \
         staleness bound and denies; it has not said yet.",
        ReceiptState::ALL.map(ReceiptState::as_str),
    );
    RevokedKindWord = "RevokedKind": word(
        "What kind of thing is revoked.",
        RevokedKind::ALL.map(RevokedKind::as_str),
    );
    OutcomeWord = "Outcome":
        word("How it went.", [Outcome::Allowed, Outcome::Denied].map(Outcome::as_str));
    StatusWord = "UserStatus": word(
        "Whether an account can be used: it has an invitation and no password yet, it can sign in, it \
         cannot.",
        ["invited", "active", "disabled"],
    );
    KeySet = "ClientKeys": Object::builder()
        .schema_type(Type::Object)
        .description(Some("A JWK set (RFC 7517, 5) of 1 to 16 public keys."))
        .property(
            "keys",
            utoipa::openapi::Array::new(Object::builder().schema_type(Type::Object).build()),
        )
        .required("keys")
        .examples([json!({ "keys": [{
            "kty": "OKP", "crv": "Ed25519", "kid": "2026-11", "use": "sig",
            "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
        }] })]);
}
