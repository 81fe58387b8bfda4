//! Rules about callers without any credential.

use sealgate_inventory::{Rule, Severity};

/// Anybody gets in.
pub const OPEN_WHEN_ANONYMOUS: Rule = Rule {
    id: "open-when-anonymous",
    severity: Severity::Error,
    title: "A route answers whoever asks",
    explanation: "A request without any credential was answered with success. Whatever stands before the \
        route in the source, it does not deny: a dependency may be missing, or let everybody pass while a \
        setting is not set. Where that is meant, declare the route public with a reason.\n\n\
        A page that shows a sign-in form with status 200 counts as an answer. Only a redirect to the \
        sign-in page is told from any other page.",
    broken: "\
from fastapi import FastAPI

app = FastAPI()


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

/// Anybody can connect.
pub const WEBSOCKET_OPEN: Rule = Rule {
    id: "websocket-open",
    severity: Severity::Error,
    title: "A WebSocket accepts whoever connects",
    explanation: "A handshake without any credential was accepted. Middleware that looks at HTTP requests \
        does not see WebSockets, which is how gated applications come to have an open one. Deny before \
        accepting: close with 1008, or raise the denial in a dependency. What is accepted first and closed \
        at once is reported as not proven, because the handler already runs.",
    broken: "\
from fastapi import FastAPI, WebSocket

app = FastAPI()


@app.websocket(\"/terminal\")
async def terminal(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_text(\"ready\")
",
    fixed: "\
from fastapi import FastAPI, WebSocket

app = FastAPI()


@app.websocket(\"/terminal\")
async def terminal(socket: WebSocket) -> None:
    if socket.headers.get(\"authorization\") != \"Bearer of-ada\":
        await socket.close(1008)
        return
    await socket.accept()
    await socket.send_text(\"ready\")
",
};

/// The shape of a request is told before the caller is denied.
pub const DENIED_LATE: Rule = Rule {
    id: "denied-late",
    severity: Severity::Warning,
    title: "A route validates a request before it denies it",
    explanation: "A request without a credential was answered 400 or 422 and told what is missing from it. \
        Only a complete one was denied: the gate stands in the handler, behind validation. Strangers learn \
        the shape of what the route takes, their bodies are parsed, and every check of the route that says \
        only 422 looks like a denial and is none.",
    broken: "\
from fastapi import FastAPI, HTTPException, Request
from pydantic import BaseModel

app = FastAPI()


class Invoice(BaseModel):
    number: str


@app.post(\"/invoices\")
def add(invoice: Invoice, request: Request) -> None:
    if request.headers.get(\"authorization\") != \"Bearer of-ada\":
        raise HTTPException(401)
",
    fixed: "\
from fastapi import Depends, FastAPI, HTTPException, Request
from pydantic import BaseModel

app = FastAPI()


class Invoice(BaseModel):
    number: str


def known(request: Request) -> None:
    if request.headers.get(\"authorization\") != \"Bearer of-ada\":
        raise HTTPException(401)


@app.post(\"/invoices\", dependencies=[Depends(known)])
def add(invoice: Invoice) -> None: ...
",
};

/// It could not be told.
pub const NOT_PROVEN: Rule = Rule {
    id: "not-proven",
    severity: Severity::Warning,
    title: "It is not proven that a route denies strangers",
    explanation: "Nobody got in, but not everybody was turned away either: some answer was 400, 404, 405, \
        422, 429, an error of the server, a redirect to somewhere else, or none at all. Such an answer says \
        nothing about the gate. Often something stands before the gate and fails first: a database that is \
        not there, or a parameter that does not exist. Give the probe what the route needs, in `[params]` \
        of the probe file, or run it against an application that is set up.",
    broken: "\
from fastapi import FastAPI, HTTPException, Request

app = FastAPI()
INVOICES: dict[str, str] = {}


@app.get(\"/invoices/{number}\")
def invoice(number: str, request: Request) -> str:
    found = INVOICES[number]
    if request.headers.get(\"authorization\") != \"Bearer of-ada\":
        raise HTTPException(401)
    return found
",
    fixed: "\
from fastapi import FastAPI, HTTPException, Request

app = FastAPI()
INVOICES: dict[str, str] = {}


@app.get(\"/invoices/{number}\")
def invoice(number: str, request: Request) -> str:
    if request.headers.get(\"authorization\") != \"Bearer of-ada\":
        raise HTTPException(401)
    return INVOICES[number]
",
};
