"""The demo's comparison of freqtrade's books with the venue finds every difference."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest

from bitget_margin.cli.demo.request_log import What
from bitget_margin.cli.demo.verify import Books, Entry, Truth, compare
from bitget_margin.emulator import Order
from bitget_margin.emulator.market.order import Force, LoanType, OrderType, Side, Status

SENT = (What.PLACE, What.LADDER, What.BATCH, What.PLACE)
Twist = Callable[[Books, Truth], tuple[Books, Truth]]


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


def honest() -> tuple[Books, Truth]:
    """Return a trade on which both sides agree: 2 bought, one rung filled, one partly, one not, and the rest sold."""
    truth = Truth(
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
    books = Books(
        open=False,
        profit=15.82396,
        stake=200.0,
        own={
            "1": Entry("entry", "buy", 2.0, 100.0, fee_base=0.002),
            "2": Entry("rung 1", "sell", 0.5, 110.0),
            "3": Entry("rung 2", "sell", 0.25, 120.0),
            "5": Entry("exit", "sell", 1.248, 105.0),
        },
        resting={
            "2": Entry("rung 1", "sell", 0.5, 110.0),
            "3": Entry("rung 2", "sell", 0.25, 120.0),
            "4": Entry("rung 3", "sell", 0.0, None),
        },
    )
    return books, truth


def own(order_id: str, **changes: object) -> Twist:
    """Change an order of freqtrade's."""
    return lambda books, truth: (
        replace(books, own={**books.own, order_id: replace(books.own[order_id], **changes)}),  # type: ignore[arg-type]
        truth,
    )


def without_own(books: Books, truth: Truth) -> tuple[Books, Truth]:
    return replace(books, own={key: entry for key, entry in books.own.items() if key != "3"}), truth


def without_resting(books: Books, truth: Truth) -> tuple[Books, Truth]:
    return replace(books, resting={key: entry for key, entry in books.resting.items() if key != "4"}), truth


def resting_filled(books: Books, truth: Truth) -> tuple[Books, Truth]:
    return replace(books, resting={**books.resting, "4": Entry("rung 3", "sell", 0.1, 130.0)}), truth


def still_live(books: Books, truth: Truth) -> tuple[Books, Truth]:
    orders = [replace(order, status=Status.LIVE) if order.order_id == "4" else order for order in truth.orders]
    return books, replace(truth, orders=tuple(orders))


def unknown_to_the_venue(books: Books, truth: Truth) -> tuple[Books, Truth]:
    return books, replace(truth, orders=tuple(order for order in truth.orders if order.order_id != "4"))


def sent(*what: What) -> Twist:
    """Change what was sent."""
    return lambda books, truth: (books, replace(truth, sent=what))


def test_nothing_is_found_where_both_agree() -> None:
    """Also where the last bits of an average differ, and the profit within 0.001 % of the stake."""
    books, truth = own("3", average=120.0 * (1 + 1e-15))(*honest())
    for profit in (15.82396, 15.82396 + 0.0019, 15.82396 - 0.0019):
        comparison = compare(replace(books, profit=profit), truth)
        assert comparison.faults == ()
        assert [line.books.name for line in comparison.lines if line.books] == [
            "entry",
            "rung 1",
            "rung 2",
            "rung 3",
            "exit",
        ]


@pytest.mark.parametrize(
    ("twist", "says"),
    [
        (own("2", side="buy"), "order 2 (rung 1): freqtrade has a buy, the venue a sell"),
        (own("2", filled=0.5000000000000001), "order 2 (rung 1): freqtrade has 0.5000000000000001 filled"),
        (own("3", average=120.0 * (1 + 1e-11)), "order 3 (rung 2): freqtrade has the average 120.0000000012"),
        (own("3", average=None), "order 3 (rung 2): freqtrade has the average None, the venue 120.0"),
        (own("5", filled=1.2479), "sold: 1.9979 of 2 bought"),
        (own("1", fee_base=0.0), "sold: 1.998 of 2 bought, fee 0;"),
        (without_own, "order 3 is not among freqtrade's orders"),
        (without_resting, "order 4 is not among freqtrade's orders"),
        (resting_filled, "order 4 (rung 3): freqtrade has 0.1 filled, the venue 0"),
        (still_live, "live orders left on the venue: 4"),
        (unknown_to_the_venue, "freqtrade has orders that the venue does not know: 4"),
        (lambda b, t: (replace(b, open=True), t), "the trade is still open"),
        (lambda b, t: (replace(b, profit=15.82396 + 0.0021), t), "realised profit: freqtrade has +15.826060"),
        (lambda b, t: (b, replace(t, base=Decimal("0.0001"))), "the venue's wallet has 0.0001 left"),
        (sent(*SENT[:2], SENT[3]), "requests, in order: place-order, batch-place-order, place-order"),
        (sent(*SENT[:2], SENT[3], SENT[2]), "requests, in order:"),
        (sent(*SENT[:3], *SENT[2:]), "requests, in order:"),
        (sent(*SENT[:2], What.CANCEL, *SENT[2:]), "requests, in order:"),
        (sent(SENT[0], SENT[1], *SENT[1:]), "requests, in order:"),
    ],
)
def test_every_planted_difference_is_found(twist: Twist, says: str) -> None:
    """Told with the numbers of both sides."""
    faults = compare(*twist(*honest())).faults
    assert any(says in fault for fault in faults), faults
