"""`bitget-margin doctor`: check keys, account, versions and the configuration of a bot."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import click
from rich.console import Console
from rich.text import Text

from bitget_margin.adapter.health import CheckStatus, HealthCheck, has_status
from bitget_margin.cli import output
from bitget_margin.cli.freqtrade import is_installed
from bitget_margin.cli.operator import bot_checks, display, json_output
from bitget_margin.cli.operator.account import Connection, connect, options
from bitget_margin.cli.operator.api_keys import read_config
from bitget_margin.cli.operator.bot_config import database_url, is_dry_run
from bitget_margin.cli.operator.doctor_readings import (
    ACCOUNT,
    CLOCK,
    KEYS,
    PERMISSIONS,
    UID,
    VENUE,
    Readings,
    read_venue,
)
from bitget_margin.cli.operator.errors import Exit, UnfitCcxt
from bitget_margin.cli.operator.version_checks import read_versions
from bitget_margin.cli.signals import ignore_late_signals

_EPILOG: Final = """\b
Exit codes:
  0    everything is right; there may be warnings
  1    a check failed
  2    bad usage, or no keys
  3    a check is unknown, the venue does not answer, or the output cannot be
       written
  130  interrupted

\b
Examples:
  bitget-margin doctor
  bitget-margin doctor -c config.json
  bitget-margin doctor -c config.json --json | jq '.checks[] | select(.status != "ok")'
"""
_STYLES: Final = {
    CheckStatus.OK: "green",
    CheckStatus.WARNING: "yellow",
    CheckStatus.FAILED: "bold red",
    CheckStatus.UNKNOWN: "yellow",
    CheckStatus.SKIPPED: "dim",
}
_OF_VENUE: Final = (KEYS, VENUE, CLOCK, ACCOUNT, UID, PERMISSIONS)
_OF_BOT: Final = (bot_checks.SETTINGS, bot_checks.PAIRS, bot_checks.DATABASE, bot_checks.RATE_STORE)
_STATUS_WIDTH: Final = max(map(len, CheckStatus))


@click.command(epilog=_EPILOG)
@options
def doctor(
    config: Sequence[Path],
    url: str | None,
    proxy: str | None,
    timeout_ms: int,
    as_json: bool,
) -> None:
    """Check whether everything is right: keys, account, permissions, versions, and a bot's configuration.

    Nothing is changed. What the venue does not show is unknown, never right. Pairs, database, settings and the store of
    a shared rate window are checked for the bot of --config.

    Keys come from the environment (BITGET_API_KEY, BITGET_SECRET, BITGET_PASSWORD), from --config, or from the
    terminal, never from arguments. Classic and unified accounts work alike.
    """
    try:
        checks = tuple(_examine(config, url, proxy, timeout_ms, may_ask=not as_json))
    except KeyboardInterrupt:
        ignore_late_signals()
        raise click.exceptions.Exit(Exit.INTERRUPTED) from None
    ignore_late_signals()
    code = exit_code_of(checks)
    if as_json:
        click.echo(json_output.doctor_document(checks, code))
    else:
        output.attempt(_show, display.console(on_stderr=False), checks)
    raise click.exceptions.Exit(output.code_once_written(code, Exit.UNRESOLVED))


def exit_code_of(checks: Sequence[HealthCheck]) -> Exit:
    """Return the exit code of the command: the higher one wins."""
    if has_status(checks, CheckStatus.UNKNOWN):
        return Exit.UNRESOLVED
    return Exit.OPEN if has_status(checks, CheckStatus.FAILED) else Exit.DONE


def _examine(
    config: Sequence[Path], url: str | None, proxy: str | None, timeout_ms: int, *, may_ask: bool
) -> Iterator[HealthCheck]:
    has_freqtrade = is_installed()
    try:
        connection = connect(config, url, proxy, timeout_ms, may_ask=may_ask)
    except UnfitCcxt:
        # Without the classes nothing can be asked: what has moved is the check of ccxt.
        why = "the installed ccxt does not fit"
        yield from (HealthCheck(name, CheckStatus.SKIPPED, why) for name in _OF_VENUE)
        yield from read_versions(has_freqtrade=has_freqtrade)
        yield from (HealthCheck(name, CheckStatus.SKIPPED, why) for name in _OF_BOT)
        return
    readings = read_venue(connection)
    yield from readings.checks
    yield from read_versions(has_freqtrade=has_freqtrade)
    yield from _of_bot(connection, config, readings, has_freqtrade=has_freqtrade)


def _of_bot(
    connection: Connection, paths: Sequence[Path], readings: Readings, *, has_freqtrade: bool
) -> Iterator[HealthCheck]:
    """Check the configuration of a bot."""
    config: Mapping[str, Any] = read_config(paths) if paths else {}
    missing = None if has_freqtrade else bot_checks.NO_FREQTRADE
    unread = None if readings.is_reached else "the venue does not answer"
    if not readings.has_keys:
        unread = "the keys are refused"
    timeout_ms = connection.timeout_ms

    def database() -> HealthCheck:
        url = database_url(None, paths, os.environ)
        is_dry, is_local = is_dry_run(config, os.environ), connection.is_local
        return bot_checks.database_check(url, readings.uid, timeout_ms, dry_run=is_dry, is_local=is_local)

    checks: Iterable[tuple[str, str | None, Callable[[], HealthCheck]]] = (
        (bot_checks.SETTINGS, missing, lambda: bot_checks.settings_check(config)),
        (bot_checks.PAIRS, unread, lambda: bot_checks.pairs_check(connection, config)),
        (bot_checks.DATABASE, missing, database),
        (bot_checks.RATE_STORE, None, lambda: bot_checks.rate_store_check(config, timeout_ms)),
    )
    for name, why_not, read in checks:
        skipped = why_not if paths else bot_checks.NO_CONFIG
        if skipped is not None:
            yield HealthCheck(name, CheckStatus.SKIPPED, skipped)
            continue
        try:
            check = read()
        except Exception as error:  # noqa: BLE001 - whatever it is, the other checks are shown
            check = HealthCheck(name, CheckStatus.UNKNOWN, f"{type(error).__name__}: {error}", connection.advice(error))
        yield HealthCheck(name, check.status, connection.redact(check.message), check.hint)


def _show(to: Console, checks: Iterable[HealthCheck]) -> None:
    for check in checks:
        line = Text(f"{check.status:<{_STATUS_WIDTH}}  ", _STYLES[check.status])
        line.append(f"{check.name}: {check.message}", "")
        to.print(line, soft_wrap=True)
        if check.hint is not None:
            to.print(Text(f"{'':<{_STATUS_WIDTH}}  → {check.hint}", "bold"), soft_wrap=True)
