"""The frame of every call: a desk is set up, a flow runs at it, and what it found out leaves with the result."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import ccxt

from bitget_margin.adapter import fallback_markets, rate_limits, venue_clock
from bitget_margin.adapter.ccxt_types import MarginExchange, Params
from bitget_margin.adapter.errors import CancelUnresolved, attach, documented
from bitget_margin.adapter.orders import Markets, report
from bitget_margin.adapter.params import UID, account_kind_of, shared_limiter_of
from bitget_margin.adapter.transport import monotonic_ms
from bitget_margin.core import cancel as flow_of_cancel
from bitget_margin.core.api import api_of
from bitget_margin.core.cancel_all import CancelAllResult
from bitget_margin.core.cancel_state import CancelState
from bitget_margin.core.effects import Fault, Flow, LoadMarkets, Reply, Send, SendAll, T
from bitget_margin.core.endpoints import AccountKind
from bitget_margin.core.order_ref import OrderRef, distinct
from bitget_margin.core.outcome import CancelReport
from bitget_margin.core.requests import CallContext, Unreadable
from bitget_margin.core.settings import Deadline, Settings
from bitget_margin.core.verdicts import Verdict, verdict_of_fault

_UID_MS: Final = 1_000.0
_MARKETS_SHARE: Final = 0.3
"""How much of its time a cancel waits for the venue's lists of markets."""
_LONGEST: Final = 200
_KNOWN_COINS: Final = "bitget_margin_known_coins"
_windows_logger: Final = logging.getLogger("bitget_margin.windows")
_cancels_logger: Final = logging.getLogger("bitget_margin.cancels")
_markets_logger: Final = logging.getLogger("bitget_margin.markets")
_WRITING_UP_MS: Final = 100.0
"""Time kept back, at most a tenth of the whole, to write the report of many orders before the call ends."""


def open_call(exchange: MarginExchange, settings: Settings, params: Params, *, urgent: bool = False) -> CallContext:
    """Return the desk of one call, whose time begins now; `urgent` is a call that cancels."""
    shared_limiter_of(exchange)  # refused before anything is sent, if it is none
    reserve_ms = min(_WRITING_UP_MS, settings.timeout_ms / 10)
    deadline = Deadline.after(monotonic_ms, settings.timeout_ms - reserve_ms)
    return CallContext(
        CancelState({}),
        settings,
        deadline,
        since_ms=venue_clock.WHOLE_WINDOW,
        api=api_of(account_kind_of(exchange, params)),
        on_account_kind=exchange.learn_account_kind,
        is_cancel=urgent,
    )


def load_markets(exchange: MarginExchange, ctx: CallContext) -> Flow[None]:
    """Load the markets if they are not loaded, within the time of the call; and learn the UID if it matters.

    A call that cancels goes out without them where the venue's lists are down.
    """
    if ctx.is_cancel:
        yield from _try_markets(exchange, ctx)
    elif not exchange.markets:
        yield LoadMarkets(ctx.deadline.at_ms)
    uid = exchange.options.get(UID)
    # Where the venue did not say, it is asked again, but not while a cancel waits.
    if not uid and (uid is None or not ctx.is_cancel) and exchange.enableRateLimit and shared_limiter_of(exchange):
        yield from _learn_uid(exchange, ctx)


def _try_markets(exchange: MarginExchange, ctx: CallContext) -> Flow[None]:
    """Load the markets for a cancel, within a part of its time; where that fails, leave none behind, and log it."""
    if fallback_markets.are_listed(exchange):
        return
    _forget_markets(exchange)
    why: object = "they name no spot market"
    try:
        yield LoadMarkets(ctx.deadline.start_ms + ctx.deadline.span_ms * _MARKETS_SHARE)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is no reason to leave an order where it is
        why = error
    if not fallback_markets.are_listed(exchange):
        _forget_markets(exchange)
        _markets_logger.warning(
            "Cancels without the venue's lists of markets, by the names of the pairs: %s", str(why)[:_LONGEST]
        )


def _forget_markets(exchange: MarginExchange) -> None:
    """Let the next call load the markets again; a loading of the async flavours that goes on is left to it."""
    vars(exchange).update(markets=None, markets_by_id=None)
    loading = vars(exchange).get("markets_loading")
    if loading is not None and loading.done():
        vars(exchange)["markets_loading"] = None


def _learn_uid(exchange: MarginExchange, ctx: CallContext) -> Flow[None]:
    """Ask the venue whose account this is, within a second: bots with other keys of it are to share its windows."""
    known = rate_limits.known_uid(exchange)
    until_ms = min(monotonic_ms() + _UID_MS, ctx.deadline.at_ms)
    for _ in AccountKind:
        if known is not None:
            break
        dialect = ctx.api
        (reply,) = yield SendAll((Send(dialect.account(), _UID_MS, until_ms, is_cancel=True),))
        ctx.cancel_state.requests += not isinstance(reply, Fault) or reply.sent
        if isinstance(reply, Reply):
            known = dialect.read_uid(reply.body)
            break
        ctx.correct_kind(reply)
        if ctx.api is dialect:
            break
    if known is not None:
        rate_limits.learn_uid(exchange, known)
    elif exchange.options.get(UID) is None:
        exchange.options[UID] = ""
        _windows_logger.warning(
            "The venue does not say whose account this is: the shared rate window goes by the key alone"
        )


def known_coins(exchange: MarginExchange) -> set[str]:
    """Return the coins that balances of the crossed account have shown to this exchange object, to be added to."""
    known: set[str] = vars(exchange).setdefault(_KNOWN_COINS, set())
    return known


def register_orders(
    exchange: MarginExchange, method: str, ctx: CallContext, named: Iterable[OrderRef]
) -> dict[str, Any]:
    """Enter the named orders under the venue's own symbols; return the markets."""
    listed = tuple(named)
    markets = {
        symbol: fallback_markets.spot_market(exchange, method, symbol)
        for symbol in dict.fromkeys(t.symbol for t in listed)
    }
    for target in distinct(OrderRef(markets[t.symbol]["id"], t.kind, t.value) for t in listed):
        ctx.cancel_state.add(target)
    return {market["id"]: market for market in markets.values()}


def attach_report_on_error(
    exchange: MarginExchange, method: str, ctx: CallContext, markets: Markets, flow: Flow[T]
) -> Flow[T]:
    """Run the flow; whatever ends it early carries the report."""
    try:
        return (yield from flow)
    except BaseException as error:
        flow_of_cancel.interrupt(ctx)
        found = report(exchange, ctx.cancel_state, markets, monotonic_ms() - ctx.began_ms)
        attach(error, found)
        log_cancel(method, found, error)
        raise


def finish_cancel(
    exchange: MarginExchange,
    method: str,
    ctx: CallContext,
    markets: Mapping[str, Any],
    swept: CancelAllResult | None = None,
    refusal: Callable[[CancelReport], Exception | None] = lambda _: None,
    *,
    brief: bool = False,
) -> CancelReport:
    """Return the report, or raise with it: the definitive error that stopped a cancel, or CancelUnresolved.

    :param refusal: what to raise for a report of which every order is resolved, if anything
    :param brief: the caller reads no more of an order than its ids, its status and what was filled
    """
    swept = swept or CancelAllResult()
    unexamined = tuple(markets[symbol]["symbol"] for symbol in swept.unexamined)
    found = report(exchange, ctx.cancel_state, markets, monotonic_ms() - ctx.began_ms, unexamined, brief=brief)
    error = ctx.cancel_state.error
    if (
        error is None
        and swept.fault is not None
        and verdict_of_fault(swept.fault) in {Verdict.DEFINITIVE, Verdict.CLOCK}
    ):
        error = swept.fault.error
    if error is not None:
        attach(error, found)
        log_cancel(method, found, error)
        raise error
    if swept.problem or swept.fault or unexamined or not all(result.outcome.resolved for result in found.results):
        fault = swept.fault or ctx.cancel_state.last_fault
        unread = swept.fault.text or str(swept.fault.error) if swept.fault else None
        unresolved = CancelUnresolved(method, found, swept.problem or unread)
        log_cancel(method, found, unresolved)
        raise unresolved from (fault.error if fault else None)
    error = refusal(found)
    log_cancel(method, found, error)
    if error is not None:
        attach(error, found)
        raise error
    return found


def to_exception(exchange: MarginExchange, method: str, fault: Fault) -> Exception:
    """Return the exception for a question that the venue did not answer."""
    if isinstance(fault.error, Unreadable):
        return ccxt.BadResponse(f"{exchange.id} {method}(): {fault.error}")
    return documented(f"{exchange.id} {method}()", fault.error)


def log_cancel(method: str, report: CancelReport, error: BaseException | None = None) -> None:
    """Log what became of each order at level INFO: JSON as the message, and the same as the record's `cancel`.

    :param error: what the call ends with, if it does not return
    """
    if not _cancels_logger.isEnabledFor(logging.INFO):
        return
    outcomes: dict[str, list[str | None]] = {}
    for result in report.results:
        outcomes.setdefault(result.outcome.value, []).append(result.id or result.client_order_id)
    said: dict[str, Any] = {
        "call": method,
        "symbols": sorted({result.symbol for result in report.results}),
        "outcomes": outcomes,
        "requests": report.requests,
        "ms": round(report.elapsed_ms),
        "unasked": len(report.unasked),
        "unexamined": list(report.unexamined),
        "error": None if error is None else type(error).__name__,
    }
    _cancels_logger.info("%s", json.dumps(said), extra={"cancel": said})
