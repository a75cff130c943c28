"""Rows that the websocket of a unified account pushes.

https://www.bitget.com/api-doc/uta/websocket/private/Order-Channel, Fill-Channel and Account-Channel
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from bitget_margin.emulator.api.request import Row
from bitget_margin.emulator.api.v3.rows import fill_row, order_row
from bitget_margin.emulator.market.decimals import EXACT, ZERO, write_decimal
from bitget_margin.emulator.market.orders import Fill, Order
from bitget_margin.emulator.market.wallet import Balance, Debt

_ORDER_FIELDS = (
    *("symbol", "orderId", "clientOid", "price", "qty", "amount", "orderType", "timeInForce", "side"),
    *("cumExecQty", "cumExecValue", "avgPrice", "orderStatus", "cancelReason", "feeDetail"),
    *("createdTime", "updatedTime", "stpMode"),
)
"""Fields that a pushed order has in common with its record."""
_FUTURES_FIELDS = ("holdMode", "holdSide", "tradeSide", "marginCoin", "leverage")


def pushed_order_row(order: Order, partial_status: str, fills: Sequence[Fill], category: str) -> Row:
    """Return the row of the channel `order`.

    :param partial_status: spelling of the status of a partly filled order
    :param fills: fills of the order
    """
    record = order_row(order, partial_status, fills)
    return {
        "category": category,
        **{name: record[name] for name in _ORDER_FIELDS},
        **dict.fromkeys(_FUTURES_FIELDS, ""),
        "marginMode": "crossed",
        "reduceOnly": "no",
        "totalProfit": "0",
    }


def pushed_fill_row(fill: Fill, category: str) -> Row:
    """Return the row of the channel `fill`."""
    record = fill_row(fill)
    del record["createdTime"]
    return {**record, "category": category, "execTime": str(fill.at_ms), "tradeSide": "", "holdSide": ""}


def pushed_account_row(
    holdings: Mapping[str, tuple[Balance, Debt]], coins: Sequence[str], dollars: Mapping[str, Decimal], margin: Row
) -> Row:
    """Return the row of the channel `account`.

    :param holdings: balance and debt of each coin of the account
    :param coins: the coins that are listed
    :param dollars: prices of the coins in US dollars
    :param margin: margins and risk ratio of the account
    """
    equities = {coin: EXACT.subtract(sum(balance, ZERO), debt.total) for coin, (balance, debt) in holdings.items()}
    equity = write_decimal(sum((EXACT.multiply(amount, dollars[coin]) for coin, amount in equities.items()), ZERO))
    return {
        "unrealisedPnL": "0",
        "totalEquity": equity,
        "positionMgnRatio": "0",
        "effEquity": equity,
        **margin,
        "coin": [
            {
                "debts": write_decimal(debt.total),
                "balance": write_decimal(sum(balance, ZERO)),
                "available": write_decimal(balance.available),
                "borrow": write_decimal(debt.principal),
                "locked": write_decimal(balance.frozen),
                "equity": write_decimal(equities[coin]),
                "coin": coin,
                "usdValue": write_decimal(EXACT.multiply(equities[coin], dollars[coin])),
            }
            for coin, (balance, debt) in holdings.items()
            if coin in coins
        ],
    }
