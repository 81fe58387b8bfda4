//! What the vectors' file holds, made by this code.

use sealgate_model::{ClaimValue, ClaimValues, Random, Timestamp, User};
use sealgate_session::{
    Context, KeyRing, SEALED_LIMIT, SealError, SealKey, SessionContent, SessionParts,
    TransactionContent,
};
use serde_json::{Value, json};

const COOKIE: &str = "__Host-Http-sealgate";
const START: i64 = 1_795_000_000;
const STATE: &str = "q0Zr5d7RZx1Hf3yYk2m8uVw9aBcDeFgHiJkLmNoPqRs";

/// What most vectors are sealed for.
const HERE: Context<'_> = Context {
    purpose: "session",
    cookie: COOKIE,
    client: "expense-tracker",
    issuer: "https://id.example.com",
};

/// A nonce handed in: the only thing that sealing draws.
pub(crate) struct Nonce(pub(crate) Vec<u8>);

impl Random for Nonce {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.copy_from_slice(&self.0);
    }
}

/// 32 bytes that count up from `first`: known to everyone, and good for nothing else.
fn key(first: u8) -> SealKey {
    SealKey::from_bytes(std::array::from_fn(|at| first + u8::try_from(at).unwrap()))
}

fn full() -> Value {
    json!({
        "sid": "01928e2a-7c00-7000-8000-000000000001",
        "sub": "01928e2a-7c00-7000-8000-0000000000aa",
        "email": "ada@example.com",
        "name": "Zoë Lovelace",
        "scopes": ["openid", "profile", "email", "expenses:read"],
        "roles": ["accountant"],
        "started_at": START,
        "renewed_at": START + 300,
        "renew_at": START + 600,
        "expires_at": START + 86_400,
        "refresh": "AZKOKnwAcACAAAAAAAAAu2JhZCBsdWNrLCB0aGlzIG9uZSBpcyBpbiBhIGJvb2s",
        "authenticated_at": START - 5,
        "key": "9f2c4e7a11d80b35",
        "tenant": "acme",
        "acr": "urn:sealgate:acr:password",
        "told_at": (START + 300) * 1000 + 250,
        "claims": null,
    })
}

fn with_claims() -> Value {
    let mut content = bare();
    content["claims"] = json!({
        "/groups": ["finance", "staff-emea"],
        "/email_verified": true,
        "/level": -3,
        "/department": "Buchhaltung",
        "/entitlements": [],
    });
    content
}

fn bare() -> Value {
    json!({
        "sid": "01928e2a-7c00-7000-8000-000000000002",
        "sub": "u",
        "email": null,
        "name": null,
        "scopes": ["openid"],
        "roles": [],
        "started_at": START,
        "renewed_at": START,
        "renew_at": START + 300,
        "expires_at": START + 86_400,
        "refresh": null,
        "authenticated_at": START,
        "key": null,
        "tenant": null,
        "acr": null,
        "told_at": null,
        "claims": null,
    })
}

fn transaction() -> Value {
    json!({
        "state": STATE,
        "nonce": "n0Zr5d7RZx1Hf3yYk2m8uVw9aBcDeFgHiJkLmNoPqRs",
        "verifier": "v0Zr5d7RZx1Hf3yYk2m8uVw9aBcDeFgHiJkLmNoPqRs",
        "return_to": "/expenses?month=11",
        "started_at": START,
    })
}

fn values(value: &Value) -> ClaimValues {
    let one = |value: &Value| serde_json::from_value::<ClaimValue>(value.clone()).unwrap();
    match value {
        Value::Array(list) => ClaimValues::Many(list.iter().map(one).collect()),
        value => ClaimValues::One(one(value)),
    }
}

/// What is kept of claims, as the vectors spell it.
fn claims(content: &SessionContent) -> Option<Value> {
    let value = |values: &ClaimValues| match values {
        ClaimValues::One(value) => json!(value),
        ClaimValues::Many(list) => json!(list),
    };
    let claims = content.claims().iter();
    let claims: serde_json::Map<_, _> = claims
        .map(|(path, values)| (path.clone(), value(values)))
        .collect();
    (!claims.is_empty()).then_some(Value::Object(claims))
}

/// The bytes of the content that `value` spells out.
pub(crate) fn encode(purpose: &str, value: &Value) -> Vec<u8> {
    let text = |member: &str| value[member].as_str().map(str::to_owned);
    let list = |member: &str| serde_json::from_value(value[member].clone()).unwrap();
    let time = |member: &str| Timestamp::from_seconds(value[member].as_i64().unwrap());
    if purpose == "transaction" {
        let [state, nonce, verifier, return_to] =
            ["state", "nonce", "verifier", "return_to"].map(|member| text(member).unwrap());
        let content =
            TransactionContent::new(state, nonce, verifier, return_to, time("started_at"));
        return content.encode().unwrap();
    }
    let parts = SessionParts {
        session: text("sid").unwrap().parse().unwrap(),
        user: User {
            id: text("sub").unwrap(),
            email: text("email"),
            name: text("name"),
            scopes: list("scopes"),
            roles: list("roles"),
            tenant: text("tenant"),
            acr: text("acr"),
            ..User::default()
        },
        started_at: time("started_at"),
        renewed_at: time("renewed_at"),
        renew_at: time("renew_at"),
        expires_at: time("expires_at"),
        authenticated_at: Some(time("authenticated_at")),
        refresh: text("refresh"),
        key: text("key"),
        told_at: value["told_at"]
            .as_i64()
            .map_or(time("started_at"), Timestamp::from_millis),
        claims: value["claims"].as_object().map_or(Vec::new(), |claims| {
            let claims = claims.iter();
            claims
                .map(|(path, value)| (path.clone(), values(value)))
                .collect()
        }),
    };
    SessionContent::from(parts).encode().unwrap()
}

/// What the bytes of a content spell out.
pub(crate) fn decode(purpose: &str, bytes: &[u8]) -> Result<Value, SealError> {
    if purpose == "transaction" {
        let content = TransactionContent::decode(bytes)?;
        return Ok(json!({
            "state": content.state,
            "nonce": content.nonce,
            "verifier": content.verifier,
            "return_to": content.return_to,
            "started_at": content.started_at().as_seconds(),
        }));
    }
    let content = SessionContent::decode(bytes)?;
    let user = content.clone().into_user();
    Ok(json!({
        "sid": content.session().to_string(),
        "sub": user.id,
        "email": user.email,
        "name": user.name,
        "scopes": user.scopes,
        "roles": user.roles,
        "started_at": content.started_at().as_seconds(),
        "renewed_at": content.renewed_at().as_seconds(),
        "renew_at": content.renew_at().as_seconds(),
        "expires_at": content.expires_at().as_seconds(),
        "refresh": content.refresh(),
        "authenticated_at": content.authenticated_at().map(Timestamp::as_seconds),
        "key": content.key(),
        "tenant": user.tenant,
        "acr": user.acr,
        "told_at": Some(content.told_at())
            .filter(|told_at| *told_at != content.started_at())
            .map(Timestamp::as_millis),
        "claims": claims(&content),
    }))
}

fn sealed(name: &str, first: u8, place: Context<'_>, nonce: u8, content: &Value) -> Value {
    let key = key(first);
    let plain = encode(place.purpose, content);
    let nonce: Vec<u8> = (nonce..).take(12).collect();
    let kid = key.kid();
    let ring = KeyRing::new(vec![key]).unwrap();
    let text = ring.seal(&place, &Nonce(nonce.clone()), &plain).unwrap();
    json!({
        "name": name,
        "kid": kid,
        "purpose": place.purpose,
        "cookie": place.cookie,
        "client": place.client,
        "issuer": place.issuer,
        "nonce": hex(&nonce),
        "content": content,
        "plain": hex(&plain),
        "sealed": text,
    })
}

fn opened() -> Vec<Value> {
    let plain_http = Context {
        cookie: "sealgate",
        ..HERE
    };
    let name = format!("{COOKIE}-tx-{}", &STATE[..8]);
    let sign_in = Context {
        purpose: "transaction",
        cookie: &name,
        ..HERE
    };
    vec![
        sealed("session", 0x21, HERE, 0x00, &full()),
        sealed("session under an older key", 0x01, HERE, 0x10, &full()),
        sealed(
            "session with nothing optional",
            0x21,
            plain_http,
            0x20,
            &bare(),
        ),
        sealed("transaction", 0x21, sign_in, 0x30, &transaction()),
        sealed("session with claims", 0x21, HERE, 0x40, &with_claims()),
    ]
}

/// Ways in which the session without options does not open, each with its reason.
fn refused() -> Vec<Value> {
    let vector = opened().swap_remove(2);
    let here = context_of(&vector);
    let whole = text(&vector, "sealed");
    let (head, body) = whole.rsplit_once('.').unwrap();
    let kid = key(0x21).kid();
    let case = |name: &str, context: Context<'_>, sealed: &str, reason: &str| {
        json!({
            "name": name,
            "purpose": context.purpose,
            "cookie": context.cookie,
            "client": context.client,
            "issuer": context.issuer,
            "sealed": sealed,
            "reason": reason,
        })
    };
    let elsewhere = |name: &str, context: Context<'_>| case(name, context, whole, "seal_broken");
    let other = |name: &str, sealed: &str, reason: &str| case(name, here, sealed, reason);
    let changed = |name: &str, at: usize| {
        let to = if &whole[at..=at] == "A" { "B" } else { "A" };
        let sealed = format!("{}{to}{}", &whole[..at], &whole[at + 1..]);
        other(name, &sealed, "seal_broken")
    };
    let malformed = |name: &str, sealed: &str| other(name, sealed, "seal_malformed");
    let unknown =
        |name: &str, kid: &str| other(name, &format!("v1.{kid}.{body}"), "seal_key_unknown");
    let purpose = "transaction";
    let [cookie, client, issuer] = [COOKIE, "payroll", "https://id.example.com/"];
    vec![
        elsewhere("another purpose", Context { purpose, ..here }),
        elsewhere("another cookie", Context { cookie, ..here }),
        elsewhere("another client", Context { client, ..here }),
        elsewhere("another issuer", Context { issuer, ..here }),
        elsewhere(
            "a byte moved from cookie to client",
            Context {
                cookie: "sealgat",
                client: "eexpense-tracker",
                ..here
            },
        ),
        changed("nonce changed", head.len() + 1),
        changed("ciphertext changed", head.len() + 40),
        changed("tag changed", whole.len() - 4),
        other(
            "cut short",
            &whole[..=head.len() + body.len() / 4 * 4],
            "seal_broken",
        ),
        malformed("27 bytes", &whole[..=head.len() + 36]),
        unknown("a key that is not in the ring", "00000000"),
        unknown("a key id in upper case", &kid.to_uppercase()),
        malformed(
            "a key id of 7 characters",
            &format!("v1.{}.{body}", &kid[..7]),
        ),
        malformed("another version", &format!("v2.{kid}.{body}")),
        malformed("no version", &format!("{kid}.{body}")),
        malformed("padding", &format!("{whole}=")),
        malformed(
            "the standard alphabet",
            &format!("{head}.{}", body.replace(['-', '_'], "+")),
        ),
        malformed("a second spelling of the last byte", &respelled(whole)),
        malformed("quotes", &format!("\"{whole}\"")),
        malformed("nothing", ""),
        other(
            "3,801 bytes",
            &format!("{whole}{}", "A".repeat(SEALED_LIMIT + 1 - whole.len())),
            "seal_too_long",
        ),
    ]
}

/// The same bytes, but the bits of the last character that carry nothing are not zero.
fn respelled(sealed: &str) -> String {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (rest, last) = sealed.split_at(sealed.len() - 1);
    let at = ALPHABET.find(last).unwrap();
    assert_eq!(at % 4, 0, "this value uses every bit of its last character");
    format!("{rest}{}", &ALPHABET[at + 1..at + 2])
}

/// The content without options, in hexadecimal, with `old` replaced.
fn respelt(old: &str, new: &str) -> String {
    let plain = hex(&encode("session", &bare()));
    assert!(plain.contains(old), "{old} is not in {plain}");
    plain.replacen(old, new, 1)
}

/// Contents in other spellings than the one that is written.
fn accepted() -> Vec<Value> {
    let case = |name: &str, plain: String| json!({ "name": name, "purpose": "session", "plain": plain, "content": bare() });
    vec![
        case(
            "unknown keys are skipped",
            respelt("a900", "ab1863a161780120821904d2f500"),
        ),
        case("null is as good as absent", respelt("a900", "ab02f60af600")),
    ]
}

/// Contents that are refused, sealed or not.
fn unreadable() -> Vec<Value> {
    let plain = respelt("", "");
    let case = |name: &str, plain: String| json!({ "name": name, "purpose": "session", "plain": plain, "reason": "seal_content" });
    vec![
        case("nothing", String::new()),
        case("a byte behind the map", format!("{plain}00")),
        case("a byte missing", plain[..plain.len() - 2].to_owned()),
        case("no map", "80".to_owned()),
        case("a key that is text", respelt("a9", "aa616101")),
        case("sid of 15 bytes", respelt("005001", "004f")),
        case("sid as text", respelt("0050", "0070")),
        case("sub missing", respelt("a9", "a8").replacen("016175", "", 1)),
        case("sub as bytes", respelt("016175", "014175")),
        case("sub that is not UTF-8", respelt("016175", "0161ff")),
        case(
            "scopes as one text",
            respelt("0481666f70656e6964", "04666f70656e6964"),
        ),
        case("a time as text", respelt("061a6afd86c0", "066131")),
        case("a time as a float", respelt("061a6afd", "06fa6afd")),
        case("claims as a list", respelt("a9", "aa1080")),
        case("a claim under a number", respelt("a9", "aa10a10101")),
        case("a claim that is a map", respelt("a9", "aa10a1622f61a0")),
        case(
            "a claim that is a fraction",
            respelt("a9", "aa10a1622f61f93e00"),
        ),
        case("a claim within lists", respelt("a9", "aa10a1622f618180")),
        case(
            "1,025 bytes of claims",
            respelt("a9", &format!("aa10a1622f617903fa{}", "78".repeat(1_018))),
        ),
    ]
}

pub(crate) fn written() -> Value {
    let keys = [0x21, 0x01].map(|first| {
        let key = key(first);
        json!({ "kid": key.kid(), "text": key.to_text().expose() })
    });
    json!({
        "ring": keys,
        "sealed": opened(),
        "refused": refused(),
        "contents": { "accepted": accepted(), "refused": unreadable() },
    })
}

pub(crate) fn context_of(vector: &Value) -> Context<'_> {
    Context {
        purpose: text(vector, "purpose"),
        cookie: text(vector, "cookie"),
        client: text(vector, "client"),
        issuer: text(vector, "issuer"),
    }
}

pub(crate) fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value[member].as_str().unwrap()
}

pub(crate) fn list<'a>(value: &'a Value, member: &str) -> &'a [Value] {
    let list = value[member].as_array().unwrap();
    assert!(!list.is_empty(), "{member}");
    list
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap();
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(digit).collect()
}

pub(crate) fn unhex(text: &str) -> Vec<u8> {
    let pairs = (0..text.len()).step_by(2);
    pairs
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}
