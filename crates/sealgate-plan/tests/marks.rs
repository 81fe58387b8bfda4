//! Every member of everything that can be declared, and whether what it becomes is marked. A member that is new and
//! of which nothing is decided here fails.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};

use sealgate_plan::{
    Around, Code, Declaration, Moment, Others, Plan, PlanError, State, plan, read,
};
use serde_json::{Value, json};

const AROUND: Around = Around {
    access: 300,
    session: 86_400,
    rotate_every: 90 * 86_400,
    now: Moment(1_795_338_305_000),
};

/// What a member becomes, and the marks that this has; none: it gives nobody anything.
type Row = (&'static str, Value, Value, &'static [Code]);

fn settled(kind: &str, id: &str, thing: &Value) -> State {
    let mut state: State = serde_json::from_value(json!({ kind: { id: thing } })).unwrap();
    state.settle();
    state
}

#[expect(clippy::needless_pass_by_value, reason = "tables make them")]
fn planned(before: State, after: State) -> Result<Plan, PlanError> {
    let declaration = Declaration {
        name: "default".to_owned(),
        prune: false,
        state: after,
    };
    plan(
        &declaration,
        &before,
        Some(&before),
        &Others::new(),
        &AROUND,
    )
}

/// Goes through `rows`, of which there is one or more for every member of `whole`.
fn every_member(kind: &str, id: &str, whole: &Value, undecided: &[&str], rows: &[Row]) {
    let full = serde_json::to_value(settled(kind, id, whole)).unwrap();
    let members: BTreeSet<&str> = full[kind][id]
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    let decided: BTreeSet<&str> = rows
        .iter()
        .map(|row| row.0)
        .chain(undecided.iter().copied())
        .collect();
    assert_eq!(
        members, decided,
        "{kind}: decide what is marked of each member"
    );
    for (member, was, is, codes) in rows {
        let with = |value: &Value| {
            let mut thing = whole.clone();
            thing[*member] = value.clone();
            settled(kind, id, &thing)
        };
        let plan = planned(with(was), with(is)).unwrap();
        assert_eq!(plan.changes.len(), 1, "{kind}.{member}: {was} to {is}");
        let marked: BTreeSet<Code> = plan.changes[0].risks.iter().map(|risk| risk.code).collect();
        let expected: BTreeSet<Code> = codes.iter().copied().collect();
        assert_eq!(marked, expected, "{kind}.{member}: {was} to {is}");
    }
}

fn key(x: &str) -> Value {
    json!({ "kty": "OKP", "crv": "Ed25519", "x": x })
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn every_member_of_a_client_is_marked_or_gives_nobody_anything() {
    let whole = json!({
        "name": "Expenses", "kind": "confidential", "authentication": "private_key_jwt",
        "redirect_uris": ["https://a.example/cb"], "jwks": { "keys": [key("a")] },
    });
    let exchange = "urn:ietf:params:oauth:grant-type:token-exchange";
    let rows: &[Row] = &[
        ("name", json!("A"), json!("B"), &[]),
        (
            "redirect_uris",
            json!(["https://a.example/cb"]),
            json!(["https://a.example/cb", "https://b.example/cb"]),
            &[Code::RedirectAdded],
        ),
        (
            "redirect_uris",
            json!(["https://a.example/cb"]),
            json!(["com.example:/cb"]),
            &[Code::RedirectLoose],
        ),
        (
            "redirect_uris",
            json!(["https://a.example/cb", "https://b.example/cb"]),
            json!(["https://a.example/cb"]),
            &[],
        ),
        (
            "logout_uris",
            json!([]),
            json!(["https://a.example/"]),
            &[Code::RedirectAdded],
        ),
        (
            "scopes",
            json!(["a"]),
            json!(["a", "b"]),
            &[Code::ScopeWider],
        ),
        (
            "scopes",
            json!(["a"]),
            json!(["a", "sealgate:users:read"]),
            &[Code::AdministrationScope],
        ),
        ("scopes", json!(["a", "b"]), json!(["a"]), &[]),
        (
            "authentication",
            json!("private_key_jwt"),
            json!("secret"),
            &[Code::AuthenticationWeaker],
        ),
        (
            "authentication",
            json!("secret"),
            json!("none"),
            &[Code::AuthenticationWeaker],
        ),
        (
            "authentication",
            json!("secret"),
            json!("private_key_jwt"),
            &[],
        ),
        (
            "jwks",
            json!({ "keys": [key("a")] }),
            json!({ "keys": [key("a"), key("b")] }),
            &[Code::KeyAdded],
        ),
        (
            "jwks",
            json!({ "keys": [key("a"), key("b")] }),
            json!({ "keys": [key("a")] }),
            &[],
        ),
        (
            "jwks_uri",
            json!("https://a.example/jwks"),
            json!("https://b.example/jwks"),
            &[Code::KeyAdded],
        ),
        (
            "endpoint_audience",
            json!(false),
            json!(true),
            &[Code::AuthenticationWeaker],
        ),
        (
            "grants",
            json!(["authorization_code"]),
            json!(["authorization_code", "client_credentials"]),
            &[Code::ScopeWider],
        ),
        (
            "grants",
            json!(["authorization_code"]),
            json!(["authorization_code", exchange]),
            &[Code::MayAct],
        ),
        (
            "resources",
            json!([]),
            json!(["https://a.example/"]),
            &[Code::ScopeWider],
        ),
        (
            "require_pushed",
            json!(true),
            json!(false),
            &[Code::AuthenticationWeaker],
        ),
        (
            "require_dpop",
            json!(true),
            json!(false),
            &[Code::AuthenticationWeaker],
        ),
        (
            "consent",
            json!("required"),
            json!("trusted"),
            &[Code::ConsentNotAsked],
        ),
        ("consent", json!("trusted"), json!("required"), &[]),
        (
            "algorithm",
            json!("EdDSA"),
            json!("RS256"),
            &[Code::AlgorithmChanged],
        ),
        (
            "backchannel_logout_uri",
            json!("https://a.example/out"),
            json!(null),
            &[Code::LifetimeLonger],
        ),
        (
            "backchannel_logout_uri",
            json!(null),
            json!("https://a.example/out"),
            &[],
        ),
        (
            "access_lifetime",
            json!(null),
            json!("10m"),
            &[Code::LifetimeLonger],
        ),
        (
            "access_lifetime",
            json!("1m"),
            json!(null),
            &[Code::LifetimeLonger],
        ),
        (
            "session_lifetime",
            json!("8h"),
            json!("9h"),
            &[Code::LifetimeLonger],
        ),
        ("tenant", json!("acme"), json!(null), &[Code::TenantOpened]),
        (
            "tenant",
            json!("acme"),
            json!("evil"),
            &[Code::TenantOpened],
        ),
        ("tenant", json!(null), json!("acme"), &[]),
        ("agent", json!(true), json!(false), &[Code::ScopeWider]),
        ("agent", json!(false), json!(true), &[]),
        ("may_act", json!(null), json!("assistant"), &[Code::MayAct]),
        (
            "may_act",
            json!("assistant"),
            json!("other"),
            &[Code::MayAct],
        ),
        ("may_act", json!("assistant"), json!(null), &[Code::MayAct]),
        ("disabled", json!(true), json!(false), &[Code::Enabled]),
        ("disabled", json!(false), json!(true), &[Code::EndsAccess]),
    ];
    // It stays what it is.
    every_member("client", "a", &whole, &["kind"], rows);
    let public = json!({ "name": "A", "kind": "public" });
    let changed = planned(
        settled("client", "a", &whole),
        settled("client", "a", &public),
    );
    assert!(matches!(changed, Err(PlanError::KindChanged(_))));
}

#[test]
fn every_member_of_a_service_account_is_marked_or_gives_nobody_anything() {
    let whole = json!({
        "owner": "o@example.com", "purpose": "p", "expires_at": "2027-01-31T00:00:00Z",
        "jwks": { "keys": [key("a")] },
    });
    let vouched = |sub: &str| json!([{ "issuer": "https://i.example", "claims": { "sub": sub } }]);
    let exchange = "urn:ietf:params:oauth:grant-type:token-exchange";
    let rows: &[Row] = &[
        ("name", json!("A"), json!("B"), &[]),
        ("owner", json!("a@example.com"), json!("b@example.com"), &[]),
        ("purpose", json!("a"), json!("b"), &[]),
        ("environment", json!("production"), json!("staging"), &[]),
        (
            "expires_at",
            json!("2027-01-31T00:00:00Z"),
            json!("2027-02-28T00:00:00Z"),
            &[Code::MachineEndLater],
        ),
        (
            "grants",
            json!(["client_credentials"]),
            json!([
                "client_credentials",
                "urn:ietf:params:oauth:grant-type:jwt-bearer"
            ]),
            &[Code::ScopeWider],
        ),
        (
            "grants",
            json!(["client_credentials"]),
            json!(["client_credentials", exchange]),
            &[Code::MayAct],
        ),
        ("scopes", json!([]), json!(["a"]), &[Code::ScopeWider]),
        (
            "scopes",
            json!([]),
            json!(["sealgate:keys:write"]),
            &[Code::AdministrationScope],
        ),
        (
            "resources",
            json!([]),
            json!(["https://a.example/"]),
            &[Code::ScopeWider],
        ),
        (
            "jwks",
            json!({ "keys": [key("a")] }),
            json!({ "keys": [key("a"), key("b")] }),
            &[Code::KeyAdded],
        ),
        (
            "jwks",
            json!({ "keys": [key("a")] }),
            json!({ "keys": [key("b")] }),
            &[Code::KeyAdded, Code::EndsAccess],
        ),
        (
            "jwks_uri",
            json!(null),
            json!("https://a.example/jwks"),
            &[Code::KeyAdded, Code::EndsAccess],
        ),
        (
            "identities",
            vouched("a"),
            vouched("b"),
            &[Code::IdentityAdded, Code::EndsAccess],
        ),
        (
            "require_dpop",
            json!(true),
            json!(false),
            &[Code::AuthenticationWeaker],
        ),
        (
            "access_lifetime",
            json!("1m"),
            json!("10m"),
            &[Code::LifetimeLonger],
        ),
        (
            "algorithm",
            json!("EdDSA"),
            json!("ES256"),
            &[Code::AlgorithmChanged],
        ),
        ("disabled", json!(true), json!(false), &[Code::Enabled]),
        ("disabled", json!(false), json!(true), &[Code::EndsAccess]),
    ];
    every_member("machine", "a", &whole, &[], rows);
}

#[test]
fn every_member_of_everything_else_is_marked_or_gives_nobody_anything() {
    let whole = json!({ "name": "Expenses", "agents": true });
    let tool = |scopes: &[&str]| json!({ "file": { "description": "File", "scopes": scopes } });
    let rows: &[Row] = &[
        ("name", json!("A"), json!("B"), &[]),
        ("client", json!("a"), json!("b"), &[Code::MayAct]),
        ("client", json!(null), json!("b"), &[Code::MayAct]),
        ("client", json!("a"), json!(null), &[]),
        (
            "scopes",
            json!({}),
            json!({ "a": "A" }),
            &[Code::ResourceOpenToAgents],
        ),
        ("scopes", json!({ "a": "A" }), json!({ "a": "B" }), &[]),
        (
            "status_list",
            json!(true),
            json!(false),
            &[Code::LifetimeLonger],
        ),
        ("status_list", json!(false), json!(true), &[]),
        (
            "agents",
            json!(false),
            json!(true),
            &[Code::ResourceOpenToAgents],
        ),
        // Words of the consent page alone: what a tool takes is asked by who serves it.
        ("tools", tool(&["a", "b"]), tool(&["a"]), &[]),
    ];
    every_member("resource", "https://a.example/", &whole, &[], rows);
    let word = json!({ "description": "A" });
    let rows: &[Row] = &[("description", json!("A"), json!("B"), &[])];
    every_member("role", "a", &word, &[], rows);
    every_member("scope", "a", &word, &[], rows);
    let rows: &[Row] = &[
        (
            "rotate_every",
            json!("30d"),
            json!("60d"),
            &[Code::KeyScheduleLonger],
        ),
        (
            "rotate_every",
            json!("30d"),
            json!("0s"),
            &[Code::KeyScheduleLonger],
        ),
        ("rotate_every", json!("60d"), json!("30d"), &[]),
    ];
    every_member(
        "keys",
        "EdDSA",
        &json!({ "rotate_every": "30d" }),
        &[],
        rows,
    );
    let every = serde_json::to_value(State::default()).unwrap();
    let parts: Vec<&str> = every
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(
        parts.into_iter().collect::<BTreeSet<_>>(),
        [
            "client", "machine", "resource", "role", "scope", "keys", "policy"
        ]
        .into(),
        "decide what is marked of the part that is new"
    );
}

const PERMIT: &str = "@id(\"read\")\npermit (principal, action in Action::\"read\", resource);\n";

/// The marks of what a file that declares policies becomes.
fn marks(before: &str, after: &str) -> BTreeSet<Code> {
    let of = |text: &str| {
        let files = BTreeMap::from([("a.cedar".to_owned(), PERMIT.to_owned())]);
        let draft = read(text, "x.toml", &[]).unwrap();
        let names = text.contains("files");
        let files = if names { files } else { BTreeMap::new() };
        draft.with(files, &BTreeMap::new()).unwrap().state
    };
    let plan = planned(of(before), of(after)).unwrap();
    let risks = plan.changes.iter().flat_map(|change| &change.risks);
    risks.map(|risk| risk.code).collect()
}

#[test]
fn what_policies_are_about_is_marked_where_it_is_declared_otherwise() {
    let base = "[policy]\nfiles = [\"a.cedar\"]\n[policy.actions]\n";
    let few = format!("{base}\"expenses.read\" = {{ in = [\"read\"], actors = [\"User\"] }}\n");
    let more = few.replace("[\"User\"]", "[\"User\", \"Agent\"]");
    assert_eq!(marks(&few, &more), [Code::PolicyPermits].into());
    let another = format!("{few}\"expenses.approve\" = {{ in = [\"read\"] }}\n");
    assert_eq!(marks(&few, &another), [Code::PolicyPermits].into());
    assert_eq!(marks(&few, &few), BTreeSet::new());
}

#[test]
fn an_issuers_own_words_that_count_again_are_marked() {
    let rule = "[[mapping]]\nwhen = { issuer = \"https://i.example\", group = \"g\" }\ngive.roles = [\"r\"]\n";
    let held = format!("{rule}[mapping_of.\"https://i.example\"]\nroles = \"mapped\"\n");
    assert_eq!(marks(&held, rule), [Code::MappingGivesMore].into());
    // A rule that names an issuer is what keeps its own words from counting.
    let own = rule.replace("https://i.example", "own");
    assert_eq!(
        marks(&format!("{rule}{own}"), &own),
        [Code::MappingGivesMore].into()
    );
    let twice = format!("{rule}{}", rule.replace("\"g\"", "\"h\""));
    assert_eq!(marks(&twice, rule), BTreeSet::new());
    // Who has to be an administrator to be given something is not made one.
    let asks = "[[mapping]]\nwhen = { issuer = \"own\", role = \"admin\" }\ngive.roles = [\"r\"]\n";
    assert_eq!(marks("", asks), [Code::MappingGivesMore].into());
    let gives = asks.replace("[\"r\"]", "[\"admin\"]");
    assert_eq!(
        marks(asks, &gives),
        [Code::MappingGivesMore, Code::RoleAdministration].into()
    );
}
