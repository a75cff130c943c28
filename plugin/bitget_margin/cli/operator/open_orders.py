"""Open orders of the account as `bitget-margin orders` shows them: what one look reads, and how it is printed."""

from dataclasses import dataclass
from typing import Final

from rich.console import Console
from rich.text import Text

from bitget_margin.cli.operator import display, query
from bitget_margin.cli.operator.account import Connection
from bitget_margin.cli.operator.account_display import debts_text
from bitget_margin.cli.operator.account_state import AccountDebts, read_debts
from bitget_margin.cli.operator.identity import AccountIdentity, read_identity
from bitget_margin.cli.operator.query import FrozenCoins, Step
from bitget_margin.cli.operator.selection import Picked, Selection, pick

_IDENTITY_MS: Final = 3_000
"""Time limit of the query for the UID: long enough to wait for a turn, if another command has just asked."""


@dataclass(frozen=True, slots=True)
class OpenOrders:
    """Selected open orders, and the coins that all open orders hold."""

    account: AccountIdentity
    picked: Picked
    listed: int
    """Number of open orders from which these were selected."""
    held: FrozenCoins
    debts: AccountDebts
    at_ms: float
    """Time of the look by the venue's clock, ms since the epoch; ages are relative to it."""


def read_open_orders(
    connection: Connection, selection: Selection, step: Step, account: AccountIdentity | None = None
) -> OpenOrders:
    """Query the open orders that a selection matches, debts and frozen coins.

    :param account: identity of the account, if it is known already
    """
    query.load_markets(connection)
    selection = selection.with_symbols(query.spelling(connection, selection.all_symbols))
    balance = connection.exchange.fetch_balance(connection.params)
    frozen = query.frozen(connection, balance)
    account = account or read_identity(connection, _IDENTITY_MS)
    listed = query.open_orders(connection, selection.symbols, frozen, step).orders
    held = FrozenCoins(frozen) if selection.symbols else query.held_coins(connection, listed, frozen)
    debts = read_debts(connection, balance)
    at_ms = float(connection.exchange.venue_milliseconds())
    return OpenOrders(account, pick(selection, listed, at_ms), len(listed), held, debts, at_ms)


def show_open_orders(to: Console, connection: Connection, view: OpenOrders) -> None:
    """Print what one look has read."""
    to.print(Text(f"{connection.label}, {connection.redact(view.account.describe())}", "dim"))
    if view.debts.coins is None or view.debts.coins:
        to.print(debts_text(view.debts))
    orders = view.picked.orders
    if orders:
        of_all = "" if len(orders) == view.listed else f", of {view.listed}"
        display.show_orders(to, orders, view.at_ms, f"{display.count_of_orders(orders)}{of_all}")
    else:
        to.print(f"No open order is selected, of {view.listed}." if view.listed else "No open orders.")
    display.show_names(to, view.picked.not_open, "named and not among the open orders")
    display.show_names(to, view.picked.filtered_out, "named and open, and not shown: another option excludes them")
    display.show_frozen(to, view.held.frozen)
    if view.held.locked is not None:
        # Orders of the list above need no second line.
        if not view.held.locked.is_by_margin_orders:
            display.show_locked(to, view.held.locked)
    elif view.held.unexplained:
        coins = ", ".join(view.held.unexplained)
        to.print(f"The open orders do not hold all of {coins}: one older than the venue lists may.", style="yellow")
