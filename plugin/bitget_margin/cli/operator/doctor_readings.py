"""Checks of the command `doctor` that the venue answers: its clock, the account, the key.

Nothing is changed here.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import ccxt

from bitget_margin.adapter.account import confirm_account_kind, fetch_key_rights, fetch_settings, fetch_uid
from bitget_margin.adapter.call import open_call
from bitget_margin.adapter.errors import documented
from bitget_margin.adapter.health import CheckStatus, HealthCheck, clock_check, mode_check, rights_check
from bitget_margin.adapter.params import parse_settings
from bitget_margin.cli.operator import errors
from bitget_margin.cli.operator.account import Connection

KEYS: Final = "keys"
VENUE: Final = "venue"
CLOCK: Final = "clock"
ACCOUNT: Final = "account"
UID: Final = "uid"
PERMISSIONS: Final = "permissions"
_TRIES: Final = 2
"""Number of measurements of the clock: the first one opens the connection, which takes longer."""
_METHOD: Final = "doctor"


@dataclass(frozen=True, slots=True)
class Readings:
    """Checks that the venue has answered, and the UID, None where it is not known."""

    checks: tuple[HealthCheck, ...]
    uid: str | None = None
    is_reached: bool = True
    has_keys: bool = True
    """Whether the keys are not refused."""


def read_venue(connection: Connection, epoch_ms: Callable[[], float] = lambda: time.time() * 1_000) -> Readings:
    """Check the venue, the clock, and, if it answers, the account and the key."""
    reached = _reach(connection, epoch_ms)
    keys = HealthCheck(KEYS, CheckStatus.OK, connection.label.removeprefix("keys "))
    if reached[0].status is not CheckStatus.OK:
        skipped = (_skipped(name, "the venue does not answer") for name in (ACCOUNT, UID, PERMISSIONS))
        return Readings((_not_checked(connection, keys), *reached, *skipped), is_reached=False)
    is_known = False
    try:
        _confirm_kind(connection)
        is_known = True
        account = _account(connection)
    except Exception as error:  # noqa: BLE001 - whatever it is, the other checks are shown
        account = _failure(connection, ACCOUNT, error)
        if errors.refuses_keys(error):
            keys = HealthCheck(KEYS, CheckStatus.FAILED, f"{keys.message}: {account.message}")
            skipped = (_skipped(name, "the keys are refused") for name in (ACCOUNT, UID, PERMISSIONS))
            return Readings((keys, *reached, *skipped), has_keys=False)
    if not is_known:
        skipped = (_skipped(name, "the kind of the account is not known") for name in (UID, PERMISSIONS))
        return Readings((_not_checked(connection, keys), *reached, account, *skipped))
    uid, permissions = _uid(connection), _permissions(connection)
    return Readings((keys, *reached, account, uid, permissions), uid.message if uid.status is CheckStatus.OK else None)


def _reach(connection: Connection, epoch_ms: Callable[[], float]) -> tuple[HealthCheck, HealthCheck]:
    """Measure the round trip and the offset of this machine's clock."""
    measured = []
    try:
        for _ in range(_TRIES):
            before_ms, started = epoch_ms(), time.monotonic()
            venue_ms = connection.exchange.fetch_time()
            trip_ms = (time.monotonic() - started) * 1_000
            if not isinstance(venue_ms, int):
                raise ccxt.BadResponse("its time cannot be read")
            measured.append((trip_ms, before_ms + trip_ms / 2 - venue_ms))
    except Exception as error:  # noqa: BLE001 - ccxt's parser raises more than its own exceptions
        failure = _failure(connection, VENUE, documented("fetch_time()", error))
        return failure, _skipped(CLOCK, "the venue does not answer")
    trip_ms, offset_ms = min(measured)
    reached = HealthCheck(VENUE, CheckStatus.OK, f"answers, round trip {trip_ms:.0f} ms")
    return reached, clock_check(offset_ms, trip_ms / 2)


def _confirm_kind(connection: Connection) -> None:
    exchange, params = connection.exchange, connection.params
    settings = parse_settings(exchange, _METHOD, params, confirm=False)
    ctx = open_call(exchange, settings, params, reads_only=True)
    exchange.perform(confirm_account_kind(exchange, _METHOD, ctx))


def _account(connection: Connection) -> HealthCheck:
    """Check the kind and the mode of the account, and that its balance can be read; raises where it cannot."""
    exchange, params = connection.exchange, connection.params
    mode = mode_check(exchange.perform(fetch_settings(exchange, params)))
    if mode.status is not CheckStatus.FAILED:
        exchange.fetch_balance(params)
    return HealthCheck(mode.name, mode.status, connection.redact(mode.message), mode.hint)


def _uid(connection: Connection) -> HealthCheck:
    def read() -> HealthCheck:
        uid = connection.exchange.perform(fetch_uid(connection.exchange, connection.params))
        return HealthCheck(UID, CheckStatus.OK, connection.redact(uid))

    return _attempt(connection, UID, read)


def _permissions(connection: Connection) -> HealthCheck:
    def read() -> HealthCheck:
        rights = connection.exchange.perform(fetch_key_rights(connection.exchange, connection.params))
        check = rights_check(rights)
        return HealthCheck(check.name, check.status, connection.redact(check.message), check.hint)

    return _attempt(connection, PERMISSIONS, read)


def _attempt(connection: Connection, name: str, read: Callable[[], HealthCheck]) -> HealthCheck:
    """Return a check, or that it is unknown: a key may be refused what it does not need."""
    try:
        return read()
    except Exception as error:  # noqa: BLE001 - whatever it is, the other checks are shown
        return _failure(connection, name, error, CheckStatus.UNKNOWN)


def _failure(
    connection: Connection, name: str, error: Any, if_refused: CheckStatus = CheckStatus.FAILED
) -> HealthCheck:
    """Return the check of a reading that failed: unknown without an answer, else as given."""
    status = CheckStatus.UNKNOWN if errors.is_unresolved(error) else if_refused
    hint = connection.advice(error) if status is CheckStatus.UNKNOWN else None
    return HealthCheck(name, status, connection.explain(error), hint)


def _not_checked(connection: Connection, keys: HealthCheck) -> HealthCheck:
    """Return the check of keys that the venue has not answered to."""
    message = f"{keys.message}: not checked, since the venue has not answered to them"
    return HealthCheck(KEYS, CheckStatus.UNKNOWN, message, connection.advice())


def _skipped(name: str, why: str) -> HealthCheck:
    return HealthCheck(name, CheckStatus.SKIPPED, why)
