"""What it costs to put a decision down for the control plane's log, within the gate's call."""

from __future__ import annotations

from kit.bench import Bench
from kit.figures import Figure
from kit.timed import Timed, in_turn, medians, tails

_ROUNDS = 15


def measure(bench: Bench) -> Figure:
    """Median microseconds of one decision that is noted; the reference decides the same and notes nothing.

    Both are the gate itself, without Python, in processes of their own that follow the same control plane:
    what lies between the two is the record, with whatever its delivery in the background takes from the same
    process.
    """
    with bench.gated_application() as application:
        host = application.server.url.removeprefix("http://")
        given = {
            "settings": application.core_settings,
            "headers": [("host", host), *application.signed_in_headers()],
        }
        with (
            Timed.native("record", {**given, "of": "noted"}) as noted,
            Timed.native("record", {**given, "of": "bare"}) as bare,
        ):
            ours, theirs = in_turn(noted, bare, _ROUNDS)
    difference = medians(ours).middle - medians(theirs).middle
    return Figure.of_costs(
        "decision_record",
        medians(ours),
        medians(theirs),
        reference_name="the same decision that nobody notes",
        unit="µs",
        notes=(
            f"a record costs {difference:.2f} µs; the aim is at most 1 µs",
            f"99th percentile: noted {tails(ours).middle:.2f} µs, else {tails(theirs).middle:.2f} µs",
        ),
    )
