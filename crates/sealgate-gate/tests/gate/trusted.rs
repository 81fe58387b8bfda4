//! Tokens of a further issuer: each issuer speaks for itself alone, also where names are the same by chance.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use sealgate_gate::{Gate, Host, Premises, Requirement, Settings};
use sealgate_host::{
    FakeClock, FakeRandom, Fetch, FetchError, FetchRequest, FetchResponse, StreamBody,
};
use sealgate_jose::{JwkSet, SigningKey};
use sealgate_model::{Actor, Clock as _};
use sealgate_revocation::{Entry, Subject};
use serde_json::{Value, json};

use crate::program::{anybody, bearer, call, claims, refusal, with};
use crate::provider::{APP, Provider, World, cold_world};

pub(crate) const OTHER: &str = "https://other.example";

/// Two issuers behind one network.
struct Both {
    home: Arc<Provider>,
    other: SigningKey,
}

impl Fetch for Both {
    fn send(
        &self,
        request: FetchRequest,
    ) -> Pin<Box<dyn Future<Output = Result<FetchResponse, FetchError>> + Send + '_>> {
        let body = match request.url.strip_prefix(OTHER) {
            None => return self.home.send(request),
            Some("/.well-known/openid-configuration") => {
                json!({ "issuer": OTHER, "jwks_uri": format!("{OTHER}/keys") }).to_string()
            }
            Some(_) => serde_json::to_string(&JwkSet {
                keys: vec![self.other.public_jwk()],
            })
            .unwrap(),
        };
        let response = FetchResponse {
            status: 200,
            body: body.into_bytes(),
            ..FetchResponse::default()
        };
        Box::pin(std::future::ready(Ok(response)))
    }

    fn open(
        &self,
        request: FetchRequest,
    ) -> Pin<Box<dyn Future<Output = Result<StreamBody, FetchError>> + Send + '_>> {
        self.home.open(request)
    }
}

/// A gate that also takes tokens of another issuer, whose key goes by the same id.
async fn house() -> (World, SigningKey) {
    house_with(None).await
}

/// The same, with a file that declares mappings and policies.
pub(crate) async fn house_with(policy_file: Option<String>) -> (World, SigningKey) {
    let mut world = cold_world(&[]);
    let other = || SigningKey::from_seed("k0", &[77; 32]).unwrap();
    let settings = Settings::from_lookup(|name| {
        let value = match name {
            "SEALGATE_ISSUER" => crate::provider::ISSUER,
            "SEALGATE_BASE_URL" | "SEALGATE_AUDIENCES" => APP,
            "SEALGATE_CLIENT_ID" => "expenses",
            "SEALGATE_CLIENT_SECRET" => "a secret: with/odd+characters",
            "SEALGATE_SEAL_KEYS" => "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA",
            "SEALGATE_TRUSTED_ISSUERS" => OTHER,
            "SEALGATE_POLICY_FILE" => return policy_file.clone(),
            _ => return None,
        };
        Some(value.to_owned())
    })
    .unwrap();
    let host = Host {
        clock: Arc::<FakeClock>::clone(&world.clock),
        random: Arc::new(FakeRandom::seeded(7)),
        fetch: Arc::new(Both {
            home: Arc::clone(&world.provider),
            other: other(),
        }),
        premises: Premises::default(),
    };
    world.gate = Gate::new(settings, host).unwrap();
    world.follow_once().await;
    (world, other())
}

pub(crate) fn token(key: &SigningKey, claims: &Value) -> String {
    key.sign("at+jwt", claims).unwrap()
}

pub(crate) fn others(world: &World) -> Value {
    let mut claims = with(claims(world), "iss", json!(OTHER));
    claims.as_object_mut().unwrap().remove("tenant");
    claims
}

#[tokio::test(start_paused = true)]
async fn each_issuer_vouches_for_its_own_tokens_and_no_others() {
    let (world, other) = house().await;
    let home = &world.provider.keys[0];
    assert!(call(&world, &token(home, &claims(&world))).await.is_ok());
    let allowed = call(&world, &token(&other, &others(&world))).await.unwrap();
    assert!(matches!(&*allowed.caller.unwrap().actor, Actor::User(user) if user.id == "ada"));
    // Each with the key of the other one, which has the same id.
    for forged in [token(&other, &claims(&world)), token(home, &others(&world))] {
        assert_eq!(refusal(call(&world, &forged).await), (401, "token_invalid"));
    }
    let stranger = with(claims(&world), "iss", json!("https://third.example"));
    for key in [home, &other] {
        let refused = refusal(call(&world, &token(key, &stranger)).await);
        assert_eq!(refused, (401, "token_issuer_wrong"));
    }
    for wrong in [
        json!("https://other.example/"),
        json!(["https://other.example"]),
        Value::Null,
    ] {
        let odd = with(others(&world), "iss", wrong.clone());
        let refused = refusal(call(&world, &token(&other, &odd)).await);
        assert!(
            refused.0 == 401 && refused.1.starts_with("token_i"),
            "{wrong} {refused:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn what_one_issuer_revokes_is_its_own() {
    let (world, other) = house().await;
    let ours = token(&world.provider.keys[0], &claims(&world));
    let theirs = token(&other, &others(&world));
    let caller = call(&world, &theirs).await.unwrap().caller.unwrap();
    assert!(call(&world, &ours).await.is_ok());
    let not_before = world.clock.now();
    for subject in [
        Subject::User {
            sub: "ada".into(),
            not_before,
        },
        Subject::Token { jti: "t1".into() },
        Subject::Key { kid: "k0".into() },
        Subject::All { not_before },
    ] {
        let expires_at = not_before + Duration::from_secs(90_000);
        world.state().entries.push(Entry {
            subject,
            expires_at,
            reason: None,
        });
    }
    world.state().signing = 1;
    world.state().signing_feed = 1;
    world.clock.advance(Duration::from_secs(1));
    world.follow_once().await;
    assert_eq!(refusal(call(&world, &ours).await).0, 401);
    assert!(call(&world, &theirs).await.is_ok());
    assert!(world.gate.standing(&caller).is_none());
    // Nor does the home's silence say anything of the other one's tokens.
    world.clock.advance(Duration::from_secs(60));
    assert!(call(&world, &theirs).await.is_ok());
    assert_eq!(refusal(call(&world, &ours).await).0, 401);
}

#[tokio::test(start_paused = true)]
async fn who_acts_is_not_taken_from_another_kind_of_issuer() {
    let (world, other) = house().await;
    let acting = with(others(&world), "act", json!({"sub": "robot"}));
    let refused = refusal(call(&world, &token(&other, &acting)).await);
    assert_eq!(refused, (401, "token_invalid"));
    let public = Requirement::Public {
        reason: "probe".into(),
    };
    let mut program = bearer(&token(&other, &acting));
    assert!(program.send(&world.gate, "GET", "/", &public).await.is_ok());
    let untouched = bearer(&token(&other, &others(&world)))
        .send(&world.gate, "GET", "/", &anybody())
        .await;
    assert!(untouched.is_ok());
}
