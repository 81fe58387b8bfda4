"""An access token that the gate has seen before, against PyPI's fastest library with a core in Rust."""

from __future__ import annotations

from kit.bearer import EACH, ROUNDS, caller
from kit.bench import Bench
from kit.figures import Figure
from kit.timed import Timed, medians, tails


def measure(bench: Bench) -> Figure:
    """Median microseconds of one decision. The library keeps nothing, and verifies each token anew."""
    with bench.gated_application() as application:
        service = caller(bench, application, "EdDSA")
        tokens = service.tokens(ROUNDS * EACH + EACH)
        given = {
            "settings": application.core_settings,
            "headers": [("authorization", f"Bearer {tokens[0]}")],
            "kind": "machine",
            "who": service.client.id,
        }
        decoded = {
            "tokens": tokens,
            "each": EACH,
            "jwk": service.key_of(tokens[0]),
            "algorithm": "EdDSA",
            "audience": service.audience,
            "issuer": service.plane.issuer,
            "client": service.client.id,
        }
        with (
            Timed(bench.product, "decide.py", given) as gate,
            Timed(bench.peers, "oxyjwt_decode.py", decoded) as peer,
        ):
            pairs = [(gate.round(), peer.round()) for _ in range(ROUNDS)]
    ours, theirs = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    return Figure.of_costs(
        "bearer_repeat",
        medians(ours),
        medians(theirs),
        reference_name="oxyjwt.decode()",
        unit="µs",
        notes=(
            f"99th percentile: ours {tails(ours).middle:.2f} µs, reference {tails(theirs).middle:.2f} µs",
        ),
    )
