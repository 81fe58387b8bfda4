//! Rules about what the lock file has and the application has not, and the other way round.

use super::program;
use crate::{Rule, Severity};

/// A route is not in the lock file.
pub static NEW_ROUTE: Rule = Rule {
    id: "new-route",
    severity: Severity::Warning,
    title: "A route is not in the lock file",
    explanation: "Nobody has reviewed this way in. The finding says what stands before it; if nothing does, or if that could \
not be told, it is an error and not a warning. A method that an old route takes now counts as a new route. \
Run `sealgate routes lock` and have the new block reviewed. An open route is written into the lock file \
without a class, and goes on failing until it has a gate or somebody declares it public with a reason.",
    broken: program!(
        r#"[route."main:app"."GET /expenses"]
class = "user"
requires = "user"
gates = ["main:signed_in"]
evidence = "GATED-STATIC"
risk = ["reads"]
endpoint = "main:expenses"
"#,
        r#"@app.get("/expenses", dependencies=[Depends(signed_in)])
def expenses() -> list[str]:
    return []


@app.get("/receipts", dependencies=[Depends(signed_in)])
def receipts() -> list[str]:
    return []
"#
    ),
    fixed: program!(
        r#"[route."main:app"."GET /expenses"]
class = "user"
requires = "user"
gates = ["main:signed_in"]
evidence = "GATED-STATIC"
risk = ["reads"]
endpoint = "main:expenses"

[route."main:app"."GET /receipts"]
class = "user"
requires = "user"
gates = ["main:signed_in"]
evidence = "GATED-STATIC"
risk = ["reads"]
endpoint = "main:receipts"
"#,
        r#"@app.get("/expenses", dependencies=[Depends(signed_in)])
def expenses() -> list[str]:
    return []


@app.get("/receipts", dependencies=[Depends(signed_in)])
def receipts() -> list[str]:
    return []
"#
    ),
};

/// A route of the lock file is gone.
pub static DEAD_ENTRY: Rule = Rule {
    id: "dead-entry",
    severity: Severity::Warning,
    title: "A route of the lock file is gone",
    explanation: "An entry of the lock file, or a declaration in the configuration, is about a route that is not there. It \
waits: when somebody adds a route at this path again, the old permission covers something that nobody \
reviewed. Where the same handler is served at another path now, the finding says where. Run `sealgate routes \
lock`, or remove the declaration. A scan that is compared with what an inspection wrote gives a note, for it \
does not see every route that a running application has.",
    broken: program!(
        r#"[route."main:app"."GET /expenses"]
class = "user"
requires = "user"
gates = ["main:signed_in"]
evidence = "GATED-STATIC"
risk = ["reads"]
endpoint = "main:expenses"

[route."main:app"."GET /health"]
class = "public"
evidence = "OPEN"
reason = "load balancers ask"
risk = ["reads"]
endpoint = "main:health"
"#,
        r#"@app.get("/expenses", dependencies=[Depends(signed_in)])
def expenses() -> list[str]:
    return []
"#
    ),
    fixed: program!(
        r#"[route."main:app"."GET /expenses"]
class = "user"
requires = "user"
gates = ["main:signed_in"]
evidence = "GATED-STATIC"
risk = ["reads"]
endpoint = "main:expenses"
"#,
        r#"@app.get("/expenses", dependencies=[Depends(signed_in)])
def expenses() -> list[str]:
    return []
"#
    ),
};

/// An application of the lock file was not seen.
pub static DEAD_APP: Rule = Rule {
    id: "dead-app",
    severity: Severity::Warning,
    title: "An application of the lock file was not seen",
    explanation: "The lock file has routes of an application that was not looked at, or that is gone. A check that silently \
leaves out an application passes whatever happens to it. Look at it too: a scan takes the folder above both, \
an inspection each by its name. If the application is gone or has another name, run `sealgate routes lock` \
and have the change reviewed.",
    broken: program!(
        r#"[route."admin:app"."GET /expenses"]
class = "user"
requires = "user"
gates = ["main:signed_in"]
evidence = "GATED-STATIC"
risk = ["reads"]
endpoint = "admin:expenses"

[route."main:app"."GET /expenses"]
class = "user"
requires = "user"
gates = ["main:signed_in"]
evidence = "GATED-STATIC"
risk = ["reads"]
endpoint = "main:expenses"
"#,
        r#"@app.get("/expenses", dependencies=[Depends(signed_in)])
def expenses() -> list[str]:
    return []
"#
    ),
    fixed: program!(
        r#"[route."main:app"."GET /expenses"]
class = "user"
requires = "user"
gates = ["main:signed_in"]
evidence = "GATED-STATIC"
risk = ["reads"]
endpoint = "main:expenses"
"#,
        r#"@app.get("/expenses", dependencies=[Depends(signed_in)])
def expenses() -> list[str]:
    return []
"#
    ),
};

/// A route that counts as open is behind a gate.
pub static NOW_GATED: Rule = Rule {
    id: "now-gated",
    severity: Severity::Warning,
    title: "A route that counts as open is behind a gate",
    explanation: "The lock file or the configuration says that strangers may call the route, or that nothing stands before it, \
and now a gate does. That is good, and has to be written down: as long as the old word stands, losing the \
gate again is no finding. Run `sealgate routes lock`, or remove the declaration from the configuration.",
    broken: program!(
        r#"[route."main:app"."GET /health"]
class = "public"
evidence = "OPEN"
reason = "load balancers ask"
risk = ["reads"]
endpoint = "main:health"
"#,
        r#"@app.get("/health", dependencies=[Depends(signed_in)])
def health() -> str:
    return "ok"
"#
    ),
    fixed: program!(
        r#"[route."main:app"."GET /health"]
class = "user"
requires = "user"
gates = ["main:signed_in"]
evidence = "GATED-STATIC"
risk = ["reads"]
endpoint = "main:health"
"#,
        r#"@app.get("/health", dependencies=[Depends(signed_in)])
def health() -> str:
    return "ok"
"#
    ),
};

/// A route was declared public and nobody reviewed that.
pub static NOW_PUBLIC: Rule = Rule {
    id: "now-public",
    severity: Severity::Warning,
    title: "A route was declared public and nobody reviewed that",
    explanation: "The source or the configuration declares the route public, and the lock file has it without that. A comment \
in one file of a large change is easily overlooked; the lock file is where reviewers look. Run `sealgate \
routes lock`, which writes the class and the reason into the route's block.",
    broken: program!(
        r#"[route."main:app"."GET /health"]
evidence = "OPEN"
risk = ["reads"]
endpoint = "main:health"
"#,
        r#"# sealgate: public(load balancers ask)
@app.get("/health")
def health() -> str:
    return "ok"
"#
    ),
    fixed: program!(
        r#"[route."main:app"."GET /health"]
class = "public"
evidence = "PUBLIC"
reason = "load balancers ask"
risk = ["reads"]
endpoint = "main:health"
"#,
        r#"# sealgate: public(load balancers ask)
@app.get("/health")
def health() -> str:
    return "ok"
"#
    ),
};

/// An entry of the lock file is out of date.
pub static OUTDATED_ENTRY: Rule = Rule {
    id: "outdated-entry",
    severity: Severity::Note,
    title: "An entry of the lock file is out of date",
    explanation: "Something changed that lets nobody else in: the handler has another name, its risk is another one, or a \
public route has another reason. It fails nothing. Run `sealgate routes lock` with the next change, so that \
the next reviewer reads what is true.",
    broken: program!(
        r#"[route."main:app"."GET /expenses"]
class = "user"
requires = "user"
gates = ["main:signed_in"]
evidence = "GATED-STATIC"
risk = ["reads"]
endpoint = "main:list_expenses"
"#,
        r#"@app.get("/expenses", dependencies=[Depends(signed_in)])
def expenses() -> list[str]:
    return []
"#
    ),
    fixed: program!(
        r#"[route."main:app"."GET /expenses"]
class = "user"
requires = "user"
gates = ["main:signed_in"]
evidence = "GATED-STATIC"
risk = ["reads"]
endpoint = "main:expenses"
"#,
        r#"@app.get("/expenses", dependencies=[Depends(signed_in)])
def expenses() -> list[str]:
    return []
"#
    ),
};
