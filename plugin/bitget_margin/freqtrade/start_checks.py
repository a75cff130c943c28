"""Checks of the command `doctor` in the log of a bot, as it starts: clock, permissions, versions.

They send nothing, and stop nothing: what is read here was in the responses of the start.
"""

import logging
import platform
from collections.abc import Iterator, Mapping
from typing import Any, Final

from bitget_margin.adapter import ccxt_parts, round_trips
from bitget_margin.adapter.declared_parts import freqtrade_version
from bitget_margin.adapter.health import CheckStatus, HealthCheck, clock_check, rights_check, text_of
from bitget_margin.core.key_rights import classic_rights
from bitget_margin.version import __version__

logger = logging.getLogger("bitget_margin")

_UNREAD: Final = HealthCheck("permissions", CheckStatus.SKIPPED, "not read; `bitget-margin doctor` shows them")


def log_checks(api: Any, account: Mapping[str, Any] | None) -> None:
    """Log the checks; one that fails is a warning, and an error here is one line.

    :param account: account information of a classic account, which has the rights of the key; None of a unified one
    """
    try:
        for check in _checks(api, account):
            is_problem = check.status in {CheckStatus.WARNING, CheckStatus.FAILED}
            logger.log(logging.WARNING if is_problem else logging.INFO, "Check of the start: %s", text_of(check))
    except Exception as error:  # noqa: BLE001 - a bot that starts may have stop-losses to watch
        logger.info("The checks of the start could not be made: %r", error)


def _checks(api: Any, account: Mapping[str, Any] | None) -> Iterator[HealthCheck]:
    if api.venue_offset_ms is not None:
        trip_ms = round_trips.longest_ms(api)
        # The learned time is late by up to a round trip.
        yield clock_check(api.milliseconds() - api.venue_milliseconds() - trip_ms / 2, trip_ms / 2)
    yield _UNREAD if account is None else rights_check(classic_rights(account))
    versions = f"python {platform.python_version()}, bitget-margin {__version__}"
    versions += f", ccxt {ccxt_parts.version()}, freqtrade {freqtrade_version()}"
    yield HealthCheck("versions", CheckStatus.OK, versions)
