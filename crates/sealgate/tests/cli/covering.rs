//! Route coverage from the command line, as a new user and a CI job meet it.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::harness::Done;

const MAIN: &str = r#"from fastapi import Depends, FastAPI, HTTPException, Request

from orders import router

app = FastAPI(openapi_url=None)
KEYS = {"Bearer 3f9a": "ann"}

def current_user(request: Request) -> str:
    if request.headers.get("authorization") not in KEYS:
        raise HTTPException(401)
    return "ann"


app.include_router(router, prefix="/orders", dependencies=[Depends(current_user)])


@app.get("/health")  # sealgate: public(load balancers ask)
def health() -> str:
    return "up"
"#;

const ORDERS: &str = r#"from fastapi import APIRouter

router = APIRouter()


@router.get("/{id}")
def read(id: int) -> int:
    return id


@router.delete("/{id}")
def remove(id: int) -> None:
    pass
"#;

/// A folder with an application in it.
pub(crate) struct Project(tempfile::TempDir);

impl Project {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join(".git")).unwrap();
        fs::create_dir(folder.path().join("shop")).unwrap();
        let project = Self(folder);
        project.write("shop/main.py", MAIN);
        project.write("shop/orders.py", ORDERS);
        project
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn write(&self, file: &str, text: &str) {
        fs::write(self.path().join(file), text).unwrap();
    }

    pub(crate) fn routes(&self, arguments: &[&str]) -> Done {
        let output = Command::new(env!("CARGO_BIN_EXE_sealgate"))
            .arg("routes")
            .args(arguments)
            .current_dir(self.path())
            .output()
            .unwrap();
        Done {
            status: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// The application without the gate.
fn ungated() -> String {
    MAIN.replace(", dependencies=[Depends(current_user)]", "")
}

#[test]
fn a_gated_application_has_no_findings() {
    let project = Project::new();
    let done = project.routes(&["scan", "shop"]);
    assert_eq!(
        (done.status, done.stderr.as_str()),
        (0, ""),
        "{}",
        done.stdout
    );
    assert!(done.stdout.ends_with("\nNo findings.\n"), "{}", done.stdout);
    let all = project.routes(&["scan", "shop", "--all"]).stdout;
    assert!(all.contains("GATED-STATIC  DELETE   /orders/{id}"), "{all}");
    assert!(all.contains("load balancers ask"), "{all}");
}

#[test]
fn an_open_route_is_shown_with_its_source_and_the_way_to_it() {
    let project = Project::new();
    project.write("shop/main.py", &ungated());
    let done = project.routes(&["scan", "shop"]);
    assert_eq!(done.status, 1, "{}", done.stderr);
    for words in [
        "error[open-route]: ",
        "--> shop/orders.py:",
        "= via: shop/main.py:14: app.include_router(router, prefix=\"/orders\")",
    ] {
        assert!(done.stdout.contains(words), "{words}: {}", done.stdout);
    }
    assert!(!done.stdout.contains('\u{1b}'), "no terminal, no colours");
}

#[test]
fn formats_for_code_hosts_name_files_from_the_root_of_the_repository() {
    let project = Project::new();
    project.write("shop/main.py", &ungated());
    let file = project.path().join("out.sarif");
    let done = Project::routes(
        &project,
        &["scan", "shop", "--format", "sarif", "--output", "out.sarif"],
    );
    assert_eq!((done.status, done.stdout.as_str()), (1, ""));
    assert!(
        done.stderr.ends_with(" findings, in out.sarif\n"),
        "{}",
        done.stderr
    );
    let log: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    let location = &log["runs"][0]["results"][0]["locations"][0]["physicalLocation"];
    assert_eq!(location["artifactLocation"]["uri"], "shop/orders.py");
    let github = project
        .routes(&["scan", "shop", "--format", "github"])
        .stdout;
    assert!(
        github.starts_with("::error file=shop/orders.py,line="),
        "{github}"
    );
    let json = project.routes(&["scan", "shop", "--json"]);
    let inventory: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(
        (json.status, &inventory["schema"]),
        (1, &"sealgate-routes/1".into())
    );
}

#[test]
fn what_was_reviewed_is_held_to() {
    let project = Project::new();
    let missing = project.routes(&["check", "shop"]);
    assert_eq!(missing.status, 2);
    assert_eq!(
        missing.stderr,
        "error: there is no shop/sealgate.routes.toml (lock_missing)\n\
         hint: write one, read it and commit it: sealgate routes lock\n"
    );
    let locked = project.routes(&["lock", "shop"]);
    assert_eq!(
        (locked.status, locked.stdout.as_str()),
        (0, ""),
        "{}",
        locked.stderr
    );
    assert_eq!(
        locked.stderr,
        "shop/sealgate.routes.toml: 3 added, 0 removed, 0 changed, 0 as before\n\
         + GET /health: PUBLIC (load balancers ask)\n\
         + DELETE /orders/{id}: GATED-STATIC by main:current_user\n\
         + GET /orders/{id}: GATED-STATIC by main:current_user\n\
         Read the difference before you commit it.\n"
    );
    let checked = project.routes(&["check", "shop"]);
    assert_eq!(checked.status, 0, "{}{}", checked.stdout, checked.stderr);

    project.write("shop/main.py", &ungated());
    let lost = project.routes(&["check", "shop"]);
    assert_eq!(lost.status, 1, "{}", lost.stderr);
    assert!(
        lost.stdout.contains("error[lost-gate]: "),
        "{}",
        lost.stdout
    );
    let again = project.routes(&["lock", "shop"]);
    assert!(
        again.stderr.contains(
            "~ GET /orders/{id}: evidence GATED-STATIC -> OPEN; gates main:current_user -> none"
        ),
        "{}",
        again.stderr
    );
    assert!(
        again
            .stderr
            .contains("\n2 routes are neither known to be gated nor public: "),
        "{}",
        again.stderr
    );
    assert_eq!(
        project.routes(&["check", "shop"]).status,
        1,
        "a lock file makes nothing public"
    );
}

#[test]
fn nothing_found_is_never_a_success() {
    let project = Project::new();
    fs::create_dir(project.path().join("empty")).unwrap();
    for command in ["scan", "lock"] {
        let done = project.routes(&[command, "empty"]);
        assert_eq!(done.status, 2, "{command}");
        assert!(
            done.stderr.contains("(routes_none_found)"),
            "{}",
            done.stderr
        );
        assert!(done.stderr.contains("\nhint: "), "{}", done.stderr);
    }
    let other = project.routes(&["scan", "shop", "--app", "main:other"]);
    assert_eq!(other.status, 2);
    assert!(
        other.stderr.contains("(routes_app_missing)"),
        "{}",
        other.stderr
    );
    let json = project.routes(&["scan", "nowhere", "--json"]);
    let document: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(
        (json.status, &document["error"]["reason"]),
        (2, &"routes_path_unusable".into())
    );
    let both = project.routes(&["scan", "shop", "--json", "--format", "sarif"]);
    assert_eq!(both.status, 2);
    assert!(both.stderr.contains("(usage_wrong)"), "{}", both.stderr);
}

#[test]
fn a_rule_is_listed_and_explained() {
    let project = Project::new();
    let list = project.routes(&["rules"]);
    assert_eq!(list.status, 0);
    assert!(list.stdout.contains("\nopen-route "), "{}", list.stdout);
    let one = project.routes(&["rules", "open-route"]).stdout;
    assert!(one.starts_with("open-route (error)\n"), "{one}");
    let none = project.routes(&["rules", "no-such-rule"]);
    assert_eq!(none.status, 2);
    assert!(none.stderr.contains("(rule_unknown)"), "{}", none.stderr);
}

/// What the running application would say of itself, with `dependencies` before the route that deletes.
fn told(dependencies: &Value) -> String {
    let route = |method: &str,
                 path: &str,
                 endpoint: &str,
                 file: &str,
                 line: u32,
                 dependencies: &Value| {
        serde_json::json!({
            "app": "main:app", "path": path, "methods": [method], "kind": "http", "endpoint": endpoint,
            "file": file, "line": line, "evidence": "UNRESOLVED", "gates": [],
            "strength": {"level": "none"}, "reason": "not judged yet", "dependencies": dependencies,
        })
    };
    let user = gate_that_runs();
    let document = serde_json::json!({
        "schema": "sealgate-routes/1", "lens": "inspect", "target": "main:app",
        "apps": [{"name": "main:app", "place": {"file": "main.py", "line": 5}, "openapi_operations": 3}],
        "routes": [
            route("GET", "/health", "main:health", "main.py", 17, &serde_json::json!([])),
            route("DELETE", "/orders/{id}", "orders:remove", "orders.py", 11, dependencies),
            route("GET", "/orders/{id}", "orders:read", "orders.py", 6, &user),
        ],
    });
    document.to_string()
}

fn gate_that_runs() -> Value {
    let place = serde_json::json!({"file": "main.py", "line": 8});
    serde_json::json!([{"name": "main:current_user", "placement": "route", "place": place}])
}

#[test]
fn what_runs_is_judged_by_its_source_and_compared_with_it() {
    let project = Project::new();
    let inspect = ["inspect", "--from", "told.json", "--path", "shop", "--all"];
    project.write("told.json", &told(&gate_that_runs()));
    let done = project.routes(&inspect);
    assert_eq!(done.status, 0, "{}{}", done.stdout, done.stderr);
    assert!(
        done.stdout
            .contains("GATED     DELETE   /orders/{id}  main:current_user"),
        "{}",
        done.stdout
    );
    assert!(
        done.stdout
            .contains("PUBLIC    GET      /health       load balancers ask"),
        "{}",
        done.stdout
    );

    project.write("told.json", &told(&serde_json::json!([])));
    let lost = project.routes(&inspect);
    assert_eq!(lost.status, 1, "{}{}", lost.stdout, lost.stderr);
    assert!(
        lost.stdout
            .contains("[gate-differs]: `main:current_user` before `DELETE /orders/{id}`"),
        "{}",
        lost.stdout
    );

    project.write("told.json", "{\"schema\": \"sealgate-routes/2\"}");
    let other = project.routes(&inspect);
    assert_eq!(other.status, 2);
    assert!(
        other.stderr.contains("(routes_schema_unknown)"),
        "{}",
        other.stderr
    );
}
