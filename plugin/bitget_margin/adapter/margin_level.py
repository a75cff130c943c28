"""Margin level of the cross margin account, and the amounts that it can still borrow."""

import reprlib
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

import ccxt

from bitget_margin.adapter import fallback_markets
from bitget_margin.adapter.call import open_call, to_exception
from bitget_margin.adapter.ccxt_types import MarginExchange, Params
from bitget_margin.adapter.loans import refuse_isolated
from bitget_margin.adapter.params import CROSS, checked_code, parse_settings, split_params
from bitget_margin.core.api import Api
from bitget_margin.core.effects import Call, Fault, Flow
from bitget_margin.core.endpoints import AccountKind, Endpoint
from bitget_margin.core.requests import query
from bitget_margin.core.responses import decimal, fields_of, sent_ms_of

WARNING_LEVEL: Final = Decimal("0.8")
"""Margin level from which the venue warns: `warningRiskRatio` of the list of margin pairs (December 2025)."""
LIQUIDATION_LEVEL: Final = Decimal(1)
"""Margin level at which the venue liquidates the account: `liquidationRiskRatio` of the same list."""
_FIELDS: Final = {AccountKind.CLASSIC: "riskRateRatio", AccountKind.UNIFIED: "mgnRatio"}
_MAX_BORROWABLE: Final = "maxBorrowableAmount"


def fetch_cross_margin_level(exchange: MarginExchange, params: Params) -> Flow[dict[str, Any]]:
    """Return the margin level of the account, with the levels of the warning and of the liquidation.

    It needs no markets, so that it can be read while public lists are down.
    """
    method = "fetch_cross_margin_level"
    split_params(exchange, method, params, {"timeout"})
    refuse_isolated(exchange, method, params)
    ctx = open_call(exchange, parse_settings(exchange, method, params, confirm=False), params, reads_only=True)
    found = yield from query(ctx, _level_request, lambda api: lambda body: _row(body, _FIELDS[api.KIND]))
    if isinstance(found.result, Fault):
        raise to_exception(exchange, method, found.result)
    row, at_ms = found.result
    level = amount_of(exchange, method, row, _FIELDS[ctx.api.KIND])
    if level is not None and level < 0:
        # Below zero it would look like the safest account of all.
        raise ccxt.BadResponse(f"{exchange.id} {method}(): {_FIELDS[ctx.api.KIND]} is {level:f}, which is no level")
    return {
        "info": dict(row),
        "marginMode": CROSS,
        "marginLevel": None if level is None else float(level),
        "warningLevel": float(WARNING_LEVEL),
        "liquidationLevel": float(LIQUIDATION_LEVEL),
        "timestamp": at_ms,
        "datetime": exchange.iso8601(at_ms),
    }


def fetch_max_borrowable(exchange: MarginExchange, code: str, params: Params) -> Flow[Decimal | None]:
    """Return the amount of a coin that a classic account can still borrow; None where the venue gives none."""
    method = "fetch_max_borrowable"
    split_params(exchange, method, params, {"timeout"})
    settings = parse_settings(exchange, method, params, confirm=False)
    coin = fallback_markets.coin_id(exchange, checked_code(exchange, method, "code", code))
    ctx = open_call(exchange, settings, params, reads_only=True)

    def request(api: Api) -> Call:
        if api.KIND is AccountKind.UNIFIED:
            raise ccxt.NotSupported(
                f"{exchange.id} {method}(): a unified account has a limit by order, and none by coin"
            )
        return Call(Endpoint.MAX_BORROWABLE, {"coin": coin})

    found = yield from query(ctx, request, lambda _: lambda body: _row(body, _MAX_BORROWABLE))
    if isinstance(found.result, Fault):
        raise to_exception(exchange, method, found.result)
    return amount_of(exchange, method, found.result[0], _MAX_BORROWABLE)


def amount_of(exchange: MarginExchange, method: str, row: Mapping[str, Any], name: str) -> Decimal | None:
    """Return a number of a response; None where it is empty.

    :raises ccxt.BadResponse: it is no number
    """
    value = row.get(name)
    if value is None or value == "":
        return None
    number = decimal(value)
    if number is None:
        raise ccxt.BadResponse(f"{exchange.id} {method}(): {name} is {reprlib.repr(value)}, which is no number")
    return number


def _level_request(api: Api) -> Call:
    return Call(Endpoint.RISK_RATE, {}) if api.KIND is AccountKind.CLASSIC else api.assets_request(None)


def _row(body: object, name: str) -> tuple[Mapping[str, Any], int | None] | None:
    """Return the data of a response, and its time; None where it lacks the name, as a response to something else."""
    data = fields_of(body)
    return (data, sent_ms_of(body)) if name in data else None
