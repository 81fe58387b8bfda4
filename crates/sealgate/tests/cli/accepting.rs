//! Findings that somebody accepts, from the command line.

use serde_json::Value;

use crate::covering::Project;

const MAIN: &str = r#"from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse

app = FastAPI(openapi_url=None)
KEYS = {"3f9a": "ada"}


def signed_in(request: Request) -> str:
    user = KEYS.get(request.headers.get("x-key", ""))
    if user is None:
        raise HTTPException(401)
    return user


@app.middleware("http")
async def gate(request: Request, call_next):
    if request.url.path.endswith(("health", "ready")):
        return await call_next(request)
    if request.headers.get("x-key") not in KEYS:
        return JSONResponse({"detail": "sign in"}, status_code=401)
    return await call_next(request)


@app.get("/expenses/{name}", dependencies=[Depends(signed_in)])
async def expense(name: str) -> str:
    return name
"#;

const ENDSWITH: &str = "    if request.url.path.endswith";

fn project(main: &str) -> Project {
    let project = Project::new();
    project.write("shop/main.py", main);
    project
}

/// The application with a comment above the line that is found.
fn commented(comment: &str) -> String {
    MAIN.replace(ENDSWITH, &format!("    # sealgate: {comment}\n{ENDSWITH}"))
}

const ENTRY: &str = r#"[[tool.sealgate.routes.accept]]
rule = "path-decision"
file = "main.py"
reason = "the load balancer asks by these names"
owner = "platform"
"#;

#[test]
fn a_comment_accepts_the_finding_below_it() {
    let found = project(MAIN).routes(&["scan", "shop"]);
    assert_eq!(found.status, 1, "{}", found.stdout);
    assert!(found.stdout.contains("[path-decision]"), "{}", found.stdout);

    let project = project(&commented("accept(path-decision: the load balancer asks)"));
    let done = project.routes(&["scan", "shop"]);
    assert_eq!(done.status, 0, "{}", done.stdout);
    assert!(
        done.stdout
            .ends_with("\nNo findings. 1 finding accepted.\n"),
        "{}",
        done.stdout
    );
    let all = project.routes(&["scan", "shop", "--all"]).stdout;
    assert!(
        all.contains("Accepted:\n  shop/main.py:18: path-decision: "),
        "{all}"
    );
    assert!(all.contains("(the load balancer asks)"), "{all}");
}

#[test]
fn the_configuration_accepts_until_a_day() {
    let project = project(MAIN);
    project.write(
        "shop/pyproject.toml",
        &format!("{ENTRY}expires = 9999-06-30\n"),
    );
    let done = project.routes(&["scan", "shop"]);
    assert_eq!(done.status, 0, "{}", done.stdout);
    project.write(
        "shop/pyproject.toml",
        &format!("{ENTRY}expires = 2020-06-30\n"),
    );
    let late = project.routes(&["scan", "shop"]);
    assert_eq!(late.status, 1);
    for words in [
        "error[expired-acceptance]: `path-decision` was accepted until 2020-06-30",
        "--> shop/pyproject.toml:1",
        "[path-decision]: ",
    ] {
        assert!(late.stdout.contains(words), "{words}: {}", late.stdout);
    }
    project.write(
        "shop/pyproject.toml",
        &ENTRY.replace("the load balancer asks by these names", " "),
    );
    let blank = project.routes(&["scan", "shop"]);
    assert_eq!(blank.status, 2);
    assert!(
        blank.stderr.contains("(config_reason_missing)"),
        "{}",
        blank.stderr
    );
}

#[test]
fn machines_read_what_is_accepted_as_suppressed() {
    let project = project(&commented("accept(path-decision: the load balancer asks)"));
    let read = |format: &str| -> Value {
        let text = project.routes(&["scan", "shop", "--format", format]).stdout;
        serde_json::from_str(&text).unwrap()
    };
    let json = read("json");
    assert_eq!(json["findings"], serde_json::json!([]));
    assert_eq!(json["accepted"][0]["rule"], "path-decision");
    assert_eq!(
        json["accepted"][0]["accepted"]["reason"],
        "the load balancer asks"
    );
    let result = &read("sarif")["runs"][0]["results"][0];
    assert_eq!(result["ruleId"], "path-decision");
    assert_eq!(result["suppressions"][0]["kind"], "inSource");
    assert_eq!(result["suppressions"][0]["status"], "accepted");
    assert_eq!(
        result["suppressions"][0]["justification"],
        "the load balancer asks"
    );
    let github = project
        .routes(&["scan", "shop", "--format", "github"])
        .stdout;
    assert!(
        github.ends_with(", no findings, 1 finding accepted\n"),
        "{github}"
    );
}

#[test]
fn an_open_route_is_never_accepted() {
    let open = MAIN.replace(", dependencies=[Depends(signed_in)]", "");
    let open = open.replace("@app.middleware(\"http\")\n", "");
    let accepted = open.replace(
        "@app.get",
        "# sealgate: accept(open-route: we know)\n@app.get",
    );
    let done = project(&accepted).routes(&["scan", "shop"]);
    assert_eq!(done.status, 1);
    for words in [
        "error[open-route]: ",
        "warning[unused-acceptance]: `open-route` is accepted, and findings of it cannot be",
    ] {
        assert!(done.stdout.contains(words), "{words}: {}", done.stdout);
    }
    let project = project(&open);
    let entry =
        "[[tool.sealgate.routes.accept]]\nrule = \"open-route\"\nroute = \"/a\"\nreason = \"x\"\n";
    project.write("shop/pyproject.toml", entry);
    let refused = project.routes(&["scan", "shop"]);
    assert_eq!(refused.status, 2);
    assert!(
        refused.stderr.contains("(config_accept_rule)"),
        "{}",
        refused.stderr
    );
}

#[test]
fn what_accepts_nothing_is_a_finding() {
    for (comment, says) in [
        (
            "accept(walked-routes: x)",
            "`walked-routes` is accepted, and was not found there",
        ),
        (
            "accept(path-decision:)",
            "it does not say why `path-decision` is accepted",
        ),
        (
            "accept(path-decision)",
            "it does not say which rule, and why",
        ),
        (
            "accept(no-such-rule: x)",
            "`no-such-rule` is accepted, and there is no such rule",
        ),
    ] {
        let done = project(&commented(comment)).routes(&["scan", "shop"]);
        assert_eq!(done.status, 1, "{comment}");
        assert!(
            done.stdout.contains("warning[unused-acceptance]: "),
            "{}",
            done.stdout
        );
        assert!(done.stdout.contains(says), "{comment}: {}", done.stdout);
        assert!(done.stdout.contains("[path-decision]: "), "{}", done.stdout);
    }
}

#[test]
fn the_check_accepts_too_and_can_still_fail() {
    let project = project(&commented("accept(path-decision: the load balancer asks)"));
    assert_eq!(project.routes(&["lock", "shop"]).status, 0);
    let done = project.routes(&["check", "shop"]);
    assert_eq!(done.status, 0, "{}{}", done.stdout, done.stderr);
    let open =
        commented("accept(path-decision: x)").replace(", dependencies=[Depends(signed_in)]", "");
    project.write("shop/main.py", &open);
    let lost = project.routes(&["check", "shop"]);
    assert_eq!(lost.status, 1, "{}", lost.stdout);
}

#[test]
fn the_documentation_is_one_finding_and_one_entry_declares_it() {
    let project = project(
        &MAIN
            .replace("openapi_url=None", "")
            .replace("@app.middleware(\"http\")\n", ""),
    );
    let done = project.routes(&["scan", "shop"]);
    assert_eq!(done.stdout.matches("error[").count(), 1, "{}", done.stdout);
    insta::assert_snapshot!(done.stdout);
    project.write(
        "shop/pyproject.toml",
        "[[tool.sealgate.routes.public]]\nroute = [\"/docs/*\", \"/openapi.json\", \"/redoc\"]\nreason = \"our customers read it\"\n",
    );
    let declared = project.routes(&["scan", "shop"]);
    assert_eq!(declared.status, 0, "{}", declared.stdout);
}

#[test]
fn an_application_that_is_named_is_renewed_alone() {
    let project = project(MAIN);
    project.write(
        "shop/other.py",
        &MAIN.replace("/expenses/{name}", "/receipts"),
    );
    assert_eq!(project.routes(&["lock", "shop"]).status, 0);
    project.write(
        "shop/other.py",
        &MAIN.replace("/expenses/{name}", "/payments"),
    );
    let one = project.routes(&["lock", "shop", "--app", "main:app"]);
    assert!(
        one.stderr
            .contains(": 0 added, 0 removed, 0 changed, 2 as before\n"),
        "{}",
        one.stderr
    );
    let other = project.routes(&["lock", "shop", "--app", "other:app"]);
    assert!(
        other.stderr.contains("\n+ GET /payments: "),
        "{}",
        other.stderr
    );
}

#[test]
fn a_weaker_look_says_what_it_keeps() {
    let project = project(MAIN);
    project.routes(&["lock", "shop"]);
    let file = project.path().join("shop/sealgate.routes.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let text = text.replace("lens = \"scan\"", "lens = \"inspect\"");
    let more = "\n[route.\"main:app\".\"GET /plugins\"]\nclass = \"user\"\nrequires = \"user\"\ngates = [\"main:signed_in\"]\nevidence = \"GATED\"\nrisk = [\"reads\"]\n";
    std::fs::write(&file, text + more).unwrap();
    let done = project.routes(&["lock", "shop"]);
    assert!(
        done.stderr
            .contains("1 block of a route that was not seen stays (main:app GET /plugins): "),
        "{}",
        done.stderr
    );
}
