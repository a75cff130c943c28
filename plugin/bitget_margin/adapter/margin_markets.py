"""Numbers of cross margin orders in the markets of an exchange object: read with the markets, used to round and check.

A spot market keeps ccxt's structure, whose numbers are those of spot orders; `crossMargin` is added to it. Where the
list of margin pairs cannot be read, what an earlier load has found stays, and nothing is known without one.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from bitget_margin.adapter.ccxt_types import MarginExchange
from bitget_margin.adapter.params import known_kind
from bitget_margin.adapter.transport import monotonic_ms
from bitget_margin.core.api import Api, api_of
from bitget_margin.core.effects import Flow, Reply, Send, SendAll
from bitget_margin.core.endpoints import AccountKind
from bitget_margin.core.margin_pairs import MarginPair
from bitget_margin.core.verdicts import SUCCESS

NUMBERS: Final = "crossMargin"
"""Field of a spot market with the numbers of cross margin orders, missing where there are none or none are known."""
_LIST_MS: Final = 3_000.0
"""Time limit of the list: markets are loaded without it after that, since a cancel may wait for them."""
_TEXT_MAX: Final = 200
"""Characters of a failure in a log message."""
_logger: Final = logging.getLogger("bitget_margin.markets")


@dataclass(slots=True)
class Loading:
    """One load of the markets: the list of margin pairs, once it was requested."""

    kind: AccountKind | None = None
    """Account kind of the list that was requested; None before."""
    pairs: tuple[MarginPair, ...] | None = None
    failure: str = ""
    """Why there are no pairs."""


_LOADING: Final[ContextVar[Loading | None]] = ContextVar("_LOADING", default=None)


@contextmanager
def loading() -> Iterator[Loading]:
    """Let ccxt's request for the list of margin pairs be answered by ours, which fails no load of the markets."""
    current = Loading()
    token = _LOADING.set(current)
    try:
        yield current
    finally:
        _LOADING.reset(token)


def current_load() -> Loading | None:
    """Return the load of the markets that this call is part of; None outside of one."""
    return _LOADING.get()


def read(exchange: MarginExchange, current: Loading, *, unified: bool = False) -> Flow[None]:
    """Request the list of margin pairs of the account kind once, within a time limit.

    :param unified: the kind of the markets, where that of the account is not known
    """
    kind = known_kind(exchange, {}) or (AccountKind.UNIFIED if unified else AccountKind.CLASSIC)
    api: Api = api_of(kind)
    current.kind = kind
    (reply,) = yield SendAll((Send(api.margin_pairs_request(), _LIST_MS, monotonic_ms() + _LIST_MS),))
    current.pairs = api.read_margin_pairs(reply.body) if isinstance(reply, Reply) else None
    if current.pairs is None:
        current.failure = "it has no pairs" if isinstance(reply, Reply) else reply.text or repr(reply.error)


def list_for_ccxt(current: Loading) -> dict[str, Any]:
    """Return the response with which ccxt loads the markets: rows of the classic list, or none."""
    pairs = current.pairs if current.kind is AccountKind.CLASSIC else None
    return {"code": SUCCESS, "data": [dict(pair.raw) for pair in pairs or ()]}


def needs_list(current: Loading, markets: Iterable[Any]) -> bool:
    """Whether markets were loaded without the list: ccxt requests it for those of classic accounts alone."""
    return current.kind is None and any(market["spot"] for market in markets)


def add_numbers(exchange: MarginExchange, markets: list[Any], current: Loading) -> list[Any]:
    """Return the markets with the margin flags and numbers of the list."""
    if current.kind is None or not any(market["spot"] for market in markets):
        return markets
    if current.pairs is None:
        _logger.warning(
            "The list of margin pairs could not be read, and orders are rounded as spot orders are, unless it was read "
            "before: %s",
            current.failure[:_TEXT_MAX],
        )
    pairs = None if current.pairs is None else {pair.symbol: pair for pair in current.pairs}
    return [_with_numbers(exchange, market, pairs) if market["spot"] else market for market in markets]


def with_margin_numbers(market: dict[str, Any]) -> dict[str, Any]:
    """Return a market whose numbers are those of cross margin orders, if it has any."""
    numbers = market.get(NUMBERS)
    if numbers is None:
        return market
    return {**market, **{name: {**market[name], **numbers[name]} for name in ("precision", "limits")}}


def supports_cross_margin(market: Mapping[str, Any]) -> bool:
    """Whether a market is not known to be without cross margin: the list of margin pairs may have been down."""
    modes = market.get("marginModes") or {}
    return modes.get("cross", market.get("margin")) is not False


def is_paused(market: Mapping[str, Any]) -> bool:
    """Whether cross margin orders of a market are suspended at the moment."""
    numbers = market.get(NUMBERS)
    return numbers is not None and not numbers["active"]


def _with_numbers(
    exchange: MarginExchange, market: dict[str, Any], pairs: Mapping[str, MarginPair] | None
) -> dict[str, Any]:
    if pairs is None:
        before = (exchange.markets or {}).get(market["symbol"]) or {}
        if (before.get("marginModes") or {}).get("cross") is None:
            before = {"marginModes": {"cross": None, "isolated": None}}
        return {**market, **{name: before.get(name) for name in ("margin", "marginModes", NUMBERS)}}
    pair = pairs.get(market["id"])
    isolated = (market.get("marginModes") or {}).get("isolated") is True and pair is not None
    cross = pair is not None and pair.crosses
    numbers = _numbers(market, pair) if pair is not None and cross else None
    return {
        **market,
        "margin": cross or isolated,
        "marginModes": {"cross": cross, "isolated": isolated},
        NUMBERS: numbers,
    }


def _numbers(market: Mapping[str, Any], pair: MarginPair) -> dict[str, Any]:
    """Return the numbers of cross margin orders in the form of a market: the coarser ones of the two lists."""
    precision, limits = market["precision"], market["limits"]
    price = _coarser(precision.get("price"), pair.price_tick)
    return {
        "active": pair.is_active,
        "precision": {
            "amount": _coarser(precision.get("amount"), pair.amount_tick),
            "price": price,
            "cost": _coarser(price, pair.cost_tick),
        },
        "limits": {
            "amount": {
                "min": _coarser(limits["amount"].get("min"), pair.min_amount),
                "max": _smaller(limits["amount"].get("max"), pair.max_amount),
            },
            "cost": {
                "min": _coarser(limits["cost"].get("min"), pair.min_cost),
                "max": limits["cost"].get("max"),
            },
            "leverage": {"min": 1.0, "max": None if pair.max_leverage is None else float(pair.max_leverage)},
        },
        "info": dict(pair.raw),
    }


def _coarser(spot: float | None, margin: Decimal | None) -> float | None:
    """Return the larger one of two steps or smallest values."""
    known = [float(value) for value in (spot, margin) if value is not None]
    return max(known) if known else None


def _smaller(spot: float | None, margin: Decimal | None) -> float | None:
    """Return the smaller one of two largest values; 0 stands for none."""
    known = [float(value) for value in (spot, margin) if value]
    return min(known) if known else None
