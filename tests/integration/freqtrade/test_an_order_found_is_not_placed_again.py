"""Promise: an order that is found while freqtrade places its replacement remains the only one.

The history catches up between the lookup of the loop and freqtrade's order: freqtrade has decided without the order.
"""

from typing import Any

import pytest

from bitget_margin.adapter.errors import PlaceUnresolved
from support.in_process_bot import CONTROLS, InProcessBot

pytestmark = pytest.mark.filterwarnings("default")  # freqtrade's own


def lose_one_answer(bot: InProcessBot, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lose the response to the next order, and let it be found once freqtrade places another one."""
    api, own = bot.exchange.api, bot.exchange.managers.recovery
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
