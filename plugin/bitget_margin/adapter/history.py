"""Flows that read the past of the cross margin account: orders and trades, complete over all pages and windows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar, cast

import ccxt

from bitget_margin.adapter import fallback_markets, strategy, venue_clock
from bitget_margin.adapter.call import load_markets, open_call, to_exception
from bitget_margin.adapter.ccxt_types import MarginExchange, Order, Params
from bitget_margin.adapter.orders import structure_of
from bitget_margin.adapter.params import (
    bad_request,
    parse_settings,
    required_symbol,
    split_params,
    whole_number,
)
from bitget_margin.adapter.strategy_orders import is_trigger
from bitget_margin.core.effects import Fault, Flow, Resync
from bitget_margin.core.order_ref import BadInput, checked_order_id
from bitget_margin.core.order_row import text
from bitget_margin.core.queries import query_open_orders
from bitget_margin.core.record_pages import RecordKind, RecordQuery
from bitget_margin.core.records import RecordReader, TooManyRecords
from bitget_margin.core.requests import CallContext
from bitget_margin.core.verdicts import refuses_parameters

T = TypeVar("T")
S = TypeVar("S", bound=Mapping[str, Any])

CLOSED: Final = frozenset({"closed"})
CANCELED: Final = frozenset({"canceled"})
_PARAMS: Final = frozenset({"timeout", "until"})
"""Parameters of these methods; `paginate` is accepted, and changes nothing: all pages are read in any case."""


@dataclass(frozen=True, slots=True)
class RecordSelection:
    """Records that a call asks for, as in ccxt: both times belong to it.

    With a start, `limit` cuts to the oldest ones, so that a caller can go on from the last one; without, to the newest.
    """

    since_ms: int | None
    until_ms: int | None
    limit: int | None

    @property
    def has_no_times(self) -> bool:
        """Whether neither a start nor an end is given."""
        return self.since_ms is None and self.until_ms is None

    def contains(self, structure: Mapping[str, Any]) -> bool:
        """Whether a structure is within the times; one without a time is in any."""
        at_ms = structure["timestamp"]
        if at_ms is None:
            return True
        return (self.since_ms is None or at_ms >= self.since_ms) and (self.until_ms is None or at_ms <= self.until_ms)

    def cut(self, structures: list[S]) -> list[S]:
        """Return the selected structures, oldest first."""
        found = sorted(filter(self.contains, structures), key=lambda s: (s["timestamp"] or 0, s.get("id") or ""))
        if self.limit is None:
            return found
        return found[-self.limit :] if self.since_ms is None else found[: self.limit]


def selection(exchange: MarginExchange, method: str, since: object, limit: object, params: Params) -> RecordSelection:
    """Return the checked selection of a call."""
    given = {"since": since, "limit": limit, "until": params.get("until")}
    for name, value in given.items():
        whole_number(exchange, method, name, value)
    since_ms, count, until_ms = cast("tuple[int | None, int | None, int | None]", tuple(given.values()))
    if since_ms is not None and until_ms is not None and since_ms > until_ms:
        raise bad_request(exchange, method, BadInput(f"since {since_ms} is later than until {until_ms}"))
    return RecordSelection(since_ms, until_ms, count)


@dataclass(slots=True)
class HistoryCall:
    """One call that reads records: its arguments and the market, if a symbol is given."""

    exchange: MarginExchange
    method: str
    ctx: CallContext
    wanted: RecordSelection
    market: Any = None
    parsed: dict[str, Any] = field(default_factory=dict)
    """Structures of the records that were read, by id."""

    def read(
        self, sought: RecordQuery, parse: Callable[[Mapping[str, Any]], T], accept: Callable[[T], bool]
    ) -> Flow[list[T]]:
        """Return the structures of all accepted records; raise for a query that was not answered."""

        def keep(record_id: str, raw: Mapping[str, Any]) -> bool:
            structure = self.parsed.get(record_id)
            if structure is None:
                structure = self.parsed[record_id] = parse(raw)
            return accept(structure)

        if self.exchange.venue_offset_ms is None:
            # Windows by a wrong clock here would show nothing, and no error.
            yield Resync(self.ctx.deadline.at_ms)
        wanted = self.wanted
        reader = RecordReader(
            self.ctx,
            sought,
            venue_clock.now(self.exchange),
            wanted.since_ms,
            wanted.until_ms,
            wanted.limit,
            keep,
        )
        found = yield from reader.read()
        if isinstance(found, Fault):
            raise self._exception(sought, found)
        return [self.parsed[record_id] for record_id in found]

    def _exception(self, sought: RecordQuery, fault: Fault) -> Exception:
        if isinstance(fault.error, TooManyRecords):
            return ccxt.BadRequest(
                f"{self.exchange.id} {self.method}(): {fault.error}: give since, until or a smaller limit"
            )
        if self.market is None and sought.coin is None and refuses_parameters(fault):
            wants = ccxt.ArgumentsRequired(f"{self.exchange.id} {self.method}(): the venue requires a symbol")
            wants.__cause__ = fault.error
            return wants
        return to_exception(self.exchange, self.method, fault)

    @property
    def market_id(self) -> str | None:
        """The venue's symbol, if one is given."""
        return None if self.market is None else self.market["id"]

    def market_of(self, raw: Mapping[str, Any]) -> Any:
        """Return the spot market of a row, which may lack a symbol where one was asked for."""
        if self.market is not None:
            return self.market
        symbol = text(raw.get("symbol"))
        return None if symbol is None else fallback_markets.market_of_row(self.exchange, symbol)

    def is_of_symbol(self, raw: Mapping[str, Any]) -> bool:
        """Whether a row is of the given symbol, if there is one; rows of classic fills have none."""
        return self.market is None or raw.get("symbol") in (None, "", self.market["id"])


def open_history(
    exchange: MarginExchange,
    method: str,
    symbol: object,
    times: tuple[object, object],
    params: Params,
    known: frozenset[str] = _PARAMS,
) -> Flow[HistoryCall]:
    """Check the arguments, open the call and load the markets; `times` are since and limit."""
    split_params(exchange, method, params, known)
    wanted = selection(exchange, method, *times, params)
    settings = parse_settings(exchange, method, params, confirm=False)
    named = None if symbol is None else required_symbol(exchange, method, symbol)
    ctx = open_call(exchange, settings, params, reads_only=True)
    yield from load_markets(exchange, ctx)
    market = None if named is None else fallback_markets.spot_market(exchange, method, named)
    return HistoryCall(exchange, method, ctx, wanted, market)


def fetch_orders(
    exchange: MarginExchange, symbol: object, since: object, limit: object, params: Params
) -> Flow[list[Order]]:
    """Return open and ended cross margin orders, each once: an end in history outweighs a row of open orders."""
    call = yield from open_history(exchange, "fetch_orders", symbol, (since, limit), params)
    # Open orders are read first: an order that ends in between is in history then.
    rows = yield from query_open_orders(call.ctx, call.market_id, since_ms=call.wanted.since_ms)
    if isinstance(rows, Fault):
        if call.market is None and refuses_parameters(rows):
            raise ccxt.ArgumentsRequired(f"{exchange.id} fetch_orders(): the venue requires a symbol") from rows.error
        raise to_exception(exchange, call.method, rows)
    found = {row.order_id: structure_of(exchange, row.raw, call.market_of(row.raw)) for row in rows}
    found |= {order["id"]: order for order in (yield from _ended(call, None))}
    return call.wanted.cut(list(found.values()))


def fetch_ended_orders(
    exchange: MarginExchange,
    method: str,
    symbol: object,
    times: tuple[object, object],
    params: Params,
    statuses: frozenset[str] | None = None,
) -> Flow[list[Order]]:
    """Return ended cross margin orders; only those with one of ccxt's statuses, if these are given."""
    if is_trigger(params):
        return (yield from strategy.fetch_ended_orders(exchange, method, symbol, times, params, statuses))
    call = yield from open_history(exchange, method, symbol, times, params)
    return call.wanted.cut((yield from _ended(call, statuses)))


def _ended(call: HistoryCall, statuses: frozenset[str] | None) -> Flow[list[Any]]:
    def accept(order: Any) -> bool:
        fits = call.is_of_symbol(order["info"]) and (statuses is None or order["status"] in statuses)
        return fits and call.wanted.contains(order)

    sought = RecordQuery(RecordKind.ORDERS, symbol=call.market_id)
    return (yield from call.read(sought, lambda raw: structure_of(call.exchange, raw, call.market_of(raw)), accept))


def fetch_my_trades(
    exchange: MarginExchange, symbol: object, since: object, limit: object, params: Params
) -> Flow[list[Any]]:
    """Return the fills of cross margin orders."""
    call = yield from open_history(exchange, "fetch_my_trades", symbol, (since, limit), params)
    return (yield from _trades(call, RecordQuery(RecordKind.FILLS, symbol=call.market_id)))


def fetch_order_trades(
    exchange: MarginExchange, given_id: object, symbol: object, times: tuple[object, object], params: Params
) -> Flow[list[Any]]:
    """Return the fills of one cross margin order."""
    method = "fetch_order_trades"
    try:
        order_id = checked_order_id(given_id, "id")
    except BadInput as error:
        raise bad_request(exchange, method, error) from None
    call = yield from open_history(exchange, method, symbol, times, params)
    return (yield from _trades(call, RecordQuery(RecordKind.FILLS, symbol=call.market_id, order_id=order_id)))


def _trades(call: HistoryCall, sought: RecordQuery) -> Flow[list[Any]]:
    def parse(raw: Mapping[str, Any]) -> Any:
        return call.exchange.parse_trade(raw, call.market_of(raw))

    def accept(trade: Any) -> bool:
        fits = call.is_of_symbol(trade["info"]) and sought.order_id in (None, trade["order"])
        return fits and call.wanted.contains(trade)

    return call.wanted.cut((yield from call.read(sought, parse, accept)))
