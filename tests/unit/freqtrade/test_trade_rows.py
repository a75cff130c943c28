"""Promise: freqtrade's rows have each fill once, and the remaining amount of a trade is exact to the last digit."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from freqtrade.freqtradebot import FreqtradeBot
from freqtrade.persistence import Trade, init_db
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from bitget_margin.freqtrade import trade_rows
from bitget_margin.freqtrade.compat import BitgetExchange
from bitget_margin.freqtrade.tracked_order import Origin, Phase, TrackedOrder, TradeKey
from bitget_margin.freqtrade.trade_rows import remaining_amount
from support.in_process_bot import close_database

LOT = Decimal("0.0001")
LOTS = st.integers(1, 30_000).map(lambda lots: lots * LOT)


def row(side: str, filled: Decimal, fee: Decimal = Decimal(0), *, is_open: bool = False) -> SimpleNamespace:
    """Return the fields of one of freqtrade's order rows that count for the remaining amount."""
    return SimpleNamespace(ft_order_side=side, filled=float(filled), ft_fee_base=float(fee), ft_is_open=is_open)


@given(LOTS, st.lists(LOTS, max_size=12))
def test_what_is_left_is_exact(bought: Decimal, sold: list[Decimal]) -> None:
    """A float a hair too small would lose a lot when it is cut to the venue's precision."""
    fee = bought / 1_000
    # An exit that is still open has sold what it has filled; an entry that is, counts once it has its fee.
    rows = [row("buy", bought, fee), *(row("sell", amount, is_open=amount > LOT) for amount in sold)]
    rows.append(SimpleNamespace(ft_order_side="buy", filled=1.0, ft_fee_base=None, ft_is_open=True))
    trade = SimpleNamespace(orders=rows, entry_side="buy", exit_side="sell")
    assert remaining_amount(trade) == float(max(Decimal(0), bought - fee - sum(sold)))


def test_a_fill_that_left_a_float_a_hair_too_small_is_sold_whole() -> None:
    rows = [
        row("buy", Decimal(2), Decimal("0.002")),
        *[row("sell", Decimal("0.0999"))] * 3,
        row("sell", Decimal("0.0503")),
    ]
    assert remaining_amount(SimpleNamespace(orders=rows, entry_side="buy", exit_side="sell")) == 1.648


OPENED = datetime(2026, 1, 1, tzinfo=UTC)
SELL = TrackedOrder(
    "k-1-x-0", Origin.LADDER, 1, 1_767_225_600_000, "BTC/USDT", "sell", "take", 0, 110.0, 1.0, 1_767_225_600_000
)
SELL = replace(SELL, phase=Phase.LIVE, order_id="7", filled=0.25, average=110.0)
BUY = replace(SELL, side="buy", order_id="8", average=90.0)


@pytest.fixture
def trade() -> Iterator[Any]:
    """Return an open trade with an entry of 2 coins, in a database of its own."""
    init_db("sqlite://")
    made: Any = Trade(
        pair="BTC/USDT",
        exchange="bitgetcross",
        open_rate=100.0,
        amount=2.0,
        stake_amount=200.0,
        fee_open=0.001,
        fee_close=0.001,
        open_date=OPENED,
        is_open=True,
        leverage=1.0,
    )
    entry = replace(BUY, order_id="1", amount=2.0, filled=2.0, average=100.0, phase=Phase.ENDED)
    made.orders.append(trade_rows.FreqtradeOrder.parse_from_ccxt_object(entry.to_ccxt(), "BTC/USDT", "buy", 2.0, 100.0))
    Trade.session.add(made)
    Trade.commit()
    yield made
    close_database()


def fields_of(trade: Any, order_id: str) -> list[tuple[Any, ...]]:
    return [
        (row.filled, row.status, row.ft_is_open, row.ft_fee_base, row.ft_order_tag)
        for row in trade.orders
        if row.order_id == order_id
    ]


def test_an_open_trade_is_found_by_its_pair_and_identity(trade: Any) -> None:
    assert trade_rows.open_trade("BTC/USDT") is trade
    assert trade_rows.open_trade("ETH/USDT") is None
    assert trade_rows.open_trades() == {TradeKey(trade.id, 1_767_225_600_000): trade}
    trade.is_open = False
    Trade.commit()
    assert (trade_rows.open_trade("BTC/USDT"), trade_rows.open_trades()) == (None, {})


def test_a_trade_that_has_ended_is_found_by_its_identity(trade: Any) -> None:
    key = TradeKey(trade.id, 1_767_225_600_000)
    assert trade_rows.closed_trade(key) is None
    trade.is_open = False
    Trade.commit()
    assert trade_rows.closed_trade(key) is trade
    assert trade_rows.closed_trade(replace(key, opened_ms=5)) is None, "a database reuses the number of a deleted trade"
    assert trade_rows.closed_trade(replace(key, id=key.id + 1)) is None


def test_a_trade_that_ended_before_a_late_fill_is_open_again(trade: Any) -> None:
    trade_rows.end(trade, 120.0)
    trade.exit_order_status = "closed"
    assert (trade.is_open, trade.close_rate, trade_rows.open_trades()) == (False, 120.0, {})
    trade_rows.reopen(trade)
    trade_rows.record_fill(trade, replace(BUY, filled=0.5))
    assert (trade.close_date, trade.close_rate, trade.exit_order_status) == (None, None, "")
    assert trade_rows.open_trade("BTC/USDT") is trade
    assert trade.amount == pytest.approx(2.0 + 0.5 * 0.999)


def test_the_end_of_a_trade_is_stored(trade: Any) -> None:
    trade_rows.end(trade, 120.0)
    Trade.rollback()
    assert (trade.is_open, trade.close_rate) == (False, 120.0)


def test_rows_that_another_thread_has_changed_are_read_anew(trade: Any) -> None:
    assert trade.amount == 2.0
    change("update trades set amount = 1.5")
    assert trade.amount == 2.0
    trade_rows.refresh()
    assert trade.amount == 1.5


def test_pending_changes_stay_pending_as_other_rows_are_read_anew(trade: Any) -> None:
    """To store them could wait for a lock, with an exit behind it."""
    entry = trade.orders[0]
    assert entry.ft_order_tag is None
    change("update orders set ft_order_tag = 'new'")
    trade.amount = 1.25
    trade_rows.refresh()
    assert trade.amount == 1.25
    assert entry.ft_order_tag == "new"
    Trade.rollback()
    assert trade.amount == 2.0


def test_no_search_for_a_trade_stores_pending_changes(trade: Any) -> None:
    trade.amount = 1.25
    key = trade_rows.key_of(trade)
    assert trade_rows.open_trade("BTC/USDT") is trade
    assert trade_rows.open_trades() == {key: trade}
    assert trade_rows.closed_trade(key) is None
    assert trade in Trade.session.dirty


def change(statement: str) -> None:
    """Change the database as another connection does, and leave the rows that are loaded as they were."""
    Trade.session.execute(text(statement))


@pytest.mark.parametrize(
    ("orders", "coins"),
    [
        ([], 0.0),
        ([SELL], -0.25),
        ([BUY], 0.25),
        ([SELL, replace(BUY, filled=0.75)], 0.5),
        ([replace(SELL, filled=0.0), replace(SELL, order_id=None, filled=0.0)], 0.0),
        ([replace(SELL, filled=1e-13)], 0.0),
    ],
)
def test_fills_that_no_row_has_are_counted(trade: Any, orders: list[TrackedOrder], coins: float) -> None:
    assert trade_rows.unrecorded(trade, orders) == coins
    for order in orders:
        trade_rows.record_fill(trade, order)
    assert trade_rows.unrecorded(trade, orders) == 0.0


def test_only_the_part_of_an_order_that_its_row_has_not_is_unrecorded(trade: Any) -> None:
    trade_rows.record_fill(trade, SELL)
    assert trade_rows.unrecorded(trade, [replace(SELL, filled=0.75)]) == -0.5
    assert trade_rows.unrecorded(trade, [replace(SELL, filled=0.125)]) == 0.0
    trade.orders[-1].filled = None
    assert trade_rows.unrecorded(trade, [SELL]) == -0.25


def test_the_fills_of_an_order_are_one_closed_row_with_the_cumulative_amount(trade: Any) -> None:
    trade_rows.record_fill(trade, replace(SELL, filled=0.0))
    assert fields_of(trade, "7") == []
    for filled, booked in ((0.25, 0.25), (0.25, 0.25), (0.75, 0.75), (0.5, 0.75)):
        trade_rows.record_fill(trade, replace(SELL, filled=filled))
        assert fields_of(trade, "7") == [(booked, "closed", False, None, "take")]
        assert trade.amount == pytest.approx(2.0 - booked)


def test_the_fills_of_a_ladder_are_stored_with_one_commit(trade: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """An exit is behind it: each commit may wait for a slow disk, or for a lock."""
    commits: list[None] = []
    commit = Trade.commit
    monkeypatch.setattr(Trade, "commit", lambda: commits.append(None) or commit())
    orders = [SELL, replace(SELL, client_id="k-1-x-9", order_id="9", filled=0.5), BUY]
    assert trade_rows.record_fills(trade, orders)
    assert trade_rows.record_fills(trade, orders)
    assert len(commits) == 1
    assert trade.amount == pytest.approx(2.0 - 0.75 + 0.25 * 0.999)


def test_the_fee_of_a_buy_is_an_estimate_in_base_coins(trade: Any) -> None:
    trade_rows.record_fill(trade, BUY)
    trade_rows.record_fill(trade, replace(BUY, filled=0.5))
    assert fields_of(trade, "8") == [(0.5, "closed", False, 0.5 * 0.001, "take")]


@pytest.mark.parametrize(("order", "fee", "fee_base"), [(SELL, 0.1, None), (BUY, 0.1, 0.1), (BUY, None, 0.00025)])
def test_an_ended_order_is_handed_over_with_its_exact_fee(
    trade: Any, order: TrackedOrder, fee: float | None, fee_base: float | None
) -> None:
    assert not trade_rows.hand_to_freqtrade(trade, order, lambda _: fee)
    trade_rows.record_fill(trade, order)
    assert not trade_rows.is_open(trade, order)
    assert trade_rows.hand_to_freqtrade(trade, order, lambda _: fee)
    assert trade_rows.is_open(trade, order)
    assert trade_rows.hand_to_freqtrade(trade, order, lambda _: 5.0)
    trade_rows.record_fill(trade, replace(order, filled=0.5))
    assert fields_of(trade, order.order_id or "") == [(0.25, "open", True, fee_base, "take")]


@pytest.mark.parametrize(
    ("filled", "given", "reason"),
    [(1.9, None, None), (2.0, None, "ladder"), (2.0, "stop_loss", "stop_loss")],
    ids=["coins are left", "none are left", "an exit has sold before"],
)
def test_a_trade_that_its_ladder_ends_has_that_as_exit_reason(
    trade: Any, filled: float, given: str | None, reason: str | None
) -> None:
    trade.exit_reason = given
    trade.orders[0].ft_fee_base = 0.0
    last = replace(SELL, amount=2.0, filled=filled)
    trade_rows.record_fill(trade, last)
    assert trade.exit_reason == given
    assert trade_rows.hand_to_freqtrade(trade, last, lambda _: None)
    assert trade.exit_reason == reason


def test_a_row_of_another_trade_is_not_written_again(trade: Any) -> None:
    other: Any = Trade(
        pair="BTC/USDT", exchange="bitgetcross", open_rate=1.0, amount=1.0, stake_amount=1.0, fee_open=0.0
    )
    other.fee_close, other.leverage = 0.0, 1.0
    Trade.session.add(other)
    trade_rows.record_fill(other, SELL)
    trade_rows.record_fill(trade, SELL)
    assert (len(fields_of(other, "7")), fields_of(trade, "7")) == (1, [])


# -- shorts -----------------------------------------------------------------------------------------------------------

ENTRY = {"id": "1", "side": "sell", "status": "closed", "type": "limit", "symbol": "BTC/USDT", "timestamp": 1}
COVER = replace(BUY, order_id="9", amount=0.5, sent=0.6, filled=0.0, average=None)


@pytest.fixture
def short() -> Iterator[Any]:
    """Return a short of 2 coins at 100, in a database of its own."""
    init_db("sqlite://")
    made: Any = Trade(
        pair="BTC/USDT",
        exchange="bitgetcross",
        is_short=True,
        open_rate=100.0,
        amount=2.0,
        stake_amount=200.0,
        fee_open=0.001,
        fee_close=0.001,
        open_date=OPENED,
        is_open=True,
        leverage=1.0,
        trading_mode="FUTURES",
        amount_precision=0.0001,
        precision_mode=4,
    )
    sold = {**ENTRY, "amount": 2.0, "filled": 2.0, "average": 100.0, "price": 100.0, "cost": 200.0, "remaining": 0.0}
    made.orders.append(trade_rows.FreqtradeOrder.parse_from_ccxt_object(sold, "BTC/USDT", "sell", 2.0, 100.0))
    Trade.session.add(made)
    Trade.commit()
    yield made
    close_database()


def test_covers_reduce_a_short_by_their_net_amounts(short: Any) -> None:
    assert remaining_amount(short) == 2.0
    half = replace(COVER, filled=0.25, average=90.0)
    assert trade_rows.unrecorded(short, [half]) == -0.25
    trade_rows.record_fill(short, half)
    assert (remaining_amount(short), short.amount) == (1.75, 1.75)
    row = short.orders[-1]
    assert row.average * 0.25 == pytest.approx(row.cost)
    trade_rows.record_fill(short, replace(COVER, filled=0.5, average=90.0))
    assert fields_of(short, "9") == [(0.5, "closed", False, None, "take")], "no fee in coins: they are owed"
    assert (remaining_amount(short), short.amount) == (1.5, 1.5)


def test_no_fee_of_a_cover_is_asked_for_as_it_is_handed_over(short: Any) -> None:
    filled = replace(COVER, phase=Phase.ENDED, filled=0.5, average=90.0)
    trade_rows.record_fill(short, filled)
    assert trade_rows.hand_to_freqtrade(short, filled, lambda _: pytest.fail("asked for"))
    assert trade_rows.is_open(short, filled)
    assert remaining_amount(short) == 1.5, "an open exit counts with its fills"


def booking() -> Any:
    """Return freqtrade's bot, as far as it books the fee of an order; it fails where it asks for fills."""
    exchange: Any = SimpleNamespace(
        order_has_fee=BitgetExchange.order_has_fee,
        get_pair_base_currency=lambda _: "BTC",
        get_trades_for_order=lambda *_: pytest.fail("fills are asked for"),
    )
    exchange.calculate_fee_rate = partial(BitgetExchange.calculate_fee_rate, exchange)
    exchange.extract_cost_curr_rate = partial(BitgetExchange.extract_cost_curr_rate, exchange)
    bot: Any = SimpleNamespace(exchange=exchange)
    for name in ("handle_order_fee", "get_real_amount", "fee_detection_from_trades", "_trades_valid_for_fee"):
        setattr(bot, name, partial(getattr(FreqtradeBot, name), bot))
    return bot


@pytest.mark.parametrize(
    ("amount", "filled", "net", "net_filled"),
    [
        (0.5006, 0.0, 0.5, 0.0),  # the lots below what the fee leaves
        (0.5005, 0.0, 0.4999, 0.0),
        (0.5006, 0.5006, 0.5, 0.5),
        (0.5006, 0.2503, 0.5, 0.25),
        (1.9621, 0.0, 2.0, 0.0),  # nearly all of the trade: sent for all of it
        (2.0421, 2.0421, 2.0, 2.0),  # with its interest
        (1.95, 0.0, 1.948, 0.0),
        (0.00005, 0.0, 0.00005, 0.0),  # less than a lot
    ],
)
def test_a_cover_that_was_found_without_a_record_closes_what_its_fee_leaves(
    short: Any, amount: float, filled: float, net: float, net_filled: float
) -> None:
    found = trade_rows.as_cover(short, replace(BUY, amount=amount, filled=filled, average=90.0))
    assert (found.amount, found.sent, found.filled) == (net, amount, pytest.approx(net_filled))
    assert trade_rows.as_cover(short, found) is found


@pytest.mark.parametrize(("coin", "net"), [("USDT", 0.5), (None, 0.5), ("BGB", 0.5006)])
def test_a_cover_whose_fee_is_paid_in_another_coin_closes_all_that_it_has_bought(
    short: Any, coin: str | None, net: float
) -> None:
    short.fee_open_currency = coin
    found = trade_rows.as_cover(short, replace(BUY, amount=0.5006, filled=0.5006, average=90.0))
    assert (found.amount, found.sent, found.filled) == (net, 0.5006, pytest.approx(net))


def test_only_covers_of_shorts_are_told_in_net_coins(short: Any) -> None:
    long = SimpleNamespace(exit_side="sell")
    assert trade_rows.as_cover(long, BUY) is BUY
    assert trade_rows.as_cover(long, SELL) is SELL
    assert trade_rows.as_cover(short, SELL) is SELL
    nothing = replace(BUY, amount=0.0)
    assert trade_rows.as_cover(short, nothing) is nothing


def test_an_exit_is_told_by_the_direction_of_its_trade(short: Any) -> None:
    trade_rows.record_fill(short, replace(COVER, filled=0.5, average=90.0))
    entry, cover = short.orders
    assert (trade_rows.is_exit(entry), trade_rows.is_exit(cover)) == (False, True)
