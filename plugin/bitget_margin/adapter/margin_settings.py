"""Leverage and margin mode of the cross margin account in ccxt's terms.

Leverage is a property of coins there: a long position borrows the quote coin, a short one the base coin. A margin mode
is chosen with each order, and not set.
"""

from collections.abc import Mapping
from typing import Any, Final

import ccxt

from bitget_margin.adapter import fallback_markets
from bitget_margin.adapter.call import load_markets, open_call, to_exception
from bitget_margin.adapter.ccxt_types import MarginExchange, Params
from bitget_margin.adapter.change import raise_unless_done, refuse_classic
from bitget_margin.adapter.loans import query_rate
from bitget_margin.adapter.params import (
    CROSS,
    bad_request,
    checked_code,
    is_cross,
    parse_settings,
    required_symbol,
    split_params,
    spot_market,
)
from bitget_margin.core import api_v3
from bitget_margin.core.api import Api
from bitget_margin.core.change import Change, Lookup, Sight, change_once
from bitget_margin.core.effects import Call, Fault, Flow
from bitget_margin.core.endpoints import AccountKind, Endpoint
from bitget_margin.core.order_ref import BadInput
from bitget_margin.core.order_row import text
from bitget_margin.core.requests import CallContext, query
from bitget_margin.core.responses import as_mapping, decimal

_CODE: Final = "code"
"""Parameter of `set_leverage`: the coin whose leverage is set."""
_LEAST: Final = 1
_NO_LEVERAGE: Final = "the venue has no endpoint that sets the leverage of cross margin"


def fetch_leverage(exchange: MarginExchange, symbol: object, params: Params) -> Flow[Any]:
    """Return the leverage of a pair: of the quote coin for long, of the base coin for short positions."""
    method = "fetch_leverage"
    ctx, market = yield from _open_pair(exchange, method, symbol, params)
    base, quote = fallback_markets.coins_of(exchange, market)
    rows: dict[str, Mapping[str, Any]] = {}
    for coin in (quote, base):
        if ctx.api.KIND is AccountKind.CLASSIC:
            rows[coin], _ = yield from query_rate(exchange, method, ctx, coin)
    if ctx.api.KIND is AccountKind.UNIFIED:
        found = yield from _settings_rows(ctx)
        if isinstance(found, Fault):
            raise to_exception(exchange, method, found)
        rows = found
    shown = {coin: rows[coin] for coin in (quote, base) if coin in rows}
    return {
        "info": shown,
        "symbol": market["symbol"],
        "marginMode": CROSS,
        "longLeverage": _leverage(shown.get(quote)),
        "shortLeverage": _leverage(shown.get(base)),
    }


def set_leverage(exchange: MarginExchange, leverage: object, params: Params) -> Flow[Any]:
    """Set the leverage of a coin on a unified account, and return its row of the settings."""
    method = "set_leverage"
    split_params(exchange, method, params, {"timeout", _CODE})
    settings = parse_settings(exchange, method, params, confirm=False)
    code = params.get(_CODE)
    if code is None:
        raise ccxt.ArgumentsRequired(
            f"{exchange.id} {method}(): the leverage of cross margin is that of a coin, not of a pair: give its code "
            f"as params[{_CODE!r}], the quote coin for long, the base coin for short positions"
        )
    code = checked_code(exchange, method, f"params[{_CODE!r}]", code)
    if isinstance(leverage, bool) or not isinstance(leverage, int) or leverage < _LEAST:
        raise bad_request(exchange, method, BadInput(f"leverage is {leverage!r}; give a whole number, 1 or more"))
    ctx = open_call(exchange, settings, params)
    yield from refuse_classic(exchange, method, ctx, params, _NO_LEVERAGE)
    yield from load_markets(exchange, ctx)
    coin = fallback_markets.coin_id(exchange, code)
    body = {"category": api_v3.CATEGORY, "coin": coin, "leverage": str(leverage)}

    def request(api: Api) -> Call | None:
        return Call(Endpoint.UNIFIED_LEVERAGE, body) if api.KIND is AccountKind.UNIFIED else None

    def look_up() -> Flow[Lookup[Mapping[str, Any]]]:
        rows = yield from _settings_rows(ctx)
        if isinstance(rows, Fault):
            return Lookup(Sight.NOTHING)
        row = rows.get(coin)
        return Lookup(Sight.DONE if _leverage(row) == leverage else Sight.NOT_YET, row)

    # Its response has no values: the settings show them.
    result = yield from change_once(Change(ctx, request, lambda _: None, look_up))
    raise_unless_done(
        exchange,
        method,
        result,
        change=f"the change of the leverage of {code}",
        missing=_NO_LEVERAGE,
    )
    return {"info": result.found, "currency": code, "marginMode": CROSS, "leverage": leverage}


def fetch_margin_mode(exchange: MarginExchange, symbol: object, params: Params) -> Flow[Any]:
    """Return the margin mode of a pair on the cross margin account; refuse a pair that it does not trade."""
    method = "fetch_margin_mode"
    _, market = yield from _open_pair(exchange, method, symbol, params)
    if (market.get("marginModes") or {}).get(CROSS) is False:
        raise ccxt.BadSymbol(f"{exchange.id} {method}(): {market['symbol']} is not traded on cross margin")
    return {"info": market.get("info") or {}, "symbol": market["symbol"], "marginMode": CROSS}


def refuse_margin_mode(exchange: MarginExchange, symbol: object, params: Params) -> None:
    """Raise NotSupported for cross margin of the spot market, whose margin mode is no setting."""
    if is_cross(exchange, "setMarginMode", symbol, params):
        raise ccxt.NotSupported(
            f"{exchange.id} set_margin_mode(): cross margin of the spot market is no setting of the account: each call "
            "takes it as params['marginMode'], or all of them from options['defaultMarginMode']"
        )


def _open_pair(
    exchange: MarginExchange, method: str, symbol: object, params: Params
) -> Flow[tuple[CallContext, Mapping[str, Any]]]:
    """Return the context of a call that reads, and the market of its symbol; the arguments are checked."""
    split_params(exchange, method, params, {"timeout"})
    named = required_symbol(exchange, method, symbol)
    ctx = open_call(exchange, parse_settings(exchange, method, params, confirm=False), params, reads_only=True)
    yield from load_markets(exchange, ctx)
    return ctx, spot_market(exchange, method, named)


def _settings_rows(ctx: CallContext) -> Flow[dict[str, Mapping[str, Any]] | Fault]:
    """Return the rows of the settings of a unified account by coin, or the fault of their query."""
    found = yield from query(ctx, lambda _: api_v3.account_request(), lambda _: api_v3.read_settings)
    if isinstance(found.result, Fault):
        return found.result
    listed = found.result.get("coinConfigList")
    rows = [as_mapping(raw) for raw in listed] if isinstance(listed, list) else []
    return {coin: row for row in rows if (coin := text(row.get("coin"))) is not None}


def _leverage(row: Mapping[str, Any] | None) -> int | None:
    """Return the leverage of a row; None where it is no whole number."""
    value = None if row is None else decimal(row.get("leverage"))
    return int(value) if value is not None and value == value.to_integral_value() else None
