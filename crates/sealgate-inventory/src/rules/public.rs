//! Rules about what is public.

use super::program;
use crate::{Rule, Severity};

/// A route is public and nothing says why.
pub static PUBLIC_WITHOUT_REASON: Rule = Rule {
    id: "public-without-reason",
    severity: Severity::Error,
    title: "A route is public and nothing says why",
    explanation: "A declaration without a reason cannot be reviewed: nobody can tell later whether it still holds, and whoever \
copies the line makes another route public. Say in a few words who calls the route without a credential.",
    broken: program!(
        r#"# sealgate: public()
@app.get("/health")
def health() -> str:
    return "ok"
"#
    ),
    fixed: program!(
        r#"# sealgate: public(load balancers ask)
@app.get("/health")
def health() -> str:
    return "ok"
"#
    ),
};

/// A route that reads is public, and may not be.
pub static PUBLIC_READ: Rule = Rule {
    id: "public-read",
    severity: Severity::Error,
    title: "A route that reads is public, and may not be",
    explanation: "The configuration asks for more than a reason before strangers may read: `public_reads` is \
`reason-and-expiry` or `never`. It does not without being told. Set `expires` to the day on which the \
declaration is reviewed again, or put a gate before the route.",
    broken: program!(
        r#"[route."main:app"."GET /health"]
class = "public"
evidence = "OPEN"
reason = "load balancers ask"
risk = ["reads"]
endpoint = "main:health"
"#,
        r#"@app.get("/health")
def health() -> str:
    return "ok"

# file: pyproject.toml
[tool.sealgate.routes.classes]
public_reads = "reason-and-expiry"
"#
    ),
    fixed: program!(
        r#"[route."main:app"."GET /health"]
class = "public"
evidence = "OPEN"
reason = "load balancers ask"
expires = 2027-06-30
risk = ["reads"]
endpoint = "main:health"
"#,
        r#"@app.get("/health")
def health() -> str:
    return "ok"

# file: pyproject.toml
[tool.sealgate.routes.classes]
public_reads = "reason-and-expiry"
"#
    ),
};

/// A route that writes is public without an end.
pub static PUBLIC_WRITE: Rule = Rule {
    id: "public-write",
    severity: Severity::Error,
    title: "A route that writes is public without an end",
    explanation: "Strangers can change something or administer, and the declaration holds for ever. Such a route is where \
abuse begins: spam, filled disks, settings that are changed. Unless `public_writes` in the configuration \
says otherwise it needs a reason and a day on which somebody looks again. Set `expires`, or put a gate \
before it.",
    broken: program!(
        r#"[route."main:app"."POST /feedback"]
class = "public"
evidence = "OPEN"
reason = "visitors of the web site write to us"
risk = ["writes"]
endpoint = "main:feedback"
"#,
        r#"@app.post("/feedback")
def feedback(text: str) -> None: ...
"#
    ),
    fixed: program!(
        r#"[route."main:app"."POST /feedback"]
class = "public"
evidence = "OPEN"
reason = "visitors of the web site write to us"
expires = 2027-06-30
risk = ["writes"]
endpoint = "main:feedback"
"#,
        r#"@app.post("/feedback")
def feedback(text: str) -> None: ...
"#
    ),
};

/// A route that bears secrets is public without an end.
pub static PUBLIC_SECRET: Rule = Rule {
    id: "public-secret",
    severity: Severity::Error,
    title: "A route that bears secrets is public without an end",
    explanation: "The route takes passwords or hands out tokens, as its path or its handler's name says, and strangers may \
call it for ever. Sign-in has to be public, and is what attackers call first: unless `public_secrets` in the \
configuration says otherwise it needs a reason and a day on which somebody looks again at its limits and its \
answers. Set `expires`, or put a gate before it.",
    broken: program!(
        r#"[route."main:app"."POST /login"]
class = "public"
evidence = "OPEN"
reason = "people sign in here"
risk = ["writes", "secrets"]
endpoint = "main:login"
"#,
        r#"@app.post("/login")
def login(name: str, password: str) -> str:
    return "token"
"#
    ),
    fixed: program!(
        r#"[route."main:app"."POST /login"]
class = "public"
evidence = "OPEN"
reason = "people sign in here"
expires = 2027-06-30
risk = ["writes", "secrets"]
endpoint = "main:login"
"#,
        r#"@app.post("/login")
def login(name: str, password: str) -> str:
    return "token"
"#
    ),
};

/// A route was public until a day that is over.
pub static EXPIRED_ENTRY: Rule = Rule {
    id: "expired-entry",
    severity: Severity::Error,
    title: "A route was public until a day that is over",
    explanation: "Somebody set a day on which this was to be looked at again, and it is over. Where lock file and \
configuration both set one, the earlier counts. The last day itself still counts. Look whether strangers \
still have to call the route; then set a later day, or put a gate before it.",
    broken: program!(
        r#"[route."main:app"."GET /health"]
class = "public"
evidence = "OPEN"
reason = "load balancers ask"
expires = 2020-06-30
risk = ["reads"]
endpoint = "main:health"
"#,
        r#"@app.get("/health")
def health() -> str:
    return "ok"
"#
    ),
    fixed: program!(
        r#"[route."main:app"."GET /health"]
class = "public"
evidence = "OPEN"
reason = "load balancers ask"
expires = 9999-06-30
risk = ["reads"]
endpoint = "main:health"
"#,
        r#"@app.get("/health")
def health() -> str:
    return "ok"
"#
    ),
};
