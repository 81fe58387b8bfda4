use super::*;
use crate::fixtures::route;
use crate::{Actor, Level};

mod page;

const WHOLE: &str = r#"
[project]
name = "expenses"

[tool.ruff]
line-length = 110

[tool.sealgate.routes]
apps = ["main:app"]
gates = ["app.auth:get_current_user", "app.auth:make.<locals>.gate"]
not_gates = ["app.limits:throttle"]
infer = false
exclude = ["examples/**"]
login_paths = ["/signin"]

[[tool.sealgate.routes.public]]
route = "GET /health"
reason = "load balancers ask"
owner = "platform"
expires = 2027-06-30

[[tool.sealgate.routes.public]]
route = "/static/*"
reason = "style sheets"

[[tool.sealgate.routes.accept]]
rule = "gate-fallback"
file = "app/old/**"
reason = "old clients"
owner = "platform"
expires = 2027-06-30

[tool.sealgate.routes.gate."app.auth:require_admin"]
level = "privileged"
roles = ["admin"]
actors = ["user"]

[tool.sealgate.routes.classes]
public_writes = "never"
"#;

fn refused(text: &str) -> String {
    let error = Config::from_text(text).unwrap_err();
    format!("{error}\n{}\nhint: {}", error.code(), error.hint())
}

#[test]
fn a_whole_table_is_read_from_pyproject() {
    let config = Config::from_pyproject(WHOLE).unwrap();
    assert_eq!(config.apps, ["main:app"]);
    assert!(!config.infer);
    assert_eq!(config.login_paths, ["/signin"]);
    assert!(config.wants_app("main:app") && !config.wants_app("other:app"));
    assert!(config.is_not_gate("app.limits:throttle"));
    assert_eq!(config.classes.public_writes, PublicRule::Never);
    assert_eq!(config.classes.public_reads, PublicRule::Reason);
    let admin = config.named_gate("app.auth:require_admin").unwrap();
    let strength = admin.strength.clone().unwrap();
    assert_eq!(strength.level, Level::Privileged);
    assert_eq!(
        strength.actors.into_iter().collect::<Vec<_>>(),
        [Actor::User]
    );
    let inferred = config.named_gate("app.auth:get_current_user").unwrap();
    assert_eq!(inferred.strength, None);
    let health = config.public_entry(&route("GET", "/health")).unwrap();
    assert_eq!(health.reason, "load balancers ask");
    assert_eq!(health.owner.as_deref(), Some("platform"));
    assert_eq!(health.expires, Some(jiff::civil::date(2027, 6, 30)));
    assert_eq!(health.line, 16);
}

#[test]
fn a_file_of_its_own_has_the_same_keys_at_its_top() {
    let config =
        Config::from_text("apps = [\"main:app\"]\n[gate.\"a:b\"]\nscopes = [\"x\"]\n").unwrap();
    assert_eq!(config.apps, ["main:app"]);
    let strength = config.named_gate("a:b").unwrap().strength.clone().unwrap();
    assert_eq!(strength.level, Level::User);
}

#[test]
fn no_table_is_the_default() {
    assert_eq!(
        Config::from_pyproject("[project]\nname = 'x'\n"),
        Ok(Config::default())
    );
    assert_eq!(Config::from_text(""), Ok(Config::default()));
}

#[test]
fn patterns_mean_templates_with_all_their_methods() {
    let config = Config::from_pyproject(WHOLE).unwrap();
    let public = |methods: &str, path: &str| config.public_entry(&route(methods, path)).is_some();
    assert!(public("GET", "/health") && public("GET,HEAD", "/health"));
    assert!(!public("GET,POST", "/health") && !public("*", "/health"));
    assert!(!public("GET", "/health/"));
    assert!(public("*", "/static") && public("GET", "/static/{path}"));
    assert!(!public("GET", "/statics"));
}

#[test]
fn one_entry_may_declare_several() {
    let text = "[[public]]\nroute = ['/docs/*', 'GET /openapi.json']\nreason = 'x'\nexpires = 2027-06-30\n";
    let config = Config::from_text(text).unwrap();
    for path in ["/docs", "/docs/oauth2-redirect", "/openapi.json"] {
        let entry = config.public_entry(&route("GET", path)).unwrap();
        assert_eq!((entry.reason.as_str(), entry.line), ("x", 1));
        assert!(entry.expires.is_some());
    }
    assert_eq!(config.public.len(), 2);
    assert_eq!(config.public_entry(&route("GET", "/redoc")), None);
}

#[test]
fn an_entry_may_mean_one_application() {
    let text = "[[public]]\nroute = '/health'\nreason = 'x'\napp = 'other:app'\n";
    let config = Config::from_text(text).unwrap();
    assert_eq!(config.public_entry(&route("GET", "/health")), None);
}

#[test]
fn what_is_wrong_is_said_with_its_line_and_a_hint() {
    let texts = [
        "gatez = []\n",
        "infer = \"yes\"\n",
        "infer = \n",
        "gates = [\"get_user\"]\n",
        "gates = [\n  \"a:b\",\n  \"a:b\",\n]\n",
        "gates = [\"a:b\"]\nnot_gates = [\"a:b\"]\n",
        "[[public]]\nroute = \"GET health\"\nreason = \"x\"\n",
        "[[public]]\nroute = \"get /health\"\nreason = \"x\"\n",
        "[[public]]\nroute = \"/a/*/b\"\nreason = \"x\"\n",
        "[[public]]\nroute = \"/*\"\nreason = \"x\"\n",
        "[[public]]\nroute = \"/health\"\n",
        "\n\n[[public]]\nroute = \"/health\"\nreason = \"  \"\n",
        "[[public]]\nroute = \"/health\"\nreason = \"x\"\nexpires = 2027-06-30T10:00:00\n",
        "[[public]]\nroute = \"/health\"\nreason = \"x\"\nexpires = \"soon\"\n",
        "[[accept]]\nrule = \"gate-fallback\"\nfile = \"a.py\"\n",
        "[[accept]]\nrule = \"gate-fallback\"\nreason = \"x\"\n",
        "[[accept]]\nrule = \"gate-fallback\"\nfile = \"**\"\nreason = \"x\"\n",
        "[[accept]]\nrule = \"gate-fallback\"\nroute = \"/*\"\nreason = \"x\"\n",
        "[[accept]]\nrule = \"open-route\"\nroute = \"/a\"\nreason = \"x\"\n",
        "[[public]]\nroute = []\nreason = \"x\"\n",
        "[[public]]\nroute = [\"/a\", 1]\nreason = \"x\"\n",
        "[[public]]\nroute = [\"/a\", \"/*\"]\nreason = \"x\"\n",
        "[[accept]]\nroute = \"/a\"\nreason = \"x\"\n",
        "[classes]\npublic_writes = \"sometimes\"\n",
        "[gate.\"a:b\"]\nlevel = \"root\"\n",
    ];
    let told: Vec<String> = texts
        .iter()
        .map(|text| format!("{text}---\n{}\n", refused(text)))
        .collect();
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn the_limit_comes_before_parsing() {
    let text = "#".repeat(CONFIG_BYTES_MAX + 1);
    assert_eq!(
        Config::from_text(&text).unwrap_err().code(),
        "config_too_large"
    );
}

proptest::proptest! {
    #[test]
    fn no_text_is_too_much_for_the_reader(text in "\\PC*|[\\[\\]a-z\"=. \n*/]{0,80}") {
        let _ = Config::from_text(&text);
        let _ = Config::from_pyproject(&text);
    }
}
