"""Stories, drawn: what the bot is to do on which pairs, how the prices move, and what goes wrong meanwhile."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from random import Random
from typing import Final

from bitget_margin.emulator import AccountKind, FaultKind, FaultRule

from .script import Step
from .troubles import Stage, draw_look_ups, draw_placing

STAKE: Final = 1_000
STOP_LOSS: Final = 0.85
"""Multiple of the first price at which the stop-loss of the strategy is due, whatever its buys have cost."""
RISE: Final = 1.004
"""What a price rises by where an exit order rests above it; an entry order that rests waits for as deep a fall."""
_PAIRS: Final = (("BTC/USDT", "0.05"), ("ETH/USDT", "1"))
"""The pairs, and what else may be in the wallet of their base coins."""
_LIVE_SHARE: Final = 0.9


class Exit(Enum):
    """How a trade is to end."""

    NONE = "none: the trade stays open"
    SIGNAL = "a limit order that fills at once"
    RESTING = "a limit order that rests until the price has risen"
    STOP = "a market order of the stop-loss"


@dataclass(frozen=True, slots=True)
class Plan:
    """What happens on one pair. Prices are multiples of the first price."""

    pair: str
    entry_price: float
    adjust: float | None
    """Quote coins of the second entry."""
    ladder: tuple[Step, ...]
    reached: int
    """How many sells of the ladder the price reaches before the exit."""
    exit: Exit
    walk: tuple[float, ...]
    """The price in each loop while the ladder rests."""
    others: str
    """Base coins of somebody else in the wallet."""

    @property
    def entries(self) -> int:
        """How many orders of freqtrade may buy here."""
        return 1 if self.adjust is None else 2


@dataclass(frozen=True, slots=True)
class Story:
    """All of one story."""

    seed: int
    number: int
    account: AccountKind
    plans: tuple[Plan, ...]
    quote: str
    """Quote coins of the account."""
    faults: tuple[tuple[Stage, FaultRule], ...]
    history_lag_ms: int

    @property
    def name(self) -> str:
        """The options that play it again."""
        return f"--account {self.account.value} --seed {self.seed} --story {self.number}"

    def rules(self, stage: Stage) -> list[FaultRule]:
        """Return what goes wrong in a stage."""
        return [rule for of, rule in self.faults if of is stage]


def draw_story(seed: int, number: int, account: AccountKind) -> Story:
    """Return the story of this seed and number."""
    dice = Random(f"{seed}/{account.value}/{number}")  # noqa: S311 - repeatable, not secret
    faults = _draw_faults(dice, account)
    repeats = {stage for stage, rule in faults if rule.kind is FaultKind.REPEAT}
    # A gateway that repeats an order which fills at once buys, or sells, twice whatever the bot does: here the funds
    # are enough for one.
    plans = [_draw_plan(dice, *pair) for pair in _PAIRS[: dice.choice((1, 1, 2))]]
    if Stage.ENTRY in repeats:
        plans = [_plain(plan) for plan in plans[:1]]
    if repeats & {Stage.ENTRY, Stage.EXIT}:
        plans = [_alone(plan) for plan in plans]
    quote = str(STAKE * 3 // 2) if Stage.ENTRY in repeats else "1000000"
    return Story(seed, number, account, tuple(plans), quote, tuple(faults), dice.choice((0, 0, 0, 300, 1_000, 2_000)))


def _draw_faults(dice: Random, account: AccountKind) -> list[tuple[Stage, FaultRule]]:
    stages = [stage for stage in (Stage.ENTRY, Stage.LADDER, Stage.EXIT) if dice.random() < 0.6]
    stages = stages or [dice.choice((Stage.ENTRY, Stage.LADDER, Stage.EXIT))]
    faults = [(stage, draw_placing(dice, stage, account)) for stage in stages]
    if dice.random() < 0.3:
        faults.append((Stage.LOOK_UP, draw_look_ups(dice, account)))
    return faults


def _draw_plan(dice: Random, pair: str, others: str) -> Plan:
    count = dice.choice((0, 1, 2, 3, 4))
    sold = _LIVE_SHARE * dice.uniform(0.5, 1)
    ladder = [Step("sell", 1.01 + 0.01 * i + dice.uniform(0, 0.005), sold / count) for i in range(count)]
    sells = len(ladder)
    if ladder and dice.random() < 0.2:
        ladder[-1] = Step("buy", dice.uniform(0.965, 0.975), 0.3)
        sells -= 1
    return Plan(
        pair=pair,
        entry_price=dice.choice((1.0, 1.0, 2 - RISE + 0.001)),
        adjust=float(STAKE // 2) if dice.random() < 0.15 else None,
        ladder=tuple(ladder),
        reached=dice.randint(0, sells),
        exit=dice.choice((Exit.NONE, Exit.SIGNAL, Exit.SIGNAL, Exit.RESTING, Exit.STOP, Exit.STOP)),
        walk=tuple(dice.uniform(0.996, 1.004) for _ in range(dice.randint(1, 4))),
        others=others if dice.random() < 0.15 else "0",
    )


def _plain(plan: Plan) -> Plan:
    """Return a plan that buys once."""
    return replace(plan, adjust=None, ladder=tuple(step for step in plan.ladder if step.side == "sell"))


def _alone(plan: Plan) -> Plan:
    return replace(plan, others="0")
