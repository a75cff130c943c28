"""The demo's comparison of freqtrade's database with the venue finds every difference."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from bitget_margin.cli.demo.comparison import compare
from bitget_margin.cli.demo.request_log import RequestKind
from bitget_margin.cli.demo.snapshots import OrderSnapshot, TradeSnapshot, VenueSnapshot
from bitget_margin.emulator import Order
from bitget_margin.emulator.market.orders import Force, LoanType, OrderType, Side, Status

SENT = (RequestKind.PLACE, RequestKind.BATCH_PLACE, RequestKind.BATCH_CANCEL, RequestKind.PLACE)
Twist = Callable[[TradeSnapshot, VenueSnapshot], tuple[TradeSnapshot, VenueSnapshot]]


def order(order_id: str, side: Side, size: str, price: str, filled: str, status: Status) -> Order:
    return Order(
        order_id=order_id,
        client_oid=f"c{order_id}",
        uid="1",
        symbol="ETHUSDT",
        side=side,
        order_type=OrderType.LIMIT,
        force=Force.GTC,
        loan_type=LoanType.NORMAL,
        price=Decimal(price),
        base_size=Decimal(size),
        quote_size=Decimal(0),
        created_ms=1,
        updated_ms=2,
        status=status,
        filled=Decimal(filled),
        quote_filled=Decimal(filled) * Decimal(price),
    )


def honest() -> tuple[TradeSnapshot, VenueSnapshot]:
    """Return a trade on which both sides agree: 2 bought, one rung filled, one partly, one not, and the rest sold."""
    on_venue = VenueSnapshot(
        orders=(
            order("1", Side.BUY, "2", "100", "2", Status.FILLED),
            order("2", Side.SELL, "0.5", "110", "0.5", Status.FILLED),
            order("3", Side.SELL, "0.5", "120", "0.25", Status.CANCELLED),
            order("4", Side.SELL, "0.5", "130", "0", Status.CANCELLED),
            order("5", Side.SELL, "1.248", "105", "1.248", Status.FILLED),
        ),
        sent=SENT,
        base=Decimal(0),
        gained=Decimal("15.82396"),
        lot=Decimal("0.0001"),
    )
    trade = TradeSnapshot(
        open=False,
        profit=15.82396,
        stake=200.0,
        own={
            "1": OrderSnapshot("entry", "buy", 2.0, 100.0, fee_base=0.002),
            "2": OrderSnapshot("rung 1", "sell", 0.5, 110.0),
            "3": OrderSnapshot("rung 2", "sell", 0.25, 120.0),
            "5": OrderSnapshot("exit", "sell", 1.248, 105.0),
        },
        resting={
            "2": OrderSnapshot("rung 1", "sell", 0.5, 110.0),
            "3": OrderSnapshot("rung 2", "sell", 0.25, 120.0),
            "4": OrderSnapshot("rung 3", "sell", 0.0, None),
        },
    )
    return trade, on_venue


def own(order_id: str, **changes: object) -> Twist:
    """Change an order of freqtrade's table of orders."""
    return lambda trade, on_venue: (
        replace(trade, own={**trade.own, order_id: replace(trade.own[order_id], **changes)}),  # type: ignore[arg-type]
        on_venue,
    )


def without(table: str, order_id: str) -> Twist:
    """Drop an order of one of freqtrade's tables."""
    return lambda trade, on_venue: (
        replace(trade, **{table: {key: each for key, each in getattr(trade, table).items() if key != order_id}}),
        on_venue,
    )


def on_the_venue(order_id: str, **changes: Any) -> Twist:
    """Change an order of the venue, or drop it."""
    return lambda trade, on_venue: (
        trade,
        replace(
            on_venue,
            orders=tuple(
                replace(each, **changes) if each.order_id == order_id else each
                for each in on_venue.orders
                if changes or each.order_id != order_id
            ),
        ),
    )


def resting_filled(trade: TradeSnapshot, on_venue: VenueSnapshot) -> tuple[TradeSnapshot, VenueSnapshot]:
    return replace(trade, resting={**trade.resting, "4": OrderSnapshot("rung 3", "sell", 0.1, 130.0)}), on_venue


def sent(*kinds: RequestKind) -> Twist:
    return lambda trade, on_venue: (trade, replace(on_venue, sent=kinds))


def test_nothing_is_found_where_both_agree() -> None:
    """Also where the last bits of an average differ, and the profit within 0.001 % of the stake."""
    trade, on_venue = own("3", average=120.0 * (1 + 1e-15))(*honest())
    for profit in (15.82396, 15.82396 + 0.0019, 15.82396 - 0.0019):
        comparison = compare(replace(trade, profit=profit), on_venue)
        assert comparison.differences == ()
        names = [each.in_freqtrade.name for each in comparison.orders if each.in_freqtrade]
        assert names == ["entry", "rung 1", "rung 2", "rung 3", "exit"]


def test_a_profit_that_differs_by_the_rounding_of_fees_is_explained() -> None:
    trade, on_venue = honest()
    (profit,) = [check for check in compare(replace(trade, profit=15.82556), on_venue).checks if "profit" in check.text]
    assert profit.holds
    assert profit.note.startswith("0.001600 USDT apart: freqtrade takes the fee of a buy")
    assert [
        check.note for check in compare(replace(trade, profit=float(on_venue.gained)), on_venue).checks if check.note
    ] == []


@pytest.mark.parametrize(
    ("twist", "message"),
    [
        (own("2", side="buy"), "order 2 (rung 1): freqtrade has a buy, the venue a sell"),
        (own("2", filled=0.5000000000000001), "order 2 (rung 1): freqtrade has 0.5000000000000001 filled"),
        (own("3", average=120.0 * (1 + 1e-11)), "order 3 (rung 2): freqtrade has the average 120.0000000012"),
        (own("3", average=None), "order 3 (rung 2): freqtrade has the average None, the venue 120.0"),
        (own("5", filled=1.2479), "sold: 1.9979 of 2 bought"),
        (own("1", fee_base=0.0), "sold: 1.998 of 2 bought, fee 0;"),
        (without("own", "3"), "order 3 is not among freqtrade's orders"),
        (without("resting", "4"), "order 4 is not among freqtrade's orders"),
        (resting_filled, "order 4 (rung 3): freqtrade has 0.1 filled, the venue 0"),
        (on_the_venue("4", status=Status.LIVE), "live orders left on the venue: 4"),
        (on_the_venue("4"), "freqtrade has orders that the venue does not know: 4"),
        (lambda b, t: (replace(b, open=True), t), "the trade is still open"),
        (lambda b, t: (replace(b, profit=15.82396 + 0.0021), t), "realised profit: freqtrade has +15.826060"),
        (lambda b, t: (b, replace(t, base=Decimal("0.0001"))), "the venue's wallet has 0.0001 left"),
        (sent(*SENT[:2], SENT[3]), "requests, in order: place-order, batch-place-order, place-order"),
        (sent(*SENT[:2], SENT[3], SENT[2]), "requests, in order:"),
        (sent(*SENT[:3], *SENT[2:]), "requests, in order:"),
        (sent(*SENT[:2], RequestKind.CANCEL, *SENT[2:]), "requests, in order:"),
        (sent(SENT[0], SENT[1], *SENT[1:]), "requests, in order:"),
    ],
)
def test_every_planted_difference_is_found(twist: Twist, message: str) -> None:
    """Described with the numbers of both sides."""
    differences = compare(*twist(*honest())).differences
    assert any(message in difference for difference in differences), differences
