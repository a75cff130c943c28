"""Promise: whenever freqtrade asks for the interest and books it, each charge is in its books exactly once."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from freqtrade.persistence import LocalTrade, Order
from hypothesis import given, settings
from hypothesis import strategies as st

from bitget_margin.freqtrade.interest import (
    Charge,
    InterestRates,
    booked,
    interest_of_long,
    simulated_interest,
    span,
    unbooked,
)

START = datetime(2026, 1, 1, tzinfo=UTC)
RATES = InterestRates({"USDT": 0.0024, "BTC": 0.0024}, 1.0)
HOURLY = 0.0001
MARK = 7.0
LAST_MINUTE = 3_000
minutes = st.integers(0, LAST_MINUTE)
sizes = st.floats(0.01, 100)


def order(side: str, amount: float, price: float, minute: int) -> Order:
    """Return a filled order row of freqtrade's."""
    moment = START + timedelta(minutes=minute)
    fields: Any = {
        "ft_is_open": False,
        "ft_amount": amount,
        "status": "closed",
        "ft_pair": "BTC/USDT",
        "ft_price": price,
    }
    return Order(
        **fields,
        ft_order_side=side,
        order_id=f"{minute}",
        amount=amount,
        filled=amount,
        price=price,
        average=price,
        order_date=moment,
        order_filled_date=moment,
    )


@st.composite
def trades(draw: st.DrawFn, *, is_short: bool | None = None) -> Any:
    """Return a trade with entries and partial exits, one order at a minute."""
    short = draw(st.booleans()) if is_short is None else is_short
    times = sorted(draw(st.sets(minutes, min_size=1, max_size=6)))
    trade = LocalTrade(
        pair="BTC/USDT",
        base_currency="BTC",
        stake_currency="USDT",
        open_date=START + timedelta(minutes=times[0]),
        fee_open=0.0,
        open_rate=1.0,
        is_short=short,
        leverage=draw(st.floats(1, 5)),
    )
    trade.orders, held = [], 0.0
    for minute in times:
        enters = held == 0 or draw(st.booleans())
        amount = draw(sizes) if enters else held * draw(st.floats(0.1, 0.9))
        held += amount if enters else -amount
        side = trade.entry_side if enters else trade.exit_side
        trade.orders.append(order(side, amount, draw(sizes), minute))
    return trade


def minute_by_minute(trade: Any, until: int) -> float:
    """Return the interest as a clock would charge it."""
    by_minute = {int(known.order_id): known for known in trade.orders}
    total = coins = owed = 0.0
    for minute in range(until + 1):
        if minute % 60 == 0:
            total += owed * HOURLY
        found = by_minute.get(minute)
        if found is None:
            continue
        amount = found.filled
        if found.ft_order_side == trade.entry_side:
            lent = amount * MARK if trade.is_short else amount * found.price * (1 - 1 / trade.leverage)
            coins, owed, total = coins + amount, owed + lent, total + lent * HOURLY
        else:
            owed *= 1 - amount / coins
            coins -= amount
    return total


@settings(deadline=None)
@given(trades(), minutes)
def test_simulated_interest_is_that_of_a_clock(trade: Any, until: int) -> None:
    found = simulated_interest(trade, START + timedelta(minutes=until), RATES, MARK)
    assert found == pytest.approx(minute_by_minute(trade, until), rel=1e-9, abs=1e-12)


@settings(deadline=None)
@given(trades(), st.sets(minutes, max_size=20))
def test_each_charge_is_booked_once_whenever_freqtrade_asks(trade: Any, asked: set[int]) -> None:
    rows, trade.orders = trade.orders, []
    pending = {int(row.order_id): row for row in rows}
    for minute in sorted({*asked, *pending}):
        if minute in pending:
            row = pending[minute]
            trade.orders.append(row)
            row.funding_fee, trade.funding_fee_running = trade.funding_fee_running, 0.0
        if minute in asked:
            trade.set_funding_fees(unbooked(trade, _interest(trade, minute)))
    left = unbooked(trade, _interest(trade, LAST_MINUTE))
    assert left <= 0
    assert -(booked(trade) + left) == pytest.approx(minute_by_minute(trade, LAST_MINUTE), rel=1e-9, abs=1e-12)


def _interest(trade: Any, minute: int) -> float:
    return simulated_interest(trade, START + timedelta(minutes=minute), RATES, MARK)


@settings(deadline=None)
@given(st.lists(trades(is_short=False), min_size=1, max_size=4), st.lists(st.tuples(sizes, minutes), max_size=8))
def test_the_shares_of_all_longs_are_the_whole(known: list[Any], charged: list[tuple[float, int]]) -> None:
    epoch_ms = int(START.timestamp() * 1_000)
    charges = [Charge("USDT", amount, epoch_ms + minute * 60_000) for amount, minute in charged]
    spans = [span(trade, None, None) for trade in known]
    shares = [interest_of_long(trade, charges, spans) for trade in known]
    borrowers = [own for own in spans if own.trade.leverage > 1]
    whole = sum(charge.amount for charge in charges if any(own.contains(charge) for own in borrowers))
    assert all(share >= 0 for share in shares)
    assert sum(shares) == pytest.approx(whole, rel=1e-9, abs=1e-12)
