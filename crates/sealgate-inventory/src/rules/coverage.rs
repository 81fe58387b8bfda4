//! Rules that need no lock file to be broken.

use super::program;
use crate::{Rule, Severity};

/// No gate stands before a route.
pub static OPEN_ROUTE: Rule = Rule {
    id: "open-route",
    severity: Severity::Error,
    title: "No gate stands before a route",
    explanation: "Strangers can call the route: neither the handler, nor its router, nor the application has a \
gate before it, and nobody declared it public. Most often a `Depends` was forgotten, or the route was added to the \
application and not to the router that has the gate. Put the gate before it. If strangers are meant to call it, \
declare it public with a reason: in the configuration, by a comment `# sealgate: public(reason)`, or by \
`class = \"public\"` and `reason` in the lock file.",
    broken: program!(
        r#"@app.get("/expenses")
def expenses() -> list[str]:
    return []
"#
    ),
    fixed: program!(
        r#"@app.get("/expenses", dependencies=[Depends(signed_in)])
def expenses() -> list[str]:
    return []
"#
    ),
};

/// What stands before a route could not be told.
pub static UNRESOLVED_ROUTE: Rule = Rule {
    id: "unresolved-route",
    severity: Severity::Error,
    title: "What stands before a route could not be told",
    explanation: "The route is there, and something may well stand before it, but what that does could not be found \
out. It counts as not protected. The finding says what was not understood. Name the gate in `gates` of the \
configuration, or ask the running application with `sealgate routes inspect`, which sees what the source only \
computes. A scan that is compared with a lock file which an inspection wrote gives a note instead, if the inspection \
could tell.",
    broken: program!(
        r#"import os

import plugins

guards = plugins.load(os.environ["GUARDS"])


@app.get("/expenses", dependencies=[Depends(guards.expenses)])
def expenses() -> list[str]:
    return []
"#
    ),
    fixed: program!(
        r#"@app.get("/expenses", dependencies=[Depends(signed_in)])
def expenses() -> list[str]:
    return []
"#
    ),
};

/// Too few routes were looked at.
pub static FEWER_ROUTES: Rule = Rule {
    id: "fewer-routes",
    severity: Severity::Error,
    title: "Too few routes were looked at",
    explanation: "There are no routes, or less than half of those in the lock file, or fewer operations than the \
application's own OpenAPI document has. A check that sees nothing passes whatever happens: with FastAPI 0.137 many \
home-made checks examined one route of hundreds, and passed. So this fails by itself. Look at the right folder or \
application. If the application really shrank, review that and run `sealgate routes lock`.",
    broken: program!(
        r#"[route."main:app"."GET /expenses"]
class = "user"
requires = "user"
gates = ["main:signed_in"]
evidence = "GATED-STATIC"
risk = ["reads"]
endpoint = "main:expenses"

[route."main:app"."GET /expenses/{id}"]
class = "user"
requires = "user"
gates = ["main:signed_in"]
evidence = "GATED-STATIC"
risk = ["reads"]
endpoint = "main:expense"

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
