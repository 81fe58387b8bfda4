"""A large project that no one wrote: the same text in each run, for what reads source."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

_ROUTERS = 500
_ROUTES = 20
"""Of each router. One of each router has no gate."""
_PLAIN = 1_490
"""Modules that have nothing to do with routes: in real applications most have not."""
_LINES = 500
"""Of each module, about."""
_AREA = 25
"""Routers in one package."""

_WORDS = """
account amount batch branch budget charge claim client column count credit currency customer day
delivery discount entry fee file group index invoice item key label ledger limit line list margin
member month name note number order page part party payment period person plan price product quota
range rate reason receipt record region report row rule scale scope section share shift source stage
state step stock sum table tax team term ticket title total trace unit vendor volume week weight
year zone
""".split()  # noqa: SIM905 - It is read more easily like this.


@dataclass(frozen=True)
class Tree:
    """A project on the disk."""

    folder: Path
    lines: int
    routes: int
    """Handlers, without the pages that the framework adds."""
    open_routes: int
    """Of those, without a gate."""


def grow(folder: Path) -> Tree:
    """Writes the project: about a million lines."""
    random = Random(20260101)  # noqa: S311 - The same project in each run.
    lines = 0
    for path, text in _files(random):
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        lines += text.count("\n")
    return Tree(folder, lines, _ROUTERS * _ROUTES, _ROUTERS)


def _files(random: Random) -> Iterator[tuple[str, str]]:
    yield "shop/__init__.py", ""
    yield "shop/auth.py", _AUTH
    areas = range(_ROUTERS // _AREA)
    yield "shop/main.py", _main(len(areas))
    for area in areas:
        yield f"shop/area{area}/__init__.py", _area(area)
        for number in range(_AREA):
            yield f"shop/area{area}/router{number}.py", _router(random, f"r{area}x{number}")
    yield "shop/plain/__init__.py", ""
    for number in range(_PLAIN):
        yield f"shop/plain/module{number}.py", _plain(random)


_AUTH = '''"""Who calls."""

from typing import Annotated

from fastapi import Depends, HTTPException, Request


class User:
    """Who calls."""

    def __init__(self, name: str) -> None:
        self.name = name


def signed_in(request: Request) -> User:
    """Whoever has a session."""
    name = request.session.get("name")
    if name is None:
        raise HTTPException(401, "sign in first")
    return User(name)


CurrentUser = Annotated[User, Depends(signed_in)]
'''


def _main(areas: int) -> str:
    imports = "\n".join(f"from shop import area{area}" for area in range(areas))
    calls = "\n".join(f"    app.include_router(area{area}.router)" for area in range(areas))
    return (
        f'"""The application."""\n\nfrom fastapi import FastAPI\n\n{imports}\n\n\n'
        f"def create_app() -> FastAPI:\n    app = FastAPI()\n{calls}\n    return app\n\n\n"
        "app = create_app()\n"
    )


def _area(area: int) -> str:
    numbers = range(_AREA)
    imports = "\n".join(
        f"from shop.area{area}.router{number} import router as r{number}" for number in numbers
    )
    calls = "\n".join(f"router.include_router(r{number})" for number in numbers)
    return (
        f'"""Area {area}."""\n\nfrom fastapi import APIRouter\n\n{imports}\n\n'
        f'router = APIRouter(prefix="/area{area}")\n{calls}\n'
    )


def _router(random: Random, name: str) -> str:
    head = (
        '"""Routes of one thing."""\n\nfrom typing import Any\n\nfrom fastapi import APIRouter\n\n'
        f'from shop.auth import CurrentUser\n\nrouter = APIRouter(prefix="/{name}", tags=["{name}"])\n'
    )
    return head + "".join(_handler(random, number) for number in range(_ROUTES))


def _handler(random: Random, number: int) -> str:
    user = "" if number == 0 else "user: CurrentUser, "
    method = random.choice(("get", "get", "get", "post", "put", "delete"))
    thing, other = random.sample(_WORDS, 2)
    body = "".join(_statement(random) for _ in range(_LINES // _ROUTES // 4))
    return (
        f'\n\n@router.{method}("/{thing}{number}/{{{thing}_id}}")\n'
        f"async def {method}_{thing}_{number}(\n    {user}{thing}_id: int, {other}: str = 'none'\n"
        f") -> dict[str, Any]:\n"
        f'    """One {thing}, by its number."""\n    result: dict[str, Any] = {{"{thing}": {thing}_id}}\n'
        f"{body}    return result\n"
    )


def _plain(random: Random) -> str:
    text = '"""What is worked out."""\n\nimport math\nfrom typing import Any\n'
    while text.count("\n") < _LINES:
        name = "_".join(random.sample(_WORDS, 3))
        body = "".join(_statement(random) for _ in range(random.randint(2, 6)))
        text += (
            f"\n\ndef {name}(value: float, *, limit: int = {random.randint(1, 99)}) -> dict[str, Any]:\n"
            f'    """The {name.replace("_", " ")} of a value."""\n'
            f'    result: dict[str, Any] = {{"value": value, "limit": limit}}\n{body}'
            f"    result['root'] = math.sqrt(abs(value))\n    return result\n"
        )
    return text


def _statement(random: Random) -> str:
    one, two, three = random.sample(_WORDS, 3)
    shape = random.randrange(4)
    if shape == 0:
        return (
            f"    {one} = [{two} * {random.randint(2, 9)} for {two} in range(10) if {two} % 2]\n"
            f"    result['{one}'] = {one}\n"
        )
    if shape == 1:
        return (
            f"    if result.get('{one}') is None and len(result) < {random.randint(3, 90)}:\n"
            f"        result['{two}'] = f\"{three} {{len(result)}}\"\n"
            f"    else:\n        result.pop('{three}', None)\n"
        )
    if shape == 2:
        return (
            f"    try:\n        {one} = float(result.get('{two}', {random.randint(0, 9)}))\n"
            f"    except (TypeError, ValueError):\n        {one} = 0.0\n    result['{three}'] = {one} + 1\n"
        )
    return (
        f"    for {one}, {two} in sorted(result.items(), key=str):\n"
        f"        if {one} == '{three}':\n            result[{one}] = {two}\n            break\n"
    )
