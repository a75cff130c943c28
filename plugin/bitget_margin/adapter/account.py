"""The account: its kind, its level, and the checks before something is placed or changed."""

from collections.abc import Mapping
from typing import Any, Final

import ccxt

from bitget_margin.adapter.call import open_call, to_exception
from bitget_margin.adapter.ccxt_types import MarginExchange, Params
from bitget_margin.adapter.params import KIND, LEVEL, as_list, is_isolated, known_kind, parse_settings
from bitget_margin.core import api_v3
from bitget_margin.core.account_level import missing_margin, read_level
from bitget_margin.core.api import api_of
from bitget_margin.core.effects import Fault, Flow, Reply, Send, SendAll
from bitget_margin.core.endpoints import AccountKind
from bitget_margin.core.key_rights import KeyRights
from bitget_margin.core.requests import CallContext, query
from bitget_margin.core.verdicts import named_account_kind

_SETTINGS_MS: Final = 1_000.0
"""Time limit of the query for the settings: an account that cannot be read is not refused."""


def query_account_kind(
    exchange: MarginExchange, method: str | None, params: Params, default: object
) -> Flow[list[Any]]:
    """Return ccxt's `[uta, params]`; query the account kind if it is neither configured nor known.

    Stock ccxt takes any failed query, even a lost connection, for a classic account, and remembers that.
    """
    chosen, rest = exchange.handle_option_and_params(params, method, KIND)
    if chosen is not None or not exchange.check_required_credentials(False):
        return [default if chosen is None else chosen, rest]
    kind = yield from confirm_account_kind(exchange, method or "fetch_markets")
    return [kind is AccountKind.UNIFIED, rest]


def confirm_account_kind(exchange: MarginExchange, method: str, ctx: CallContext | None = None) -> Flow[AccountKind]:
    """Return the account kind by the venue's answer, whatever is configured.

    :param ctx: the call that asks, whose time this takes; by default a call of its own
    """
    if ctx is None:
        ctx = open_call(exchange, parse_settings(exchange, method, {}, confirm=False), {}, reads_only=True)
    result = (yield from query(ctx, lambda _: api_v3.account_request(), lambda _: api_v3.read_settings)).result
    if isinstance(result, Fault):
        kind = named_account_kind(result)
        if kind is None:
            raise to_exception(exchange, method, result)
    else:
        kind = AccountKind.UNIFIED
        exchange.learn_level(result)
    exchange.learn_account_kind(kind)
    ctx.api = api_of(kind)
    return kind


def refuse_isolated(exchange: MarginExchange, method: str, symbol: object, params: Params) -> Flow[None]:
    """Raise NotSupported for a call on isolated margin of a unified account, which has none.

    Stock ccxt would place its orders on the cross margin account, and answer about that. An unknown account kind is
    queried, as stock ccxt does too.
    """
    if not is_isolated(exchange, method, symbol, params):
        return
    unified, _ = yield from query_account_kind(exchange, method, params, default=False)
    if unified:
        raise ccxt.NotSupported(
            f"{exchange.id} {method}(): marginMode is 'isolated', and a unified account has no isolated spot margin: "
            "give 'cross', or no marginMode for the spot market",
        )


def refuse_isolated_orders(exchange: MarginExchange, method: str, orders: object, params: Params) -> Flow[None]:
    """Raise NotSupported if one of these ccxt order requests is on isolated margin of a unified account."""
    for order in as_list(exchange, method, "orders", orders):
        given = order if isinstance(order, Mapping) else {}
        named = {**params, **(given.get("params") or {})}
        yield from refuse_isolated(exchange, method, given.get("symbol"), named)


def require_margin(exchange: MarginExchange, method: str, ctx: CallContext, *, ask: bool) -> Flow[None]:
    """Raise NotSupported for a unified account whose level has no spot margin; to be called before a change.

    A level that would refuse is read again first: it may have been switched. An unknown one refuses nothing.

    :param ask: whether to query a level that was never queried; not for what may be an exit, which would wait
    """
    if ctx.api.KIND is not AccountKind.UNIFIED:
        return
    known = exchange.options.get(LEVEL)
    level = read_level({"accountLevel": known})
    if (level is not None and level.has_margin) or (known is None and not ask) or known == "":
        return
    fresh = yield from _query_settings(ctx)
    exchange.learn_level(fresh if fresh is not None else {"accountLevel": known})
    level = read_level({"accountLevel": exchange.options[LEVEL]})
    if level is not None and not level.has_margin and (fresh is not None or not ctx.urgent):
        raise ccxt.NotSupported(f"{exchange.id} {method}(): {missing_margin(level)}")


def fetch_settings(exchange: MarginExchange, params: Params) -> Flow[Mapping[str, Any] | None]:
    """Return the settings of a unified account, without fields if they cannot be read; None for a classic account."""
    if known_kind(exchange, params) is not AccountKind.UNIFIED:
        return None
    ctx = open_call(exchange, parse_settings(exchange, "fetch_settings", params, confirm=False), params)
    settings = yield from _query_settings(ctx)
    if settings is not None:
        exchange.learn_level(settings)
    return settings or {}


def fetch_uid(exchange: MarginExchange, params: Params) -> Flow[str]:
    """Return the UID of the account."""
    method = "fetch_uid"
    settings = parse_settings(exchange, method, params, confirm=False)
    ctx = open_call(exchange, settings, params, reads_only=True)
    uid = (yield from query(ctx, lambda api: api.account_request(), lambda api: api.read_uid)).result
    if isinstance(uid, Fault):
        raise to_exception(exchange, method, uid)
    return uid


def fetch_key_rights(exchange: MarginExchange, params: Params) -> Flow[KeyRights]:
    """Return the rights of the API key as far as the venue shows them."""
    method = "fetch_key_rights"
    ctx = open_call(exchange, parse_settings(exchange, method, params, confirm=False), params, reads_only=True)
    rights = (yield from query(ctx, lambda api: api.key_request(), lambda api: api.read_key)).result
    if isinstance(rights, Fault):
        raise to_exception(exchange, method, rights)
    return rights


def _query_settings(ctx: CallContext) -> Flow[Mapping[str, Any] | None]:
    """Query the settings once, within a second; None if they cannot be read."""
    until_ms = min(ctx.deadline.clock() + _SETTINGS_MS, ctx.deadline.at_ms)
    (reply,) = yield SendAll((Send(api_v3.account_request(), _SETTINGS_MS, until_ms),))
    ctx.requests += not isinstance(reply, Fault) or reply.sent
    return api_v3.read_settings(reply.body) if isinstance(reply, Reply) else None
