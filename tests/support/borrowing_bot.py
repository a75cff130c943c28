"""A bot in the process of the test that may borrow, and the comparison of its books with the venue."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bitget_margin.emulator import AccountKind
from support.in_process_bot import CONTROLS, InProcessBot, in_process_bot

STAKE = 10_000
LEVERAGE: Mapping[str, Any] = {"max": 3, "max_risk": 0.95}
KINDS = pytest.mark.parametrize("kind", list(AccountKind), ids=lambda kind: kind.value)
CLASSIC_AT_LEAST = pytest.mark.parametrize(
    "kind",
    [AccountKind.CLASSIC, pytest.param(AccountKind.UNIFIED, marks=pytest.mark.drill)],
    ids=lambda kind: kind.value,
)
"""Both kinds of account, the unified one in the drill: what differs between them has tests of its own."""
WAYS = pytest.mark.parametrize(("leverage", "short"), [(3, False), (2, True)], ids=["long", "short"])
LOT_USDT = 0.07
"""A lot of the pair."""


@contextmanager
def borrowing_bot(
    folder: Path, kind: AccountKind, balances: Mapping[str, str] | None = None, **settings: Any
) -> Iterator[InProcessBot]:
    """Start a bot that may borrow, on an account with 20,000 USDT."""
    own = {"leverage": {**LEVERAGE, **settings.pop("leverage", {})}, **settings.pop("bitget_margin", {})}
    mode = {"trading_mode": "futures", "stake_amount": STAKE, "bitget_margin": own, **settings}
    coins = {"USDT": "20000", **(balances or {})}
    with in_process_bot(folder, strategy="Borrowing", kind=kind, settings=mode, **coins) as bot:
        yield bot


def enter(bot: InProcessBot, leverage: float, *, short: bool, ladder: Callable[[Any], Any] | None = None) -> Any:
    """Enter with this leverage, and return the trade."""
    CONTROLS.short, CONTROLS.leverage = short, leverage
    return bot.enter(ladder)


def rungs(count: int, share: float = 1.0) -> Callable[[Any], list[dict[str, Any]]]:
    """Return a ladder of this number of orders, each 1 % from the one before, that closes a share of the trade."""

    def ladder(trade: Any) -> list[dict[str, Any]]:
        better = -1 if trade.is_short else 1
        prices = [trade.open_rate * (1 + better * step / 100) for step in range(1, count + 1)]
        return [{"side": trade.exit_side, "price": price, "share": share / count} for price in prices]

    return ladder


def leave(bot: InProcessBot, loops: int = 3) -> Any:
    """Exit by signal, and return the trade."""
    CONTROLS.exit = True
    bot.loop(loops)
    CONTROLS.exit = False
    return bot.trade


def difference(bot: InProcessBot, before: Decimal) -> float:
    """Return the difference of the profit in the books and on the venue, in USDT, since the account had this worth."""
    profit = sum(trade.realized_profit for trade in bot.trades())
    return abs(float(profit) - float(bot.venue.worth() - before))


def allowed(leverage: float) -> float:
    """Return the difference that freqtrade's own convention of fees makes, and a lot."""
    return 2e-6 * STAKE * leverage + LOT_USDT
