//! Every way in which trust ends, through the doors that people and programs use: what the feed says next, to whom
//! and to whom not, and what is put on record.
//!
//! In each scene a user is signed in to `app`, which acts for the user at an API that `other` serves. `stranger`
//! has nothing to do with any of it. `robot` is a machine with a token for the API.

use std::collections::BTreeSet;
use std::pin::Pin;
use std::time::Duration;

use sealgate_model::Grant;
use serde_json::json as value;

use super::device::{answer, type_in};
use super::machines::API;
use super::token_exchange::REFRESH;
use super::*;

const PASSWORD: &str = "correct horse battery staple";

struct Scene {
    house: House,
    sign_in: SignIn,
    cookie: String,
    code: String,
    own: Tokens,
    delegated: Tokens,
    robots: Tokens,
}

impl Scene {
    async fn new() -> Self {
        let house = House::delegating().await;
        for id in ["stranger", "robot"] {
            house.add_machine(id, |_| {}).await;
        }
        let user = house.user.to_string();
        house
            .administer(
                Method::PATCH,
                &format!("/users/{user}"),
                value!({ "tenant": "acme" }),
            )
            .await;
        house.clock.advance(Duration::from_secs(1));
        let (sign_in, cookie) = house.sign_in().await;
        let code = house.code_for("app", "openid profile", &cookie).await;
        let own = tokens(house.redeem("app", &code).await).await;
        let to = [("resource", API)];
        let delegated = tokens(house.exchange("app", REFRESH, &own.refresh, &to).await).await;
        let robots = tokens(house.own_token("robot", &to).await).await;
        house.clock.advance(Duration::from_secs(60));
        Self {
            house,
            sign_in,
            cookie,
            code,
            own,
            delegated,
            robots,
        }
    }

    fn session(&self) -> String {
        claims(&self.own.access)["sid"].as_str().unwrap().to_owned()
    }

    fn user(&self) -> String {
        self.house.user.to_string()
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        self.house.administer(Method::POST, path, body).await
    }

    async fn change_user(&self, body: Value) {
        let path = format!("/users/{}", self.user());
        self.house.administer(Method::PATCH, &path, body).await;
    }

    async fn change(&self, client: &str, body: Value) {
        let path = format!("/clients/{client}");
        self.house.administer(Method::PATCH, &path, body).await;
    }

    async fn page(&self, path: &str, pairs: &[(&str, &str)]) {
        let response = self.house.post_page(path, &self.cookie, pairs).await;
        let status = response.status();
        assert!(
            status.is_success() || status.is_redirection(),
            "{path}: {status}"
        );
    }

    async fn give_up(&self, client: &str, token: &str) {
        let pairs = [("token", token)];
        let given_up = self.house.post("/oauth/revoke", Some(client), &pairs);
        assert_eq!(given_up.await.status(), StatusCode::OK);
    }
}

impl House {
    /// Asks the administration API as the operator.
    pub(super) async fn administer(&self, method: Method, path: &str, body: Value) -> Value {
        let request = request(method, &format!("/api/v1{path}"))
            .header(CONTENT_TYPE, "application/json")
            .body(Body::from(body.to_string()));
        let app = crate::admin_app(Arc::clone(&self.plane));
        let response = app.oneshot(request.unwrap()).await.unwrap();
        let status = response.status();
        let body = text(response).await;
        assert!(status.is_success(), "{path}: {status} {body}");
        serde_json::from_str(&body).unwrap_or_default()
    }

    async fn feed(&self, client: &str, path: &str) -> Response {
        let request = Request::get(path)
            .header(AUTHORIZATION, basic(client, &secret(client)))
            .body(Body::empty());
        let response = self.send(request.unwrap()).await;
        assert_eq!(response.status(), StatusCode::OK, "{client}");
        response
    }

    /// Where the feed of a client stands.
    async fn place(&self, client: &str) -> String {
        let snapshot = claims(&text(self.feed(client, "/feed/snapshot").await).await);
        let epoch = snapshot["epoch"].as_str().unwrap();
        format!("/feed/events?epoch={epoch}&after={}", snapshot["seq"])
    }

    /// What the feed says next to a client: the kinds of what is revoked.
    async fn next_of_feed(&self, client: &str, place: &str) -> BTreeSet<String> {
        let mut body = self.feed(client, place).await.into_body();
        let (mut text, mut kinds) = (String::new(), BTreeSet::new());
        // What there is to tell comes first, and then a heartbeat.
        loop {
            let frame = body.frame().await.unwrap().unwrap();
            text.push_str(std::str::from_utf8(&frame.into_data().unwrap()).unwrap());
            while let Some((event, rest)) = text.split_once("\n\n") {
                let data = event.lines().find_map(|line| line.strip_prefix("data: "));
                let events = claims(data.unwrap())["events"].clone();
                text = rest.to_owned();
                let revoked = &events["urn:sealgate:event:revoked"];
                if revoked.is_null() {
                    return kinds;
                }
                assert!(revoked["reason"].is_string(), "{revoked}");
                kinds.insert(revoked["subject"]["kind"].as_str().unwrap().to_owned());
            }
        }
    }
}

/// Of a client that cannot prove who it is any more, and so follows no feed.
const DEAF: [&str; 1] = ["nothing: it is nobody's feed"];

type Done<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

struct End {
    name: &'static str,
    act: for<'a> fn(&'a Scene) -> Done<'a>,
    /// What `app`, `other` and `stranger` hear.
    app: &'static [&'static str],
    other: &'static [&'static str],
    stranger: &'static [&'static str],
    /// The action of the record, and who acted.
    action: &'static str,
    actor: &'static str,
}

macro_rules! ends {
    ($($name:literal: |$scene:ident| $act:expr =>
        $app:expr, $other:expr, $stranger:expr; $action:literal by $actor:literal,)*) => {
        &[$(End {
            name: $name,
            act: |$scene| Box::pin(async move { $act; }),
            app: &$app,
            other: &$other,
            stranger: &$stranger,
            action: $action,
            actor: $actor,
        }),*]
    };
}

const ENDS: &[End] = ends! {
    "signing out here": |scene| scene.page("/account/sign-out", &[("where", "here")]).await =>
        ["session"], ["session"], []; "sign_in.end" by "user",
    "signing out everywhere": |scene| scene.page("/account/sign-out", &[("where", "everywhere")]).await =>
        ["session"], ["session"], []; "sign_in.end" by "user",
    "ending a session from the account page": |scene| {
        scene.page("/account/sessions/revoke", &[("session", &scene.session())]).await;
    } => ["session"], ["session"], []; "session.revoke" by "user",
    "RP-initiated logout": |scene| {
        let hint = scene.own.body["id_token"].as_str().unwrap();
        let path = format!("/oauth/logout?{}", form(&[("id_token_hint", hint)]));
        let response = scene.house.get(&path, Some(&scene.cookie)).await;
        assert!(response.status().is_success() || response.status().is_redirection());
    } => ["session"], ["session"], []; "sign_in.end" by "user",
    "an application that gives up its refresh token": |scene| {
        scene.give_up("app", &scene.own.refresh).await;
    } => ["session"], ["session"], []; "session.revoke" by "client",
    "an application that gives up its access token": |scene| {
        scene.give_up("app", &scene.own.access).await;
    } => ["session"], ["session"], []; "session.revoke" by "client",
    "a machine that gives up its token": |scene| scene.give_up("robot", &scene.robots.access).await =>
        [], ["token"], []; "token.revoke" by "client",
    "an administrator that revokes the session": |scene| {
        scene.post(&format!("/sessions/{}/revoke", scene.session()), value!({})).await;
    } => ["session"], ["session"], []; "session.revoke" by "operator",
    "with the browser's sign-in": |scene| {
        let how = value!({ "end_sign_in": true });
        scene.post(&format!("/sessions/{}/revoke", scene.session()), how).await;
    } => ["session"], ["session"], []; "session.revoke" by "operator",
    "all of a user's": |scene| {
        scene.post("/sessions/revoke", value!({ "user": scene.user() })).await;
    } => ["session", "user"], ["session", "user"], []; "session.revoke" by "operator",
    "all on a client": |scene| scene.post("/sessions/revoke", value!({ "client": "app" })).await =>
        ["session", "client"], ["session", "client"], ["client"]; "session.revoke" by "operator",
    "a user's on a client": |scene| {
        scene.post("/sessions/revoke", value!({ "client": "app", "user": scene.user() })).await;
    } => ["session", "user"], ["session"], []; "session.revoke" by "operator",
    "a tenant's": |scene| scene.post("/sessions/revoke", value!({ "tenant": "acme" })).await =>
        ["session", "tenant"], ["session", "tenant"], []; "session.revoke" by "operator",
    "everything": |scene| scene.post("/sessions/revoke", value!({ "all": true })).await =>
        ["session", "all"], ["session", "all"], ["all"]; "session.revoke" by "operator",
    "an administrator that signs the user out": |scene| {
        scene.post(&format!("/users/{}/sign-out", scene.user()), Value::Null).await;
    } => ["session"], ["session"], []; "user.sign_out" by "operator",
    "disabling the user": |scene| {
        scene.post(&format!("/users/{}/disable", scene.user()), Value::Null).await;
    } => ["session", "user"], ["session", "user"], []; "user.disable" by "operator",
    "a password set anew": |scene| {
        let link = scene.post(&format!("/users/{}/invite", scene.user()), Value::Null).await;
        let url = link["invitation"]["url"].as_str().unwrap();
        let token = url.split_once("token=").unwrap().1;
        let fields = [("token", token), ("password", PASSWORD), ("repeated", PASSWORD)];
        scene.page("/invitation", &fields).await;
    } => ["session"], ["session"], []; "password.reset" by "user",
    "a refresh token that comes back": |scene| {
        tokens(scene.house.refresh("app", &scene.own.refresh).await).await;
        scene.house.clock.advance(Duration::from_secs(60));
        let again = scene.house.refresh("app", &scene.own.refresh).await;
        assert_grant_refused(again, "refresh_token_reused").await;
    } => ["session"], ["session"], []; "session.revoke" by "system",
    "a code that comes back": |scene| {
        assert_grant_refused(scene.house.redeem("app", &scene.code).await, "code_reused").await;
    } => ["session"], ["session"], []; "session.revoke" by "system",
    "consent withdrawn by an administrator": |scene| {
        let path = format!("/users/{}/consents/app", scene.user());
        scene.house.administer(Method::DELETE, &path, Value::Null).await;
    } => ["session", "user"], ["session"], []; "consent.withdraw" by "operator",
    "consent withdrawn by the user": |scene| {
        scene.page("/account/consents/withdraw", &[("client", "app")]).await;
    } => ["session", "user"], ["session"], []; "consent.withdraw" by "user",
    "a role taken away": |scene| scene.change_user(value!({ "roles": [] })).await =>
        ["user_claims"], ["user_claims"], []; "user.update" by "operator",
    "a role given": |scene| scene.change_user(value!({ "roles": ["accountant", "auditor"] })).await =>
        ["user_claims"], ["user_claims"], []; "user.update" by "operator",
    "another name": |scene| scene.change_user(value!({ "name": "Countess Lovelace" })).await =>
        ["user_claims"], [], []; "user.update" by "operator",
    "a role taken away at once": |scene| {
        scene.change_user(value!({ "roles": [], "sign_out": true })).await;
    } => ["session", "user"], ["session", "user"], []; "user.update" by "operator",
    "another tenant": |scene| scene.change_user(value!({ "tenant": "globex" })).await =>
        ["session", "user"], ["session", "user"], []; "user.update" by "operator",
    "a scope taken from a client": |scene| {
        scene.change("app", value!({ "scopes": ["openid", "profile"] })).await;
    } => ["client_claims"], ["client_claims"], ["client_claims"]; "client.update" by "operator",
    "a resource taken from a client": |scene| scene.change("robot", value!({ "resources": [] })).await =>
        ["client_claims"], ["client_claims"], ["client_claims"]; "client.update" by "operator",
    "disabling a client": |scene| scene.post("/clients/app/disable", Value::Null).await =>
        DEAF, ["session", "client"], ["client"]; "client.disable" by "operator",
    "removing a client": |scene| {
        scene.house.administer(Method::DELETE, "/clients/app", Value::Null).await;
    } => DEAF, ["session", "client"], ["client"]; "client.remove" by "operator",
    "another secret for an application": |scene| scene.post("/clients/app/secret", Value::Null).await =>
        DEAF, [], []; "client.secret" by "operator",
    "disabling a machine": |scene| scene.post("/clients/robot/disable", Value::Null).await =>
        ["client"], ["client"], ["client"]; "client.disable" by "operator",
    "removing a machine": |scene| {
        scene.house.administer(Method::DELETE, "/clients/robot", Value::Null).await;
    } => ["client"], ["client"], ["client"]; "client.remove" by "operator",
    "another secret for a machine": |scene| scene.post("/clients/robot/secret", Value::Null).await =>
        ["client"], ["client"], ["client"]; "client.secret" by "operator",
    "revoking a signing key": |scene| {
        let keys = scene.house.administer(Method::GET, "/keys", Value::Null).await;
        let active = |key: &&Value| key["state"] == "active";
        let kid = keys["keys"].as_array().unwrap().iter().find(active).unwrap()["kid"].clone();
        scene.post(&format!("/keys/{}/revoke", kid.as_str().unwrap()), Value::Null).await;
    } => ["key"], ["key"], ["key"]; "key.revoke" by "operator",
    "revoking a delegation": |scene| {
        let id = claims(&scene.delegated.access)["grants"][0].clone();
        scene.post(&format!("/delegations/{}/revoke", id.as_str().unwrap()), Value::Null).await;
    } => ["grant"], ["grant"], []; "delegation.revoke" by "operator",
    "signing in again in the same browser": |scene| {
        let (now, random) = (scene.house.clock.now(), scene.house.plane.random.as_ref());
        let next = SignIn { id: SignInId::generate(now, random), ..scene.sign_in.clone() };
        let store = &scene.house.plane.store;
        let audit = Audit { action: "sign_in.replace", ..scene.house.audit() };
        store.sign_in_replace(scene.sign_in.id, next, audit).await.unwrap();
    } => [], [], []; "sign_in.replace" by "system",
};

#[tokio::test]
async fn whatever_ends_trust_is_told_to_whom_it_concerns_and_to_nobody_else() {
    for end in ENDS {
        let scene = Scene::new().await;
        let mut places = Vec::new();
        for client in ["app", "other", "stranger"] {
            places.push((client, scene.house.place(client).await));
        }
        (end.act)(&scene).await;
        for ((client, place), heard) in places.iter().zip([end.app, end.other, end.stranger]) {
            if *heard == DEAF {
                continue;
            }
            let expected: BTreeSet<String> = heard.iter().map(ToString::to_string).collect();
            let told = scene.house.next_of_feed(client, place).await;
            assert_eq!(told, expected, "{}: {client}", end.name);
        }
        let records = scene.house.records().await;
        let record = records.iter().rev().find(|row| row.action == end.action);
        let record = record.unwrap_or_else(|| panic!("{}: no {}", end.name, end.action));
        let actor = record.actor.split(':').next().unwrap();
        assert_eq!(actor, end.actor, "{}", end.name);
    }
}

#[tokio::test]
async fn a_device_that_gives_up_its_token_and_a_user_that_takes_it_back_are_told_of_too() {
    for by_device in [true, false] {
        let house = House::new().await;
        house.add_api().await;
        house
            .change_client("app", |client| {
                client.details.grants.push(Grant::DeviceCode);
                client.details.resources = vec![API.to_owned()];
            })
            .await;
        house.clock.advance(Duration::from_secs(1));
        let (_, cookie) = house.sign_in().await;
        let asked = [("scope", "openid"), ("resource", API)];
        let codes = house.post("/oauth/device_authorization", Some("app"), &asked);
        let codes = json(codes.await).await;
        let page = type_in(&house, &cookie, codes["user_code"].as_str().unwrap()).await;
        answer(&house, &cookie, &text(page).await, "connect").await;
        house.clock.advance(Duration::from_secs(5));
        let device = [
            ("grant_type", Grant::NAMES[3]),
            ("device_code", codes["device_code"].as_str().unwrap()),
        ];
        let given = tokens(house.post("/oauth/token", Some("app"), &device).await).await;
        let place = house.place("other").await;
        house.clock.advance(Duration::from_secs(1));
        if by_device {
            let pairs = [("token", given.refresh.as_str())];
            house.post("/oauth/revoke", Some("app"), &pairs).await;
        } else {
            let pairs = [("where", "here")];
            house.post_page("/account/sign-out", &cookie, &pairs).await;
        }
        let told = house.next_of_feed("other", &place).await;
        assert_eq!(told, BTreeSet::from(["session".to_owned()]));
    }
}
