use sealgate_model::ActorKind;
use serde_json::{Map, Value, json};

use super::*;

mod counts;
mod properties;

const OWN: &str = "https://id.acme.example";
const FOREIGN: &str = "https://login.partner.example";

fn mapping(text: &str) -> Mapping {
    read_text(text).unwrap()
}

fn refused(text: &str) -> (String, String) {
    let error = read_text(text).unwrap_err();
    (error.code().to_owned(), error.to_string())
}

/// A credential, by default a user's access token of our own control plane.
#[derive(Debug, Clone)]
struct Credential {
    issuer: &'static str,
    shown: Shown,
    kind: ActorKind,
    has_user: bool,
    client: String,
    tenant: Option<String>,
    roles: Vec<String>,
    scopes: Vec<String>,
    claims: Map<String, Value>,
}

impl Default for Credential {
    fn default() -> Self {
        Self {
            issuer: OWN,
            shown: Shown::Token,
            kind: ActorKind::User,
            has_user: true,
            client: "cli".to_owned(),
            tenant: None,
            roles: Vec::new(),
            scopes: Vec::new(),
            claims: Map::new(),
        }
    }
}

impl Credential {
    fn told(&self) -> Told<'_> {
        Told {
            issuer: self.issuer,
            own: self.issuer == OWN,
            shown: self.shown,
            kind: self.kind,
            has_user: self.has_user,
            client: &self.client,
            tenant: self.tenant.as_deref(),
            roles: &self.roles,
            scopes: &self.scopes,
            claims: &self.claims,
        }
    }

    fn with(claims: Value) -> Self {
        let Value::Object(claims) = claims else {
            panic!("claims are an object")
        };
        Self {
            claims,
            ..Self::default()
        }
    }

    fn machine(issuer: &'static str) -> Self {
        Self {
            issuer,
            kind: ActorKind::Machine,
            has_user: false,
            ..Self::default()
        }
    }
}

fn names(list: &[&str]) -> Vec<String> {
    list.iter().map(|name| (*name).to_owned()).collect()
}

fn roles(text: &str, claims: Value) -> Vec<String> {
    mapping(text)
        .judge(&Credential::with(claims).told())
        .unwrap()
        .roles
}

#[test]
fn each_condition_holds_as_the_reference_says() {
    let holds = |asked: &str, claims: Value| {
        let text =
            format!("[[mapping]]\nwhen = {{ issuer = \"own\", {asked} }}\ngive.roles = [\"r\"]");
        roles(&text, claims) == ["r"]
    };
    let cases = [
        (
            "group = 'finance'",
            json!({ "groups": ["x", "finance"] }),
            true,
        ),
        ("group = 'finance'", json!({ "groups": "finance" }), true),
        (
            "group = 'finance'",
            json!({ "groups": ["finances"] }),
            false,
        ),
        ("group = 'finance'", json!({ "groups": "finance x" }), false),
        ("group = 'finance'", json!({ "groups": null }), false),
        ("group = 'finance'", json!({}), false),
        ("group = ['a', 'b']", json!({ "groups": ["b"] }), true),
        (
            "group = { all = ['a', 'b'] }",
            json!({ "groups": ["b"] }),
            false,
        ),
        (
            "group = { all = ['a', 'b'] }",
            json!({ "groups": ["b", "a"] }),
            true,
        ),
        ("group = 'fin-*'", json!({ "groups": ["fin-emea"] }), true),
        ("group = 'fin-*'", json!({ "groups": ["fin"] }), false),
        ("claim.level = 3", json!({ "level": 3 }), true),
        ("claim.level = 3", json!({ "level": "3" }), false),
        ("claim.level = 3", json!({ "level": 3.0 }), false),
        (
            "claim.email_verified = true",
            json!({ "email_verified": true }),
            true,
        ),
        (
            "claim.email_verified = true",
            json!({ "email_verified": "true" }),
            false,
        ),
        ("claim.'a.b' = 'x'", json!({ "a": { "b": "x" } }), true),
        ("claim.'a.b' = 'x'", json!({ "a.b": "x" }), false),
        ("claim.'/a.b' = 'x'", json!({ "a.b": "x" }), true),
        (
            "claim.'https://acme.example/roles' = 'x'",
            json!({ "https://acme.example/roles": ["x"] }),
            true,
        ),
        ("claim.a = { is = 'x' }", json!({ "a": "x" }), true),
        ("claim.a = { is = 'x' }", json!({ "a": ["x"] }), false),
        ("claim.a = { has = 'x' }", json!({ "a": ["x"] }), true),
        ("claim.a = { has = 'x' }", json!({ "a": "x" }), false),
        ("claim.a = { is = 'x*' }", json!({ "a": "xy" }), false),
        ("claim.a = { is = 'x*' }", json!({ "a": "x*" }), true),
        ("claim.a = { present = true }", json!({ "a": {} }), true),
        ("claim.a = { present = true }", json!({ "a": [] }), true),
        ("claim.a = { present = true }", json!({ "a": null }), false),
        ("claim.a = '*'", json!({ "a": "" }), true),
        ("claim.a = '*'", json!({ "a": 1 }), false),
        ("claim.a = 'x', claim.b = 'y'", json!({ "a": "x" }), false),
        (
            "claim.a = 'x', claim.b = 'y'",
            json!({ "a": "x", "b": "y" }),
            true,
        ),
        (
            "claim.a = 'x'",
            json!({ "a": [["x"], { "b": "x" }] }),
            false,
        ),
        ("client = 'cli'", json!({}), true),
        ("client = 'cl*'", json!({}), true),
        ("client = 'cli2'", json!({}), false),
        ("tenant = 'acme'", json!({}), false),
        (
            "actor = ['machine', 'agent'], client = 'cli'",
            json!({}),
            false,
        ),
    ];
    for (asked, claims, expected) in cases {
        assert_eq!(
            holds(asked, claims.clone()),
            expected,
            "{asked} of {claims}"
        );
    }
    let long = "x".repeat(256);
    assert!(!holds("claim.a = 'x*'", json!({ "a": long })));
}

#[test]
#[expect(clippy::too_many_lines, reason = "it is a table")]
fn what_cannot_be_meant_is_refused_with_its_line() {
    let rule = |when: &str, give: &str| {
        format!("\n[[mapping]]\nwhen = {{ {when} }}\ngive = {{ {give} }}\n")
    };
    let cases = [
        (
            rule("group = 'a'", "roles = ['r']"),
            "mapping_malformed",
            "line 3, column 1: mapping[1].when: say whose",
        ),
        (
            rule("issuer = '*'", "roles = ['r']"),
            "mapping_everybody",
            "line 2",
        ),
        (
            rule("issuer = '*', actor = 'user'", "roles = ['r']"),
            "mapping_everybody",
            "line 2",
        ),
        (
            rule("issuer = 'https://a*'", "roles = ['r']"),
            "mapping_malformed",
            "line 3, column 10",
        ),
        (
            rule(
                "issuer = 'own', client = 'https://app.example*'",
                "roles = ['r']",
            ),
            "mapping_malformed",
            "other hosts too",
        ),
        (
            rule("issuer = 'idp'", "roles = ['r']"),
            "mapping_malformed",
            "own, * or the URL",
        ),
        (
            rule("issuer = 'own'", ""),
            "mapping_malformed",
            "say what it gives",
        ),
        (
            rule("issuer = 'own'", "roles = ['a b']"),
            "mapping_malformed",
            "line 4",
        ),
        (
            rule("issuer = 'own'", "roles = ['sealgate:admin']"),
            "mapping_malformed",
            "control plane's own",
        ),
        (
            rule("issuer = 'own'", "scopes = ['sealgate:keys:write']"),
            "mapping_malformed",
            "control plane's own",
        ),
        (
            rule("issuer = 'own'", "scopes = ['a b']"),
            "mapping_malformed",
            "a scope is",
        ),
        (
            rule("issuer = 'own'", "scopes = ['offline_access']"),
            "mapping_malformed",
            "issuers alone",
        ),
        (
            rule(
                "issuer = 'own', claim.a = { present = false }",
                "roles = ['r']",
            ),
            "mapping_malformed",
            "positive",
        ),
        (
            rule("issuer = 'own', claim.a = 'x*y'", "roles = ['r']"),
            "mapping_malformed",
            "at the end",
        ),
        (
            rule("issuer = 'own', claim.a = []", "roles = ['r']"),
            "mapping_malformed",
            "empty list",
        ),
        (
            rule("issuer = 'own', claim.a = 1.5", "roles = ['r']"),
            "mapping_malformed",
            "true or false",
        ),
        (
            rule(
                "issuer = 'own', claim.'a.b' = 1, claim.'/a/b' = 1",
                "roles = ['r']",
            ),
            "mapping_malformed",
            "another spelling",
        ),
        (
            rule("issuer = 'own', client = '*'", "roles = ['r']"),
            "mapping_malformed",
            "asks for nothing",
        ),
        (
            rule("issuer = 'own', client = 1", "roles = ['r']"),
            "mapping_malformed",
            "this is a text",
        ),
        (
            rule("issuer = 'own', scope = { is = 'a' }", "roles = ['r']"),
            "mapping_malformed",
            "these are lists",
        ),
        (
            rule("issuer = 'own', groups = 'a'", "roles = ['r']"),
            "mapping_malformed",
            "not known",
        ),
        (
            rule("issuer = '*', client = 'a'", "actor = 'agent'"),
            "mapping_malformed",
            "name the issuer",
        ),
        (
            rule("issuer = 'own', group = 'a'", "actor = 'agent'"),
            "mapping_malformed",
            "actor = \"mapped\"",
        ),
        (
            "[mapping_of.'*']\nroles = 'told'".to_owned(),
            "mapping_malformed",
            "by itself",
        ),
        (
            "[mapping_of.own]\nroles = 'both'".to_owned(),
            "mapping_malformed",
            "line 2, column 1",
        ),
        ("mapping = 1".to_owned(), "mapping_malformed", "[[mapping]]"),
        ("x = ".to_owned(), "policy_malformed", "line 1"),
    ];
    for (text, code, said) in cases {
        let (found, told) = refused(&text);
        assert_eq!(found, code, "{text}");
        assert!(told.contains(said), "{text}\n{told}");
    }
    let many = "[[mapping]]\nwhen.issuer = 'own'\ngive.roles = ['r']\n".repeat(501);
    assert_eq!(refused(&many).0, "mapping_oversize");
    let everybody = "[[mapping]]\neverybody = true\nwhen.issuer = '*'\ngive.roles = ['r']";
    assert_eq!(roles(everybody, json!({})), ["r"]);
    let not = "[[mapping]]\neverybody = true\nwhen.issuer = 'own'\ngive.roles = ['r']";
    assert!(refused(not).1.contains("does not fit everybody"));
}

#[test]
fn an_explanation_names_the_rules_and_what_they_lack() {
    let text = "
        [[mapping]]
        name = 'accountants'
        when = { issuer = 'own', group = 'finance' }
        give = { roles = ['accountant'], scopes = ['expenses:approve'] }
        [[mapping]]
        when = { issuer = 'own', claim.'a.b' = 'x' }
        give.roles = ['x']
    ";
    let mapping = mapping(text);
    let credential = Credential::with(json!({ "groups": ["finance"] }));
    let explained = mapping.explain(&credential.told());
    assert_eq!(explained.outcome, mapping.judge(&credential.told()));
    let [first, second] = &explained.rules[..] else {
        panic!("there are two rules")
    };
    assert_eq!((first.missed.clone(), first.scopes_count), (None, false));
    assert_eq!(first.rule.label(first.number), "1 \"accountants\"");
    assert_eq!(
        second.missed,
        Some(Missed::Claim(ClaimPath::parse("a.b").unwrap()))
    );
}

#[test]
fn equal_mappings_have_equal_marks_and_others_do_not() {
    let one = "[[mapping]]\nwhen = { issuer = 'own', group = 'a' }\ngive.roles = ['r']";
    let same = "# words\n[[mapping]]\nwhen.group = ['a']\nwhen.issuer = ['own']\ngive.roles = 'r'";
    assert_eq!(mapping(one).mark(), mapping(same).mark());
    assert_ne!(mapping(one).mark(), Mapping::default().mark());
    assert!(Mapping::default().is_empty() && !mapping(one).is_empty());
    assert_eq!(serde_json::to_string(&Mapping::default()).unwrap(), "{}");
}
