"""Plan of a cancel: the selected orders, worked out before anything is canceled."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import ccxt

from bitget_margin.cli.operator import errors, query
from bitget_margin.cli.operator.account import Connection
from bitget_margin.cli.operator.identity import AccountIdentity, read_identity
from bitget_margin.cli.operator.query import Listed, Step
from bitget_margin.cli.operator.selection import NamedOrder, Order, Selection, pick
from bitget_margin.core.order_ref import IdKind

ENDED: Final = frozenset({"closed", "canceled", "rejected", "expired"})
"""ccxt's statuses of an order that can no longer trade."""
_IDENTITY_MS: Final = 500
"""Time limit of the query for the UID: no cancel waits longer for what is only displayed."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Orders that a cancel is about to end, and named orders that it cannot end."""

    everything: bool = False
    account: AccountIdentity | None = None
    """None where the balance could not be read, or nothing was."""
    orders: tuple[Order, ...] = ()
    """Open and selected."""
    pending_symbols: tuple[str, ...] = ()
    """Symbols whose open orders are listed just before they are canceled."""
    unlisted: tuple[NamedOrder, ...] = ()
    """Named, and not in the list of open orders: they are canceled by id all the same."""
    ended: tuple[tuple[NamedOrder, Order], ...] = ()
    """Named, and already in a final state."""
    not_found: tuple[NamedOrder, ...] = ()
    """Named, and in no response."""
    filtered_out: tuple[NamedOrder, ...] = ()
    """Named and open, and excluded by another option."""
    frozen: Mapping[str, float] | None = None
    """Amount of each coin that the open orders of the account hold; None if the balance was not read."""
    reaches_unlisted: bool = False
    """Whether orders that no list shows, and those that are placed meanwhile, are canceled by the same request."""
    none_is_open: bool = False
    """Whether it is proven that the account has no open order."""
    at_ms: float = 0.0
    """Time of the listing by the venue's clock, ms since the epoch; ages are relative to it."""

    @property
    def idle(self) -> bool:
        """Whether nothing is left to cancel or to prove."""
        listed = self.orders or self.unlisted or self.pending_symbols
        return not listed and (self.none_is_open or not self.everything)


def make_plan(connection: Connection, selection: Selection, step: Step, *, at_once: bool) -> Plan:
    """Query the open orders and return the plan; nothing is changed.

    :param at_once: skip the orders that only a listing symbol by symbol would show
    """
    query.load_markets(connection)
    selection = selection.with_symbols(query.spelling(connection, selection.all_symbols, selection.origins))
    held = _frozen(connection, selection)
    account = None if held is None else read_identity(connection, _IDENTITY_MS)
    named = bool(selection.names)
    listed = Listed(())
    # Named orders with a symbol are looked up there, which is quicker than a list of everything.
    if not named or any(name.symbol is None for name in selection.names):
        one_by_one = not (named or at_once)
        listed = query.open_orders(
            connection,
            selection.all_symbols,
            held or {},
            step,
            one_by_one=one_by_one,
            guess_pairs=selection.everything,
        )
    none_is_open = selection.everything and not listed.orders and not listed.pending_symbols and not held
    if connection.is_unified and selection.everything:
        # With --yes, the cancel confirms it in any case.
        none_is_open = not (listed.orders or at_once) and query.is_still_empty(connection)
    # After the requests: the local clock may be hours off, and the venue's is known from its responses.
    now_ms = connection.exchange.venue_milliseconds()
    picked = pick(selection, listed.orders, now_ms)
    seen = tuple(order["symbol"] for order in listed.orders)
    places = selection.symbols or (*seen, *listed.pending_symbols, *query.candidates(connection))
    found = _locate(connection, selection, picked.not_open, places, step)
    orders, filtered_out = list(picked.orders), list(picked.filtered_out)
    unlisted, ended, not_found = [], [], []
    for name in picked.not_open:
        order = found.get(name)
        symbol = name.symbol if order is None else order["symbol"]
        has_ended = order is not None and order["status"] in ENDED
        # A newer order may have the client order id of one that has ended: the cancel finds out.
        doubtful = order is None or (has_ended and name.kind is IdKind.CLIENT)
        if doubtful and symbol is not None and not selection.filtered:
            unlisted.append(NamedOrder(name.kind, name.value, symbol))
        elif order is None:
            not_found.append(name)
        elif has_ended:
            ended.append((name, order))
        elif selection.allows(order, now_ms):
            orders.append(order)
        else:
            filtered_out.append(name)
    return Plan(
        everything=selection.everything,
        account=account,
        orders=tuple({order["id"]: order for order in orders}.values()),
        pending_symbols=() if named else listed.pending_symbols,
        unlisted=tuple(unlisted),
        ended=tuple(ended),
        not_found=tuple(not_found),
        filtered_out=tuple(filtered_out),
        frozen=held,
        reaches_unlisted=selection.everything and connection.is_unified,
        none_is_open=none_is_open,
        at_ms=now_ms,
    )


def _frozen(connection: Connection, selection: Selection) -> Mapping[str, float] | None:
    """Return the frozen coins; if symbols are given, a failure is no error, as they are only displayed."""
    try:
        return query.frozen(connection)
    except ccxt.BaseError as error:
        if not selection.all_symbols or errors.refuses_keys(error):
            raise
        return None


def _locate(
    connection: Connection, selection: Selection, names: Sequence[NamedOrder], places: Sequence[str], step: Step
) -> Mapping[NamedOrder, Order]:
    """Look up named orders; a failure is no error if they can be canceled by id and symbol without it."""
    try:
        return query.locate(connection, names, places, step)
    except ccxt.BaseError as error:
        if selection.filtered or errors.refuses_keys(error) or any(name.symbol is None for name in names):
            raise
        return {}
