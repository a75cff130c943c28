"""Promise: coins only move by fills and fees, and exactly what live orders need is frozen."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from bitget_margin.emulator import Account, Emulator, Symbol, VenueError

from .client import FakeClock

ODD = Symbol("ODDUSDT", "ODD", "USDT", Decimal("0.0333"), price_precision=6, quantity_precision=3)
BTC = Symbol("BTCUSDT", "BTC", "USDT", Decimal(60000))
SYMBOLS = {symbol.symbol: symbol for symbol in (BTC, ODD)}
UIDS = ("1001", "1002")
WALLET = {"USDT": "5000.123456789", "BTC": "0.1", "ODD": "99999.999"}

numbers = st.integers(min_value=0, max_value=10_000)


def scaled(number: int, reference: Decimal, decimals: int) -> str:
    """Return a number around half to one and a half of a reference."""
    return format((reference * (5000 + number) / 10000).quantize(Decimal(1).scaleb(-decimals)), "f")


@st.composite
def actions(draw: st.DrawFn) -> Callable[[Emulator, FakeClock], None]:
    """Draw something that a customer, the owner or the market does."""
    symbol = draw(st.sampled_from([BTC, ODD]))
    uid, number, size = draw(st.sampled_from(UIDS)), draw(numbers), draw(numbers)
    price = scaled(number, symbol.start_price, symbol.price_precision)
    base = scaled(size, Decimal(1000) / symbol.start_price, symbol.quantity_precision)
    kind = draw(st.sampled_from(["place", "place", "place", "market", "cancel", "price", "fill"]))
    side = draw(st.sampled_from(["buy", "sell"]))
    force = draw(st.sampled_from(["gtc", "gtc", "gtc", "post_only", "ioc", "fok"]))

    def place(venue: Emulator, _clock: FakeClock) -> None:
        fields = {"symbol": symbol.symbol, "side": side, "force": force, "price": price, "baseSize": base}
        venue.place(uid, fields)

    def market(venue: Emulator, _clock: FakeClock) -> None:
        fields = {"symbol": symbol.symbol, "side": side, "orderType": "market", "baseSize": base, "quoteSize": "77.7"}
        venue.place(uid, fields)

    def cancel(venue: Emulator, _clock: FakeClock) -> None:
        live = venue.orders(live_only=True)
        if live:
            venue.cancel(live[number % len(live)].order_id)

    def move(venue: Emulator, clock: FakeClock) -> None:
        clock.advance(number)
        venue.set_price(symbol.symbol, price, liquidity=base if size % 2 else None)

    def fill(venue: Emulator, _clock: FakeClock) -> None:
        live = venue.orders(live_only=True)
        if live:
            order = live[number % len(live)]
            half = ((order.base_size - order.filled) / 2).quantize(Decimal("0.001"))
            venue.fill(order.order_id, half if half and size % 2 else None)

    return {"place": place, "market": market, "cancel": cancel, "price": move, "fill": fill}[kind]


def expected_totals(venue: Emulator, uid: str) -> dict[str, Decimal]:
    """Return what an account must own after its fills, computed from the orders alone."""
    totals = {coin: Decimal(amount) for coin, amount in WALLET.items()}
    for order in venue.orders(uid):
        symbol = SYMBOLS[order.symbol]
        sign = 1 if order.side == "buy" else -1
        totals[symbol.base] += sign * order.filled
        totals[symbol.quote] -= sign * order.quote_filled
        # Maker and taker fees are equal here, so a fee follows from the order alone.
        received, coin = (order.filled, symbol.base) if sign > 0 else (order.quote_filled, symbol.quote)
        totals[coin] -= received * symbol.maker_fee_rate
    return totals


def assert_exact(venue: Emulator) -> None:
    """Check every balance against the orders."""
    for uid in UIDS:
        balances: dict[str, Any] = venue.balances(uid)
        needed = dict.fromkeys(WALLET, Decimal(0))
        for order in venue.orders(uid, live_only=True):
            left = order.base_size - order.filled
            assert left > 0
            symbol = SYMBOLS[order.symbol]
            needed[symbol.quote if order.side == "buy" else symbol.base] += (
                left * order.price if order.side == "buy" else left
            )
        assert {coin: frozen for coin, (_, frozen) in balances.items()} == needed
        assert {coin: sum(pair) for coin, pair in balances.items()} == expected_totals(venue, uid)
        assert all(amount >= 0 for pair in balances.values() for amount in pair)


@settings(max_examples=150, deadline=None)
@given(st.lists(actions(), max_size=30))
def test_random_trading_conserves_money(steps: list[Callable[[Emulator, FakeClock], None]]) -> None:
    clock = FakeClock()
    venue = Emulator(accounts=tuple(Account(uid=uid, balances=WALLET) for uid in UIDS), symbols=(BTC, ODD), clock=clock)
    for step in steps:
        try:
            step(venue, clock)
        except VenueError as refusal:
            assert refusal.refusal.code in ("43012", "45110")  # noqa: PT017 - most steps are not refused
        assert_exact(venue)
