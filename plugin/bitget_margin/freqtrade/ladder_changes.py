"""Change of a ladder: which of its orders stay, which go, and what fits once fills are known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isclose

from bitget_margin.freqtrade.ladder_spec import REL_TOLERANCE, LadderStep, Limits
from bitget_margin.freqtrade.tracked_order import TrackedOrder


@dataclass(frozen=True, slots=True)
class LadderChange:
    """Comparison of a ladder as it rests with the one that is wanted."""

    kept: Mapping[int, TrackedOrder]
    """Orders that stay, by the number of the step that they fulfil."""
    going: Sequence[TrackedOrder]
    """Orders that no step wants."""


def compare(steps: Sequence[LadderStep], orders: Sequence[TrackedOrder]) -> LadderChange:
    """Compare steps with open orders: an order stays where side, price and what is left of it are those of a step."""
    going, kept = list(orders), {}
    for number, step in enumerate(steps):
        found = next((order for order in going if _fulfils(order, step)), None)
        if found is not None:
            kept[number] = found
            going.remove(found)
    return LadderChange(kept, going)


def trim(steps: Sequence[LadderStep], limits: Limits) -> list[LadderStep | None]:
    """Return the steps that fit into what is left after fills, None for the others; the last that closes is smaller."""
    left, fitting = limits.sellable, list[LadderStep | None]()
    for step in steps:
        if step.side != limits.exit_side or step.amount <= left * (1 + REL_TOLERANCE):
            fitting.append(step)
        else:
            # Slightly more, so that a float just below a multiple of the lot size is not cut to the one before.
            amount = float(limits.to_amount(max(0.0, left * (1 + REL_TOLERANCE))))
            is_too_small = amount <= 0 or limits.is_crumb(amount, step.price)
            fitting.append(None if is_too_small else replace(step, amount=amount))
        last = fitting[-1]
        left -= 0.0 if last is None or last.side != limits.exit_side else last.amount
    return fitting


def _fulfils(order: TrackedOrder, step: LadderStep) -> bool:
    return (
        order.side == step.side
        and isclose(order.price, step.price, rel_tol=REL_TOLERANCE)
        and isclose(order.remaining, step.amount, rel_tol=REL_TOLERANCE)
    )
