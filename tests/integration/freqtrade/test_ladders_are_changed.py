"""Promise: a ladder is changed with one cancel and one place request, and never are both of them alive."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bitget_margin.emulator import AccountKind
from support.bot import signed_requests
from support.in_process_bot import CONTROLS, InProcessBot, in_process_bot

pytestmark = pytest.mark.filterwarnings("default")  # freqtrade's own
CANCEL = {"/api/v2/margin/crossed/batch-cancel-order", "/api/v3/trade/cancel-batch"}
PLACE = {"/api/v2/margin/crossed/batch-place-order", "/api/v3/trade/place-batch"}


@pytest.fixture(
    params=[AccountKind.CLASSIC, pytest.param(AccountKind.UNIFIED, marks=pytest.mark.slow)], ids=lambda kind: kind.value
)
def bot(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[InProcessBot]:
    """Run a bot on an account of each kind, without coins of its own."""
    with in_process_bot(tmp_path, kind=request.param, BTC="0") as started:
        yield started


def sells(*prices: float, share: float = 0.2) -> Callable[[Any], list[dict[str, Any]]]:
    return lambda trade: [{"side": "sell", "price": price, "amount": trade.amount * share} for price in prices]


def changed(bot: InProcessBot, *prices: float, share: float = 0.2) -> tuple[list[Any], list[str]]:
    """Change the ladder; return the orders, and the requests that canceled or placed."""
    since = len(bot.venue.requests)
    orders = bot.bot.strategy.replace_resting_orders(bot.trade, sells(*prices, share=share)(bot.trade))
    sent = [request.path for request in signed_requests(bot.venue, since=since)]
    return orders, ["cancel" if path in CANCEL else "place" for path in sent if path in CANCEL | PLACE]


def prices(bot: InProcessBot) -> list[float]:
    return [float(order.price) for order in bot.live()]


def exit_all(bot: InProcessBot) -> None:
    CONTROLS.exit = True
    bot.loop(3)
    assert not bot.trade.is_open
    assert bot.live() == []
    assert bot.held() < 0.00001


def test_what_stays_is_not_touched_and_the_rest_takes_two_requests(bot: InProcessBot) -> None:
    bot.enter(sells(61_000.0, 62_000.0, 63_000.0))
    kept = bot.live()[0].order_id
    orders, sent = changed(bot, 61_000.0, 64_000.0, 65_000.0)
    assert sent == ["cancel", "place"]
    assert [order["price"] for order in orders] == prices(bot) == [61_000.0, 64_000.0, 65_000.0]
    assert bot.live()[0].order_id == kept
    assert changed(bot, 61_000.0, 64_000.0, 65_000.0)[1] == []
    bot.loop(2)
    assert prices(bot) == [61_000.0, 64_000.0, 65_000.0]
    exit_all(bot)


def test_a_fill_that_wins_over_the_cancel_is_not_sold_again(bot: InProcessBot) -> None:
    bot.enter(sells(61_000.0, share=0.9))
    bot.venue.knobs(fill_wins=1)
    orders, _ = changed(bot, 62_000.0, share=0.9)
    assert sum(order["amount"] for order in orders) <= bot.held()
    assert sum(float(order.base_size) for order in bot.live()) <= bot.held()
    exit_all(bot)


def test_without_proof_of_the_cancel_nothing_is_placed(bot: InProcessBot) -> None:
    bot.enter(sells(61_000.0))
    old = bot.live()[0].order_id
    bot.venue.knobs(cancel_never_lands=99)
    orders, sent = changed(bot, 62_000.0)
    assert (orders, set(sent)) == ([], {"cancel"})
    assert [order.order_id for order in bot.live()] == [old]
    bot.venue.knobs(cancel_never_lands=0)
    bot.loop(2)
    assert bot.live() == []
    assert changed(bot, 62_000.0)[1] == ["place"]
    assert prices(bot) == [62_000.0]
    exit_all(bot)
