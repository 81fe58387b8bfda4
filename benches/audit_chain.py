"""What the chain of audit records costs the token endpoint: tokens per second with it, against without it."""

from __future__ import annotations

from kit.bench import Bench
from kit.figures import Figure, Samples, in_pairs
from kit.timed import Timed
from kit.tokens import measured

_ROUNDS = 15
_LIMIT = 0.95


def measure(bench: Bench) -> Figure:
    """Ours is the server as it is. The reference is the same server without what a record's hashes cost,
    which is measured beside it: records written with and without them, in turns.
    """
    rates = measured(bench).rates["ours"]
    with (
        Timed.native("chain", {"of": "chained"}) as chained,
        Timed.native("chain", {"of": "bare"}) as bare,
        Timed.native("chain", {"of": "verified"}) as verified,
    ):
        programs = (chained, bare, verified)
        rounds = [tuple(program.round().median for program in programs) for _ in range(_ROUNDS)]
    with_it, without, checked = (Samples(tuple(one[place] for one in rounds)) for place in range(3))
    cost = max(with_it.middle - without.middle, 0.0)
    free = Samples(tuple(1e6 / (1e6 / rate - cost) for rate in rates.values))
    return Figure.of_gains(
        "audit_chain",
        rates,
        free,
        reference_name="the same server, its records not chained",
        unit="tokens/s",
        notes=(
            f"a record {with_it.middle:.2f} us with the chain, {without.middle:.2f} us without, "
            f"times {in_pairs(with_it, without).middle:.2f}; to hold a ratio of {_LIMIT}",
            f"verified at {1e6 / checked.middle:,.0f} records/s, without reading them",
        ),
    )
