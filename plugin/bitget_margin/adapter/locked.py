"""Locked coins of a unified account, whose spot orders share the wallet with margin orders."""

from bitget_margin.adapter import fallback_markets
from bitget_margin.adapter.call import load_markets, open_call, to_exception
from bitget_margin.adapter.ccxt_types import MarginExchange, Params
from bitget_margin.adapter.params import parse_settings, split_params
from bitget_margin.core.effects import Fault, Flow
from bitget_margin.core.locked_coins import LockedCoins, explain_locked
from bitget_margin.core.queries import query_open_orders
from bitget_margin.core.requests import query


def fetch_locked(exchange: MarginExchange, params: Params) -> Flow[LockedCoins | None]:
    """Return the locked coins of a unified account and the orders that hold them; None of a classic account.

    The balance and the open orders of the margin account are read again, so that both are of one moment.
    """
    method = "fetch_locked"
    split_params(exchange, method, params, {"timeout"})
    ctx = open_call(exchange, parse_settings(exchange, method, params, confirm=False), params, reads_only=True)
    yield from load_markets(exchange, ctx, is_cancel=True)
    balance = (yield from query(ctx, lambda api: api.assets_request(None), lambda api: api.read_frozen)).result
    if isinstance(balance, Fault):
        raise to_exception(exchange, method, balance)
    if ctx.api.FREEZES:
        return None
    amounts = {coin: amount for coin, amount in balance.items() if amount > 0}
    if not amounts:
        return LockedCoins()
    rows = yield from query_open_orders(ctx, None)
    if isinstance(rows, Fault):
        raise to_exception(exchange, method, rows)
    coins = fallback_markets.coin_pairs(exchange, fallback_markets.spot_markets(exchange, ()))
    return (yield from explain_locked(ctx, amounts, coins, rows))
