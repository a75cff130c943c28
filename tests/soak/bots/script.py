"""Scripts of the strategy, one per pair; a run changes them while the bot runs in the same process."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Step:
    """An order of a ladder: price as a multiple of the trade's entry price, amount as a share of the trade."""

    side: str
    price: float
    share: float


@dataclass(slots=True)
class Script:
    """Behaviour of the strategy on one pair."""

    enter: bool = False
    exit: bool = False
    entry_price: float = 1.0
    """Multiple of the price that freqtrade proposes."""
    exit_price: float = 1.0
    ladder: tuple[Step, ...] = ()
    adjust: float | None = None
    """Quote coins of a second entry after the first has filled."""


SCRIPTS: Final[defaultdict[str, Script]] = defaultdict(Script)
