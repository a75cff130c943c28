"""Steps that API calls share: open the call, load the markets, end a cancel with its report."""

import json
import logging
from collections.abc import Callable, Iterable
from typing import Any, Final

import ccxt

from bitget_margin.adapter import fallback_markets, rate_limits, venue_clock
from bitget_margin.adapter.ccxt_types import MarginExchange, Params
from bitget_margin.adapter.errors import CancelUnresolved, attach, documented
from bitget_margin.adapter.html_pages import without_markup
from bitget_margin.adapter.orders import Markets, market_of_id, report
from bitget_margin.adapter.params import UID, account_kind_of, known_kind, shared_limiter_of
from bitget_margin.adapter.transport import monotonic_ms
from bitget_margin.core import api_v3
from bitget_margin.core.api import api_of
from bitget_margin.core.cancel import interrupt
from bitget_margin.core.cancel_proof import CancelAllResult
from bitget_margin.core.cancel_state import CancelState
from bitget_margin.core.effects import Fault, Flow, LoadMarkets, Reply, Send, SendAll, T
from bitget_margin.core.endpoints import AccountKind
from bitget_margin.core.order_ref import OrderRef
from bitget_margin.core.outcome import CancelReport
from bitget_margin.core.requests import CallContext, Unreadable
from bitget_margin.core.settings import Deadline, Settings
from bitget_margin.core.verdicts import Verdict, verdict_of_fault

_UID_MS: Final = 1_000.0
"""Time limit of the query for the UID."""
_FIRST_UID_MS: Final = 3_500.0
"""Time limit of the first one, but for urgent calls: programs that start together are answered one a second."""
_MARKETS_SHARE: Final = 0.3
"""The part of its time that a cancel waits for the markets to load."""
_MESSAGE_MAX: Final = 200
"""Characters of an exception in a log message."""
_KNOWN_COINS: Final = "bitget_margin_known_coins"
_windows_logger: Final = logging.getLogger("bitget_margin.windows")
_cancels_logger: Final = logging.getLogger("bitget_margin.cancels")
_markets_logger: Final = logging.getLogger("bitget_margin.markets")
_REPORT_MS: Final = 100.0
"""Time reserved to build the report of many orders before the call ends, at most a tenth of the whole."""


def open_call(
    exchange: MarginExchange, settings: Settings, params: Params, *, urgent: bool = False, reads_only: bool = False
) -> CallContext:
    """Return the context of a call, whose time begins now."""
    shared_limiter_of(exchange)  # raises before anything is sent, if the option is no limiter
    reserve_ms = min(_REPORT_MS, settings.timeout_ms / 10)
    return CallContext(
        settings,
        Deadline.after(monotonic_ms, settings.timeout_ms - reserve_ms),
        since_ms=venue_clock.WHOLE_WINDOW,
        urgent=urgent,
        reads_only=reads_only,
        api=api_of(account_kind_of(exchange, params)),
        on_account_kind=exchange.learn_account_kind,
        kind_is_assumed=known_kind(exchange, params) is None,
    )


def load_markets(exchange: MarginExchange, ctx: CallContext, *, is_cancel: bool = False) -> Flow[None]:
    """Load the markets if they are not loaded, and learn the UID if a shared limiter needs it.

    A call that cancels goes on without markets where they cannot be loaded.
    """
    if is_cancel:
        yield from _try_markets(exchange, ctx)
    elif not exchange.markets:
        yield LoadMarkets(ctx.deadline.at_ms)
    if ctx.kind_is_assumed and not ctx.kind_corrected:
        ctx.api = api_of(account_kind_of(exchange, {}))  # ccxt queries the kind as it loads the markets
    uid = exchange.options.get(UID)
    # An unknown UID is queried again by later calls, but not while a cancel or an urgent order waits.
    if not uid and (uid is None or not ctx.urgent) and exchange.enableRateLimit and shared_limiter_of(exchange):
        yield from _learn_uid(exchange, ctx)


def _try_markets(exchange: MarginExchange, ctx: CallContext) -> Flow[None]:
    """Load the markets for a cancel within a part of its time; if that fails, log it and leave none."""
    if fallback_markets.are_listed(exchange):
        return
    _forget_markets(exchange)
    why: object = "they list no spot market"
    try:
        yield LoadMarkets(ctx.deadline.start_ms + ctx.deadline.span_ms * _MARKETS_SHARE)
    except Exception as error:  # noqa: BLE001 - no failure of theirs may stop a cancel
        why = error
    if not fallback_markets.are_listed(exchange):
        _forget_markets(exchange)
        # Refused keys are no matter of the markets: the cancel itself meets them, and raises.
        level = logging.DEBUG if isinstance(why, ccxt.AuthenticationError) else logging.WARNING
        _markets_logger.log(
            level,
            "Canceling without loaded markets, by the names of the pairs: %s",
            without_markup(str(why))[:_MESSAGE_MAX],
        )


def _forget_markets(exchange: MarginExchange) -> None:
    """Let the next call load the markets again; a load of the async flavours that is running goes on."""
    vars(exchange).update(markets=None, markets_by_id=None)
    loading = vars(exchange).get("markets_loading")
    if loading is not None and loading.done():
        vars(exchange)["markets_loading"] = None


def _learn_uid(exchange: MarginExchange, ctx: CallContext) -> Flow[None]:
    """Query the UID within seconds: bots with other keys of the account share its rate limit windows."""
    known = rate_limits.known_uid(exchange)
    is_first = exchange.options.get(UID) is None and not ctx.urgent
    until_ms = min(monotonic_ms() + (_FIRST_UID_MS if is_first else _UID_MS), ctx.deadline.at_ms)
    for _ in AccountKind:
        if known is not None:
            break
        api = ctx.api
        (reply,) = yield SendAll((Send(api.account_request(), _UID_MS, until_ms),))
        ctx.requests += not isinstance(reply, Fault) or reply.sent
        if isinstance(reply, Reply):
            known = api.read_uid(reply.body)
            if api.KIND is AccountKind.UNIFIED:
                exchange.learn_level(api_v3.read_settings(reply.body) or {})
            break
        ctx.correct_kind(reply)
        if ctx.api is api:
            break
    if known is not None:
        rate_limits.learn_uid(exchange, known)
    elif exchange.options.get(UID) is None:
        exchange.options[UID] = ""
        _windows_logger.warning(
            "The UID of the account could not be read: the shared rate limit window is that of the key alone. "
            "options[%r] sets it",
            UID,
        )


def known_coins(exchange: MarginExchange) -> set[str]:
    """Return the coins of all balances that this exchange object has received, as a set to add to."""
    known: set[str] = vars(exchange).setdefault(_KNOWN_COINS, set())
    return known


def register_orders(
    exchange: MarginExchange, method: str, state: CancelState, named: Iterable[OrderRef]
) -> dict[str, Any]:
    """Register the named orders under the venue's own symbols; return the markets."""
    listed = tuple(named)
    markets = {
        symbol: fallback_markets.spot_market(exchange, method, symbol)
        for symbol in dict.fromkeys(target.symbol for target in listed)
    }
    for target in listed:
        state.add(OrderRef(markets[target.symbol]["id"], target.kind, target.value))
    return {market["id"]: market for market in markets.values()}


def attach_report_on_error(
    exchange: MarginExchange, method: str, ctx: CallContext, state: CancelState, markets: Markets, flow: Flow[T]
) -> Flow[T]:
    """Run the flow; any exception that ends it early carries the report."""
    try:
        return (yield from flow)
    except BaseException as error:
        interrupt(ctx, state)
        found = _report(exchange, ctx, state, markets)
        attach(error, found)
        log_cancel(method, found, error)
        raise


def _report(
    exchange: MarginExchange, ctx: CallContext, state: CancelState, markets: Markets, unexamined: tuple[str, ...] = ()
) -> CancelReport:
    elapsed_ms = monotonic_ms() - ctx.began_ms
    return report(exchange, state, markets, requests=ctx.requests, elapsed_ms=elapsed_ms, unexamined=unexamined)


def finish_cancel(
    exchange: MarginExchange,
    method: str,
    ctx: CallContext,
    state: CancelState,
    markets: Markets,
    all_result: CancelAllResult | None = None,
    refusal: Callable[[CancelReport], Exception | None] = lambda _: None,
) -> CancelReport:
    """Return the report, or raise with it: a definitive error, the refusal, or CancelUnresolved.

    :param refusal: returns the exception for a report of which every order is resolved, if there is one
    """
    result = all_result or CancelAllResult()
    fault = result.fault
    unexamined = tuple(market_of_id(exchange, markets, symbol)["symbol"] for symbol in result.unexamined)
    found = _report(exchange, ctx, state, markets, unexamined)
    is_definitive = fault is not None and verdict_of_fault(fault) in {Verdict.DEFINITIVE, Verdict.CLOCK}
    error = state.error or (fault.error if fault is not None and is_definitive else None)
    if error is None and (result.problem or fault or unexamined or not all(r.outcome.resolved for r in found.results)):
        problem = result.problem or (None if fault is None else fault.text or str(fault.error))
        error = CancelUnresolved(method, found, problem)
        cause = fault or ctx.last_fault
        error.__cause__ = None if cause is None else cause.error
    error = error or refusal(found)
    log_cancel(method, found, error)
    if error is None:
        return found
    attach(error, found)
    raise error


def to_exception(exchange: MarginExchange, method: str, fault: Fault) -> Exception:
    """Return the exception for a query that was not answered."""
    if isinstance(fault.error, Unreadable):
        return ccxt.BadResponse(f"{exchange.id} {method}(): {fault.error}")
    return documented(f"{exchange.id} {method}()", fault.error)


def log_cancel(method: str, report: CancelReport, error: BaseException | None = None) -> None:
    """Log the outcome of each order at INFO: JSON as message, the same as attribute `cancel`.

    :param error: the exception that the call raises
    """
    if not _cancels_logger.isEnabledFor(logging.INFO):
        return
    outcomes: dict[str, list[str | None]] = {}
    for result in report.results:
        outcomes.setdefault(result.outcome.value, []).append(result.id or result.client_order_id)
    fields: dict[str, Any] = {
        "call": method,
        "symbols": sorted({result.symbol for result in report.results}),
        "outcomes": outcomes,
        "requests": report.requests,
        "ms": round(report.elapsed_ms),
        "unasked": len(report.unasked),
        "unexamined": list(report.unexamined),
        "error": None if error is None else type(error).__name__,
    }
    _cancels_logger.info("%s", json.dumps(fields), extra={"cancel": fields})
