"""Rows of a classic account's responses: orders, fills, balances and batch items."""

from collections.abc import Sequence
from decimal import Decimal

from bitget_margin.emulator.api.request import Row
from bitget_margin.emulator.behaviour.knobs import EmptyLists, Knobs
from bitget_margin.emulator.market.balance_changes import BalanceChange
from bitget_margin.emulator.market.decimals import EXACT, ZERO, write_decimal
from bitget_margin.emulator.market.loan_records import LiquidationRecord
from bitget_margin.emulator.market.orders import BGB, Fill, Order, Status
from bitget_margin.emulator.market.symbol import Symbol
from bitget_margin.emulator.market.wallet import Balance, Debt

_AVERAGE_DECIMALS = 12
RISK_DECIMALS = 8
"""Decimals of risk ratios and margins."""
_PUSHED_DECIMALS = 9
"""Decimals of numbers in pushed rows, as captured."""


def average_price(order: Order) -> str:
    """Return the average price of an order in quote coins; 0 without a trade."""
    average = EXACT.divide(order.quote_filled, order.filled) if order.filled else ZERO
    return write_decimal(round(average, _AVERAGE_DECIMALS))


def status_text(order: Order, partial_status: str) -> str:
    """Return the status of an order, with the given spelling if it is partly filled."""
    return partial_status if order.status is Status.PARTIALLY_FILLED else order.status.value


def side_text(order: Order, join: str) -> str:
    """Return the side of an order, with a prefix in a liquidation.

    :param join: character between prefix and side, which differs between the pages
    """
    return f"liquidation{join}{order.side.value}" if order.is_liquidation else order.side.value


def order_row(order: Order, partial_status: str) -> Row:
    """Return the row of open-orders and history-orders.

    :param partial_status: spelling of the status of a partly filled order
    """
    return {
        "orderId": order.order_id,
        "symbol": order.symbol,
        "orderType": order.order_type.value,
        "enterPointSource": _source(order),
        "clientOid": order.client_oid,
        "loanType": order.loan_type.value,
        "price": write_decimal(order.price),
        "side": side_text(order, "-"),
        "status": status_text(order, partial_status),
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
    """Return the row of a websocket push, without the symbol, which the documents list but no capture has.

    :param fills: fills of the order, oldest first
    :param partial_status: spelling of the status of a partly filled order
    """
    return {
        "force": order.force.value,
        "orderType": order.order_type.value,
        "price": _padded(order.price),
        "quoteSize": _padded(order.quote_size),
        "side": side_text(order, "-"),
        "feeDetail": [_fee(coin, fee) for coin, fee in fees_by_coin(fills).items()],
        "enterPointSource": _source(order).lower(),
        "status": status_text(order, partial_status),
        "baseSize": _padded(order.base_size),
        "cTime": str(order.created_ms),
        "uTime": str(order.updated_ms),
        "clientOid": order.client_oid,
        # Price of the last trade; the other amounts are sums.
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
        "side": side_text(fill.order, "_"),
        "priceAvg": write_decimal(fill.price),
        "size": write_decimal(fill.size),
        "amount": write_decimal(fill.amount),
        "tradeScope": fill.scope.value,
        "feeDetail": _fee(fill.fee_coin, fill.fee),
        "cTime": str(fill.at_ms),
        "uTime": str(fill.at_ms),
    }


def change_row(change: BalanceChange, *, signed: bool) -> Row:
    """Return the row of a financial record."""
    amount = change.amount if signed else abs(change.amount)
    return {
        "marginId": change.change_id,
        "amount": write_decimal(amount),
        "coin": change.coin,
        "balance": write_decimal(change.balance),
        "fee": write_decimal(-change.fee),
        "marginType": change.kind.value,
        "uTime": str(change.at_ms),
        "cTime": str(change.at_ms),
    }


def liquidation_row(liquidation: LiquidationRecord) -> Row:
    """Return the row of a liquidation."""
    time = str(liquidation.at_ms)
    return {
        "liqId": liquidation.liquidation_id,
        "liqStartTime": time,
        "liqEndTime": time,
        "liqRiskRatio": write_decimal(round(liquidation.risk, RISK_DECIMALS)),
        "totalAssets": write_decimal(liquidation.assets),
        "totalDebt": write_decimal(liquidation.debts),
        "liqFee": write_decimal(liquidation.fee),
        "uTime": time,
        "cTime": time,
    }


def liquidation_order_row(order: Order) -> Row:
    """Return the row of an order that the venue has placed to liquidate an account."""
    price, size = average_price(order), write_decimal(order.filled)
    return {
        "symbol": order.symbol,
        "orderType": order.order_type.value,
        "side": side_text(order, "-"),
        "priceAvg": price,
        "price": price,
        "fillSize": size,
        "size": size,
        "amount": write_decimal(order.quote_filled),
        "orderId": order.order_id,
        **dict.fromkeys(("fromCoin", "toCoin", "fromSize", "toSize"), ""),
        "cTime": str(order.created_ms),
        "uTime": str(order.updated_ms),
    }


def asset_row(coin: str, balance: Balance, debt: Debt, created_ms: int, now_ms: int) -> Row:
    """Return the row of a coin in the cross margin account's assets."""
    total = EXACT.add(balance.available, balance.frozen)
    return {
        "coin": coin,
        "totalAmount": write_decimal(total),
        "available": write_decimal(balance.available),
        "frozen": write_decimal(balance.frozen),
        "borrow": write_decimal(debt.principal),
        "interest": write_decimal(debt.interest),
        "net": write_decimal(EXACT.subtract(total, debt.total)),
        "coupon": "0",
        "cTime": str(created_ms),
        "uTime": str(now_ms),
    }


def pushed_asset_row(coin: str, balance: Balance, debt: Debt, uid: str, now_ms: int) -> Row:
    """Return the row of a coin that the websocket pushes."""
    return {
        "uTime": str(now_ms),
        "id": uid,
        "coin": coin,
        "available": write_decimal(balance.available),
        "borrow": write_decimal(debt.principal),
        "frozen": write_decimal(balance.frozen),
        "interest": write_decimal(debt.interest),
        "coupon": "0",
    }


def fee_rate_row(symbol: Symbol) -> Row:
    """Return the fees of a symbol."""
    return {"makerFeeRate": write_decimal(symbol.maker_fee_rate), "takerFeeRate": write_decimal(symbol.taker_fee_rate)}


def batch_lists(knobs: Knobs, successes: list[Row], failures: list[Row]) -> Row:
    """Return the data of a batch response."""
    null = knobs.empty_lists is EmptyLists.NULL
    return {
        "successList": None if null and not successes else successes,
        "failureList": None if null and not failures else failures,
    }


def failure_reason(knobs: Knobs, code: str, text: str) -> Row:
    """Return the fields of a failed item's row that give the reason."""
    reason: Row = {"errorMsg": text}
    return reason | {"errorCode": code} if knobs.failure_code else reason


def fees_by_coin(fills: Sequence[Fill]) -> dict[str, Decimal]:
    """Return the paid fees by coin."""
    paid: dict[str, Decimal] = {}
    for fill in fills:
        paid[fill.fee_coin] = EXACT.add(paid.get(fill.fee_coin, ZERO), fill.fee)
    return paid


def _source(order: Order) -> str:
    return "SYS" if order.is_liquidation else "API"


def _fee(coin: str, fee: Decimal) -> Row:
    """Return a paid fee: below zero, except a deduction in BGB, as captured."""
    deducted = coin == BGB
    return {
        "deduction": "yes" if deducted else "no",
        "feeCoin": coin,
        "totalDeductionFee": "0",
        "totalFee": write_decimal(fee if deducted else -fee),
    }


def _padded(number: Decimal) -> str:
    return f"{number:.{_PUSHED_DECIMALS}f}"
