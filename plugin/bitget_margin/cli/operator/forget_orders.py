"""Resting orders that are to be forgotten: selected in the bot's database, looked up twice, and marked.

Imported only where freqtrade is installed.
"""

import shlex
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, Final

from bitget_margin.adapter.account import fetch_uid
from bitget_margin.adapter.fetch import PARTIAL, OrdersView, view_orders
from bitget_margin.cli.operator import query
from bitget_margin.cli.operator.account import Connection
from bitget_margin.cli.operator.errors import Exit
from bitget_margin.core.order_ref import IdKind
from bitget_margin.core.settings import Pacing
from bitget_margin.freqtrade.client import epoch_ms
from bitget_margin.freqtrade.config import NAME
from bitget_margin.freqtrade.database_identity import DatabaseIdentity, RunMode
from bitget_margin.freqtrade.order_looks import LOOKS, Finding, OrderLook, ids_of, judge, look_of
from bitget_margin.freqtrade.order_store import OrderStore
from bitget_margin.freqtrade.stopped_database import DatabaseRefused
from bitget_margin.freqtrade.tracked_order import Origin, Phase, TrackedOrder

_REASON: Final = "gone by the operator's word"
_TOGETHER: Final = 10
"""Number of orders of one lookup: each is looked up by both of its ids, of which one call queries 20."""

_FIELDS: Final = (
    "symbol",
    "id",
    "client_order_id",
    "trade",
    "side",
    "price",
    "amount",
    "filled",
    "forgotten_ms",
)
"""Fields of a stored order in the JSON document."""


class ForgetOutcome(Enum):
    """State of a chosen order; the values are those of the JSON document."""

    FORGOTTEN = "forgotten"
    ABSENT = "absent"
    ENDED = "ended"
    OPEN = "open"
    FILLED = "filled"
    UNKNOWN = "unknown"
    NOT_OPEN = "not_open"
    NOT_RESTING = "not_resting"
    NOT_FOUND = "not_found"


_OF_FINDING: Final = {
    Finding.ABSENT: ForgetOutcome.ABSENT,
    Finding.OPEN: ForgetOutcome.OPEN,
    Finding.ENDED: ForgetOutcome.ENDED,
    Finding.FILLED: ForgetOutcome.FILLED,
    Finding.UNKNOWN: ForgetOutcome.UNKNOWN,
}
_CODES: Final = {
    ForgetOutcome.FORGOTTEN: Exit.DONE,
    ForgetOutcome.ENDED: Exit.DONE,
    ForgetOutcome.NOT_OPEN: Exit.DONE,
    ForgetOutcome.UNKNOWN: Exit.UNRESOLVED,
}
"""Exit codes of outcomes; of all others, it is `OPEN`."""
_TEXTS: Final = {
    ForgetOutcome.FORGOTTEN: "forgotten",
    ForgetOutcome.ABSENT: f"in no list of the venue, and not found by its ids, in {LOOKS} lookups",
    ForgetOutcome.ENDED: "has ended: the bot books it at its next start",
    ForgetOutcome.OPEN: (
        "is open, and not forgotten: cancel it with `bitget-margin cancel{account} --id {id} --symbol {pair}`"
    ),
    ForgetOutcome.FILLED: (
        "has filled coins that the bot has not booked: start the bot, which books them, stop it, and run the same "
        "command again"
    ),
    ForgetOutcome.UNKNOWN: "could not be looked up in full: run the same command again",
    ForgetOutcome.NOT_OPEN: "does not count as open in the database: nothing waits for it",
    ForgetOutcome.NOT_RESTING: "is an entry, an exit or a stop-loss: only resting orders of a ladder can be forgotten",
    ForgetOutcome.NOT_FOUND: "is no order of this database",
}


@dataclass(frozen=True, slots=True)
class ChosenOrder:
    """One order that the operator has chosen.

    :ivar name: the id under which it was chosen
    :ivar order: as stored; None where the database does not have it
    :ivar outcome: None while it is not looked up
    """

    name: str
    order: TrackedOrder | None
    outcome: ForgetOutcome | None = None
    order_id: str | None = None
    """Order id of the row that shows it, which a database after a crash may lack."""
    account: str = ""
    """Options that choose the account, with a space before each, for a printed command."""

    @property
    def text(self) -> str:
        """The outcome, and what to do, for people."""
        if self.outcome is None or self.order is None:
            return "" if self.outcome is None else _TEXTS[self.outcome]
        return _TEXTS[self.outcome].format(
            id=self.order_id or self.name, pair=shlex.quote(self.order.pair), account=self.account
        )


def choose(
    store: OrderStore, trades: Sequence[int], names: Iterable[tuple[IdKind, str]]
) -> tuple[list[ChosenOrder], list[str]]:
    """Return the chosen orders, each once, and errors: trades without any."""
    chosen: dict[str, ChosenOrder] = {}
    failures = []
    known = [*store.open(Origin.LADDER), *store.in_phase(Phase.FORGOTTEN)]
    for trade in trades:
        orders = [order for order in known if order.trade_id == trade]
        chosen |= {order.client_id: _chosen(order.client_id, order) for order in orders}
        if not orders:
            failures.append(f"trade {trade} has no resting order without a proven end")
    for kind, name in names:
        order = store.by_order_id(name) if kind is IdKind.ORDER else store.by_client_id(name)
        chosen.setdefault(name if order is None else order.client_id, _chosen(name, order))
    return list(chosen.values()), failures


def _chosen(name: str, order: TrackedOrder | None) -> ChosenOrder:
    """Return an order with the outcome that needs no lookup."""
    outcome = None
    if order is None:
        outcome = ForgetOutcome.NOT_FOUND
    elif order.origin is not Origin.LADDER:
        outcome = ForgetOutcome.NOT_RESTING
    elif order.phase is Phase.FORGOTTEN:
        outcome = ForgetOutcome.FORGOTTEN
    elif not order.phase.open:
        outcome = ForgetOutcome.NOT_OPEN
    return ChosenOrder(name, order, outcome)


def check_account(connection: Connection, identity: DatabaseIdentity | None) -> str | None:
    """Refuse a database whose orders are on another account; return a warning where that is not known.

    :raises DatabaseRefused: it is of a dry run, of another exchange, or of another UID than the keys
    :raises ccxt.BaseError: the account could not be read
    """
    if identity is not None and identity.run_mode is RunMode.DRY_RUN:
        raise DatabaseRefused("it is the database of a dry run, whose orders are on no venue")
    if identity is not None and identity.exchange != NAME:
        raise DatabaseRefused(f"it is the database of a bot on the exchange {identity.exchange}")
    exchange = connection.exchange
    uid = exchange.perform(fetch_uid(exchange, {"timeout": connection.timeout_ms}))
    if identity is None or not identity.uid:
        return f"The database does not show its account: whether its orders are of UID {uid} is not known."
    if uid != identity.uid:
        raise DatabaseRefused(
            f"it belongs to the account with UID {identity.uid}, and the keys are of the account with UID {uid}, which "
            "never had its orders: use the keys of the bot. If that account is gone for good, give the bot another "
            'database ("db_url"), or move this one away: nothing can be looked up for it any more'
        )
    return None


def look_up(connection: Connection, chosen: Sequence[ChosenOrder]) -> list[ChosenOrder]:
    """Return the orders with the outcomes of two lookups, by order id and client order id.

    :raises ccxt.BaseError: no answer in time, or a refusal
    """
    orders = [each.order for each in chosen if each.order is not None and each.outcome is None]
    looks: dict[str, list[OrderLook]] = {order.client_id: [] for order in orders}
    for number in range(LOOKS if orders else 0):
        if number:
            time.sleep(Pacing().recheck_ms / 1_000)
        for client_id, look in _look(connection, orders):
            looks[client_id].append(look)
    return [
        each
        if each.order is None or each.outcome is not None
        else replace(
            each,
            outcome=_OF_FINDING[judge(each.order, looks[each.order.client_id])],
            account=connection.repeated,
            order_id=next((row["id"] for look in looks[each.order.client_id] for row in look.rows), None),
        )
        for each in chosen
    ]


def _look(connection: Connection, orders: Sequence[TrackedOrder]) -> Iterable[tuple[str, OrderLook]]:
    exchange = connection.exchange
    for pair in dict.fromkeys(order.pair for order in orders):
        of_pair = [order for order in orders if order.pair == pair]
        for first in range(0, len(of_pair), _TOGETHER):
            group = of_pair[first : first + _TOGETHER]
            client_ids = [order.client_id for order in group]
            order_ids = [order.order_id for order in group if order.order_id is not None]
            params = {"timeout": connection.timeout_ms, PARTIAL: True}
            view: OrdersView = exchange.perform(view_orders(exchange, pair, order_ids, client_ids, params))
            yield from ((order.client_id, look_of(order, view)) for order in group)


def unexplained_coins(connection: Connection, chosen: Sequence[ChosenOrder]) -> dict[str, float]:
    """Return the frozen coins of a classic account that no listed order explains: an absent order may hold them."""
    orders = [each.order for each in chosen if each.order is not None and each.outcome is ForgetOutcome.ABSENT]
    if not orders or connection.is_unified:
        return {}
    pairs = list(dict.fromkeys(order.pair for order in orders))
    coins = {coin for pair in pairs for coin in pair.split("/")}
    held = {coin: amount for coin, amount in query.frozen(connection).items() if coin in coins}
    listed = [order for pair in pairs for order in query.of_symbol(connection, pair)] if held else []
    return {coin: held[coin] for coin in query.unexplained(connection, listed, held)}


def mark(store: OrderStore, chosen: Sequence[ChosenOrder]) -> list[ChosenOrder]:
    """Mark the absent orders as forgotten, all with one transaction, and return all orders as they are then.

    :raises sqlalchemy.exc.SQLAlchemyError: the database could not be written, and no order is marked
    """
    now_ms = epoch_ms()
    marked = {
        each.order.client_id: replace(each.order, phase=Phase.FORGOTTEN, reason=_REASON, forgotten_ms=now_ms)
        for each in chosen
        if each.order is not None and each.outcome is ForgetOutcome.ABSENT
    }
    before = {each.order.client_id: each.order for each in chosen if each.order is not None}
    store.write((before[client_id], order) for client_id, order in marked.items())
    return [
        replace(each, order=marked[each.order.client_id], outcome=ForgetOutcome.FORGOTTEN)
        if each.order is not None and each.order.client_id in marked
        else each
        for each in chosen
    ]


def exit_code(chosen: Sequence[ChosenOrder]) -> Exit:
    """Return the exit code of these outcomes: the highest one."""
    codes = [Exit.UNRESOLVED if each.outcome is None else _CODES.get(each.outcome, Exit.OPEN) for each in chosen]
    return max(codes, default=Exit.DONE)


def describe(chosen: ChosenOrder) -> str:
    """Return an order in words, for the plan."""
    order = chosen.order
    if order is None:
        return chosen.name
    ids = " / ".join(ids_of(order))
    filled = f", {order.filled:.8g} of it filled" if order.filled else ""
    return f"{order.side} {order.amount:.8g} {order.pair} at {order.price:.10g}{filled} (trade {order.trade_id}, {ids})"


def as_json(chosen: ChosenOrder) -> Mapping[str, Any]:
    """Return the fields of an order in the JSON document."""
    order, fields = chosen.order, dict[str, Any]()
    if order is not None:
        fields = {
            "symbol": order.pair,
            "id": order.order_id,
            "client_order_id": order.client_id,
            "trade": order.trade_id,
            "forgotten_ms": order.forgotten_ms,
            **{name: getattr(order, name) for name in ("side", "price", "amount", "filled")},
        }
    return {
        "name": chosen.name,
        **{name: fields.get(name) for name in _FIELDS},
        "outcome": None if chosen.outcome is None else chosen.outcome.value,
        "reason": chosen.text or None,
    }
