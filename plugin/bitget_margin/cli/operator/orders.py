"""`bitget-margin orders`: list the open orders of the cross margin account."""

import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import ccxt
import click
from rich.console import Console
from rich.text import Text

from bitget_margin.cli import output
from bitget_margin.cli.operator import display, errors, json_output
from bitget_margin.cli.operator.account import Connection, connect, options
from bitget_margin.cli.operator.errors import Exit
from bitget_margin.cli.operator.open_orders import OpenOrders, read_open_orders, show_open_orders
from bitget_margin.cli.operator.repeat import repeat
from bitget_margin.cli.operator.selection import Selection, filter_options, select
from bitget_margin.cli.signals import ignore_late_signals

_WATCH_SECONDS: Final = 5
_WATCH_MIN_SECONDS: Final = 2
"""Shortest pause between two looks: some of their requests may be sent once a second."""
_WATCH_MAX_SECONDS: Final = 86_400
_EPILOG: Final = """\b
Exit codes:
  0    shown; with --watch also after Ctrl-C, once a list was shown
  1    refused by the venue
  2    bad usage, or no keys
  3    no response from the venue, or the output cannot be written
  130  interrupted

\b
Examples:
  bitget-margin orders --prefix k3x9ab12- --side sell
  bitget-margin orders --watch 10
"""


@click.command(epilog=_EPILOG)
@filter_options
@click.option(
    "--watch",
    "watch_seconds",
    is_flag=False,
    flag_value=str(_WATCH_SECONDS),
    type=click.IntRange(_WATCH_MIN_SECONDS, _WATCH_MAX_SECONDS),
    metavar="[SECONDS]",
    help=f"List again until Ctrl-C, this long after each list (default {_WATCH_SECONDS}).",
)
@options
def orders(
    symbols: Sequence[str],
    side: str | None,
    older_than: str | None,
    prefixes: Sequence[str],
    ids: Sequence[str],
    client_ids: Sequence[str],
    watch_seconds: int | None,
    config: Sequence[Path],
    url: str | None,
    proxy: str | None,
    timeout_ms: int,
    as_json: bool,
) -> None:
    """Show the open orders of the cross margin account: all, or those that match every option.

    Keys come from the environment (BITGET_API_KEY, BITGET_SECRET, BITGET_PASSWORD) or from --config, never from
    arguments. Classic and unified accounts work alike.
    """
    selection = select(
        everything=not any((symbols, ids, client_ids, prefixes, side, older_than)),
        symbols=symbols,
        ids=ids,
        client_ids=client_ids,
        prefixes=prefixes,
        side=side,
        older_than=older_than,
    )
    connection = connect(config, url, proxy, timeout_ms, may_ask=not as_json)
    screen = _Screen(display.console(on_stderr=as_json), connection, selection, as_json, watch_seconds)
    try:
        if watch_seconds is None:
            view = screen.look()
            ignore_late_signals()
            screen.show(view)
        else:
            repeat(screen.look, screen.show_again, partial(time.sleep, watch_seconds), time.monotonic)
    except KeyboardInterrupt:
        ignore_late_signals()
        raise click.exceptions.Exit(Exit.DONE if screen.was_shown else Exit.INTERRUPTED) from None
    except ccxt.BaseError as error:
        ignore_late_signals()
        click.echo(f"Error: {connection.explain(error)}", err=True)
        raise click.exceptions.Exit(Exit.UNRESOLVED if errors.is_unresolved(error) else Exit.OPEN) from None
    raise click.exceptions.Exit(output.code_once_written(Exit.DONE, Exit.UNRESOLVED))


@dataclass(slots=True)
class _Screen:
    """Place where lists of orders are shown: a terminal, a pipe, or JSON documents."""

    to: Console
    connection: Connection
    selection: Selection
    as_json: bool
    watch_seconds: int | None
    was_shown: bool = False

    def look(self, last: OpenOrders | None = None) -> OpenOrders:
        """Read the account; only the first look shows its progress in a watch."""
        is_quiet = self.watch_seconds is not None and (last is not None or not self.to.is_terminal)
        with nullcontext(lambda *_: None) if is_quiet else display.listing_progress(self.to) as step:
            return read_open_orders(self.connection, self.selection, step, None if last is None else last.account)

    def show(self, view: OpenOrders) -> None:
        """Show a list once."""
        if self.as_json:
            click.echo(json_output.orders_document(view, one_line=self.watch_seconds is not None))
        else:
            show_open_orders(self.to, self.connection, view)
        self.was_shown = True

    def show_again(self, view: OpenOrders | None, failure: ccxt.BaseError | None, age_seconds: float) -> None:
        """Show a list in place of the one before; without a terminal, below it. Ends where nobody can read it."""
        reason = "" if failure is None else self.connection.explain(failure)
        if self.as_json:
            if failure is not None:
                click.echo(f"Error: {reason}", err=True)
            elif view is not None:
                self.show(view)
        else:
            self._show_again(view, reason, age_seconds)
        if output.is_closed():
            ignore_late_signals()
            raise click.exceptions.Exit(output.code_once_written(Exit.DONE, Exit.UNRESOLVED))

    def _show_again(self, view: OpenOrders | None, reason: str, age_seconds: float) -> None:
        on_terminal = self.to.is_terminal
        if on_terminal:
            self.to.clear()
        self.to.print(Text(f"{time.strftime('%Y-%m-%d %H:%M:%S')}, every {self.watch_seconds} s until Ctrl-C", "dim"))
        if reason:
            known = "nothing is known yet" if view is None else f"the last list is {age_seconds:.0f} s old"
            self.to.print(Text(f"{reason}; {known}", "red"))
        if view is not None and (on_terminal or not reason):
            self.show(view)
        if not on_terminal:
            self.to.print()
