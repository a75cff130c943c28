"""Promise: pushes spare a bot's lookups, and no fill is booked later than the longest age, whatever becomes of them."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bitget_margin.emulator import AccountKind
from support.in_process_bot import InProcessBot, in_process_bot
from support.measured_exits import kinds

pytestmark = pytest.mark.filterwarnings("default")  # freqtrade's own

PAIR = "BTC/USDT"
AGE_SECONDS = 8
LISTS = ("/open-orders", "/unfilled-orders", "/history-orders")


def sells(trade: Any) -> list[dict[str, Any]]:
    return [
        {"side": "sell", "price": trade.open_rate * (1.2 + 0.1 * i), "amount": trade.amount * 0.15} for i in range(5)
    ]


@pytest.fixture(params=kinds(AccountKind.CLASSIC))
def pushed(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[InProcessBot]:
    """Run a bot with a ladder, and with pushes."""
    settings = {"bitget_margin": {"order_pushes": {"max_age_seconds": AGE_SECONDS}}}
    with in_process_bot(tmp_path, kind=request.param, settings=settings) as bot:
        bot.keeps_pauses = True
        bot.enter(sells)
        yield bot


def loop_until(bot: InProcessBot, condition: Callable[[], object], seconds: float = 15) -> None:
    """Run loops until a condition holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        bot.loop()
        time.sleep(0.05)


def is_quiet(bot: InProcessBot) -> bool:
    return bool(bot.exchange.maintenance.lookups.is_quiet(PAIR))


def lists_of(bot: InProcessBot, loops: int) -> int:
    """Return the number of lists of orders that these loops request."""
    before = len(bot.venue.requests)
    for _ in range(loops):
        bot.loop()
        time.sleep(0.05)
    return sum(record.path.endswith(LISTS) for record in bot.venue.requests[before:])


def books_a_fill(bot: InProcessBot, within_seconds: float) -> None:
    """Fill the lowest rung, and check that it is booked in time, once."""
    trade = bot.trade
    rows, amount = len(trade.orders), trade.amount
    (rung, *_) = bot.live()
    bot.venue.fill(rung.order_id)
    loop_until(bot, lambda: len(bot.trade.orders) > rows, within_seconds)
    bot.loop(2)
    assert len(bot.trade.orders) == rows + 1
    assert bot.trade.amount == pytest.approx(amount - float(rung.base_size))


@pytest.mark.slow
def test_a_fill_is_booked_at_once_or_within_the_longest_age_whatever_becomes_of_its_push(pushed: InProcessBot) -> None:
    """A lookup within 5 s of a push does not count, so a pair is quiet some seconds later."""
    loop_until(pushed, lambda: is_quiet(pushed))
    assert lists_of(pushed, loops=20) <= 2
    books_a_fill(pushed, within_seconds=2)

    loop_until(pushed, lambda: is_quiet(pushed))
    pushed.venue.knobs(push_lose_every=1)
    books_a_fill(pushed, within_seconds=AGE_SECONDS + 1)

    pushed.venue.knobs(push_lose_every=0, push_drop_every=1)
    books_a_fill(pushed, within_seconds=2)
    pushed.venue.knobs(push_drop_every=0)
    loop_until(pushed, lambda: is_quiet(pushed), seconds=20)
