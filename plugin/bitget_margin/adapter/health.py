"""Checks of an account, a key and a clock, made of readings: for the command `doctor`, and for the log of a bot."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from bitget_margin.adapter.tested_versions import TestedPackage
from bitget_margin.core.account_level import describe_settings, missing_margin, read_level
from bitget_margin.core.key_rights import KeyRights

CLOCK_LIMIT_MS: Final = 30_000
"""Difference from the venue's clock from which it refuses signed requests."""
CLOCK_WARNING_MS: Final = 2_000
"""Difference from which a bot may take a candle for a later or an earlier one."""
_SHOWN_ADDRESSES: Final = 3


class CheckStatus(StrEnum):
    """Result of a check."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    UNKNOWN = "unknown"
    """The venue does not show it, or the reading failed."""
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """One check, in words for people."""

    name: str
    status: CheckStatus
    message: str
    hint: str | None = None
    """Action that helps."""


def clock_check(offset_ms: float, uncertainty_ms: float) -> HealthCheck:
    """Check this machine's clock.

    :param offset_ms: local time less that of the venue
    :param uncertainty_ms: how far the measured offset may be off, which depends on the time of the response
    """
    size_ms = max(0.0, abs(offset_ms) - uncertainty_ms)
    status = CheckStatus.OK if size_ms < CLOCK_WARNING_MS else CheckStatus.WARNING
    status = CheckStatus.FAILED if size_ms >= CLOCK_LIMIT_MS else status
    return HealthCheck(
        "clock",
        status,
        f"{offset_ms:+.0f} ms from the venue's (± {uncertainty_ms:.0f} ms); allowed: {CLOCK_LIMIT_MS} ms",
        None if status is CheckStatus.OK else "set the clock of this machine right, for example with NTP",
    )


def mode_check(settings: Mapping[str, Any] | None) -> HealthCheck:
    """Check that an account has spot margin; `settings` are those of a unified account, None of a classic one."""
    name = "account"
    if settings is None:
        return HealthCheck(name, CheckStatus.OK, "a classic account")
    described, level = describe_settings(settings), read_level(settings)
    if level is None:
        hint = "look the account mode up on Bitget's website: basic and isolated mode have no spot margin"
        return HealthCheck(name, CheckStatus.UNKNOWN, f"{described}: whether it has spot margin is unknown", hint)
    if not level.has_margin:
        problem, _, hint = missing_margin(level).partition(": ")
        return HealthCheck(name, CheckStatus.FAILED, problem, hint)
    return HealthCheck(name, CheckStatus.OK, described)


def rights_check(rights: KeyRights) -> HealthCheck:
    """Check what an API key may do: read and trade margin, not withdraw, and from known addresses alone."""
    found = (_reading(rights), _trading(rights), _withdrawing(rights), _binding(rights))
    worst = max((status for status, _, _ in found), key=_SEVERITY.index)
    hints = [hint for status, _, hint in found if status is not CheckStatus.OK and hint]
    return HealthCheck("permissions", worst, ", ".join(text for _, text, _ in found), "; ".join(hints) or None)


def versions_check(
    name: str, package: TestedPackage, version: str | None, checked: int, moved: Sequence[str]
) -> HealthCheck:
    """Check the version of a package, and that what is used of it has not moved.

    :param version: None where it is not installed
    :param checked: number of parts that were compared
    """
    if version is None:
        return HealthCheck(name, CheckStatus.SKIPPED, "not installed")
    if moved:
        return HealthCheck(name, CheckStatus.FAILED, f"{version}: {'; '.join(moved)}", package.install_command)
    compared = f"none of the {checked} parts that are used has moved"
    difference = package.difference(version)
    if difference is not None:
        return HealthCheck(name, CheckStatus.WARNING, f"{version} {difference}; {compared}", package.install_command)
    return HealthCheck(name, CheckStatus.OK, f"{version} (tested: {package.oldest} to {package.newest}); {compared}")


def text_of(check: HealthCheck) -> str:
    """Return a check in one line."""
    hint = "" if check.hint is None else f" ({check.hint})"
    return f"{check.name}: {check.message}{hint}"


def has_status(checks: Iterable[HealthCheck], status: CheckStatus) -> bool:
    """Whether a check has this status."""
    return any(check.status is status for check in checks)


_SEVERITY: Final = (CheckStatus.SKIPPED, CheckStatus.OK, CheckStatus.WARNING, CheckStatus.UNKNOWN, CheckStatus.FAILED)
_Part = tuple[CheckStatus, str, str]
_GRANT: Final = "edit the API key on Bitget's website"


def _reading(rights: KeyRights) -> _Part:
    if rights.can_read_margin is None:
        return CheckStatus.UNKNOWN, "reads margin: unknown", ""
    if not rights.can_read_margin:
        return CheckStatus.FAILED, "may not read margin", f"{_GRANT}: it needs the right to read margin"
    return CheckStatus.OK, "reads margin", ""


def _trading(rights: KeyRights) -> _Part:
    if rights.can_trade_margin is None:
        return CheckStatus.UNKNOWN, "trades margin: unknown", "look the rights of the key up on Bitget's website"
    if not rights.can_trade_margin:
        return (
            CheckStatus.FAILED,
            "may not trade margin",
            f"{_GRANT}: it needs the right to trade margin (read and write)",
        )
    return CheckStatus.OK, "trades margin", ""


def _withdrawing(rights: KeyRights) -> _Part:
    if rights.can_withdraw is None:
        return CheckStatus.UNKNOWN, "withdrawals: unknown", ""
    if rights.can_withdraw:
        return (
            CheckStatus.WARNING,
            "may WITHDRAW",
            f"{_GRANT}: take the right to withdraw from it, which nothing here needs",
        )
    return CheckStatus.OK, "no withdrawals", ""


def _binding(rights: KeyRights) -> _Part:
    if rights.addresses is None:
        return CheckStatus.UNKNOWN, "addresses: unknown", ""
    if not rights.addresses:
        return CheckStatus.WARNING, "works from every address", f"{_GRANT}: bind it to the addresses of your machines"
    more = f" and {len(rights.addresses) - _SHOWN_ADDRESSES} more" if len(rights.addresses) > _SHOWN_ADDRESSES else ""
    return CheckStatus.OK, f"bound to {', '.join(rights.addresses[:_SHOWN_ADDRESSES])}{more}", ""
