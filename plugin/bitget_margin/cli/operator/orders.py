"""`bitget-margin orders`: what is open on the crossed account."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import ccxt
import click
from rich.console import Console
from rich.text import Text

from bitget_margin.cli import output
from bitget_margin.cli.operator import account, display, errors, json_output, query
from bitget_margin.cli.operator.account import Account
from bitget_margin.cli.operator.errors import Exit
from bitget_margin.cli.operator.selection import Order, symbol_of

_EPILOG: Final = """\b
Exit codes:
  0    shown
  1    refused by the venue
  2    bad usage, or no keys
  3    the venue does not answer, or the output cannot be written
  130  interrupted
"""


@click.command(epilog=_EPILOG)
@click.option("--symbol", "symbols", multiple=True, metavar="SYMBOL", help="Such as BTC/USDT; may be repeated.")
@account.options
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout; what is for people, on stderr.")
def orders(
    symbols: Sequence[str],
    config: Sequence[Path],
    url: str | None,
    proxy: str | None,
    timeout_ms: int,
    as_json: bool,
) -> None:
    """Show the open orders of the crossed account, of all symbols or of some.

    Keys come from the environment (BITGET_API_KEY, BITGET_SECRET, BITGET_PASSWORD) or from --config, never from
    arguments. Classic and unified accounts work alike.
    """
    chosen = tuple(dict.fromkeys(symbol_of(symbol, "--symbol") for symbol in symbols))
    found = account.connect(config, url, proxy, timeout_ms)
    to = display.console(on_stderr=as_json)
    try:
        with display.listing(to) as step:
            query.load_markets(found)
            chosen = tuple(dict.fromkeys(query.spelling(found, chosen).values()))
            held = query.frozen(found)
            listed = query.open_orders(found, chosen, held, step).orders
    except KeyboardInterrupt:
        raise click.exceptions.Exit(Exit.INTERRUPTED) from None
    except ccxt.BaseError as error:
        click.echo(f"Error: {found.clean(errors.said(error))}", err=True)
        raise click.exceptions.Exit(Exit.UNRESOLVED if errors.is_unresolved(error) else Exit.OPEN) from None
    hidden = [] if chosen else query.unexplained(found, listed, held)
    if as_json:
        click.echo(json_output.of_orders(listed, held, hidden))
    else:
        _show(to, found, listed, held, hidden)
    if not output.arrived():
        raise click.exceptions.Exit(Exit.UNRESOLVED)


def _show(
    to: Console, found: Account, listed: Sequence[Order], held: Mapping[str, float], hidden: Sequence[str]
) -> None:
    to.print(Text(found.where, "dim"))
    count = "1 open order" if len(listed) == 1 else f"{len(listed)} open orders"
    if listed:
        display.orders(to, listed, found.exchange.venue_milliseconds(), count)
    else:
        to.print("No open orders.")
    to.print(f"frozen on the account: {display.coins(held)}")
    if hidden:
        to.print(f"None of these orders holds {', '.join(hidden)}: one older than the venue lists may.", style="yellow")
