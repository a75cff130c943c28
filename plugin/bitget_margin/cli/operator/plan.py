"""What is about to be cancelled, worked out before anything is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import ccxt

from bitget_margin.cli.operator import errors, query
from bitget_margin.cli.operator.account import Account
from bitget_margin.cli.operator.query import Listed, Step
from bitget_margin.cli.operator.selection import Name, Order, Selection, pick
from bitget_margin.core.order_ref import IdKind

ENDED: Final = frozenset({"closed", "canceled", "rejected", "expired"})
"""ccxt's statuses of an order that can no longer trade."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Which orders a cancel is about."""

    everything: bool = False
    orders: tuple[Order, ...] = ()
    """Open, and meant."""
    unlisted: tuple[str, ...] = ()
    """Symbols whose open orders are listed as they are cancelled."""
    hidden: tuple[Name, ...] = ()
    """Named, and not among the open orders: the venue is asked to cancel them by their names."""
    ended: tuple[tuple[Name, Order], ...] = ()
    """Named, and ended already, by the venue's row."""
    lost: tuple[Name, ...] = ()
    """Named, and nowhere to be seen."""
    spared: tuple[Name, ...] = ()
    """Named and open, and left alone: another filter does not let them through."""
    frozen: Mapping[str, float] | None = field(default_factory=dict)
    """How much of each coin the open orders of the account hold; None where the balance could not be read."""
    at_ms: float = 0.0
    """The venue's time at which the orders were listed, ms since the epoch: ages count from it."""

    @property
    def idle(self) -> bool:
        """Whether nothing is left to be cancelled, nor to be proven."""
        return not (self.orders or self.hidden or self.unlisted or (self.everything and self.frozen))


def make(account: Account, selection: Selection, step: Step, *, at_once: bool) -> Plan:
    """Ask the venue what is open, and return the plan; nothing is changed.

    :param at_once: leave out what only a listing symbol by symbol would show
    """
    query.load_markets(account)
    selection = selection.spelled(query.spelling(account, selection.all_symbols))
    held = _frozen(account, selection)
    named = bool(selection.names)
    told = named and all(name.symbol is not None for name in selection.names)
    # Orders that are named are found quicker where they are than in a list of everything.
    listed = (
        Listed(())
        if told
        else query.open_orders(
            account,
            selection.all_symbols,
            held or {},
            step,
            one_by_one=not (named or at_once),
            guess=selection.everything,
        )
    )
    # Not before: the local clock may be hours off, and the venue's is known from its answers.
    now_ms = account.exchange.venue_milliseconds()
    picked = pick(selection, listed.orders, now_ms)
    seen = tuple(order["symbol"] for order in listed.orders)
    places = selection.symbols or (*seen, *listed.unlisted, *query.candidates(account))
    shown = _located(account, selection, picked.absent, places, step)
    orders, spared = list(picked.orders), list(picked.spared)
    hidden, ended, lost = [], [], []
    for name in picked.absent:
        order = shown.get(name)
        symbol = name.symbol if order is None else order["symbol"]
        over = order is not None and order["status"] in ENDED
        # A younger order may have taken over the name of one that has ended: the cancel finds out.
        doubtful = order is None or (over and name.kind is IdKind.CLIENT)
        if doubtful and symbol is not None and not selection.filtered:
            hidden.append(Name(name.kind, name.value, symbol))
        elif order is None:
            lost.append(name)
        elif over:
            ended.append((name, order))
        elif selection.allows(order, now_ms):
            orders.append(order)
        else:
            spared.append(name)
    return Plan(
        everything=selection.everything,
        orders=tuple({order["id"]: order for order in orders}.values()),
        unlisted=() if named else listed.unlisted,
        hidden=tuple(hidden),
        ended=tuple(ended),
        lost=tuple(lost),
        spared=tuple(spared),
        frozen=held,
        at_ms=now_ms,
    )


def _frozen(account: Account, selection: Selection) -> Mapping[str, float] | None:
    """Return what open orders hold; where symbols are named, this is only to be shown and stops nothing."""
    try:
        return query.frozen(account)
    except ccxt.BaseError as error:
        if not selection.all_symbols or errors.refuses_keys(error):
            raise
        return None


def _located(
    account: Account, selection: Selection, names: Sequence[Name], places: Sequence[str], step: Step
) -> Mapping[Name, Order]:
    """Return those of these orders that the venue shows; a cancel by name and symbol needs no look before it."""
    try:
        return query.locate(account, names, places, step)
    except ccxt.BaseError as error:
        told = all(name.symbol is not None for name in names)
        if not told or selection.filtered or errors.refuses_keys(error):
            raise
        return {}
