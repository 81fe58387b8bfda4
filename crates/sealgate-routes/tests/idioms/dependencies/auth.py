from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from fastapi import Depends, HTTPException, Request


@dataclass(frozen=True)
class User:
    name: str
    roles: frozenset[str]


USERS = {"3f9a": User("ada", frozenset({"admin", "clerk"})), "77b0": User("ben", frozenset({"clerk"}))}


def signed_in(request: Request) -> User:
    user = USERS.get(request.headers.get("x-key", ""))
    if user is None:
        raise HTTPException(401)
    return user


def with_role(role: str) -> Callable[[User], User]:
    def checked(user: User = Depends(signed_in)) -> User:
        if role not in user.roles:
            raise HTTPException(403)
        return user

    return checked


class Needs:
    def __init__(self, role: str) -> None:
        self.role = role

    def __call__(self, user: User = Depends(signed_in)) -> User:
        if self.role not in user.roles:
            raise HTTPException(403)
        return user


def keyed(request: Request, header: str) -> User:
    user = USERS.get(request.headers.get(header, ""))
    if user is None:
        raise HTTPException(401)
    return user


by_other_header = partial(keyed, header="x-other-key")


def user(role: str = "clerk") -> Any:
    """Stands as a default by itself: `user=user("admin")`."""
    return Depends(with_role(role))


class Counter:
    def __call__(self) -> int:
        return 1


def session() -> Any:
    yield object()
