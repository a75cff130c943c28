"""Promise: an order that shows up while freqtrade places another one in its stead is the only one that is placed.

Between the look of the loop and freqtrade's order the history catches up: what freqtrade has decided, it has decided
without the order that is there.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bitget_margin.adapter.errors import PlaceUnresolved
from bitget_margin.freqtrade.recovery import BLOCKS_SECONDS
from bitget_margin.freqtrade.tracked_order import Origin, Phase
from support.in_process_bot import CONTROLS, InProcessBot, in_process_bot

pytestmark = pytest.mark.filterwarnings("default")  # freqtrade's own


@pytest.fixture
def bot(tmp_path: Path) -> Iterator[InProcessBot]:
    with in_process_bot(tmp_path) as running:
        yield running


@pytest.fixture
def rich_bot(tmp_path: Path) -> Iterator[InProcessBot]:
    """Run a bot on an account with coins that belong to no trade: freqtrade sees no want of any."""
    with in_process_bot(tmp_path, BTC="5") as running:
        yield running


def lose_one_answer(bot: InProcessBot, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the next order placed without an answer, and found only once freqtrade wants to place another one."""
    api, own = bot.exchange.api, bot.exchange.recovery
    place, resolve = api.create_order, own.resolve

    def lost(*args: Any, **named: Any) -> None:
        monkeypatch.setattr(api, "create_order", place)
        place(*args, **named)
        orders = [{"id": None, "status": None, "clientOrderId": "x"}]
        raise PlaceUnresolved("create_order", orders, missed_twice=True)

    def resolve_as_it_is_placed(pair: str | None = None, side: str | None = None) -> bool:
        return pair is not None and resolve(pair, side)

    monkeypatch.setattr(api, "create_order", lost)
    monkeypatch.setattr(own, "resolve", resolve_as_it_is_placed)


def test_an_entry_that_is_found_is_not_bought_again(bot: InProcessBot, monkeypatch: pytest.MonkeyPatch) -> None:
    lose_one_answer(bot, monkeypatch)
    CONTROLS.enter = True
    bot.loop(3)
    assert [order.side for order in bot.venue.orders()] == ["buy"]
    assert bot.trade.amount == pytest.approx(bot.held(), abs=1e-6)


def test_an_exit_that_is_found_is_not_sold_again(rich_bot: InProcessBot, monkeypatch: pytest.MonkeyPatch) -> None:
    rich_bot.enter()
    lose_one_answer(rich_bot, monkeypatch)
    CONTROLS.exit = True
    rich_bot.loop(4)
    assert [order.side for order in rich_bot.venue.orders()] == ["buy", "sell"]
    assert not rich_bot.trade.is_open


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_an_order_that_never_was_is_given_up_though_no_other_one_is_wanted(
    bot: InProcessBot, monkeypatch: pytest.MonkeyPatch, side: str
) -> None:
    if side == "sell":
        bot.enter()
    api = bot.exchange.api

    def refuse(*args: Any, **named: Any) -> None:
        orders = [{"id": None, "status": None, "clientOrderId": "x"}]
        raise PlaceUnresolved("create_order", orders, missed_twice=True)

    with monkeypatch.context() as patched:
        patched.setattr(api, "create_order", refuse)
        CONTROLS.enter, CONTROLS.exit = side == "buy", side == "sell"
        bot.loop()
    CONTROLS.enter = CONTROLS.exit = False
    (lost,) = bot.exchange.store.open(Origin.FREQTRADE)
    bot.exchange.missed.clear(lost)
    bot.exchange.missed.note(lost, BLOCKS_SECONDS)
    monkeypatch.setattr(bot.exchange.recovery, "epoch_ms", lambda: lost.intended_ms + 31_000)
    bot.loop()
    assert bot.exchange.store.open(Origin.FREQTRADE) == []
    assert [order.client_id for order in bot.exchange.store.in_phase(Phase.LOST)] == [lost.client_id]
