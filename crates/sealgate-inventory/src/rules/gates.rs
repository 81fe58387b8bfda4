//! Rules about gates that are not what they were.

use super::program;
use crate::{Rule, Severity};

/// A route was behind a gate and is not any more.
pub static LOST_GATE: Rule = Rule {
    id: "lost-gate",
    severity: Severity::Error,
    title: "A route was behind a gate and is not any more",
    explanation: "The lock file says that a gate stands before the route, and none does now. This is how reviewed \
applications come open: a parameter is removed because it seems unused, a router is included a second time without \
its dependencies, a merge drops a line. A route that was behind a gate and is declared public now is found too, for \
somebody has to have meant that. Put the gate back. If it is meant, declare the route public with a reason and renew \
the lock file; the reviewer then sees both.",
    broken: program!(
        r#"[route."main:app"."GET /expenses"]
class = "user"
requires = "user"
gates = ["main:signed_in"]
evidence = "GATED-STATIC"
risk = ["reads"]
endpoint = "main:expenses"
"#,
        r#"@app.get("/expenses")
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

/// A gate asks for less than it did.
pub static WEAKER_GATE: Rule = Rule {
    id: "weaker-gate",
    severity: Severity::Error,
    title: "A gate asks for less than it did",
    explanation: "A gate still stands before the route, and it lets more callers in than the one that was reviewed: \
its level fell, a role, a scope or another condition is gone, or more kinds of actor may pass. Anonymous requests are \
still denied, so tests for those pass, while every user can do what administrators could. The finding says what \
exactly is not asked for. Put it back. If it is meant, run `sealgate routes lock`; the class of the route stays what \
it was until somebody lowers it by hand.",
    broken: program!(
        r#"[route."main:app"."DELETE /expenses/{id}"]
class = "privileged"
requires = "privileged roles=admin"
gates = ["main:administrator", "main:signed_in"]
evidence = "GATED-STATIC"
risk = ["writes"]
endpoint = "main:remove"
"#,
        r#"@app.delete("/expenses/{id}", dependencies=[Depends(signed_in)])
def remove(id: int) -> None: ...

# file: pyproject.toml
[tool.sealgate.routes.gate."main:administrator"]
level = "privileged"
roles = ["admin"]
"#
    ),
    fixed: program!(
        r#"[route."main:app"."DELETE /expenses/{id}"]
class = "privileged"
requires = "privileged roles=admin"
gates = ["main:administrator", "main:signed_in"]
evidence = "GATED-STATIC"
risk = ["writes"]
endpoint = "main:remove"
"#,
        r#"@app.delete("/expenses/{id}", dependencies=[Depends(administrator)])
def remove(id: int) -> None: ...

# file: pyproject.toml
[tool.sealgate.routes.gate."main:administrator"]
level = "privileged"
roles = ["admin"]
"#
    ),
};

/// Another gate asks for the same.
pub static GATE_CHANGED: Rule = Rule {
    id: "gate-changed",
    severity: Severity::Warning,
    title: "Other gates stand before a route than before",
    explanation: "As far as can be told, no less is asked for than was reviewed. But the gate that was reviewed is \
gone, and what stands there now was not reviewed: a gate of another name may know other tokens, another tenant, \
another list of exceptions. Look at it and run `sealgate routes lock`. A gate that was added is only a note, and so is \
one that a scan does not see where an inspection did.",
    broken: program!(
        r#"[route."main:app"."GET /expenses"]
class = "user"
requires = "user"
gates = ["main:legacy_session"]
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

/// A gate is known less well than it was.
pub static EVIDENCE_LOST: Rule = Rule {
    id: "evidence-lost",
    severity: Severity::Warning,
    title: "A gate is known less well than it was",
    explanation: "The lock file says that strangers were seen to be denied, or that the gate was seen in the running \
application. The same way of looking saw less this time: the route answered 500 to a probe, or its gate was found in \
the source of the handler and not before it. That is no proof of a hole, and the proof of the opposite is gone. Evidence is \
asked for only as far as the way of looking can have it: a scan is never asked for more than GATED-STATIC, and an \
inspection never for DENIED. The example is found by an inspection.",
    broken: r#"# file: sealgate.routes.toml
version = 1
lens = "inspect"

[route."main:app"."GET /expenses"]
class = "user"
requires = "user"
gates = ["main:signed_in"]
evidence = "GATED"
risk = ["reads"]
endpoint = "main:expenses"

# file: pyproject.toml
[tool.sealgate.routes]
gates = ["main:signed_in"]

# file: main.py
from fastapi import FastAPI, HTTPException, Request

app = FastAPI(openapi_url=None)
KEYS = {"Bearer 3f9a": "ann"}


def signed_in(request: Request) -> None:
    if request.headers.get("authorization") not in KEYS:
        raise HTTPException(401)


@app.get("/expenses")
def expenses(request: Request) -> list[str]:
    signed_in(request)
    return []
"#,
    fixed: r#"# file: sealgate.routes.toml
version = 1
lens = "inspect"

[route."main:app"."GET /expenses"]
class = "user"
requires = "user"
gates = ["main:signed_in"]
evidence = "GATED"
risk = ["reads"]
endpoint = "main:expenses"

# file: main.py
from fastapi import Depends, FastAPI, HTTPException, Request

app = FastAPI(openapi_url=None)
KEYS = {"Bearer 3f9a": "ann"}


def signed_in(request: Request) -> None:
    if request.headers.get("authorization") not in KEYS:
        raise HTTPException(401)


@app.get("/expenses", dependencies=[Depends(signed_in)])
def expenses() -> list[str]:
    return []
"#,
};

/// A gate is too weak for the class of its route.
pub static WEAK_FOR_CLASS: Rule = Rule {
    id: "weak-for-class",
    severity: Severity::Error,
    title: "A gate is too weak for the class of its route",
    explanation: "The lock file says whom the route is meant for, and its gate lets others in. A `privileged` route \
needs a privileged gate, one that asks for a role or something else that only some have. An `internal` route needs a \
gate that lets in machines or agents alone, or a privileged one. Renewing the lock file never lowers a class, so that \
a gate that became weaker has to be answered for by hand. `privileged_needs` and `internal_needs` in the \
configuration set other rules.",
    broken: program!(
        r#"[route."main:app"."DELETE /expenses/{id}"]
class = "privileged"
requires = "user"
gates = ["main:signed_in"]
evidence = "GATED-STATIC"
risk = ["writes"]
endpoint = "main:remove"
"#,
        r#"@app.delete("/expenses/{id}", dependencies=[Depends(signed_in)])
def remove(id: int) -> None: ...
"#
    ),
    fixed: program!(
        r#"[route."main:app"."DELETE /expenses/{id}"]
class = "user"
requires = "user"
gates = ["main:signed_in"]
evidence = "GATED-STATIC"
risk = ["writes"]
endpoint = "main:remove"
"#,
        r#"@app.delete("/expenses/{id}", dependencies=[Depends(signed_in)])
def remove(id: int) -> None: ...
"#
    ),
};
