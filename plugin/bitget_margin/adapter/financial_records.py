"""Changes of the balance and liquidations of the cross margin account: their flows and structures."""

import reprlib
from collections.abc import Callable, Mapping
from typing import Any, Final

import ccxt

from bitget_margin.adapter import fallback_markets, history
from bitget_margin.adapter.ccxt_types import MarginExchange, Params
from bitget_margin.adapter.errors import cause_of, documented
from bitget_margin.adapter.params import CROSS, account_kind_of, checked_code, is_cross
from bitget_margin.adapter.rows import refuse_huge_exponents
from bitget_margin.core import api_v3
from bitget_margin.core.effects import Flow
from bitget_margin.core.endpoints import AccountKind
from bitget_margin.core.order_row import text
from bitget_margin.core.record_pages import NoSuchRecords, RecordKind, RecordQuery
from bitget_margin.core.responses import decimal

_ID: Final = "marginId"
_TYPES: Final = {
    "transfer_in": "transfer",
    "transfer_out": "transfer",
    "deal_in": "trade",
    "deal_out": "trade",
    "liquidation_fee": "fee",
}
"""ccxt's type of each flow of a classic account; all others are transactions.

https://www.bitget.com/api-doc/margin/cross/record/Get-Cross-Finance-Flow-History (December 2025)
"""
_OUT: Final = frozenset(
    {
        *("repay", "liquidation_fee", "confiscated"),
        *("repayment", "interest_repayment", "liq_repayment", "liq_fee"),
    }
)
"""Flows out of the account, beside those whose name ends with `_out`: of a classic and of a unified account."""

_WORDS: Final = {
    "transfer": {"TRANSFER", "REFUND"},
    "fee": {"FEE", "INTEREST"},
    "trade": {"DEALT", "DEAL", "BUY", "SELL", "OPEN", "CLOSE", "LIQ"},
}
"""Words in the names of flows of a unified account, by ccxt's type."""


def is_record(row: object) -> bool:
    """Whether this is a financial record of the cross margin account."""
    return isinstance(row, Mapping) and (_ID in row or ("ts" in row and api_v3.is_margin(row)))


def parse_record(exchange: MarginExchange, row: Mapping[str, Any], parse: Callable[[dict[str, Any]], Any]) -> Any:
    """Return ccxt's structure of a record; raise BadResponse without an amount, which the sum would silently lack.

    ccxt reads the direction from the sign of the amount. Before 4.5.90 it knows no fields of a unified account, and
    derives `before` as if all amounts came in.

    :param parse: ccxt's own `parse_ledger_entry`
    """
    is_classic = _ID in row
    flow, amount = str(text(row.get("marginType" if is_classic else "type"))), decimal(row.get("amount"))
    if amount is None:
        raise ccxt.BadResponse(f"bitget: a financial record has no amount: {reprlib.repr(dict(row))}")
    leaves = flow.lower().endswith("_out") or flow.lower() in _OUT
    signed = -abs(amount) if leaves else amount
    fee, after = decimal(row.get("fee")), decimal(row.get("balance"))
    bill = {
        "billId": text(row.get(_ID if is_classic else "id")),
        "coin": text(row.get("coin")),
        "size": format(signed, "f"),
        "balance": text(row.get("balance")),
        "fees": None if fee is None else format(abs(fee), "f"),
        "cTime": text(row.get("cTime" if is_classic else "ts")),
        "businessType": _TYPES.get(flow, "transaction") if is_classic else _type_of(exchange, flow),
    }
    before = None if after is None else float(after - signed)
    return {**parse(bill), "before": before, "info": row}


def _type_of(exchange: MarginExchange, flow: str) -> str:
    """Return ccxt's type of a flow of a unified account, by ccxt's own table or else by the words of its name."""
    known = exchange.parse_ledger_type(flow)
    if known != flow:
        return str(known)
    return next((kind for kind, words in _WORDS.items() if words & set(flow.upper().split("_"))), "transaction")


def concerns_cross(exchange: MarginExchange, params: Params) -> bool:
    """Whether financial records are those of the cross margin account, and not of contracts or the funding account."""
    symbol = params.get("symbol")
    if "productType" in params or not is_cross(exchange, "fetchLedger", symbol, params):
        return False
    if isinstance(symbol, str) and ":" in symbol:
        return False
    kind, _ = exchange.handle_market_type_and_params("fetchLedger", None, params)
    return kind in {"spot", "margin"}


def fetch_ledger(
    exchange: MarginExchange, code: object, since: object, limit: object, params: Params
) -> Flow[list[Any]]:
    """Return the changes of the cross margin balance of one coin, or of all coins."""
    method = "fetch_ledger"
    named = None if code is None else checked_code(exchange, method, "code", code, ", or None")
    call = yield from history.open_history(exchange, method, None, (since, limit), params)
    coin = None if named is None else fallback_markets.coin_id(exchange, named)

    def accept(entry: Any) -> bool:
        return coin in (None, entry["info"].get("coin")) and call.wanted.contains(entry)

    def parse(raw: Mapping[str, Any]) -> Any:
        return _parsed(exchange, method, raw)

    found = yield from call.read(RecordQuery(RecordKind.FINANCIAL, coin=coin), parse, accept)
    return call.wanted.cut(found)


def _parsed(exchange: MarginExchange, method: str, raw: Mapping[str, Any]) -> Any:
    try:
        refuse_huge_exponents(raw)
        return {**exchange.parse_ledger_entry(raw), "account": CROSS, "status": "ok"}
    except Exception as error:  # noqa: BLE001 - it is raised again
        raise documented(f"{exchange.id} {method}()", error) from cause_of(error)


def fetch_my_liquidations(
    exchange: MarginExchange, symbol: object, since: object, limit: object, params: Params
) -> Flow[list[Any]]:
    """Return the liquidations of the cross margin account, which are of no single symbol."""
    method = "fetch_my_liquidations"
    if account_kind_of(exchange, params) is AccountKind.UNIFIED:
        raise _no_list(exchange, method)
    call = yield from history.open_history(exchange, method, symbol, (since, limit), params)

    def parse(raw: Mapping[str, Any]) -> Any:
        try:
            refuse_huge_exponents(raw)
            # Without a market: ccxt would label a liquidation of the account with the symbol that was asked for.
            return {**exchange.parse_liquidation(raw, None), "symbol": None}
        except Exception as error:  # noqa: BLE001 - it is raised again
            raise documented(f"{exchange.id} {method}()", error) from cause_of(error)

    try:
        found = yield from call.read(RecordQuery(RecordKind.LIQUIDATIONS), parse, call.wanted.contains)
    except NoSuchRecords:
        raise _no_list(exchange, method) from None
    return call.wanted.cut(found)


def _no_list(exchange: MarginExchange, method: str) -> ccxt.NotSupported:
    return ccxt.NotSupported(
        f"{exchange.id} {method}(): a unified account has no list of liquidations; their orders are in "
        "fetch_canceled_and_closed_orders(), with execType 'liquidation' in info, their fees in fetch_ledger()"
    )
