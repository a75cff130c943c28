"""Promise: the custom data of a trade shows its resting orders as they are, and costs nothing while nothing changes."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from bitget_margin.freqtrade import ladder_data
from bitget_margin.freqtrade.ladder_data import KEY, LadderData
from bitget_margin.freqtrade.tracked_order import Phase, TradeKey
from support.botless import Records, live

TRADE = TradeKey(1, 1_000)


class FakeTrade:
    """A trade that keeps its custom data."""

    def __init__(self) -> None:
        self.written: list[tuple[str, Any]] = []
        self.fails = False

    def set_custom_data(self, key: str, value: Any) -> None:
        """Keep custom data."""
        if self.fails:
            raise OSError("disk full")
        self.written.append((key, value))


@pytest.fixture
def trade(monkeypatch: pytest.MonkeyPatch) -> FakeTrade:
    """Return the only open trade."""
    made = FakeTrade()

    @contextmanager
    def waiting(_connection: object) -> Iterator[None]:
        yield

    monkeypatch.setattr(ladder_data.trade_rows, "open_trades", lambda: {TRADE: made})
    monkeypatch.setattr(ladder_data, "short_lock_wait", waiting)
    monkeypatch.setattr(ladder_data.Trade, "session", SimpleNamespace(connection=lambda: None), raising=False)
    return made


@pytest.fixture
def store() -> Records:
    """Return the bot's tables with one order."""
    records = Records()
    records.add([live("a", price=61_000.0, filled=0.1)])
    return records


def test_what_has_changed_is_written_once(trade: FakeTrade, store: Any) -> None:
    data = LadderData(store=store)
    data.write()
    assert trade.written == []
    data.note(TRADE)
    data.note(None)
    data.write()
    data.write()
    order = {"ladder": "entry", "number": 1, "side": "sell", "price": 61_000.0}
    assert trade.written == [(KEY, [{**order, "amount": 0.5, "filled": 0.1, "status": "open"}])]
    before = store["a"]
    store.update([(before, replace(before, phase=Phase.ENDED))])
    data.note(TRADE)
    data.write()
    assert trade.written[1][1][0]["status"] == "canceled"


def test_what_could_not_be_written_is_written_later(trade: FakeTrade, store: Any) -> None:
    data = LadderData(store=store)
    data.note(TRADE)
    trade.fails = True
    with pytest.raises(OSError, match="disk full"):
        data.write()
    trade.fails = False
    data.write()
    assert len(trade.written) == 1


@pytest.mark.parametrize("is_there", [True, False], ids=["ended", "deleted"])
def test_a_trade_that_has_ended_shows_how_its_orders_ended(
    trade: FakeTrade, store: Any, monkeypatch: pytest.MonkeyPatch, is_there: bool
) -> None:
    ended = FakeTrade()
    monkeypatch.setattr(ladder_data.trade_rows, "open_trades", dict)
    monkeypatch.setattr(ladder_data.trade_rows, "closed_trade", lambda _: ended if is_there else None)
    data = LadderData(store=store)
    data.note(TRADE)
    data.write()
    data.write()
    assert len(ended.written) == int(is_there)
    assert trade.written == []
