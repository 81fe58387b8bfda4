"""How long tokens take while the queue of passwords is full, against the same server without sign-ins."""

from __future__ import annotations

import time
from dataclasses import replace

import httpx
from kit.bench import Bench
from kit.figures import Figure, Samples
from kit.load import begin, request, run
from kit.tokens import sealgate

_ROUNDS = 13
_SECONDS = 2.0
_RATE = 4_000
"""Tokens per second: a busy server, and not one that is at its end."""
_FLOOD = 192
"""Sign-ins at once: more than the queue has places."""


def measure(bench: Bench) -> Figure:
    """The 99th percentile in milliseconds."""
    with sealgate(bench, "flood") as server:
        tokens = replace(server.client_credentials(), rate=_RATE, seconds=_SECONDS)
        headers = [("content-type", "application/x-www-form-urlencoded"), ("origin", server.url)]
        sign_in = request("POST", f"{server.url}/sign-in", headers)
        flood = replace(
            sign_in,
            # Every guess at another account, so that none is turned away before its password is hashed.
            body="email=nobody-{number}%40example.com&password=correct+horse+battery+staple",
            connections=_FLOOD,
            seconds=60,
            expect=(422,),
            come_back_after=0.2,
        )
        run(replace(tokens, seconds=1))
        quiet: list[float] = []
        flooded: list[float] = []
        for _ in range(_ROUNDS):
            quiet.append(run(tokens).p99)
            with begin(flood) as flooding:
                time.sleep(0.5)
                flooded.append(run(tokens).p99)
                _see_that_it_is_full(server.url)
                flooding.kill()
    return Figure.of_costs(
        "login_flood",
        Samples(tuple(flooded)),
        Samples(tuple(quiet)),
        reference_name="without sign-ins",
        unit="ms",
        notes=(f"99th percentile at {_RATE:,} tokens/s on one processor, with {_FLOOD} sign-ins waiting",),
    )


def _see_that_it_is_full(url: str) -> None:
    form = {"email": "grace@example.com", "password": "correct horse battery staple"}
    try:
        answer = httpx.post(f"{url}/sign-in", data=form, headers={"origin": url}, timeout=1)
    except httpx.ReadTimeout:
        return  # It waits behind the others.
    if answer.status_code != 503:
        raise RuntimeError(f"the queue is not full: a sign-in was answered with {answer.status_code}")
