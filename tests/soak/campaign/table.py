"""Format the tally as a table, for a terminal or a document."""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from rich.table import Table

from campaign.tally import TOTAL, Line, Tally
from campaign.verdict import Flaw, Orders

_SHORT: Final = {
    "canceled": "canceled",
    "filled": "filled",
    "open": "open",
    "accepted": "accepted",
    "not_found": "not found",
    "unknown": "unknown",
    "not_sent": "not sent",
    "placed": "placed",
    "kept": "there already",
    "refused": "refused",
    "unplaced": "undecided",
}
_HEAD: Final = ("fault", "rounds", "outcomes", "unresolved", "lagged", *Flaw, "requests", "worst ms", "over ms")


def as_table(tally: Tally) -> Table:
    """Return a table for a terminal."""
    table = Table(*_HEAD, title=None)
    for label, line in tally.in_order():
        table.add_row(*_cells(label, line), style="bold" if label == TOTAL else None)
    return table


def as_markdown(tally: Tally) -> str:
    """Return a table for a document."""
    rows = [list(_HEAD), ["---"] * len(_HEAD), *(list(_cells(label, line)) for label, line in tally.in_order())]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def reasons(tally: Tally) -> Iterator[str]:
    """Yield the reasons for unresolved orders, the most frequent first."""
    for reason, count in tally.reasons.most_common():
        yield f"{count:7} {reason}"


def shares(tally: Tally) -> Iterator[str]:
    """Yield the shares of rounds and of orders as text."""
    rounds = ", ".join(f"{count} of a {kind} account" for kind, count in sorted(tally.accounts.items()))
    beside, spot_orders, stops = tally.beside
    yield f"rounds: {rounds}; {beside} beside {spot_orders} spot orders and {stops} strategy orders of the owner"
    placing, cancelling = tally.total.placing, tally.total.cancelling
    yield (
        f"{placing.wanted} orders to be placed: {_percent(placing.resolved, placing)} resolved by the call, "
        f"{_percent(placing.placed, placing)} placed, {_percent(placing.filled, placing)} placed and filled"
    )
    yield (
        f"{placing.settled} were left open and looked up after the faults had ended, "
        f"the last of a round took {placing.slowest_ms / 1_000:.1f} s"
    )
    yield f"{cancelling.wanted} orders to be canceled: {_percent(cancelling.resolved, cancelling)} resolved by the call"


def _percent(count: int, orders: Orders) -> str:
    return f"{100 * count / max(1, orders.wanted):.1f} %"


def _cells(label: str, line: Line) -> tuple[str, ...]:
    mean = line.requests / max(1, line.rounds)
    return (
        label,
        str(line.rounds),
        _outcomes(line.outcomes),
        str(line.unresolved),
        str(line.lagged),
        *(str(line.flaws[flaw]) for flaw in Flaw),
        f"{mean:.1f} / {line.most_requests}",
        f"{line.worst_ms:.0f}",
        f"{line.worst_over_ms:.0f}",
    )


def _outcomes(outcomes: Counter[str]) -> str:
    known = [(word, outcomes[outcome]) for outcome, word in _SHORT.items()]
    others = [(outcome, count) for outcome, count in outcomes.items() if outcome not in _SHORT]
    return ", ".join(f"{count} {word}" for word, count in [*known, *others] if count)
