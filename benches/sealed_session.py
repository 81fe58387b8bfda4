"""The gate's decision on a sealed session, Python call included, against the WorkOS SDK's own."""

from __future__ import annotations

from kit.bench import Bench
from kit.figures import Figure
from kit.timed import Timed, in_turn, medians, tails

_ROUNDS = 9


def measure(bench: Bench) -> Figure:
    """Median microseconds of one decision; the reference opens and verifies a session of its own making."""
    with bench.gated_application() as application:
        host = application.server.url.removeprefix("http://")
        given = {
            "settings": application.core_settings,
            "headers": [("host", host), *application.signed_in_headers()],
            "kind": "user",
            "who": application.user.email,
        }
        with (
            Timed(bench.product, "decide.py", given) as gate,
            Timed(bench.peers, "workos_session.py", {}) as workos,
        ):
            ours, theirs = in_turn(gate, workos, _ROUNDS)
    ours_tail, their_tail = tails(ours).middle, tails(theirs).middle
    return Figure.of_costs(
        "sealed_session",
        medians(ours),
        medians(theirs),
        reference_name="WorkOS SDK authenticate()",
        unit="µs",
        notes=(f"99th percentile: ours {ours_tail:.2f} µs, reference {their_tail:.2f} µs",),
    )
