"""Draw scenarios of bot runs: trades by pair, price moves, and faults."""

from dataclasses import dataclass, replace
from enum import Enum
from random import Random
from typing import Final

from bitget_margin.emulator import AccountKind, FaultKind, FaultRule
from bots.faults import Stage, draw_lookups, draw_placing
from bots.script import Step

STAKE: Final = 1_000
STOP_LOSS: Final = 0.85
"""Multiple of the first price at which the stop-loss of the strategy is due, whatever its buys have cost."""
RISE: Final = 1.004
"""Rise of the price to a resting exit; a resting entry waits for the same fall."""
_PAIRS: Final = (("BTC/USDT", "0.05"), ("ETH/USDT", "1"))
"""Pairs, and possible other base coins in the wallet."""
_LIVE_SHARE: Final = 0.9


class Exit(Enum):
    """Planned end of a trade."""

    NONE = "none: the trade stays open"
    SIGNAL = "a limit order that fills at once"
    RESTING = "a limit order that rests until the price has risen"
    STOP = "a market order of the stop-loss"


@dataclass(frozen=True, slots=True)
class Plan:
    """Events on one pair; prices are multiples of the first price."""

    pair: str
    entry_price: float
    adjust: float | None
    """Quote coins of the second entry."""
    ladder: tuple[Step, ...]
    reached: int
    """Number of the ladder's sells that the price reaches before the exit."""
    exit: Exit
    walk: tuple[float, ...]
    """The price in each loop while the ladder rests."""
    others: str
    """Base coins in the wallet that do not belong to the trade."""

    @property
    def entries(self) -> int:
        """Number of freqtrade's orders that may buy."""
        return 1 if self.adjust is None else 2


@dataclass(frozen=True, slots=True)
class Scenario:
    """All of one scenario."""

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
        """Options that replay it."""
        return f"--account {self.account.value} --seed {self.seed} --run {self.number}"

    def rules(self, stage: Stage) -> list[FaultRule]:
        """Return the faults of a stage."""
        return [rule for of, rule in self.faults if of is stage]


def draw_scenario(seed: int, number: int, account: AccountKind) -> Scenario:
    """Return the scenario of this seed and number."""
    dice = Random(f"{seed}/{account.value}/{number}")  # noqa: S311 - repeatable, not secret
    faults = _draw_faults(dice, account)
    repeats = {stage for stage, rule in faults if rule.kind is FaultKind.REPEAT}
    # A gateway that repeats an order which fills at once trades twice whatever the bot does: the funds here allow
    # one order only.
    plans = [_draw_plan(dice, *pair) for pair in _PAIRS[: dice.choice((1, 1, 2))]]
    if Stage.ENTRY in repeats:
        plans = [_plain(plan) for plan in plans[:1]]
    if repeats & {Stage.ENTRY, Stage.EXIT}:
        plans = [_alone(plan) for plan in plans]
    quote = str(STAKE * 3 // 2) if Stage.ENTRY in repeats else "1000000"
    return Scenario(
        seed, number, account, tuple(plans), quote, tuple(faults), dice.choice((0, 0, 0, 300, 1_000, 2_000))
    )


def _draw_faults(dice: Random, account: AccountKind) -> list[tuple[Stage, FaultRule]]:
    stages = [stage for stage in (Stage.ENTRY, Stage.LADDER, Stage.EXIT) if dice.random() < 0.6]
    stages = stages or [dice.choice((Stage.ENTRY, Stage.LADDER, Stage.EXIT))]
    faults = [(stage, draw_placing(dice, stage, account)) for stage in stages]
    if dice.random() < 0.3:
        faults.append((Stage.LOOKUP, draw_lookups(dice, account)))
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
