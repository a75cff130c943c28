"""Rows of a unified account's responses: orders, fills, balances and pairs."""

from collections.abc import Sequence
from decimal import Decimal

from bitget_margin.emulator.api.request import Row
from bitget_margin.emulator.api.v2.rows import RISK_DECIMALS, average_price, fees_by_coin, status_text
from bitget_margin.emulator.api.v3.category import Category, category_of
from bitget_margin.emulator.market.balance_changes import BalanceChange, ChangeKind
from bitget_margin.emulator.market.decimals import EXACT, ZERO, write_decimal
from bitget_margin.emulator.market.loans import Loans
from bitget_margin.emulator.market.orders import Fill, Force, Order, OrderType, Side, Status
from bitget_margin.emulator.market.symbol import PairStatus, Symbol
from bitget_margin.emulator.market.wallet import Balance

_NO_TRIGGERS: Row = dict.fromkeys(
    (
        *("tpTriggerBy", "slTriggerBy", "takeProfit", "stopLoss"),
        *("tpOrderType", "slOrderType", "tpLimitPrice", "slLimitPrice"),
    )
)
_CHANGES = {
    ChangeKind.DEAL_IN: "ORDER_DEALT_IN",
    ChangeKind.DEAL_OUT: "ORDER_DEALT_FROZEN_OUT",
    ChangeKind.BORROW: "BORROW",
    ChangeKind.REPAY: "REPAYMENT",
    ChangeKind.INTEREST: "INTEREST_SETTLEMENT_OUT",
    ChangeKind.LIQUIDATION_FEE: "LIQ_FEE",
    ChangeKind.COMPENSATE: "LIQ_FUND_IN",
    ChangeKind.EXCHANGE_IN: "EXCHANGE_TARGET_TOKEN_USER_IN",
    ChangeKind.EXCHANGE_OUT: "EXCHANGE_SOURCE_TOKEN_USER_OUT",
}
"""Types of financial records, by those of a classic account."""
_CANCELLED = "normal_cancel"
_REFUSED_TO_REST = {Force.IOC: "ioc_not_full_cancel", Force.FOK: "fok_not_full_cancel"}
_REFUSED_TO_CROSS = "post_only_fill_cancel"


def open_order_row(order: Order, partial_status: str, fills: Sequence[Fill]) -> Row:
    """Return the row of unfilled-orders.

    :param partial_status: spelling of the status of a partly filled order
    :param fills: fills of the order
    """
    by_amount = order.order_type is OrderType.MARKET and order.side is Side.BUY
    return {
        "orderId": order.order_id,
        "clientOid": order.client_oid,
        "category": category_of(order).value,
        "symbol": order.symbol,
        "orderType": order.order_type.value,
        "side": order.side.value,
        "price": write_decimal(order.price),
        "qty": write_decimal(order.base_size),
        # Quote coins of a market buy, as documented; 0 in captured limit orders.
        "amount": write_decimal(order.quote_size) if by_amount else "0",
        "cumExecQty": write_decimal(order.filled),
        "cumExecValue": write_decimal(order.quote_filled),
        "avgPrice": average_price(order),
        "timeInForce": order.force.value,
        "orderStatus": status_text(order, partial_status),
        # Fields of futures, which are empty in the documents' example of a spot order.
        "posSide": "",
        "holdMode": "",
        "reduceOnly": "NO",
        "feeDetail": _fees(fills),
        "createdTime": str(order.created_ms),
        "updatedTime": str(order.updated_ms),
        "stpMode": order.self_trade.value,
        **_NO_TRIGGERS,
    }


def order_row(order: Order, partial_status: str, fills: Sequence[Fill]) -> Row:
    """Return the row of order-info and history-orders, which has two more fields than that of an open order."""
    kind = "liquidation" if order.is_liquidation else "normal"
    return open_order_row(order, partial_status, fills) | {"cancelReason": _cancel_reason(order), "execType": kind}


def fill_row(fill: Fill) -> Row:
    """Return the row of fills."""
    return {
        "execId": fill.trade_id,
        "execLinkId": fill.trade_id,
        "orderId": fill.order.order_id,
        "clientOid": fill.order.client_oid,
        "category": category_of(fill.order).value,
        "symbol": fill.order.symbol,
        "orderType": fill.order.order_type.value,
        "side": fill.order.side.value,
        "execPrice": write_decimal(fill.price),
        "execQty": write_decimal(fill.size),
        "execValue": write_decimal(fill.amount),
        "tradeScope": fill.scope.value,
        "feeDetail": _fees([fill]),
        "createdTime": str(fill.at_ms),
        "updatedTime": str(fill.at_ms),
        "execPnl": "0",
    }


def change_type(change: BalanceChange) -> str:
    """Return the type of a financial record."""
    return _CHANGES[change.kind]


def change_row(change: BalanceChange, category: Category, *, signed: bool) -> Row:
    """Return the row of a financial record, whose category the page spells in its own way."""
    amount = change.amount if signed else abs(change.amount)
    return {
        "category": category.value.title(),
        "id": change.change_id,
        "symbol": change.symbol,
        "coin": change.coin,
        "type": change_type(change),
        "amount": write_decimal(amount),
        "fee": write_decimal(-change.fee),
        "balance": write_decimal(change.balance),
        "ts": str(change.at_ms),
    }


def asset_row(coin: str, balance: Balance, debt: Decimal, price: Decimal, locked: Decimal) -> Row:
    """Return the row of a coin.

    :param price: price of one coin in US dollars
    :param locked: frozen amount that the row shows, at least 0
    """
    total = EXACT.add(balance.available, balance.frozen)
    equity = EXACT.subtract(total, debt)
    return {
        "coin": coin,
        "equity": write_decimal(equity),
        "usdValue": write_decimal(EXACT.multiply(equity, price)),
        "balance": write_decimal(total),
        "available": write_decimal(balance.available),
        "debt": write_decimal(debt),
        "locked": write_decimal(max(locked, ZERO)),
    }


def margin_row(loans: Loans, uid: str) -> Row:
    """Return the margins and the risk ratio of an account."""
    initial = EXACT.divide(loans.owed(uid), loans.terms.leverage - 1)
    return {
        "mmr": write_decimal(round(loans.maintenance(uid), RISK_DECIMALS)),
        "imr": write_decimal(round(initial, RISK_DECIMALS)),
        "mgnRatio": write_decimal(round(loans.risk(uid), RISK_DECIMALS)),
    }


def instrument_row(symbol: Symbol, category: Category, leverage: str) -> Row:
    """Return the row of a pair, which has more fields for a margin pair.

    :param leverage: highest leverage of a margin pair
    """
    symbol = symbol if category is Category.MARGIN else symbol.on_spot
    row: Row = {
        "symbol": symbol.symbol,
        "category": category.value,
        "baseCoin": symbol.base,
        "quoteCoin": symbol.quote,
        "buyLimitPriceRatio": "0.05",
        "sellLimitPriceRatio": "0.05",
        "minOrderQty": write_decimal(symbol.min_amount),
        "maxOrderQty": "0",
        "pricePrecision": str(symbol.price_precision),
        "quantityPrecision": str(symbol.quantity_precision),
        "quotePrecision": str(symbol.price_precision + symbol.quantity_precision),
        "minOrderAmount": write_decimal(symbol.min_quote_value),
        "maxSymbolOrderNum": "400",
        "maxProductOrderNum": "400",
        "status": "online" if symbol.status is PairStatus.ONLINE else "offline",
        "maintainTime": "",
        "areaSymbol": "no",
    }
    if category is not Category.MARGIN:
        return row
    return row | {
        "isIsolatedBaseBorrowable": "NO",
        "isIsolatedQuotedBorrowable": "NO",
        "warningRiskRatio": "0.8",
        "liquidationRiskRatio": "1",
        "maxCrossedLeverage": leverage if symbol.cross_borrowable else "0",
        "maxIsolatedLeverage": "0",
        "userMinBorrow": "0.00000001",
    }


def _fees(fills: Sequence[Fill]) -> list[Row]:
    """Return the paid fees by coin: above zero, as captured, unlike those of a classic account."""
    paid: list[Row] = [{"feeCoin": coin, "fee": write_decimal(fee)} for coin, fee in fees_by_coin(fills).items()]
    return paid or [{"feeCoin": "", "fee": ""}]


def _cancel_reason(order: Order) -> str:
    if order.status is not Status.CANCELLED:
        return ""
    if order.force is Force.POST_ONLY and order.updated_ms == order.created_ms:
        return _REFUSED_TO_CROSS
    return _REFUSED_TO_REST.get(order.force, _CANCELLED)
