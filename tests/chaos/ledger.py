"""What every credential is worth at any moment, and what no answer may do."""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

NEVER = math.inf

SAME_SECOND = 1.5
"""What is started so soon after a revocation may fall under it: starts are known in whole seconds."""

REMEMBERED = 600
"""Revoked credentials that are still asked about, and acts."""


@dataclass(slots=True, eq=False)
class Credential:
    """A session or token, what it is of, and since when it is revoked."""

    name: str
    application: str
    path: str
    header: tuple[str, str]
    """The name and the value of the header that carries it."""
    client: str
    made: float
    """When its making began."""
    user: str = ""
    tenant: str = ""
    session: str = ""
    grant: str = ""
    """The delegation it came by."""
    doubtful: float = NEVER
    """The earliest moment at which it can be revoked: the first call that revokes it began."""
    dead: float = NEVER
    """The latest moment at which it was revoked: the call returned."""
    cause: str = ""
    refused_by: set[int] = field(default_factory=set[int])
    """The workers that were seen to refuse it since."""

    def is_live(self) -> bool:
        """Whether nothing has begun to revoke it."""
        return self.doubtful == NEVER

    def take_cookie(self, value: str) -> None:
        """Keeps a renewed cookie, as a browser does; the copy that was revoked stays as it was."""
        if self.is_live():
            self.header = ("cookie", value)


@dataclass(slots=True, eq=False)
class Act:
    """Something that revokes."""

    kind: str
    hits: Callable[[Credential], bool]
    began: float
    done: float = NEVER
    is_broad: bool = True
    """Whether it hits what was started before, and not one thing alone."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer to a probe, and both moments on the one monotonic clock."""

    started: float
    ended: float
    worker: int
    status: int
    """0: there was none."""
    reason: str = ""
    retry_after: str = ""
    set_cookie: str = ""


def judge(credential: Credential, answer: Answer, bound: float) -> str:
    """What the answer breaks, in words, or nothing. The bound is in seconds."""
    status = answer.status
    clears = any(word in answer.set_cookie.lower() for word in ("max-age=0", "sealgate=;"))
    if 200 <= status < 300:
        late = answer.started - credential.dead
        return f"ALLOWED {late:.3f} s after it was revoked ({credential.cause})" if late > bound else ""
    if status == 503:
        if not answer.retry_after:
            return "503 WITHOUT Retry-After"
        return "503 THAT CLEARS THE COOKIE" if clears else ""
    if status >= 500 or status == 0:
        return f"BROKEN: status {status} {answer.reason}"
    was_live = answer.ended < credential.doubtful
    if was_live and clears:
        return f"A LIVE CREDENTIAL WAS SIGNED OUT: {status} {answer.reason}"
    return f"A LIVE CREDENTIAL WAS REFUSED: {status} {answer.reason}" if was_live else ""


@dataclass(slots=True)
class Row:
    """What was seen under one kind of fault."""

    episodes: int = 0
    seconds: float = 0.0
    requests: int = 0
    allowed: int = 0
    unavailable: int = 0
    worst_allowed: float = 0.0
    """The longest time from a revocation to the start of a request that was allowed all the same."""
    worst_recovery: float = 0.0


CALM = "(none)"


class Ledger:
    """Every credential, act, answer and violation of a run."""

    def __init__(self, bound: float) -> None:
        """Nothing may be allowed later than `bound` seconds after its revocation."""
        self.bound = bound
        self.credentials: list[Credential] = []
        self.acts: list[Act] = []
        self.revocations: Counter[str] = Counter()
        self.rows: dict[str, Row] = {CALM: Row()}
        self.violations: list[str] = []
        self.log: deque[str] = deque(maxlen=400_000)
        self.spans: dict[str, list[tuple[float, float, str]]] = {}
        """Of each application: from when to when it met which fault."""
        self.excused: dict[str, float] = {}
        """Of each application: until when broken connections are those of a process that was ended."""

    def add(self, credential: Credential) -> bool:
        """Takes a new credential, unless something that was revoked meanwhile may hit it."""
        for act in reversed(self.acts):
            if act.is_broad and act.done + SAME_SECOND > credential.made and act.hits(credential):
                return False
        self.credentials.append(credential)
        return True

    def of(self, application: str, *, live: bool) -> list[Credential]:
        """The credentials of an application that are live, or those that are revoked."""
        return [
            one
            for one in self.credentials
            if one.application == application and (one.is_live() if live else one.dead < NEVER)
        ]

    def begin(self, act: Act) -> None:
        """From now on what it hits may be refused."""
        self.acts.append(act)
        for credential in self.credentials:
            if credential.is_live() and act.hits(credential):
                credential.doubtful = act.began

    def finish(self, act: Act, now: float) -> None:
        """What it hits is revoked by now, at the latest."""
        act.done = now
        self.revocations[act.kind] += 1
        hit = 0
        for credential in self.credentials:
            if credential.doubtful < NEVER and credential.dead == NEVER and act.hits(credential):
                credential.dead, credential.cause = now, act.kind
                hit += 1
        self._forget()
        self.note(now, f"revoked: {act.kind}, {hit} credentials, in {now - act.began:.3f} s")

    def _forget(self) -> None:
        """Leaves what was revoked long ago to itself, so that a long run asks about what is new."""
        dead = [one for one in self.credentials if one.dead < NEVER]
        for one in dead[:-REMEMBERED]:
            self.credentials.remove(one)
        del self.acts[:-REMEMBERED]

    def note(self, at: float, text: str) -> None:
        """Writes a line of the log."""
        self.log.append(f"{at:.3f} {text}")

    def fault_at(self, application: str, credential: Credential, at: float) -> str:
        """The fault that an answer at some moment is put down to: the present one, else the last one since
        the credential was revoked.
        """
        for start, end, kind in reversed(self.spans.get(application, [])):
            if start <= at and (at <= end or end >= credential.dead):
                return kind
        return CALM

    def observe(self, credential: Credential, answer: Answer) -> None:
        """Judges an answer and counts it."""
        application = credential.application
        row = self.rows.setdefault(self.fault_at(application, credential, answer.started), Row())
        row.requests += 1
        row.unavailable += answer.status == 503
        told = f"{application}/{answer.worker} {credential.name} {answer.status} {answer.reason}"
        self.note(answer.ended, f"{told} asked {answer.started:.3f}")
        if 200 <= answer.status < 300:
            row.allowed += 1
            row.worst_allowed = max(row.worst_allowed, answer.started - credential.dead)
        elif answer.status in (401, 403) and credential.dead < answer.started:
            credential.refused_by.add(answer.worker)
        if answer.status == 0 and answer.started < self.excused.get(application, 0.0):
            return
        if wrong := judge(credential, answer, self.bound):
            self.violate(answer.ended, f"{told}: {wrong}")

    def violate(self, at: float, text: str) -> None:
        """Something happened that must not."""
        self.note(at, f"VIOLATION {text}")
        self.violations.append(f"{at:.3f} {text}")

    def around(self, violation: str, seconds: float = 1.0) -> Iterable[str]:
        """The log around a violation, of its application and of whatever concerns all."""
        at = float(violation.split(" ", 1)[0])
        application = violation.split(" ", 1)[1].split("/", 1)[0]
        for line in self.log:
            moment, _, text = line.partition(" ")
            is_probe = "/" in text.split(" ", 1)[0]
            if abs(float(moment) - at) < seconds and (not is_probe or text.startswith(application)):
                yield line
