"""The comparison of the demo with leverage finds every difference of the two trades and of the account."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from bitget_margin.cli.demo.leverage_comparison import LeverageBooks, compare_leverage
from bitget_margin.cli.demo.request_log import RequestKind
from bitget_margin.cli.demo.snapshots import OrderSnapshot, TradeSnapshot
from bitget_margin.emulator import Order
from bitget_margin.emulator.market.orders import Force, LoanType, OrderType, Side, Status

SENT = (RequestKind.PLACE, RequestKind.BATCH_PLACE, RequestKind.BATCH_CANCEL, RequestKind.PLACE)


def order(order_id: str, symbol: str, side: Side, filled: str, price: str, status: Status = Status.FILLED) -> Order:
    return Order(
        order_id=order_id,
        client_oid=f"c{order_id}",
        uid="1",
        symbol=symbol,
        side=side,
        order_type=OrderType.LIMIT,
        force=Force.GTC,
        loan_type=LoanType.NORMAL,
        price=Decimal(price),
        base_size=Decimal(filled) or Decimal(1),
        quote_size=Decimal(0),
        created_ms=1,
        updated_ms=2,
        status=status,
        filled=Decimal(filled),
        quote_filled=Decimal(filled) * Decimal(price),
    )


def honest() -> LeverageBooks:
    """Return a short of 0.1 BTC and a long of 1 ETH, each with one rung that did not fill."""
    short = TradeSnapshot(
        open=False,
        profit=100.0,
        stake=3_000.0,
        own={"1": OrderSnapshot("entry", "sell", 0.1, 60_000.0), "3": OrderSnapshot("exit", "buy", 0.1, 59_000.0)},
        resting={"2": OrderSnapshot("rung 1", "buy", 0.0, None)},
        pair="BTC/USDT",
        is_short=True,
        interest=0.1,
    )
    long = TradeSnapshot(
        open=False,
        profit=10.0,
        stake=1_000.0,
        own={"4": OrderSnapshot("entry", "buy", 1.0, 3_000.0), "6": OrderSnapshot("exit", "sell", 0.999, 3_010.0)},
        resting={"5": OrderSnapshot("rung 1", "sell", 0.0, None)},
        pair="ETH/USDT",
        interest=0.1,
    )
    return LeverageBooks(
        trades=(short, long),
        orders={
            "BTCUSDT": (
                order("1", "BTCUSDT", Side.SELL, "0.1", "60000"),
                order("2", "BTCUSDT", Side.BUY, "0", "58000", Status.CANCELLED),
                order("3", "BTCUSDT", Side.BUY, "0.100101", "59000"),
            ),
            "ETHUSDT": (
                order("4", "ETHUSDT", Side.BUY, "1", "3000"),
                order("5", "ETHUSDT", Side.SELL, "0", "3030", Status.CANCELLED),
                order("6", "ETHUSDT", Side.SELL, "0.999", "3010"),
            ),
        },
        sent={"BTCUSDT": SENT, "ETHUSDT": SENT},
        gained=Decimal("110.01"),
        borrowed={"BTC": Decimal("0.1"), "USDT": Decimal(2_000)},
        interest=0.2,
        owed={},
        warnings=("The margin level of the account is 0.7",),
    )


def in_trade(number: int, **changes: Any) -> Callable[[LeverageBooks], LeverageBooks]:
    """Change one of freqtrade's trades."""

    def twist(books: LeverageBooks) -> LeverageBooks:
        trades = list(books.trades)
        trades[number] = replace(trades[number], **changes)
        return replace(books, trades=trades)

    return twist


def with_(**changes: Any) -> Callable[[LeverageBooks], LeverageBooks]:
    """Change the account."""
    return lambda books: replace(books, **changes)


def cover(filled: float) -> Callable[[LeverageBooks], LeverageBooks]:
    """Change the amount that freqtrade has of the cover."""
    own = honest().trades[0].own
    return in_trade(0, own={**own, "3": replace(own["3"], filled=filled)})


def test_nothing_is_found_where_both_agree() -> None:
    """A cover is sent larger by its fee."""
    comparison = compare_leverage(honest())
    assert comparison.differences == ()
    assert len(comparison.orders) == 6


@pytest.mark.parametrize(
    ("twist", "message"),
    [
        (cover(0.1002), "order 3 (exit): freqtrade has 0.1002 filled, the venue 0.100101"),
        (cover(0.0998), "order 3 (exit)"),
        (in_trade(0, is_short=False), "order 3 (exit)"),
        (in_trade(0, open=True), "the BTC short is still open"),
        (in_trade(1, open=True), "the ETH long is still open"),
        (in_trade(1, profit=10.2), "realised profit"),
        (in_trade(1, interest=0.12), "interest: freqtrade has 0.220000, the venue 0.200000"),
        (in_trade(1, own={}), "order 4 is not among freqtrade's orders"),
        (lambda books: replace(books, trades=books.trades[:1]), "trades: BTC/USDT"),
        (with_(sent={"BTCUSDT": SENT[:2] + SENT[3:], "ETHUSDT": SENT}), "requests of the BTC short"),
        (with_(sent={"BTCUSDT": SENT, "ETHUSDT": (*SENT[:2], SENT[3], SENT[2])}), "requests of the ETH long"),
        (with_(sent={"BTCUSDT": (*SENT[:2], *SENT[1:]), "ETHUSDT": SENT}), "requests of the BTC short"),
        (with_(gained=Decimal(111)), "realised profit"),
        (with_(borrowed={"BTC": Decimal(0)}), "the venue has lent nothing"),
        (with_(owed={"BTC": Decimal("0.00000001")}), "owed at the end: 0.00000001 BTC"),
        (with_(warnings=()), "warnings of the margin level: 0"),
        (
            with_(
                orders={
                    **honest().orders,
                    "ETHUSDT": (
                        *honest().orders["ETHUSDT"][:2],
                        order("6", "ETHUSDT", Side.SELL, "0.999", "3010", Status.LIVE),
                    ),
                }
            ),
            "live orders left on the venue: 6",
        ),
    ],
)
def test_every_planted_difference_is_found(twist: Callable[[LeverageBooks], LeverageBooks], message: str) -> None:
    """Described with the numbers of both sides."""
    differences = compare_leverage(twist(honest())).differences
    assert any(message in difference for difference in differences), differences
