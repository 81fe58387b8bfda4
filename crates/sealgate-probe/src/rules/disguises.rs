//! Rules about requests that look like others to a gate.

use sealgate_inventory::{Rule, Severity};

/// The `Host` header opens.
pub const TRUSTS_HOST: Rule = Rule {
    id: "trusts-host",
    severity: Severity::Error,
    title: "A gate is passed with another Host header",
    explanation: "The route denies strangers, and with another `Host` header it does not. Callers choose \
        that header. A gate may compare it with a name that it trusts, or see it as part of the path: \
        Starlette before 1.0.1 builds `request.url` from it, so that a host such as `x/health?` makes \
        `request.url.path` say `/health` while the router goes by the real path.",
    broken: "\
from fastapi import FastAPI, Request, Response

app = FastAPI()


@app.middleware(\"http\")
async def gate(request: Request, call_next):
    if request.headers.get(\"host\") != \"localhost\" and \"authorization\" not in request.headers:
        return Response(status_code=401)
    return await call_next(request)


@app.get(\"/invoices\")
def invoices() -> list[str]:
    return [\"2026-001\"]
",
    fixed: "\
from fastapi import Depends, FastAPI, HTTPException, Request

app = FastAPI()


def known(request: Request) -> None:
    if request.headers.get(\"authorization\") != \"Bearer of-ada\":
        raise HTTPException(401)


@app.get(\"/invoices\", dependencies=[Depends(known)])
def invoices() -> list[str]:
    return [\"2026-001\"]
",
};

/// Headers of proxies open.
pub const TRUSTS_HEADERS: Rule = Rule {
    id: "trusts-headers",
    severity: Severity::Error,
    title: "A gate is passed with headers that only a proxy should set",
    explanation: "The route denies strangers, and with headers such as `X-Forwarded-User`, \
        `X-Forwarded-For`, `X-Original-URL` or `X-HTTP-Method-Override` it does not. Whoever reaches the \
        application past its proxy, or through one that lets these headers pass, sets them as they like.",
    broken: "\
from fastapi import Depends, FastAPI, HTTPException, Request

app = FastAPI()


def known(request: Request) -> None:
    if \"x-forwarded-user\" not in request.headers:
        raise HTTPException(401)


@app.get(\"/invoices\", dependencies=[Depends(known)])
def invoices() -> list[str]:
    return [\"2026-001\"]
",
    fixed: "\
from fastapi import Depends, FastAPI, HTTPException, Request

app = FastAPI()


def known(request: Request) -> None:
    if request.headers.get(\"authorization\") != \"Bearer of-ada\":
        raise HTTPException(401)


@app.get(\"/invoices\", dependencies=[Depends(known)])
def invoices() -> list[str]:
    return [\"2026-001\"]
",
};

/// Paths that look public open.
pub const PATH_CONFUSION: Rule = Rule {
    id: "path-confusion",
    severity: Severity::Error,
    title: "A gate is passed with a path that looks like a public one",
    explanation: "The route denies strangers, and under a path that was changed a little something answers \
        with success that is no known public route. A gate that decides by how a path begins, ends or what \
        it contains is asked about one path while the router goes by another, or lets the caller choose \
        the part that it looks at, as in `/keys/health`.",
    broken: "\
from fastapi import FastAPI, Request, Response

app = FastAPI()


@app.middleware(\"http\")
async def gate(request: Request, call_next):
    public = request.url.path.endswith(\"/health\")
    if not public and request.headers.get(\"authorization\") != \"Bearer of-ada\":
        return Response(status_code=401)
    return await call_next(request)


@app.get(\"/keys/{name}\")
def key(name: str) -> str:
    return name
",
    fixed: "\
from fastapi import Depends, FastAPI, HTTPException, Request

app = FastAPI()


def known(request: Request) -> None:
    if request.headers.get(\"authorization\") != \"Bearer of-ada\":
        raise HTTPException(401)


@app.get(\"/keys/{name}\", dependencies=[Depends(known)])
def key(name: str) -> str:
    return name
",
};
