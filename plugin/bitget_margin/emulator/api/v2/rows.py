"""Orders, fills and balances as the venue writes them."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from bitget_margin.emulator.market.decimals import EXACT, ZERO, write_decimal
from bitget_margin.emulator.market.order import BGB, Fill, Order, Status
from bitget_margin.emulator.market.wallet import Balance

Row = dict[str, object]
_AVERAGE_DECIMALS = 12
#: As captured: no amount here needs more.
_PUSHED_DECIMALS = 9


def average_price(order: Order) -> str:
    """Return what was paid for a base coin on average, in quote coins; 0 when nothing was traded."""
    average = EXACT.divide(order.quote_filled, order.filled) if order.filled else ZERO
    return write_decimal(round(average, _AVERAGE_DECIMALS))


def order_row(order: Order, partial_status: str) -> Row:
    """Return the row of open-orders and history-orders.

    :param partial_status: how to spell the status of a partly filled order
    """
    return {
        "orderId": order.order_id,
        "symbol": order.symbol,
        "orderType": order.order_type.value,
        "enterPointSource": "API",
        "clientOid": order.client_oid,
        "loanType": order.loan_type.value,
        "price": write_decimal(order.price),
        "side": order.side.value,
        "status": partial_status if order.status is Status.PARTIALLY_FILLED else order.status.value,
        "baseSize": write_decimal(order.base_size),
        "quoteSize": write_decimal(order.quote_size),
        "priceAvg": average_price(order),
        "size": write_decimal(order.filled),
        "amount": write_decimal(order.quote_filled),
        "force": order.force.value,
        "cTime": str(order.created_ms),
        "uTime": str(order.updated_ms),
    }


def pushed_row(order: Order, fills: Sequence[Fill], partial_status: str) -> Row:
    """Return the row that a websocket gets, without the symbol, which its page lists but no capture has.

    :param fills: the order's own, oldest first
    :param partial_status: how to spell the status of a partly filled order
    """
    return {
        "force": order.force.value,
        "orderType": order.order_type.value,
        "price": _padded(order.price),
        "quoteSize": _padded(order.quote_size),
        "side": order.side.value,
        "feeDetail": [_fee(coin, fee) for coin, fee in fees_by_coin(fills).items()],
        "enterPointSource": "api",
        "status": partial_status if order.status is Status.PARTIALLY_FILLED else order.status.value,
        "baseSize": _padded(order.base_size),
        "cTime": str(order.created_ms),
        "uTime": str(order.updated_ms),
        "clientOid": order.client_oid,
        # That of the last trade; the others are sums.
        "fillPrice": _padded(fills[-1].price if fills else ZERO),
        "baseVolume": _padded(order.filled),
        "fillTotalAmount": _padded(order.quote_filled),
        "loanType": order.loan_type.value,
        "orderId": order.order_id,
        "stpMode": order.self_trade.value,
    }


def fill_row(fill: Fill) -> Row:
    """Return the row of fills."""
    return {
        "orderId": fill.order.order_id,
        "tradeId": fill.trade_id,
        "orderType": fill.order.order_type.value,
        "side": fill.order.side.value,
        "priceAvg": write_decimal(fill.price),
        "size": write_decimal(fill.size),
        "amount": write_decimal(fill.amount),
        "tradeScope": fill.scope.value,
        "feeDetail": _fee(fill.fee_coin, fill.fee),
        "cTime": str(fill.at_ms),
        "uTime": str(fill.at_ms),
    }


def asset_row(coin: str, balance: Balance, debt: Decimal, created_ms: int, now_ms: int) -> Row:
    """Return the row of the crossed margin account's assets."""
    total = EXACT.add(balance.available, balance.frozen)
    return {
        "coin": coin,
        "totalAmount": write_decimal(total),
        "available": write_decimal(balance.available),
        "frozen": write_decimal(balance.frozen),
        "borrow": write_decimal(debt),
        "interest": "0",
        "net": write_decimal(EXACT.subtract(total, debt)),
        "coupon": "0",
        "cTime": str(created_ms),
        "uTime": str(now_ms),
    }


def fees_by_coin(fills: Sequence[Fill]) -> dict[str, Decimal]:
    """Return what was paid of each coin."""
    paid: dict[str, Decimal] = {}
    for fill in fills:
        paid[fill.fee_coin] = EXACT.add(paid.get(fill.fee_coin, ZERO), fill.fee)
    return paid


def _fee(coin: str, fee: Decimal) -> Row:
    """Return what was paid: below zero, but for a deduction in BGB, as captured."""
    deducted = coin == BGB
    return {
        "deduction": "yes" if deducted else "no",
        "feeCoin": coin,
        "totalDeductionFee": "0",
        "totalFee": write_decimal(fee if deducted else -fee),
    }


def _padded(number: Decimal) -> str:
    return f"{number:.{_PUSHED_DECIMALS}f}"
