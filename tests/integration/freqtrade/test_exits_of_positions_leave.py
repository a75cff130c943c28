"""Promise: exits of leveraged and short trades leave with few requests, whatever is slow, down, or cannot be read."""

import contextlib
import json
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from bitget_margin.emulator import AccountKind, RequestRecord
from bitget_margin.freqtrade import budget, hedged_cancel
from bitget_margin.freqtrade.client import CancelBatchResult
from bitget_margin.rate_limit import config, open_limiter
from support.borrowing_bot import CLASSIC_AT_LEAST, WAYS, borrowing_bot, enter, rungs
from support.in_process_bot import InProcessBot

pytestmark = pytest.mark.filterwarnings("default")  # freqtrade's own
MOST_BEFORE = 3
"""Signed requests of an exit up to its order: the balance, and the batch cancel of a ladder with its proof."""
MOST_REQUESTS = 8
"""Signed requests from the decision on an exit until its trade is closed."""
SLOW_MS = 1_200
STOP_LOSS = -0.03
ONE_EXIT = pytest.mark.parametrize(
    ("leverage", "short", "count"),
    [
        pytest.param(2, True, 3, id="short-ladder"),
        *(
            pytest.param(*values, marks=pytest.mark.drill, id=name)
            for values, name in (((2, True, 0), "short"), ((3, False, 3), "long-ladder"), ((3, False, 0), "long"))
        ),
    ],
)
"""An exit with all that it may do; the others in the drill."""


def decided(bot: InProcessBot) -> list[int]:
    """Return a list that gets the number of requests before each decision of freqtrade on an exit."""
    numbers: list[int] = []
    execute = bot.bot.execute_trade_exit

    def noted(*args: Any, **named: Any) -> Any:
        numbers.append(len(bot.venue.requests))
        return execute(*args, **named)

    bot.bot.execute_trade_exit = noted
    return numbers


def reach_stop(bot: InProcessBot) -> None:
    """Let the price reach the stop-loss."""
    bot.venue.set_price("BTCUSDT", 61_000 if bot.trade.is_short else 59_000)


def exits_since(bot: InProcessBot, number: int) -> list[RequestRecord]:
    """Return the requests that have placed an order since."""
    return [request for request in bot.venue.requests[number:] if request.path.endswith("/place-order")]


def assert_closed(bot: InProcessBot) -> None:
    """Check that the trade ends with one exit, and leaves neither coins nor debts nor orders."""
    end = time.monotonic() + 20
    while bot.trade.is_open:
        assert time.monotonic() < end, "the trade is not closed"
        bot.loop()
    trade = bot.trade
    assert [order.ft_order_side for order in trade.orders if order.filled] == [trade.entry_side, trade.exit_side]
    while bot.venue.debts() and time.monotonic() < end:
        # Once a minute, and not while the venue is slow, which its last answers show.
        bot.exchange.margin_loop._checked = bot.exchange.margin_loop.debts._checked = float("-inf")
        bot.loop()
    assert bot.venue.debts() == {}
    assert bot.live() == []
    assert bot.held() < 1e-5


@CLASSIC_AT_LEAST
@WAYS
@pytest.mark.parametrize(
    ("count", "late_seconds"), [(0, 0.0), (3, 0.0), (3, 0.05)], ids=["no ladder", "ladder", "ladder of a late thread"]
)
def test_an_exit_sends_few_requests(
    tmp_path: Path, kind: AccountKind, leverage: float, short: bool, count: int, late_seconds: float
) -> None:
    """Up to its order, and in all: with the reading of its end, its fills, its interest and two balances.

    A busy machine makes no slow venue of this one, for which everything is asked at once; and where the thread of the
    cancel runs late there, so does that of the balance.
    """
    run = hedged_cancel.HedgedCancel.run

    def run_late(cancel: hedged_cancel.HedgedCancel) -> CancelBatchResult:
        time.sleep(late_seconds)
        return run(cancel)

    with (
        mock.patch.object(hedged_cancel.HedgedCancel, "run", run_late),
        mock.patch.object(budget, "SLOW_MS", float("inf")),
        mock.patch.object(hedged_cancel, "FIRST_LOOKUP_SECONDS", 5.0),
        borrowing_bot(tmp_path, kind, stoploss=STOP_LOSS) as bot,
    ):
        enter(bot, leverage, short=short, ladder=rungs(count) if count else None)
        bot.loop()
        bot.exchange.margin_loop._checked = float("inf")  # no look at the account, of which there is one a minute
        reach_stop(bot)
        numbers = decided(bot)
        bot.loop()
        (order,) = exits_since(bot, numbers[0])
        bot.loop()
        assert not bot.trade.is_open
        signed = [request for request in bot.venue.requests[numbers[0] :] if request.uid]
        names = [request.path.rpartition("/")[2] for request in signed]
        assert signed.index(order) <= (MOST_BEFORE if count else 1), names
        assert len(signed) <= MOST_REQUESTS, names
        if short:
            loan = json.loads(order.body).get("loanType")
            assert loan == (None if kind is AccountKind.UNIFIED else "autoRepay"), "what the ladder held is free"


@ONE_EXIT
def test_a_balance_that_cannot_be_read_holds_no_exit_up(
    tmp_path: Path, leverage: float, short: bool, count: int
) -> None:
    """Not for a minute; freqtrade reads it before every exit."""
    with borrowing_bot(tmp_path, AccountKind.CLASSIC, stoploss=STOP_LOSS) as bot:
        enter(bot, leverage, short=short, ladder=rungs(count) if count else None)
        bot.venue.add_fault("html-502", "/account/assets")
        last = bot.exchange.managers.holdings._last
        last[:] = [(balances, at_seconds - 60) for balances, at_seconds in last]
        numbers = decided(bot)
        reach_stop(bot)
        bot.loop()
        assert len(exits_since(bot, numbers[0])) == 1
        bot.venue.clear_faults()
        assert_closed(bot)


@pytest.mark.slow
@ONE_EXIT
def test_a_slow_venue_holds_no_exit_up(tmp_path: Path, leverage: float, short: bool, count: int) -> None:
    """It answers after 1.2 s; the exit takes five round trips at most."""
    with borrowing_bot(tmp_path, AccountKind.CLASSIC, stoploss=STOP_LOSS) as bot:
        enter(bot, leverage, short=short, ladder=rungs(count) if count else None)
        bot.venue.knobs(latency_ms=SLOW_MS)
        numbers = decided(bot)
        reach_stop(bot)
        bot.loop()
        (order,) = exits_since(bot, numbers[0])
        first = bot.venue.requests[numbers[0]]
        assert order.at_ms - first.at_ms <= 4 * SLOW_MS
        bot.venue.knobs(latency_ms=0)
        assert_closed(bot)


@contextlib.contextmanager
def locked(bot: InProcessBot) -> Iterator[None]:
    """Lock the database of a bot against writes."""
    path = bot.config_path.parent / "trades.sqlite"
    with contextlib.closing(sqlite3.connect(path, isolation_level=None, timeout=5)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            holder.execute("ROLLBACK")


@ONE_EXIT
def test_a_locked_database_neither_holds_an_exit_up_nor_repeats_it(
    tmp_path: Path, leverage: float, short: bool, count: int
) -> None:
    """It is locked as freqtrade decides; its own commit after the order fails."""
    from freqtrade.persistence import Trade  # noqa: PLC0415 - seconds, and only these tests need it
    from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415

    with borrowing_bot(tmp_path, AccountKind.CLASSIC, stoploss=STOP_LOSS) as bot:
        enter(bot, leverage, short=short, ladder=rungs(count) if count else None)
        reach_stop(bot)
        numbers = decided(bot)
        execute = bot.bot.execute_trade_exit

        def under_a_lock(*args: Any, **named: Any) -> Any:
            with locked(bot):
                return execute(*args, **named)

        bot.bot.execute_trade_exit = under_a_lock
        try:
            bot.loop()
        except SQLAlchemyError:
            Trade.session.rollback()
        assert len(exits_since(bot, numbers[0])) == 1
        bot.bot.execute_trade_exit = execute
        assert_closed(bot)
        assert len(exits_since(bot, numbers[0])) == 1


@ONE_EXIT
def test_a_rate_store_that_is_down_holds_no_exit_up(tmp_path: Path, leverage: float, short: bool, count: int) -> None:
    """The file of the shared windows is no database any more."""
    file = tmp_path / "windows.db"
    url = f"sqlite:///{file}"
    with (
        mock.patch.dict(config._limiters, clear=True),
        borrowing_bot(tmp_path, AccountKind.CLASSIC, stoploss=STOP_LOSS, bitget_margin={"rate_gate": url}) as bot,
    ):
        enter(bot, leverage, short=short, ladder=rungs(count) if count else None)
        open_limiter({"url": url, "whenDown": "fail"}).store._close()
        for path in tmp_path.glob("windows.db*"):
            path.unlink()
        file.write_bytes(b"no database" * 1_000)
        numbers = decided(bot)
        reach_stop(bot)
        bot.loop()
        assert len(exits_since(bot, numbers[0])) == 1
        assert_closed(bot)
