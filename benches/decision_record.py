"""What it costs to put a decision down for the control plane's log, within the gate's call."""

from __future__ import annotations

from kit.bench import Bench
from kit.figures import Figure
from kit.timed import Timed, in_turn, medians, tails

_ROUNDS = 9


def measure(bench: Bench) -> Figure:
    """Median microseconds of one decision with a record of each; the reference counts and keeps none.

    The same program, the same request, the same control plane: what lies between the two is the record, with
    whatever its delivery in the background takes from the same process.
    """
    with bench.gated_application() as application:
        host = application.server.url.removeprefix("http://")
        given = {
            "headers": [("host", host), *application.signed_in_headers()],
            "kind": "user",
            "who": application.user.email,
        }
        of = {
            which: {**given, "settings": {**application.core_settings, "decisions_allowed": which}}
            for which in ("all", "none")
        }
        with (
            Timed(bench.product, "decide.py", of["all"]) as recording,
            Timed(bench.product, "decide.py", of["none"]) as counting,
        ):
            ours, theirs = in_turn(recording, counting, _ROUNDS)
    difference = medians(ours).middle - medians(theirs).middle
    return Figure.of_costs(
        "decision_record",
        medians(ours),
        medians(theirs),
        reference_name="the same gate with decisions_allowed = none",
        unit="µs",
        notes=(
            f"a record costs {difference:.2f} µs; the aim is at most 1 µs",
            f"99th percentile: with records {tails(ours).middle:.2f} µs, else {tails(theirs).middle:.2f} µs",
        ),
    )
