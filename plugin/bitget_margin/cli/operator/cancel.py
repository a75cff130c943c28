"""`bitget-margin cancel`: end open orders of the crossed account, and say truly which have ended."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TextIO

import ccxt
import click
from rich.console import Console

from bitget_margin.cli import output
from bitget_margin.cli.operator import account, display, errors, execute, json_output, plan, results, selection
from bitget_margin.cli.operator.account import Account
from bitget_margin.cli.operator.errors import BadUsage, Exit
from bitget_margin.cli.operator.plan import Plan
from bitget_margin.cli.operator.results import Book
from bitget_margin.cli.operator.selection import Selection, select


def _age(_context: click.Context, _option: click.Parameter, value: str | None) -> int | None:
    try:
        return None if value is None else selection.read(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


_EPILOG: Final = """\b
Exit codes:
  0    every order that is meant is proven to have ended
  1    refused, still open or not found; or you said no
  2    bad usage, or no keys: nothing was sent that could change anything
  3    not known: no answer in time, or interrupted while cancelling
  130  interrupted before anything was cancelled

\b
Examples:
  bitget-margin cancel --all
  bitget-margin cancel --symbol BTC/USDT --side sell --older-than 2h
  bitget-margin cancel --prefix k3x9ab12- --yes
  bitget-margin cancel --from ids.txt --yes --json
"""


@click.command(epilog=_EPILOG)
@click.option("--symbol", "symbols", multiple=True, metavar="SYMBOL", help="Such as BTC/USDT; may be repeated.")
@click.option("--id", "ids", multiple=True, metavar="ID", help="An order id of the venue; may be repeated.")
@click.option("--client-id", "client_ids", multiple=True, metavar="ID", help="A client order id; may be repeated.")
@click.option(
    "--from",
    "source",
    type=click.Path(exists=True, dir_okay=False, allow_dash=True),
    metavar="FILE",
    help="Order ids from a file (- for standard input): one a line, after it its symbol if you know it, # begins a "
    "comment.",
)
@click.option(
    "--prefix",
    "prefixes",
    multiple=True,
    metavar="TEXT",
    help="Client order ids that begin so: the orders of one bot. May be repeated.",
)
@click.option("--side", type=click.Choice(["buy", "sell"]), help="Only buys, or only sells.")
@click.option("--older-than", "older_than_ms", callback=_age, metavar="AGE", help="Such as 90s, 10m, 2h or 1d.")
@click.option("--all", "everything", is_flag=True, help="Every open order of the account, proven by its balance.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Show what would be cancelled, and cancel nothing.")
@account.options
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout; what is for people, on stderr.")
def cancel(
    symbols: Sequence[str],
    ids: Sequence[str],
    client_ids: Sequence[str],
    source: str | None,
    prefixes: Sequence[str],
    side: str | None,
    older_than_ms: int | None,
    everything: bool,
    yes: bool,
    dry_run: bool,
    config: Sequence[Path],
    url: str | None,
    proxy: str | None,
    timeout_ms: int,
    as_json: bool,
) -> None:
    """Cancel open orders of the crossed account, and prove the end of each.

    Options that choose combine: an order has to fit all of them. The plan is shown, and carried out once you say yes.
    Orders that had ended before count as ended where you name them, so the same command can be repeated until it
    ends with 0.

    Keys come from the environment (BITGET_API_KEY, BITGET_SECRET, BITGET_PASSWORD) or from --config, never from
    arguments. Classic and unified accounts work alike.
    """
    try:
        selection = select(
            everything=everything,
            symbols=symbols,
            ids=ids,
            client_ids=client_ids,
            listed=None if source is None else _lines(source),
            prefixes=prefixes,
            side=side,
            older_than_ms=older_than_ms,
        )
        if not yes and not dry_run and (source == "-" or not _can_answer()):
            raise BadUsage("nobody can be asked here, without a terminal on standard input: add --yes or --dry-run")
        found = account.connect(config, url, proxy, timeout_ms)
    except KeyboardInterrupt:
        raise click.exceptions.Exit(Exit.INTERRUPTED) from None
    book = Book()
    try:
        with _signals():
            code = _run(found, selection, book, yes=yes, dry_run=dry_run, as_json=as_json)
    except KeyboardInterrupt:  # while it was told
        code = Exit.UNRESOLVED if book.touched else Exit.INTERRUPTED
    raise click.exceptions.Exit(code)


def _run(found: Account, selection: Selection, book: Book, *, yes: bool, dry_run: bool, as_json: bool) -> Exit:
    """Do it, tell what came of it, and return how to end."""
    to, started = display.console(on_stderr=as_json), time.monotonic()
    made = _cancel(to, found, selection, book, yes=yes, dry_run=dry_run)
    elapsed_ms = (time.monotonic() - started) * 1_000
    planned = dry_run and not book.errors and not book.interrupted
    code = Exit.DONE if planned else book.exit_code
    if as_json:
        output.attempt(
            lambda: click.echo(json_output.of_cancel(found, made, book, code, dry_run=dry_run, elapsed_ms=elapsed_ms))
        )
    for error in book.errors:
        click.echo(f"Error: {found.clean(errors.said(error))}", err=True)
    if code is Exit.INTERRUPTED:
        click.echo("Interrupted before anything was cancelled.", err=True)
    elif code is Exit.UNRESOLVED:
        known = "Not all of it is known" if book.touched else "Nothing was cancelled"
        click.echo(f"{known}: run the same command again, which changes nothing that has ended.", err=True)
    return code


def _cancel(to: Console, found: Account, selection: Selection, book: Book, *, yes: bool, dry_run: bool) -> Plan:
    """Make the plan, ask, and carry it out; what comes of it is in the book."""
    made = Plan(selection.everything)
    try:
        with display.listing(to) as step:
            # Nobody is asked, so that nothing has to wait for what only a listing symbol by symbol would show.
            at_once = selection.everything and yes and not dry_run
            made = plan.make(found, selection, step, at_once=at_once)
        book.enter(made)
        output.attempt(display.plan, to, made, found.where)
        if dry_run:
            return made
        if made.idle:
            book.close()
            to.print(f"Nothing is left to cancel: {results.summary(book.answers.values())}.")
            return made
        if not yes and not _confirmed(made):
            book.close()
            to.print("Nothing was cancelled.")
            return made
    except (KeyboardInterrupt, click.Abort):
        book.fail(KeyboardInterrupt())
        book.close()
        return made
    except ccxt.BaseError as error:
        book.fail(error)
        return made
    with display.cancelling(to, book) as step:
        execute.carry_out(found, made, book, step)
    output.attempt(_conclude, to, book, everything=made.everything)
    return made


def _confirmed(made: Plan) -> bool:
    try:
        return click.confirm(_question(made), err=True)
    except OSError as error:  # the terminal is gone
        raise click.Abort from error


def _question(made: Plan) -> str:
    if made.everything:
        return "Cancel every open order of the crossed account?"
    count = len(made.orders) + len(made.hidden)
    return "Cancel this order?" if count == 1 else f"Cancel these {count} orders?"


def _conclude(to: Console, book: Book, *, everything: bool) -> None:
    if not to.is_terminal:
        to.print(display.outcomes(book))
    left = display.not_ended(book)
    if left is not None:
        to.print(left)
    to.print(f"{results.summary(book.answers.values())}.")
    if everything and book.exit_code is Exit.DONE:
        to.print("Nothing is frozen on the account any more.")


def _lines(source: str) -> list[str]:
    if source == "-" and not _is_open(sys.stdin):
        raise BadUsage("--from -: standard input is closed")
    with click.open_file(source, encoding="utf-8", errors="replace") as file:
        text: str = file.read()
    return text.splitlines()


def _can_answer() -> bool:
    return _is_open(sys.stdin) and sys.stdin.isatty()


def _is_open(stream: TextIO | None) -> bool:
    return stream is not None and not stream.closed


@contextmanager
def _signals() -> Iterator[None]:
    """Have SIGTERM do what Ctrl-C does, so that what is known is told; a terminal that is gone ends no cancel."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    ours: dict[int, Any] = {signal.SIGTERM: signal.default_int_handler}
    if hasattr(signal, "SIGHUP"):
        ours[signal.SIGHUP] = signal.SIG_IGN
    before = {number: signal.signal(number, handler) for number, handler in ours.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
