"""Draw the runs of the crash drill: trades with ladders, a path of prices, latency, kills and faults."""

from dataclasses import dataclass
from random import Random
from typing import Final

from bitget_margin.emulator import AccountKind

STEP_SECONDS: Final = 0.1
"""Time between two prices of a path."""
FLOOR: Final = 0.8
"""Last price of each path, as a multiple of the first."""
CALM_LATENCY_MS: Final = 50
_PAIRS_MAX: Final = 3
_KILLED_SHARE: Final = 0.3
_FIRST_KILL_SECONDS: Final = -2.0
_LAST_KILL_SECONDS: Final = 5.0
"""Bounds of the moment of a kill, in seconds after the first stop-loss is due."""


@dataclass(frozen=True, slots=True)
class Rung:
    """One resting order: price as a multiple of the entry price, amount as a share of the trade."""

    side: str
    price: float
    share: float


@dataclass(frozen=True, slots=True)
class Plan:
    """Events on one pair."""

    pair: str
    ladder: tuple[Rung, ...]
    path: tuple[float, ...]
    """Prices as multiples of the first one, `STEP_SECONDS` apart."""
    liquidity: str | None
    """Most base coins that resting orders trade at each price; None for no limit."""
    others: str
    """Base coins in the wallet that do not belong to the trade."""

    def price_at(self, seconds: float) -> float:
        """Return the price at a time after the start of the fall, as a multiple of the first price."""
        return self.path[min(max(int(seconds / STEP_SECONDS), 0), len(self.path) - 1)]

    def due_seconds(self, stop_loss: float) -> float:
        """Return the time at which the price reaches the stop-loss, counted from the start of the fall."""
        return next(i for i, price in enumerate(self.path) if price <= 1 - stop_loss) * STEP_SECONDS


@dataclass(frozen=True, slots=True)
class Scenario:
    """One run, which a bot with ladders and a bot without them play under the same conditions."""

    seed: int
    number: int
    account: AccountKind
    plans: tuple[Plan, ...]
    stop_loss: float
    """Distance of the stop-loss from the entry price, as a fraction."""
    latency_ms: int
    """Latency at its highest, which is reached in the middle of the fall and stays."""
    kill_at: float | None
    """Time at which the bot is killed and started again, in seconds after the start of the fall; None for never."""
    history_lag_ms: int

    @property
    def name(self) -> str:
        """Options that replay it."""
        return f"--account {self.account.value} --seed {self.seed} --run {self.number}"

    def latency_at(self, seconds: float) -> int:
        """Return the latency at a time after the start of the fall, in ms."""
        half = min(len(plan.path) for plan in self.plans) * STEP_SECONDS / 2
        share = min(max(seconds / half, 0.0), 1.0)
        return round(CALM_LATENCY_MS + (self.latency_ms - CALM_LATENCY_MS) * share)


def draw_scenario(seed: int, number: int, account: AccountKind) -> Scenario:
    """Return the scenario of this seed and number."""
    dice = Random(f"crash/{seed}/{account.value}/{number}")  # noqa: S311 - repeatable, not secret
    stop_loss = round(dice.uniform(0.05, 0.1), 3)
    plans = tuple(_draw_plan(dice, f"C{i + 1:03}/USDT", stop_loss) for i in range(dice.randint(1, _PAIRS_MAX)))
    first_due = min(plan.due_seconds(stop_loss) for plan in plans)
    kill_at = max(first_due + dice.uniform(_FIRST_KILL_SECONDS, _LAST_KILL_SECONDS), 0.5)
    return Scenario(
        seed,
        number,
        account,
        plans,
        stop_loss,
        latency_ms=dice.choice((200, 500, 800, 1_200, 1_600, 2_000)),
        kill_at=kill_at if dice.random() < _KILLED_SHARE else None,
        history_lag_ms=dice.choice((0, 0, 300, 1_000)),
    )


def _draw_plan(dice: Random, pair: str, stop_loss: float) -> Plan:
    sells = dice.randint(1, 5)
    total = dice.choice((dice.uniform(0.4, 0.95), 0.95, 0.99))
    ladder = [Rung("sell", round(1.01 + 0.01 * i + dice.uniform(0, 0.004), 4), total / sells) for i in range(sells)]
    # Buys rest above the stop-loss, so that they fill on the way down, and below it, where they fill while it is due.
    buys = dice.choice((0, 0, 1, 2))
    ladder += [Rung("buy", round(dice.uniform(0.98, 0.99 - stop_loss * 1.2), 4), 0.25) for _ in range(buys)]
    reached = dice.randint(0, sells - 1)
    top = ladder[reached - 1].price + 0.001 if reached else 1.005
    return Plan(
        pair=pair,
        ladder=tuple(ladder),
        path=_draw_path(dice, top, stop_loss),
        liquidity=dice.choice((None, None, "0.7")),
        others=dice.choice(("0", "0", "7")),
    )


def _draw_path(dice: Random, top: float, stop_loss: float) -> tuple[float, ...]:
    """Draw a short rise and a fall to `FLOOR` within 6 to 20 seconds, without a return above the stop-loss."""
    rise = dice.randint(5, 20)
    fall = dice.randint(60, 200)
    path = [1 + (top - 1) * (i + 1) / rise for i in range(rise)]
    for i in range(fall):
        price = top + (FLOOR - top) * (i + 1) / fall
        path.append(price + dice.uniform(-0.002, 0.002) if price > 1 - stop_loss + 0.005 else price)
    return tuple(round(price, 4) for price in path)
