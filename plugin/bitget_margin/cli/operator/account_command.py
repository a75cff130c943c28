"""`bitget-margin account`: show coins, debts, margin level and interest of the cross margin account."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click

from bitget_margin.cli import output
from bitget_margin.cli.operator import display, json_output, query
from bitget_margin.cli.operator.account import Connection, connect, options
from bitget_margin.cli.operator.account_display import show_account
from bitget_margin.cli.operator.account_state import AccountState, read_account
from bitget_margin.cli.operator.errors import Exit
from bitget_margin.cli.signals import ignore_late_signals

_EPILOG: Final = """\b
Exit codes:
  0    shown, and the margin level is below the venue's warning level of 0.8
  1    refused by the venue
  2    bad usage, or no keys
  3    no response from the venue, the margin level is unknown, or the output
       cannot be written
  4    the margin level is 0.8 or above: the venue warns, and liquidates at 1
  130  interrupted

\b
Examples:
  bitget-margin account
  bitget-margin account --json | jq '.coins[] | select(.debt > 0)'
  */10 * * * *  bitget-margin account -c config.json > last || alert < last
"""


@click.command(epilog=_EPILOG)
@options
def account(
    config: Sequence[Path],
    url: str | None,
    proxy: str | None,
    timeout_ms: int,
    as_json: bool,
) -> None:
    """Show the cross margin account: coins, debts, margin level, interest.

    Nothing is changed. A number that the venue does not give is shown as unknown, never as 0. The exit code is 4 where
    the margin level is at or above the venue's warning level.

    Keys come from the environment (BITGET_API_KEY, BITGET_SECRET, BITGET_PASSWORD) or from --config, never from
    arguments. Classic and unified accounts work alike.
    """
    connection = connect(config, url, proxy, timeout_ms, may_ask=not as_json)
    try:
        query.load_markets(connection)
        state = read_account(connection)
    except KeyboardInterrupt:
        ignore_late_signals()
        raise click.exceptions.Exit(Exit.INTERRUPTED) from None
    ignore_late_signals()
    if state.kind is not None:
        if as_json:
            click.echo(json_output.account_document(connection, state))
        else:
            output.attempt(show_account, display.console(on_stderr=False), connection, state)
    _show_failures(connection, state)
    raise click.exceptions.Exit(output.code_once_written(state.exit_code, Exit.UNRESOLVED))


def _show_failures(connection: Connection, state: AccountState) -> None:
    """Print why numbers are missing; of a reason that stands for several, one line."""
    if state.kind is None:
        (*_, failure) = state.failures
        click.echo(f"Error: {connection.explain(failure.error)}", err=True)
        return
    for failure in state.failures:
        level = "Error" if failure.is_essential else "Warning"
        click.echo(f"{level}: {failure.subject} could not be read: {connection.explain(failure.error)}", err=True)
