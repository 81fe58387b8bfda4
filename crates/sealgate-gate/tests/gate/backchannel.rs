//! The issuer tells that a session ended, at `/auth/backchannel-logout`.

use std::time::Duration;

use sealgate_gate::{Decision, Gate, Request, Response, Transport};
use sealgate_jose::{Algorithm, SigningKey};
use sealgate_model::Clock as _;
use serde_json::{Value, json};

use crate::browser::{begin, header, signed_in, user};
use crate::provider::{ISSUER, SID, World, world, world_with};

const PATH: &str = "/auth/backchannel-logout";
const FORM: &str = "application/x-www-form-urlencoded";

/// The claims of a token that ends the session of `signed_in`.
fn claims(world: &World, jti: &str) -> Value {
    let now = world.clock.now().as_seconds();
    json!({
        "iss": ISSUER, "aud": "expenses", "iat": now, "exp": now + 120, "jti": jti, "sub": "ada", "sid": SID,
        "events": { "http://schemas.openid.net/event/backchannel-logout": {} },
    })
}

fn sign(world: &World, claims: &Value) -> String {
    world.provider.keys[0].sign("logout+jwt", claims).unwrap()
}

async fn post(gate: &Gate, headers: &[(&str, &str)], body: &[u8]) -> Response {
    let headers: Vec<(&[u8], &[u8])> = headers
        .iter()
        .map(|(name, value)| (name.as_bytes(), value.as_bytes()))
        .collect();
    let request = Request {
        transport: Transport::Http,
        method: "POST",
        path: PATH,
        query: b"",
        headers: &headers,
    };
    match gate.decide(&request, &user()) {
        Decision::Respond(response) => response,
        Decision::Pending(mut pending) => {
            // As a host does: what is longer is cut off after one byte more.
            let limit = pending.body_limit().unwrap();
            pending.set_body(body.iter().copied().take(limit + 1).collect());
            match gate.finish(*pending).await {
                Decision::Respond(response) => response,
                other => panic!("{other:?}"),
            }
        }
        Decision::Allow(_) => panic!("it is the gate's own"),
    }
}

async fn tell(world: &World, token: &str) -> Response {
    let body = format!("logout_token={token}");
    post(&world.gate, &[("content-type", FORM)], body.as_bytes()).await
}

/// The reason why a token is refused, after the answer's form has been checked.
async fn refused(world: &World, token: &str) -> &'static str {
    assert_refused(&tell(world, token).await)
}

fn assert_refused(response: &Response) -> &'static str {
    assert_eq!(response.status, 400);
    assert_eq!(header(response, "cache-control"), Some("no-store"));
    assert_eq!(header(response, "content-type"), Some("application/json"));
    let body: Value = serde_json::from_slice(&response.body).unwrap();
    assert_eq!(body["reason"], response.reason);
    assert!(body["error_description"].is_string());
    let unavailable = response.reason == "logout_keys_unavailable";
    let error = if unavailable {
        "temporarily_unavailable"
    } else {
        "invalid_request"
    };
    assert_eq!(body["error"], error);
    response.reason
}

#[tokio::test(start_paused = true)]
async fn a_logout_token_with_sid_ends_that_session_and_no_other() {
    let world = world().await;
    let mut browser = signed_in(&world).await;
    let mut other = claims(&world, "1");
    other["sid"] = json!("01890a5d-ac96-774b-bcce-b302099a8058");
    assert_eq!(tell(&world, &sign(&world, &other)).await.status, 200);
    assert!(browser.send(&world.gate, "GET", "/", &user()).await.is_ok());

    let answer = tell(&world, &sign(&world, &claims(&world, "2"))).await;
    assert_eq!((answer.status, answer.body.len()), (200, 0));
    assert_eq!(header(&answer, "cache-control"), Some("no-store"));
    assert_eq!(
        browser.denied(&world.gate, "GET", "/", &user()).await,
        (401, "session_revoked")
    );
}

#[tokio::test(start_paused = true)]
async fn without_sid_it_ends_every_session_of_the_user_so_far() {
    let world = world().await;
    let mut before = signed_in(&world).await;
    let mut all = claims(&world, "1");
    all.as_object_mut().unwrap().remove("sid");
    let mut of_another = all.clone();
    of_another["sub"] = json!("grace");
    assert_eq!(tell(&world, &sign(&world, &of_another)).await.status, 200);
    assert!(before.send(&world.gate, "GET", "/", &user()).await.is_ok());

    all["jti"] = json!("2");
    assert_eq!(tell(&world, &sign(&world, &all)).await.status, 200);
    assert_eq!(
        before.denied(&world.gate, "GET", "/", &user()).await,
        (401, "session_revoked")
    );
    world.clock.advance(Duration::from_secs(1));
    world.follow_once().await;
    let mut after = signed_in(&world).await;
    assert!(after.send(&world.gate, "GET", "/", &user()).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn what_was_logged_out_stays_so_until_its_longest_life_is_over() {
    let world = world_with(&[("SEALGATE_IDLE_LIMIT", "86400")]).await;
    let mut browser = signed_in(&world).await;
    assert_eq!(
        tell(&world, &sign(&world, &claims(&world, "1")))
            .await
            .status,
        200
    );
    world.clock.advance(Duration::from_secs(86_399));
    world.follow_once().await;
    assert_eq!(
        browser.denied(&world.gate, "GET", "/", &user()).await,
        (401, "session_revoked")
    );
}

#[tokio::test(start_paused = true)]
async fn a_logout_token_is_taken_once() {
    let world = world().await;
    let token = sign(&world, &claims(&world, "1"));
    assert_eq!(tell(&world, &token).await.status, 200);
    assert_eq!(refused(&world, &token).await, "logout_token_replayed");
    world.clock.advance(Duration::from_secs(180));
    assert_eq!(refused(&world, &token).await, "logout_token_expired");
}

#[tokio::test(start_paused = true)]
async fn nothing_but_a_logout_token_of_the_issuer_for_this_application_ends_anything() {
    let world = world().await;
    let mut browser = signed_in(&world).await;
    let good = claims(&world, "1");
    let with = |claim: &str, value: Value| {
        let mut claims = good.clone();
        claims[claim] = value;
        sign(&world, &claims)
    };
    let stranger = SigningKey::from_seed("k0", &[9; 32]).unwrap();
    let unsigned = {
        let token = sign(&world, &good);
        let (signed, _) = token.rsplit_once('.').unwrap();
        format!("{signed}.")
    };
    for (token, reason) in [
        (
            with("iss", json!("https://other.example")),
            "logout_token_misdirected",
        ),
        (with("aud", json!("payroll")), "logout_token_misdirected"),
        (with("nonce", json!("n")), "logout_token_malformed"),
        (with("events", json!({})), "logout_token_invalid"),
        (
            stranger.sign("logout+jwt", &good).unwrap(),
            "logout_token_invalid",
        ),
        (
            world.provider.keys[0].sign("JWT", &good).unwrap(),
            "logout_token_invalid",
        ),
        (
            world.provider.keys[0].sign("at+jwt", &good).unwrap(),
            "logout_token_invalid",
        ),
        (unsigned, "logout_token_invalid"),
        ("junk".to_owned(), "logout_token_invalid"),
        (String::new(), "logout_request_malformed"),
    ] {
        assert_eq!(refused(&world, &token).await, reason, "{token}");
    }
    // An ID token, as the issuer makes them, is none.
    let id_token = json!({ "iss": ISSUER, "aud": "expenses", "sub": "ada", "sid": SID, "exp": 2_000_000_000,
        "iat": 1_790_000_000 });
    let id_token = world.provider.keys[0]
        .sign("logout+jwt", &id_token)
        .unwrap();
    assert_eq!(refused(&world, &id_token).await, "logout_token_invalid");
    assert!(browser.send(&world.gate, "GET", "/", &user()).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn only_a_small_form_is_read() {
    let world = world().await;
    let token = sign(&world, &claims(&world, "1"));
    let body = format!("logout_token={token}");
    let long = format!("logout_token={}", "a".repeat(20_000));
    let twice = format!("{body}&{body}");
    let form = ("content-type", FORM);
    let cases: [(&[(&str, &str)], &str); 8] = [
        (&[], &body),
        (&[("content-type", "application/json")], &body),
        (&[form, ("content-length", "17409")], &body),
        (&[form, ("content-length", "-1")], &body),
        (&[form], &long),
        (&[form], &twice),
        (&[form], "other=1"),
        (&[form], ""),
    ];
    for (headers, body) in cases {
        let response = post(&world.gate, headers, body.as_bytes()).await;
        assert_eq!(
            assert_refused(&response),
            "logout_request_malformed",
            "{headers:?}"
        );
    }
    let more = format!("other=1&{body}");
    let charset = [(
        "content-type",
        "Application/X-WWW-Form-Urlencoded; charset=utf-8",
    )];
    let response = post(&world.gate, &charset, more.as_bytes()).await;
    assert_eq!(response.status, 200);
}

#[tokio::test(start_paused = true)]
async fn strangers_key_ids_make_the_gate_ask_for_keys_once_in_ten_seconds() {
    let world = world().await;
    let asked = || world.state().keys_asked;
    let before = asked();
    let forged = |kid: &str| {
        let key = SigningKey::from_seed(kid, &[9; 32]).unwrap();
        key.sign("logout+jwt", &claims(&world, "1")).unwrap()
    };
    world.clock.advance(Duration::from_secs(10));
    for number in 0..20 {
        assert_eq!(
            refused(&world, &forged(&format!("x{number}"))).await,
            "logout_token_invalid"
        );
    }
    assert_eq!(asked(), before + 1);
    // What was seen after the last look cannot be told from a key that is new.
    world.clock.advance(Duration::from_secs(1));
    for _ in 0..2 {
        assert_eq!(
            refused(&world, &forged("y")).await,
            "logout_keys_unavailable"
        );
    }
    assert_eq!(asked(), before + 1);
    world.clock.advance(Duration::from_secs(9));
    assert_eq!(refused(&world, &forged("y")).await, "logout_token_invalid");
    assert_eq!(asked(), before + 2);
    world.state().down = true;
    world.clock.advance(Duration::from_secs(10));
    for _ in 0..2 {
        assert_eq!(
            refused(&world, &forged("z")).await,
            "logout_keys_unavailable"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_foreign_issuers_rs256_token_about_its_own_session_id_is_taken() {
    let world = world_with(&[("SEALGATE_UNTYPED_LOGOUT", "accept")]).await;
    let (key, _) = SigningKey::generate(Algorithm::Rs256, "rsa").unwrap();
    world.clock.advance(Duration::from_secs(10));
    world.state().other_keys = vec![key.public_jwk()];
    world.state().claims = vec![("sid", json!("a foreign session"))];
    let mut browser = signed_in(&world).await;
    let mut claims = claims(&world, "1");
    claims["sid"] = json!("a foreign session");
    // As providers write them: `typ` of its own, the general one, or none.
    for (jti, header) in [
        (
            "1",
            json!({ "alg": "RS256", "kid": "rsa", "typ": "logout+jwt" }),
        ),
        ("2", json!({ "alg": "RS256", "kid": "rsa", "typ": "JWT" })),
        ("3", json!({ "alg": "RS256", "kid": "rsa" })),
    ] {
        claims["jti"] = json!(jti);
        let token = key.sign_with_header(&header, &claims).unwrap();
        assert_eq!(tell(&world, &token).await.status, 200, "{header}");
    }
    let access = json!({ "alg": "RS256", "kid": "rsa", "typ": "at+jwt" });
    let token = key.sign_with_header(&access, &claims).unwrap();
    assert_eq!(refused(&world, &token).await, "logout_token_invalid");
    assert_eq!(
        browser.denied(&world.gate, "GET", "/", &user()).await,
        (401, "session_revoked")
    );
}

#[tokio::test(start_paused = true)]
async fn without_the_setting_a_token_has_to_state_its_type() {
    let world = world().await;
    let header = json!({ "alg": "EdDSA", "kid": "k0" });
    let token = world.provider.keys[0].sign_with_header(&header, &claims(&world, "1"));
    assert_eq!(
        refused(&world, &token.unwrap()).await,
        "logout_token_invalid"
    );
}

#[tokio::test(start_paused = true)]
async fn it_is_posted_and_a_finished_sign_in_of_the_ended_session_opens_nothing() {
    let world = world().await;
    let mut browser = signed_in(&world).await;
    let response = browser.send(&world.gate, "GET", PATH, &user()).await;
    let response = response.unwrap_err();
    assert_eq!(
        (response.status, header(&response, "allow")),
        (405, Some("POST"))
    );
    // The logout overtakes the callback of a sign-in under way.
    let begun = begin(&world, &mut browser, "/auth/login").await;
    assert_eq!(
        tell(&world, &sign(&world, &claims(&world, "1")))
            .await
            .status,
        200
    );
    let _ = browser
        .send(&world.gate, "GET", &begun.answer(), &user())
        .await;
    assert_eq!(
        browser.denied(&world.gate, "GET", "/", &user()).await,
        (401, "session_revoked")
    );
}
