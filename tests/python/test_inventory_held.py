"""What callables were made with: `Checker(enabled=False)` denies nobody, and its class does not show that."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi import HTTPException
from fastapi.security import HTTPBearer
from lab.control_plane import program
from probe_kit import environment
from sealgate.inventory.held import PARTIAL, WRAPS, held


class Settings:
    """Defaults of a class count as what its objects hold."""

    enabled = False
    secret = "do-not-tell"

    def method(self) -> None: ...


class Checker:
    def __init__(self, **fields: Any) -> None:
        vars(self).update(fields)

    def __call__(self) -> None: ...

    def check(self) -> None: ...

    @classmethod
    def of_class(cls) -> None: ...


def closed(**values: Any) -> Callable[[], Any]:
    flag, roles, key = values["flag"], values["roles"], values["key"]

    def check() -> Any:
        return flag, roles, key

    return check


def plain() -> None: ...


def wrapped() -> Callable[[], None]:
    @functools.wraps(plain)
    def around() -> None:
        plain()

    return around


def test_what_decides_is_told_and_values_are_not() -> None:
    assert dict(held(closed(flag=False, roles=["admin"], key="do-not-tell"))) == {
        "flag": "false",
        "roles": "items",
        "key": "set",
    }
    assert dict(held(closed(flag=True, roles=(), key=None))) == {
        "flag": "true",
        "roles": "empty",
        "key": "none",
    }
    checker = Checker(on=True, key="do-not-tell", settings=Settings(), call=print)
    told = {"on": "true", "key": "set", "settings.enabled": "false", "settings.secret": "set"}
    assert dict(held(checker)) == told
    assert dict(held(checker.check)) == told
    assert "do-not-tell" not in str(held(checker))


def test_what_was_made_with_nothing_holds_nothing() -> None:
    for thing in (plain, Checker, Checker(), Checker.of_class, HTTPBearer(auto_error=False)):
        assert held(thing) == ()


def test_what_is_put_around_a_callable_is_told() -> None:
    assert held(functools.partial(plain)) == ((PARTIAL, "set"),)
    assert held(wrapped()) == ((WRAPS, "set"),)


def test_what_holds_itself_or_raises_ends() -> None:
    again = Settings()
    vars(again)["again"] = again
    assert ("settings.again.again", "set") in held(Checker(settings=again))

    class Sly:
        def __getattr__(self, name: str) -> Any:
            raise HTTPException(500)

        def __call__(self) -> None: ...

    assert held(Sly()) == ()


SOURCE = """
import functools
from fastapi import Depends, FastAPI, HTTPException, Request

app = FastAPI(openapi_url=None)
USERS: dict[str, str] = {"Bearer of-ada": "ada"}


def known(request: Request) -> None:
    if request.headers.get("authorization") not in USERS:
        raise HTTPException(401)


class Checker:
    def __init__(self, enabled: bool, role: str = "user") -> None:
        self.enabled, self.role = enabled, role

    def __call__(self, request: Request) -> None:
        if not self.enabled:
            return
        if request.headers.get("authorization") not in USERS:
            raise HTTPException(401)

    def check(self, request: Request) -> None:
        self(request)


def need(role: str | None):
    def check(request: Request) -> None:
        if role is None:
            return
        if request.headers.get("authorization") not in USERS:
            raise HTTPException(401)

    return check


def forgiving(function):
    @functools.wraps(function)
    def around(request: Request) -> None:
        try:
            function(request)
        except HTTPException:
            return

    return around


def fixed(request: Request, strict: bool = True) -> None:
    if strict:
        known(request)


earlier = known


def known(request: Request) -> None:  # noqa: F811
    return None


GATES = {
    "on": Checker(True),
    "off": Checker(False),
    "closed": need("admin"),
    "open": need(None),
    "forgiving": forgiving(earlier),
    "fixed": functools.partial(fixed, strict=False),
    "earlier": earlier,
    "later": known,
}
for name, gate in GATES.items():
    app.add_api_route(f"/{name}", lambda: name, dependencies=[Depends(gate)])


@app.get("/handler")
def handler(request: Request):
    if request.headers.get("authorization") not in USERS:
        raise HTTPException(401)
    return 1
"""


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("held")
    (folder / "main.py").write_text(SOURCE, "utf-8")
    ran = subprocess.run(
        [program(), "routes", "inspect", "main:app", "--python", sys.executable, "--json"],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert ran.returncode == 1, ran.stderr
    routes: list[dict[str, Any]] = json.loads(ran.stdout)["routes"]
    return {str(route["path"]).removeprefix("/"): str(route["evidence"]) for route in routes}


@pytest.mark.parametrize("name", ["on", "closed", "earlier"])
def test_a_gate_that_was_made_to_deny_is_one(judged: dict[str, str], name: str) -> None:
    assert judged[name] == "GATED"


@pytest.mark.parametrize("name", ["off", "open", "forgiving", "fixed", "later"])
def test_a_gate_that_was_made_to_let_in_or_cannot_be_told_is_none(judged: dict[str, str], name: str) -> None:
    assert judged[name] in {"OPEN", "UNRESOLVED"}


@pytest.mark.parametrize("name", ["off", "open", "later"])
def test_what_lets_everybody_in_is_open(judged: dict[str, str], name: str) -> None:
    assert judged[name] == "OPEN"


def test_a_check_in_a_handler_before_which_nothing_runs_is_not_called_open(judged: dict[str, str]) -> None:
    assert judged["handler"] == "UNRESOLVED"


ROLES = """
from fastapi import Depends, FastAPI, HTTPException, Request

app = FastAPI(openapi_url=None)


class User:
    def __init__(self, role: str) -> None:
        self.role = role


def current(request: Request) -> User:
    user = USERS.get(request.headers.get("authorization"))
    if user is None:
        raise HTTPException(401)
    return user


USERS: dict[str | None, User] = {}


class RoleChecker:
    def __init__(self, *roles: str) -> None:
        self.roles = roles

    def __call__(self, user: User = Depends(current)) -> None:
        if user.role not in self.roles:
            raise HTTPException(403)


@app.get("/one", dependencies=[Depends(RoleChecker("admin"))])
def one(): ...


@app.get("/two", dependencies=[Depends(RoleChecker("admin")), Depends(RoleChecker("boss"))])
def two(): ...
"""


def test_roles_that_objects_were_made_with_are_known_from_their_source(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(ROLES, "utf-8")
    ran = subprocess.run(
        [program(), "routes", "inspect", "main:app", "--python", sys.executable, "--json"],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    found = {route["path"]: route["strength"] for route in json.loads(ran.stdout)["routes"]}
    assert found["/one"] == {"level": "privileged", "roles": ["admin"]}
    assert found["/two"] == {"level": "privileged", "roles": ["admin", "boss"]}
