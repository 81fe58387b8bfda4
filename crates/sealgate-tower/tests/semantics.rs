//! `tests/semantics.json`, in front of axum: the same table drives the Python layer in
//! `tests/python/test_semantics.py`.

#![expect(
    clippy::unwrap_used,
    reason = "a test may stop at what it did not expect"
)]

#[path = "../../sealgate-gate/tests/gate/browser.rs"]
#[allow(dead_code)] // Other tests use the rest of it.
mod browser;
#[path = "../../sealgate-gate/tests/gate/bundled.rs"]
#[allow(dead_code)]
mod bundled;
#[path = "../../sealgate-gate/tests/gate/provider.rs"]
#[allow(dead_code)]
mod provider;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::{Method, Request};
use http_body_util::BodyExt as _;
use sealgate_gate::{Kinds, Need};
use sealgate_model::{ActorKind, Clock as _};
use sealgate_tower::extract::Caller;
use sealgate_tower::{GateLayer, RouteMap};
use serde::Deserialize;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use browser::{Browser, signed_in};
use provider::{APP, ISSUER, SID, World, world};

const TABLE: &str = include_str!("../../../tests/semantics.json");

#[derive(Deserialize)]
struct Table {
    routes: Vec<Route>,
    cases: Vec<Case>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Route {
    path: String,
    public: Option<String>,
    kinds: Vec<String>,
    optional: bool,
    scopes: Vec<String>,
    any_scopes: Vec<String>,
    roles: Vec<String>,
    acr: Vec<String>,
    tenant: Option<String>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    #[serde(default = "get_method")]
    method: String,
    path: String,
    with: Option<String>,
    #[serde(default)]
    headers: Vec<(String, String)>,
    #[serde(default)]
    body: String,
    status: u16,
    reason: Option<String>,
    actor: Option<String>,
}

fn get_method() -> String {
    "GET".to_owned()
}

fn need(route: &Route) -> Need {
    let kind = |name: &String| match name.as_str() {
        "user" => ActorKind::User,
        "machine" => ActorKind::Machine,
        "agent" => ActorKind::Agent,
        other => panic!("no such kind: {other}"),
    };
    let mut kinds = route.kinds.iter().map(kind);
    let first = Kinds::only(kinds.next().unwrap());
    Need {
        optional: route.optional,
        scopes: route.scopes.clone(),
        any_scopes: route.any_scopes.clone(),
        roles: route.roles.clone(),
        acr: route.acr.clone(),
        tenant: route.tenant.clone(),
        ..Need::of(kinds.fold(first, Kinds::and))
    }
}

async fn who(caller: Option<Caller>) -> &'static str {
    caller.map_or("nobody", |caller| caller.actor.kind().as_str())
}

fn app(world: &World, table: &Table) -> Router {
    let mut router = Router::new();
    let mut map = RouteMap::builder();
    for route in &table.routes {
        router = router.route(&route.path, get(who).post(who));
        for method in [Method::GET, Method::POST] {
            if let Some(reason) = &route.public {
                map = map.public(method, &route.path, reason);
            } else if !route.kinds.is_empty() {
                map = map.ask(method, &route.path, need(route));
            }
        }
    }
    router.layer(GateLayer::new(world.gate.clone(), map.build().unwrap()))
}

fn token(world: &World, claims: &Value) -> String {
    let now = world.clock.now().as_seconds();
    let mut whole = json!({
        "iss": ISSUER, "aud": APP, "jti": "t1", "iat": now, "exp": now + 300, "scope": "expenses:read",
    });
    let whole_claims = whole.as_object_mut().unwrap();
    whole_claims.extend(claims.as_object().unwrap().clone());
    world.provider.keys[0].sign("at+jwt", &whole).unwrap()
}

/// What `with` stands for: header fields, and a query.
fn credential(
    world: &World,
    browser: &Browser,
    with: &str,
) -> (Vec<(&'static str, String)>, String) {
    let sealed = browser.session().unwrap();
    let cookie = ("cookie", format!("__Host-Http-sealgate={sealed}"));
    let user = token(
        world,
        &json!({ "sub": "ada", "client_id": "cli", "sid": SID, "auth_time": world.clock.now().as_seconds() }),
    );
    let machine = token(world, &json!({ "sub": "batch", "client_id": "batch" }));
    let bearer = |token: &str| ("authorization", format!("Bearer {token}"));
    let basic = ("authorization", "Basic YTpi".to_owned());
    let fields = match with {
        "session" => vec![cookie],
        "broken session" => vec![("cookie", format!("__Host-Http-sealgate={}x", &sealed[1..]))],
        "session twice" => vec![cookie.clone(), cookie],
        "session and basic" => vec![cookie, basic],
        "session and user token" => vec![cookie, bearer(&user)],
        "user token" => vec![bearer(&user)],
        "user token as DPoP" => vec![("authorization", format!("DPoP {user}"))],
        "machine token" => vec![bearer(&machine)],
        "broken token" => vec![bearer("a.b.c")],
        "token twice" => vec![bearer(&user), bearer(&user)],
        "token in the query" => return (Vec::new(), format!("?access_token={user}")),
        "basic" => vec![basic],
        other => panic!("no such credential: {other}"),
    };
    (fields, String::new())
}

#[tokio::test(start_paused = true)]
async fn the_gate_answers_as_the_table_says() {
    let table: Table = serde_json::from_str(TABLE).unwrap();
    let world = world().await;
    world.state().claims.push(("roles", json!(["admin"])));
    let browser = signed_in(&world).await;
    for case in &table.cases {
        let with = case.with.as_deref();
        let (fields, query) =
            with.map_or_else(Default::default, |with| credential(&world, &browser, with));
        let mut request = Request::builder()
            .method(case.method.as_str())
            .uri(format!("{}{query}", case.path));
        for (name, value) in fields {
            request = request.header(name, value);
        }
        for (name, value) in &case.headers {
            request = request.header(name, value.replace("{app}", APP));
        }
        let request = request.body(Body::from(case.body.clone())).unwrap();
        let response = app(&world, &table).oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let body = String::from_utf8(body.to_vec()).unwrap();
        assert_eq!(status, case.status, "{}: {body}", case.name);
        if let Some(actor) = &case.actor {
            assert_eq!(&body, actor, "{}", case.name);
        }
        if let Some(reason) = &case.reason {
            let problem: Value = serde_json::from_str(&body).unwrap();
            assert_eq!(&problem["reason"], reason, "{}", case.name);
        }
    }
}
