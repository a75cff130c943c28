"""`bitget-margin orders`: list the open orders of the cross margin account."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import ccxt
import click
from rich.console import Console
from rich.text import Text

from bitget_margin.adapter.account import fetch_settings
from bitget_margin.cli import output
from bitget_margin.cli.operator import display, errors, json_output, query
from bitget_margin.cli.operator.account import Connection, connect, options
from bitget_margin.cli.operator.account_display import debts_text
from bitget_margin.cli.operator.account_state import AccountDebts, read_debts
from bitget_margin.cli.operator.errors import Exit
from bitget_margin.cli.operator.query import FrozenCoins
from bitget_margin.cli.operator.selection import Order, symbol_of
from bitget_margin.core.account_level import describe_settings

_EPILOG: Final = """\b
Exit codes:
  0    shown
  1    refused by the venue
  2    bad usage, or no keys
  3    no response from the venue, or the output cannot be written
  130  interrupted
"""


@click.command(epilog=_EPILOG)
@click.option("--symbol", "symbols", multiple=True, metavar="SYMBOL", help="Such as BTC/USDT; may be repeated.")
@options
def orders(
    symbols: Sequence[str],
    config: Sequence[Path],
    url: str | None,
    proxy: str | None,
    timeout_ms: int,
    as_json: bool,
) -> None:
    """Show the open orders of the cross margin account, of all symbols or of some.

    Keys come from the environment (BITGET_API_KEY, BITGET_SECRET, BITGET_PASSWORD) or from --config, never from
    arguments. Classic and unified accounts work alike.
    """
    chosen = tuple(dict.fromkeys(symbol_of(symbol, "--symbol") for symbol in symbols))
    connection = connect(config, url, proxy, timeout_ms, may_ask=not as_json)
    to = display.console(on_stderr=as_json)
    try:
        with display.listing_progress(to) as step:
            query.load_markets(connection)
            chosen = tuple(dict.fromkeys(query.spelling(connection, chosen).values()))
            balance = connection.exchange.fetch_balance(connection.params)
            frozen = query.frozen(connection, balance)
            settings = connection.exchange.perform(fetch_settings(connection.exchange, connection.params))
            listed = query.open_orders(connection, chosen, frozen, step).orders
            held = FrozenCoins(frozen) if chosen else query.held_coins(connection, listed, frozen)
            debts = read_debts(connection, balance)
    except KeyboardInterrupt:
        raise click.exceptions.Exit(Exit.INTERRUPTED) from None
    except ccxt.BaseError as error:
        click.echo(f"Error: {connection.redact(errors.message(error))}", err=True)
        raise click.exceptions.Exit(Exit.UNRESOLVED if errors.is_unresolved(error) else Exit.OPEN) from None
    if as_json:
        click.echo(json_output.orders_document(settings, listed, held, debts))
    else:
        _show(to, connection, settings, listed, held, debts)
    if not output.arrived():
        raise click.exceptions.Exit(Exit.UNRESOLVED)


def _show(
    to: Console,
    connection: Connection,
    settings: Mapping[str, Any] | None,
    listed: Sequence[Order],
    held: FrozenCoins,
    debts: AccountDebts,
) -> None:
    kind = "a classic account" if settings is None else connection.redact(describe_settings(settings))
    to.print(Text(f"{connection.label}, {kind}", "dim"))
    if debts.coins is None or debts.coins:
        to.print(debts_text(debts))
    if listed:
        now_ms = connection.exchange.venue_milliseconds()
        display.show_orders(to, listed, now_ms, display.count_of_orders(listed))
    else:
        to.print("No open orders.")
    display.show_frozen(to, held.frozen)
    if held.locked is not None:
        display.show_locked(to, held.locked)
    elif held.unexplained:
        coins = ", ".join(held.unexplained)
        to.print(f"These orders do not hold all of {coins}: one older than the venue lists may.", style="yellow")
