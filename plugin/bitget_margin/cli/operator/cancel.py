"""`bitget-margin cancel`: cancel open orders of the cross margin account and prove their final states."""

import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final, TextIO

import ccxt
import click
from rich.console import Console

from bitget_margin.cli import output
from bitget_margin.cli.operator import display, json_output, query
from bitget_margin.cli.operator.account import Connection, connect, options
from bitget_margin.cli.operator.api_keys import is_terminal
from bitget_margin.cli.operator.errors import BadUsage, Exit
from bitget_margin.cli.operator.execute import execute
from bitget_margin.cli.operator.plan import Plan, make_plan
from bitget_margin.cli.operator.results import OrderResults, naming_command, summary
from bitget_margin.cli.operator.selection import Selection, filter_options, select
from bitget_margin.cli.signals import ignore_late_signals, install_handlers

_SIGNALS: Final = {signal.SIGTERM: signal.default_int_handler, signal.SIGHUP: signal.SIG_IGN}
"""SIGTERM is handled like Ctrl-C, so that the results are printed; the hang-up of a terminal is ignored."""
_EPILOG: Final = """\b
Exit codes:
  0    every selected order is proven to have ended
  1    refused, still open or not found; or you declined
  2    bad usage, or no keys: no request was sent that could change anything
  3    not known: no response in time, or interrupted while canceling
  130  interrupted before anything was canceled

\b
Examples:
  bitget-margin cancel --all
  bitget-margin cancel --symbol BTC/USDT --side sell --older-than 2h
  bitget-margin cancel --prefix k3x9ab12- --yes
  bitget-margin cancel --from ids.txt --yes --json
"""


@click.command(epilog=_EPILOG)
@filter_options
@click.option(
    "--from",
    "source",
    type=click.Path(exists=True, dir_okay=False, allow_dash=True),
    metavar="FILE",
    help="Order ids from a file (- for standard input): one per line, followed by its symbol if you know it; # begins "
    "a comment.",
)
@click.option(
    "--all",
    "everything",
    is_flag=True,
    help="Every open order of the account, and proof that none is left. "
    "On a unified account this includes orders that no list shows, and orders that are placed meanwhile.",
)
@click.option("--yes", "-y", is_flag=True, help="Do not ask for confirmation.")
@click.option("--dry-run", is_flag=True, help="Show the orders that would be canceled, and cancel nothing.")
@options
def cancel(
    symbols: Sequence[str],
    ids: Sequence[str],
    client_ids: Sequence[str],
    source: str | None,
    prefixes: Sequence[str],
    side: str | None,
    older_than: str | None,
    everything: bool,
    yes: bool,
    dry_run: bool,
    config: Sequence[Path],
    url: str | None,
    proxy: str | None,
    timeout_ms: int,
    as_json: bool,
) -> None:
    """Cancel open orders of the cross margin account, and prove the end of each.

    Options that select orders combine: an order has to match all of them. The plan is shown, and executed once you
    confirm it. Named orders that have ended before count as ended, so the same command can be repeated until it exits
    with 0.

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
            older_than=older_than,
        )
        if not yes and not dry_run and (source == "-" or not is_terminal()):
            raise BadUsage("nobody can be asked here, without a terminal on standard input: add --yes or --dry-run")
        connection = connect(config, url, proxy, timeout_ms, may_ask=not as_json)
    except KeyboardInterrupt:
        ignore_late_signals()
        raise click.exceptions.Exit(Exit.INTERRUPTED) from None
    results = OrderResults()
    try:
        install_handlers(_SIGNALS)
        code = _run(connection, selection, results, yes=yes, dry_run=dry_run, as_json=as_json)
    except KeyboardInterrupt:  # before the exit code was decided
        ignore_late_signals()
        code = Exit.UNRESOLVED if results.may_have_canceled else Exit.INTERRUPTED
    raise click.exceptions.Exit(code)


def _run(
    connection: Connection, selection: Selection, results: OrderResults, *, yes: bool, dry_run: bool, as_json: bool
) -> Exit:
    """Execute the command, print its results, and return its exit code."""
    to, started = display.console(on_stderr=as_json), time.monotonic()
    plan = _cancel(to, connection, selection, results, yes=yes, dry_run=dry_run)
    ignore_late_signals()
    elapsed_ms = (time.monotonic() - started) * 1_000
    planned = dry_run and not results.errors and not results.interrupted
    code = Exit.DONE if planned else results.exit_code

    def print_document() -> None:
        document = json_output.cancel_document(connection, plan, results, code, dry_run=dry_run, elapsed_ms=elapsed_ms)
        click.echo(document)

    if as_json:
        output.attempt(print_document)
    for error in results.errors:
        click.echo(f"Error: {connection.explain(error)}", err=True)
    if code is Exit.INTERRUPTED:
        click.echo("Interrupted before anything was canceled.", err=True)
    elif code is Exit.UNRESOLVED:
        known = "Not every result is known" if results.may_have_canceled else "Nothing was canceled"
        more = "; give it a higher --timeout" if any(map(connection.lacks_time, results.errors)) else ""
        click.echo(f"{known}: run the same command again, which changes nothing that has ended{more}.", err=True)
        is_named = bool(selection.names) or not results.may_have_canceled
        by_name = None if is_named else naming_command(results, connection.repeated)
        if by_name is not None:
            # Orders that are not open any more are not selected again, so that code 0 would not show how they ended.
            click.echo(f"To see how they ended, name them: {by_name}", err=True)
    return code


def _cancel(
    to: Console, connection: Connection, selection: Selection, results: OrderResults, *, yes: bool, dry_run: bool
) -> Plan:
    """Make the plan, ask for confirmation, and execute it; the results are recorded in `results`."""
    plan = Plan(selection.everything)
    try:
        with display.listing_progress(to) as step:
            # Without a confirmation, nothing has to wait for orders that only a listing symbol by symbol shows.
            at_once = selection.everything and yes and not dry_run
            plan = make_plan(connection, selection, step, at_once=at_once)
        results.add_plan(plan)
        account = "" if plan.account is None else f", {connection.redact(plan.account.describe())}"
        if dry_run:
            ignore_late_signals()
        output.attempt(display.show_plan, to, plan, f"{connection.label}{account}")
        if dry_run:
            return plan
        if plan.idle:
            ending = _ending(plan, selection, results)
        else:
            ending = "" if yes or _confirmed(plan) else "Nothing was canceled."
        if ending:
            results.close()
            asks_for_locked = plan.everything and plan.idle and plan.frozen
            if not asks_for_locked:
                ignore_late_signals()
            to.print(ending)
            if asks_for_locked:
                results.locked = query.locked(connection)
                ignore_late_signals()
                output.attempt(display.show_proof, to, results.locked)
            return plan
    except (KeyboardInterrupt, click.Abort):
        results.add_error(KeyboardInterrupt())
        results.close()
        return plan
    except ccxt.BaseError as error:
        results.add_error(error)
        return plan
    with display.cancel_progress(to, results) as step:
        execute(connection, plan, results, step)
    # All outcomes are known: no signal changes the exit code once an end is printed.
    ignore_late_signals()
    output.attempt(_conclude, to, results, everything=plan.everything)
    return plan


def _ending(plan: Plan, selection: Selection, results: OrderResults) -> str:
    """Return the last line of a plan with nothing to cancel."""
    excluded = len(plan.filtered_out)
    if not excluded:
        return f"Nothing is left to cancel: {summary(results)}."
    options = " or ".join(selection.filters)
    are = "1 is open, and" if excluded == 1 else f"{excluded} are open, and"
    them = "it" if excluded == 1 else "them"
    others = "" if excluded == len(results.by_order) else f" In all: {summary(results)}."
    return f"Nothing was canceled: {are} {options} excludes {them}.{others}"


def _confirmed(plan: Plan) -> bool:
    count = len(plan.orders) + len(plan.unlisted)
    question = "Cancel this order?" if count == 1 else f"Cancel these {count} orders?"
    if plan.everything:
        question = "Cancel every open order of the cross margin account?"
    try:
        return click.confirm(question, err=True)
    except OSError as error:  # the terminal is gone
        raise click.Abort from error


def _conclude(to: Console, results: OrderResults, *, everything: bool) -> None:
    if results.by_order and not to.is_terminal:
        to.print(display.outcome_table(to, results))
    left = display.not_ended_table(to, results)
    if left is not None:
        to.print(left)
    to.print(f"{summary(results)}.")
    if everything and results.exit_code is Exit.DONE:
        display.show_proof(to, results.locked)


def _lines(source: str) -> list[str]:
    if source == "-" and not _is_open(sys.stdin):
        raise BadUsage("--from -: standard input is closed")
    with click.open_file(source, encoding="utf-8", errors="replace") as file:
        text: str = file.read()
    return text.splitlines()


def _is_open(stream: TextIO | None) -> bool:
    return stream is not None and not stream.closed
