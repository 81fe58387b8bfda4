//! The test vectors of `docs/spec/policy-bundle.md`: this code writes them and behaves by them.
//!
//! With `SEALGATE_WRITE_VECTORS=1` the file is written anew; the change is then to be read in review.
#![expect(
    clippy::unwrap_used,
    reason = "a test may stop at what it did not expect"
)]

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sealgate_jose::{JwkSet, SigningKey, VerifyingKeys};
use sealgate_model::Timestamp;
use sealgate_policy::{
    BUNDLE_LIMIT, BUNDLE_TYPE, Bundle, BundleClaims, BundleError, Declaring, Document,
    ExpectedBundle, FORMAT, digest_of,
};
use serde_json::{Value, json};

/// The private key of RFC 8037, appendix A.1: known to everyone, and good for nothing else.
const SEED: &str = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
const KID: &str = "rfc8037";
const ISSUER: &str = "https://id.example.com";
const CLIENT: &str = "expense-tracker";
const NONCE: &str = "k7Zb0yQwVtqVtqLJ3F2hXg";
const MADE_AT: i64 = 1_795_000_000_123;

const DECLARED: &str = "
[[mapping]]
name = 'finance'
when = { issuer = 'own', group = 'finance' }
give = { roles = ['approver'], scopes = ['expenses:approve'] }

[policy]
files = ['expenses.cedar']
[policy.actions]
'expenses.list' = {}
";
const CEDAR: &str =
    "@id(\"list\")\npermit (principal is User, action == Action::\"expenses.list\", resource);\n";

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/spec/vectors/policy-bundle.json")
}

fn key() -> SigningKey {
    let seed: [u8; 32] = URL_SAFE_NO_PAD.decode(SEED).unwrap().try_into().unwrap();
    SigningKey::from_seed(KID, &seed).unwrap()
}

fn document() -> Document {
    let files = [("expenses.cedar".to_owned(), CEDAR.to_owned())].into();
    Declaring::read(DECLARED)
        .unwrap()
        .with(files, &[].into())
        .unwrap()
}

fn claims(version: u64, made_at: i64, document: &str) -> Value {
    let claims = BundleClaims {
        iss: ISSUER,
        aud: CLIENT,
        iat: 1_795_000_010,
        nonce: Some(NONCE),
        format: FORMAT,
        version,
        made_at: Timestamp::from_millis(made_at),
        digest: &digest_of(document),
        document,
    };
    serde_json::to_value(&claims).unwrap()
}

fn read(claims: &Value) -> Result<Bundle, BundleError> {
    let (issuer, client) = (ISSUER.parse().unwrap(), CLIENT.parse().unwrap());
    let expected = ExpectedBundle {
        issuer: &issuer,
        client: &client,
        nonce: NONCE,
    };
    Bundle::read(claims.to_string().as_bytes(), &expected)
}

/// What makes a sound bundle one that is refused: why, which claim, and what stands there.
fn faults() -> Vec<(&'static str, &'static str, Value)> {
    let newer = r#"{"mapping":{},"policies":{},"rituals":{}}"#;
    vec![
        ("another issuer", "iss", json!("https://other.example.com")),
        ("another client", "aud", json!("other-app")),
        ("an audience that is a list", "aud", json!([CLIENT])),
        ("the answer to another question", "nonce", json!("another")),
        ("no nonce", "nonce", Value::Null),
        ("no version at a moment", "version", json!(0)),
        ("a version at no moment", "made_at", json!(0)),
        ("a moment as text", "made_at", json!("1795000000123")),
        ("a number beyond 2^53 - 1", "version", json!(1_u64 << 53)),
        ("a document that was changed", "document", json!("{}")),
        ("a document that is no text", "document", json!({})),
        ("a subject claim", "sub", json!("x")),
        ("an expiry claim", "exp", json!(1)),
        ("a form that is not known", "format", json!(2)),
        ("a member that is not known", "document", json!(newer)),
    ]
}

fn refused() -> Vec<Value> {
    let sound = document().to_json().unwrap();
    let each = faults().into_iter().map(|(name, claim, value)| {
        let mut claims = claims(7, MADE_AT, &sound);
        if name == "a member that is not known" {
            claims["digest"] = json!(digest_of(value.as_str().unwrap()));
        }
        claims[claim] = value;
        let reason = read(&claims).unwrap_err().code();
        json!({"name": name, "claims": claims, "reason": reason})
    });
    each.collect()
}

fn vectors() -> Value {
    let key = key();
    let nothing = Document::default().to_json().unwrap();
    let some = document().to_json().unwrap();
    let bundles = [
        ("nothing was ever applied", claims(0, 0, &nothing)),
        ("version 7", claims(7, MADE_AT, &some)),
    ];
    let bundles = bundles.map(|(name, claims)| {
        let (version, made_at) = (&claims["version"], &claims["made_at"]);
        let jws = key.sign(BUNDLE_TYPE, &claims).unwrap();
        json!({"name": name, "jws": jws, "claims": claims, "version": version, "made_at": made_at})
    });
    let counts = [
        (Value::Null, MADE_AT, true),
        (json!(MADE_AT - 1), MADE_AT, true),
        (json!(MADE_AT), MADE_AT, false),
        (json!(MADE_AT + 1), MADE_AT, false),
        (json!(0), 0, false),
    ];
    let counts = counts.map(|(not_before, made_at, counts)| {
        json!({"not_before": not_before, "made_at": made_at, "counts": counts})
    });
    json!({
        "specification": "docs/spec/policy-bundle.md",
        "signing_seed": SEED,
        "jwks": JwkSet { keys: vec![key.public_jwk()] },
        "issuer": ISSUER,
        "client_id": CLIENT,
        "nonce": NONCE,
        "bundles": bundles,
        "refused": refused(),
        "counts": counts,
    })
}

#[test]
fn the_vectors_are_what_this_code_writes() {
    if std::env::var_os("SEALGATE_WRITE_VECTORS").is_some() {
        let json = serde_json::to_string_pretty(&vectors()).unwrap();
        std::fs::write(path(), json + "\n").unwrap();
    }
    let kept: Value = serde_json::from_slice(&std::fs::read(path()).unwrap()).unwrap();
    assert_eq!(kept, vectors());
}

#[test]
fn every_bundle_verifies_and_reads_as_it_says() {
    let kept: Value = serde_json::from_slice(&std::fs::read(path()).unwrap()).unwrap();
    let keys = JwkSet::parse(kept["jwks"].to_string().as_bytes()).unwrap();
    let keys = VerifyingKeys::from_jwks(&keys);
    for bundle in kept["bundles"].as_array().unwrap() {
        let jws = bundle["jws"].as_str().unwrap();
        let verified = keys
            .verify_up_to(BUNDLE_LIMIT, jws, &[BUNDLE_TYPE])
            .unwrap();
        assert!(
            keys.verify_up_to(BUNDLE_LIMIT, jws, &["secevent+jwt"])
                .is_err()
        );
        let claims: Value = serde_json::from_slice(&verified.payload).unwrap();
        assert_eq!(claims, bundle["claims"]);
        let read = read(&claims).unwrap();
        assert_eq!(json!(read.version), bundle["version"]);
        assert_eq!(json!(read.made_at), bundle["made_at"]);
    }
    for refused in kept["refused"].as_array().unwrap() {
        let error = read(&refused["claims"]).unwrap_err();
        assert_eq!(
            json!(error.code()),
            refused["reason"],
            "{}",
            refused["name"]
        );
    }
}

#[test]
fn a_bundle_counts_if_it_was_made_after_the_feeds_word() {
    let kept: Value = serde_json::from_slice(&std::fs::read(path()).unwrap()).unwrap();
    for case in kept["counts"].as_array().unwrap() {
        let made_at = Timestamp::from_millis(case["made_at"].as_i64().unwrap());
        let not_before = case["not_before"].as_i64().map(Timestamp::from_millis);
        assert_eq!(
            json!(Bundle::counts(made_at, not_before)),
            case["counts"],
            "{case}"
        );
    }
}
