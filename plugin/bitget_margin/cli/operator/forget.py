"""`bitget-margin forget`: mark resting orders of a stopped bot as gone, or remove the account of its database."""

import json
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import ccxt
import click

from bitget_margin.cli.freqtrade import INSTALL_COMMAND, is_installed
from bitget_margin.cli.operator import errors, query
from bitget_margin.cli.operator.account import Connection, connect, options
from bitget_margin.cli.operator.api_keys import is_terminal
from bitget_margin.cli.operator.bot_config import database_url
from bitget_margin.cli.operator.errors import BadUsage, Exit
from bitget_margin.cli.signals import ignore_late_signals, install_handlers
from bitget_margin.core.order_ref import BadInput, IdKind, checked_client_id, checked_order_id

if TYPE_CHECKING:
    from bitget_margin.freqtrade.stopped_database import StoppedDatabase

_SIGNALS: Final = {signal.SIGTERM: signal.default_int_handler}
_STOPPED: Final = "stopped"
"""Word by which the operator confirms that the bot is stopped, where that cannot be seen."""
_NO_ACCOUNT: Final[Mapping[str, Any]] = {"stored": None, "open_trades": None, "tracked_orders": None, "removed": False}
"""Fields of the document of --database-account before the database is read."""
_EPILOG: Final = """\b
Exit codes:
  0    done: each order is forgotten, or has ended and is left to the bot
  1    refused: an order is open or unknown to the database, a bot is running,
       or you declined
  2    bad usage, no keys, or freqtrade is not installed
  3    not known: a lookup without a full answer, or interrupted while writing
  130  interrupted before anything was changed

\b
Examples:
  bitget-margin forget -c config.json --trade 41 --dry-run
  bitget-margin forget -c config.json --client-id k3x9ab12-41-9f03c2d1-0
  bitget-margin forget -c config.json --database-account
"""


@dataclass(slots=True)
class _Run:
    """One run of the command: its choices, and its result so far.

    :ivar is_option: whether the database was given by --db-url
    """

    database: str
    is_option: bool
    yes: bool
    dry_run: bool
    is_stopped: bool
    as_json: bool
    document: dict[str, Any] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    is_writing: bool = False

    def show(self, text: str) -> None:
        """Print text for people."""
        click.echo(text, err=self.as_json)

    def fail(self, text: str) -> None:
        """Print an error, and keep it for the document."""
        self.errors.append(text)
        click.echo(f"Error: {text}", err=True)

    def confirm(self, question: str, *, is_alone: bool) -> bool:
        """Ask for confirmation, and for the word that the bot is stopped where that cannot be seen.

        :param is_alone: whether no bot runs on the database
        """
        if not is_alone and not self.is_stopped:
            unseen = f"Whether a bot runs on {self.database} cannot be seen from here."
            if self.yes:
                ignore_late_signals()
                self.fail(f"{unseen} Stop it, and add --bot-is-stopped.")
                return False
            if click.prompt(f'{unseen} If it is stopped, type "{_STOPPED}"', default="", err=True) != _STOPPED:
                ignore_late_signals()
                self.fail("the bot has to be stopped first: nothing was changed")
                return False
        if self.yes or click.confirm(question, err=True):
            return True
        ignore_late_signals()
        self.show("Nothing was changed.")
        return False


@click.command(epilog=_EPILOG)
@click.option(
    "--trade",
    "trades",
    multiple=True,
    type=click.IntRange(1),
    metavar="N",
    help="The resting orders of a trade without a proven end.",
)
@click.option("--id", "ids", multiple=True, metavar="ID", help="An order id of the venue; may be repeated.")
@click.option("--client-id", "client_ids", multiple=True, metavar="ID", help="A client order id; may be repeated.")
@click.option(
    "--database-account",
    is_flag=True,
    help="Remove the account, exchange and run mode that are stored in the database: the next start stores its own.",
)
@click.option(
    "--db-url", metavar="URL", help="The database of the bot, where it was started with --db-url; else by --config."
)
@click.option("--bot-is-stopped", "is_stopped", is_flag=True, help="Confirm it, where it cannot be seen (PostgreSQL).")
@click.option("--yes", "-y", is_flag=True, help="Do not ask for confirmation.")
@click.option("--dry-run", is_flag=True, help="Show what would be changed, and change nothing.")
@options
def forget(
    trades: Sequence[int],
    ids: Sequence[str],
    client_ids: Sequence[str],
    database_account: bool,
    db_url: str | None,
    is_stopped: bool,
    yes: bool,
    dry_run: bool,
    config: Sequence[Path],
    url: str | None,
    proxy: str | None,
    timeout_ms: int,
    as_json: bool,
) -> None:
    """Forget resting orders of a stopped bot that are gone, and whose end no answer of the venue can prove.

    For a trade that cannot end otherwise. Each order is looked up twice by its order id and client order id; one that
    is open is refused, one that has ended is left to the bot. The others are marked in the bot's database as gone:
    exits sell their coins, and the bot cancels them should they show alive. Keys and database are those of --config.
    """
    if not is_installed():
        raise BadUsage(f"this command needs freqtrade: {INSTALL_COMMAND}")
    if database_account is bool(trades or ids or client_ids):
        raise BadUsage("choose orders by --trade, --id or --client-id, or else --database-account")
    try:
        names = [(IdKind.ORDER, checked_order_id(value, "--id")) for value in ids]
        names += [(IdKind.CLIENT, checked_client_id(value, "--client-id")) for value in client_ids]
    except BadInput as error:
        raise BadUsage(str(error)) from None
    database = database_url(db_url, config, os.environ)
    if not yes and not dry_run and not is_terminal():
        raise BadUsage("nobody can be asked here, without a terminal on standard input: add --yes or --dry-run")
    connection = None if database_account else connect(config, url, proxy, timeout_ms, may_ask=not as_json)
    run = _Run(database, database == db_url, yes, dry_run, is_stopped, as_json)
    run.document |= _NO_ACCOUNT if connection is None else {"orders": []}
    try:
        install_handlers(_SIGNALS)
        code = _run(run, connection, trades, names)
    except (KeyboardInterrupt, click.Abort):  # before the exit code was decided
        ignore_late_signals()
        code = Exit.UNRESOLVED if run.is_writing else Exit.INTERRUPTED
        run.fail("interrupted: run the same command again, which changes nothing twice")
    if as_json:
        more = {"ok": code is Exit.DONE and not dry_run, "exit_code": int(code), "dry_run": dry_run}
        click.echo(json.dumps({**more, "database": run.database, **run.document, "errors": run.errors}, indent=2))
    raise click.exceptions.Exit(code)


def _run(run: _Run, connection: Connection | None, trades: Sequence[int], names: Sequence[tuple[IdKind, str]]) -> Exit:
    """Open the database, do what was chosen, and return the exit code."""
    # freqtrade takes seconds to import, and may be absent.
    from bitget_margin.freqtrade.stopped_database import DatabaseRefused, open_stopped  # noqa: PLC0415

    url, run.database = run.database, "the database"
    try:
        with open_stopped(url, is_option=run.is_option) as database:
            run.database = database.name
            if connection is None:
                return _forget_account(run, database)
            return _forget_orders(run, database, connection, trades, names)
    except DatabaseRefused as error:
        ignore_late_signals()
        run.fail(str(error))
        return Exit.OPEN
    except ccxt.BaseError as error:
        ignore_late_signals()
        run.fail(errors.message(error) if connection is None else connection.explain(error))
        return Exit.UNRESOLVED if errors.is_unresolved(error) else Exit.OPEN


def _forget_account(run: _Run, database: "StoppedDatabase") -> Exit:
    from bitget_margin.freqtrade.stopped_database import reason_to_keep  # noqa: PLC0415

    state = database.state()
    identity = state.identity
    stored: Mapping[str, Any] | None = None
    if identity is not None:
        stored = {"exchange": identity.exchange, "run_mode": identity.run_mode.value, "uid": identity.uid}
    run.document |= {
        "stored": stored,
        "open_trades": len(state.open_trades),
        "tracked_orders": state.open_orders,
    }
    reason = None if identity is None else reason_to_keep(state)
    if identity is None or reason is not None or run.dry_run:
        ignore_late_signals()
    run.show(f"{run.database}: {len(state.open_trades)} open trades, {state.open_orders} open orders of the bot")
    if identity is None:
        run.show("No account is stored in it: the next start stores its own.")
        return Exit.DONE
    run.show(f"UID {identity.uid or 'unknown'}, exchange {identity.exchange}, run mode {identity.run_mode.value}")
    if reason is not None:
        run.fail(f"the account of {run.database} is kept: {reason}")
        return Exit.OPEN
    if state.open_orders:
        run.show(
            f"Its open orders rest on the account of UID {identity.uid or 'unknown'}, where nobody will watch them: "
            f"cancel them with its keys, by `bitget-margin cancel --prefix {state.key}-`."
        )
    if run.dry_run:
        return Exit.DONE
    if not run.confirm("Remove the account of this database?", is_alone=database.is_alone):
        return Exit.OPEN
    _write(run, database.remove_identity)
    run.document["removed"] = True
    run.show("Removed. The next start of a bot on this database stores its own account.")
    return Exit.DONE


def _forget_orders(
    run: _Run,
    database: "StoppedDatabase",
    connection: Connection,
    trades: Sequence[int],
    names: Sequence[tuple[IdKind, str]],
) -> Exit:
    from bitget_margin.cli.operator import forget_orders as step  # noqa: PLC0415

    store = database.store
    chosen, failures = step.choose(store, trades, names)
    run.document["orders"] = [step.as_json(each) for each in chosen]
    for failure in failures:
        run.fail(failure)
    if any(each.outcome is None for each in chosen):
        warning = step.check_account(connection, database.state().identity)
        if warning is not None:
            run.show(f"Warning: {warning}")
        query.load_markets(connection)
        chosen = step.look_up(connection, chosen)
        run.document["orders"] = [step.as_json(each) for each in chosen]
    absent = [each for each in chosen if each.outcome is step.ForgetOutcome.ABSENT]
    if not absent:
        ignore_late_signals()
    run.show(f"{connection.label}, {run.database}")
    for each in chosen:
        run.show(f"{step.describe(each)}: {each.text}")
    code = Exit.OPEN if failures else Exit.DONE
    if absent:
        _show_risk(run, connection, absent)
    if not absent or run.dry_run:
        ignore_late_signals()
        others = [each for each in chosen if each not in absent]
        return max(code, step.exit_code(others))
    count = "this order" if len(absent) == 1 else f"these {len(absent)} orders"
    if not run.confirm(f"Are {count} gone, and to be forgotten?", is_alone=database.is_alone):
        return max(Exit.OPEN, step.exit_code(chosen))
    chosen = _write(run, lambda: step.mark(store, chosen))
    run.document["orders"] = [step.as_json(each) for each in chosen]
    run.show(f"{len(absent)} forgotten. Start the bot: the exits of their trades sell what is free.")
    return max(code, step.exit_code(chosen))


def _show_risk(run: _Run, connection: Connection, absent: Sequence[Any]) -> None:
    """Print what the operator's word means for the coins of these orders, and signs against it."""
    from bitget_margin.cli.operator.forget_orders import unexplained_coins  # noqa: PLC0415

    run.show("Your word decides: the bot treats them as gone and not filled, and its exits sell their coins if free.")
    with suppress(ccxt.BaseError):  # a sign, and no proof
        for coin, amount in unexplained_coins(connection, absent).items():
            run.show(f"Warning: {amount:.8g} {coin} are frozen, and no listed order explains them: one may be alive.")


def _write(run: _Run, write: Callable[[], Any]) -> Any:
    """Write to the database; an interruption meanwhile leaves open whether it was written, a later one is ignored."""
    run.is_writing = True
    written = write()
    ignore_late_signals()
    return written
