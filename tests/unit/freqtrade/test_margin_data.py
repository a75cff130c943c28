"""Promise: trades that borrow show the margin level and their interest, once a minute, and only what has changed."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from bitget_margin.freqtrade import margin_data
from bitget_margin.freqtrade.margin_data import INTEREST_KEY, LEVEL_KEY, MarginData
from bitget_margin.freqtrade.tracked_order import TradeKey

KEY = TradeKey(1, 1_000)


class DataTrade:
    """A trade that keeps its custom data."""

    def __init__(self, *, leverage: float = 3.0, is_short: bool = False) -> None:
        self.leverage, self.is_short = leverage, is_short
        self.funding_fees: float | None = None
        self.written: list[tuple[str, Any]] = []
        self.is_locked = False

    def set_custom_data(self, key: str, value: Any) -> None:
        """Keep custom data."""
        if self.is_locked:
            raise OperationalError("insert", {}, Exception("database is locked"))
        self.written.append((key, value))


class Bench:
    """Custom data of one open trade, with a clock and a margin level that the test sets."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, trade: DataTrade) -> None:
        self.now, self.level = 0.0, 0.25
        self.open: dict[TradeKey, DataTrade] = {KEY: trade}
        self.closed: DataTrade | None = None
        self.waits: list[bool] = []
        self.rollbacks = 0

        @contextmanager
        def waiting(_connection: object) -> Iterator[None]:
            self.waits.append(True)
            yield

        def rollback() -> None:
            self.rollbacks += 1

        monkeypatch.setattr(margin_data.trade_rows, "open_trades", lambda: dict(self.open))
        monkeypatch.setattr(margin_data.trade_rows, "closed_trade", lambda _: self.closed)
        monkeypatch.setattr(margin_data, "short_lock_wait", waiting)
        session = SimpleNamespace(connection=lambda: None)
        monkeypatch.setattr(margin_data, "Trade", SimpleNamespace(session=session, rollback=rollback))
        self.data = MarginData(level=lambda: self.level, clock=lambda: self.now)

    def after(self, seconds: float) -> None:
        """Write after some time."""
        self.now += seconds
        self.data.write()


@pytest.fixture
def trade() -> DataTrade:
    return DataTrade()


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch, trade: DataTrade) -> Bench:
    return Bench(monkeypatch, trade)


def test_level_and_interest_are_written_where_they_have_changed(bench: Bench, trade: DataTrade) -> None:
    bench.after(0)
    assert trade.written == [(LEVEL_KEY, 0.25), (INTEREST_KEY, 0.0)]
    bench.after(61)
    assert len(trade.written) == 2
    bench.level, trade.funding_fees = 0.2504, -0.123456789
    bench.after(61)
    assert trade.written[2:] == [(INTEREST_KEY, 0.12345679)]
    bench.level = 0.31
    bench.after(61)
    assert trade.written[3:] == [(LEVEL_KEY, 0.31)]
    assert len(bench.waits) == len(trade.written)


def test_nothing_is_written_twice_in_a_minute(bench: Bench, trade: DataTrade) -> None:
    bench.after(0)
    bench.level = 0.5
    bench.after(59)
    assert len(trade.written) == 2
    bench.after(1)
    assert trade.written[2:] == [(LEVEL_KEY, 0.5)]


def test_a_trade_that_opens_is_shown_in_its_first_loop(bench: Bench, trade: DataTrade) -> None:
    bench.open.clear()
    bench.after(0)
    bench.open[KEY] = trade
    bench.after(1)
    assert (LEVEL_KEY, 0.25) in trade.written


def test_the_first_level_of_a_debt_does_not_wait(bench: Bench, trade: DataTrade) -> None:
    """It is read beside the loop, after the one in which the trade was entered."""
    bench.level = 0.0
    bench.after(0)
    bench.level = 0.0002
    bench.after(1)
    assert trade.written == [(LEVEL_KEY, 0.0), (INTEREST_KEY, 0.0)]
    bench.level = 0.31
    bench.after(1)
    assert trade.written[2:] == [(LEVEL_KEY, 0.31)]
    bench.level = 0.35
    bench.after(1)
    assert len(trade.written) == 3


@pytest.mark.parametrize(("leverage", "is_short", "count"), [(1.0, False, 0), (1.0, True, 2), (2.0, False, 2)])
def test_a_trade_that_borrows_nothing_has_no_such_data(
    bench: Bench, leverage: float, is_short: bool, count: int
) -> None:
    bench.open[KEY] = trade = DataTrade(leverage=leverage, is_short=is_short)
    bench.after(0)
    assert len(trade.written) == count


def test_the_end_of_a_trade_shows_its_whole_interest(bench: Bench, trade: DataTrade) -> None:
    bench.after(0)
    bench.open.clear()
    bench.closed, trade.funding_fees = trade, -0.5
    bench.after(1)
    bench.after(61)
    assert trade.written[2:] == [(INTEREST_KEY, 0.5)]


def test_a_trade_that_was_deleted_is_forgotten(bench: Bench, trade: DataTrade) -> None:
    bench.after(0)
    bench.open.clear()
    bench.after(1)
    bench.after(1)
    assert len(trade.written) == 2


def test_a_locked_database_is_tried_again_a_minute_later(
    bench: Bench, trade: DataTrade, caplog: pytest.LogCaptureFixture
) -> None:
    trade.is_locked = True
    bench.after(0)
    bench.after(30)
    assert "could not be written" in caplog.text
    assert (bench.rollbacks, len(bench.waits)) == (1, 1)
    trade.is_locked = False
    bench.after(31)
    assert trade.written == [(LEVEL_KEY, 0.25), (INTEREST_KEY, 0.0)]


def test_a_level_that_is_not_known_leaves_the_last_one(bench: Bench, trade: DataTrade) -> None:
    """Freqtrade keeps the type of the first value, by which it could not read None any more."""
    bench.level = None  # type: ignore[assignment]
    bench.after(0)
    assert trade.written == [(INTEREST_KEY, 0.0)]
