"""The service: who may call what is said beside each route, and nowhere else."""

from __future__ import annotations

import os
from decimal import Decimal
from pathlib import Path
from typing import Annotated

from fastapi import Depends, FastAPI, Form, Request, status
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from fastapi.templating import Jinja2Templates
from pydantic import BaseModel, Field, StringConstraints
from sealgate import Gate, User

from expense_tracker.ledger import Expense, Ledger

gate = Gate.from_env()
CurrentUser = Annotated[User, Depends(gate.user)]

app = FastAPI(title="Expense tracker")
gate.install(app)

ledger = Ledger(Path(os.environ.get("EXPENSES_DATABASE", "expenses.db")))
pages = Jinja2Templates(directory=Path(__file__).parent / "templates")

Amount = Annotated[Decimal, Field(gt=0, le=1_000_000, decimal_places=2)]
Note = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]


class NewExpense(BaseModel):
    """An expense to add."""

    amount: Amount
    note: Note


@app.exception_handler(RequestValidationError)
def say_what_is_wrong(_: Request, error: RequestValidationError) -> JSONResponse:
    """Says where the input is wrong and how, without sending it back: not all of it can be encoded."""
    detail = [{name: found[name] for name in ("loc", "msg", "type")} for found in error.errors()]
    return JSONResponse({"detail": detail}, status_code=422)


@app.get("/health", dependencies=[gate.public("load balancers ask without a session")])
def health() -> dict[str, bool]:
    """Whether the process answers."""
    return {"ok": True}


@app.get("/expenses")
def read_expenses(user: CurrentUser) -> list[Expense]:
    """The caller's own expenses, newest first."""
    return ledger.of(user.id)


@app.post("/expenses", status_code=status.HTTP_201_CREATED)
def add_expense(user: CurrentUser, expense: NewExpense) -> Expense:
    """Adds an expense of the caller's."""
    return ledger.add(user.id, expense.amount, expense.note)


@app.get("/", include_in_schema=False, dependencies=[gate.public("the front page, before sign-in")])
def front_page(request: Request) -> HTMLResponse:
    """What somebody sees who is not signed in."""
    return pages.TemplateResponse(request, "front.html")


@app.get("/app", include_in_schema=False)
def page(request: Request, user: CurrentUser) -> HTMLResponse:
    """The signed-in user's page."""
    context = {"user": user, "expenses": ledger.of(user.id), "csrf_token": gate.csrf_token(request)}
    return pages.TemplateResponse(request, "expenses.html", context)


@app.post("/app/expenses", include_in_schema=False)
def add_from_page(
    user: CurrentUser, amount: Annotated[Amount, Form()], note: Annotated[Note, Form()]
) -> RedirectResponse:
    """Takes the page's form, and shows the page again."""
    ledger.add(user.id, amount, note)
    return RedirectResponse("/app", status_code=status.HTTP_303_SEE_OTHER)
