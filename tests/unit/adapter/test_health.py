"""Promise: a check is right only by a reading that shows it, and names what helps where it is not."""

from typing import Any

import pytest

from bitget_margin.adapter.health import (
    CheckStatus,
    HealthCheck,
    clock_check,
    mode_check,
    rights_check,
    text_of,
    versions_check,
)
from bitget_margin.adapter.tested_versions import CCXT
from bitget_margin.core.key_rights import KeyRights

OK, WARNING, FAILED, UNKNOWN = CheckStatus.OK, CheckStatus.WARNING, CheckStatus.FAILED, CheckStatus.UNKNOWN
GOOD = {"can_read_margin": True, "can_trade_margin": True, "can_withdraw": False, "addresses": ("1.2.3.4",)}


@pytest.mark.parametrize(
    ("offset_ms", "uncertainty_ms", "status"),
    [
        (0, 5, OK),
        (-1_999, 0, OK),
        (2_000, 0, WARNING),
        (-2_400, 500, OK),
        (29_999, 0, WARNING),
        (30_000, 0, FAILED),
        (-30_100, 50, FAILED),
        (30_100, 200, WARNING),
    ],
)
def test_the_clock(offset_ms: float, uncertainty_ms: float, status: CheckStatus) -> None:
    check = clock_check(offset_ms, uncertainty_ms)
    assert (check.name, check.status) == ("clock", status)
    assert f"{offset_ms:+} ms" in check.message
    assert (check.hint is None) is (status is OK)


@pytest.mark.parametrize(
    ("settings", "status", "text"),
    [
        (None, OK, "a classic account"),
        ({"accountLevel": "advanced", "accountMode": "unified"}, OK, "a unified account in advanced mode"),
        ({"accountLevel": "delta"}, OK, "a unified account in delta mode"),
        ({"accountLevel": "basic"}, FAILED, "the unified account is in basic mode, which has no spot margin"),
        ({"accountLevel": "isolated"}, FAILED, "the unified account is in isolated mode, which has no spot margin"),
        ({"accountLevel": "new"}, UNKNOWN, "a unified account in new mode: whether it has spot margin is unknown"),
        ({}, UNKNOWN, "a unified account: whether it has spot margin is unknown"),
    ],
)
def test_the_mode(settings: Any, status: CheckStatus, text: str) -> None:
    check = mode_check(settings)
    assert (check.status, check.message) == (status, text)
    assert (check.hint is None) is (status is OK)
    if status is FAILED:
        assert "switch it to advanced mode" in str(check.hint)


@pytest.mark.parametrize(
    ("changes", "status", "texts"),
    [
        ({}, OK, ("reads margin, trades margin, no withdrawals, bound to 1.2.3.4",)),
        ({"can_withdraw": True}, WARNING, ("may WITHDRAW",)),
        ({"addresses": ()}, WARNING, ("works from every address",)),
        ({"addresses": tuple("abcde")}, OK, ("bound to a, b, c and 2 more",)),
        ({"can_trade_margin": False}, FAILED, ("may not trade margin",)),
        ({"can_read_margin": False}, FAILED, ("may not read margin",)),
        ({"can_trade_margin": None}, UNKNOWN, ("trades margin: unknown",)),
        ({"can_read_margin": None}, UNKNOWN, ("reads margin: unknown",)),
        ({"can_withdraw": None}, UNKNOWN, ("withdrawals: unknown",)),
        ({"addresses": None}, UNKNOWN, ("addresses: unknown",)),
        ({"addresses": None, "can_trade_margin": False}, FAILED, ("may not trade margin", "addresses: unknown")),
        ({"addresses": None, "can_withdraw": True}, UNKNOWN, ("may WITHDRAW", "addresses: unknown")),
    ],
)
def test_the_rights(changes: dict[str, Any], status: CheckStatus, texts: tuple[str, ...]) -> None:
    check = rights_check(KeyRights(**{**GOOD, **changes}))
    assert check.status is status
    assert all(text in check.message for text in texts)
    assert (check.hint is not None) is bool(
        {"can_withdraw": True, "addresses": ()}.items() & changes.items()
        or False in changes.values()
        or changes.get("can_trade_margin", 0) is None
    )


@pytest.mark.parametrize(
    ("version", "moved", "status", "text"),
    [
        (CCXT.newest, (), OK, f"{CCXT.newest} (tested: {CCXT.oldest} to {CCXT.newest})"),
        ("4.9.9", (), WARNING, "4.9.9 is newer than"),
        ("4.9.9", ("a.b is missing",), FAILED, "4.9.9: a.b is missing"),
        (CCXT.newest, ("a.b is missing",), FAILED, f"{CCXT.newest}: a.b is missing"),
        (None, (), CheckStatus.SKIPPED, "not installed"),
    ],
)
def test_the_versions(version: str | None, moved: tuple[str, ...], status: CheckStatus, text: str) -> None:
    check = versions_check("ccxt", CCXT, version, 7, moved)
    assert check.status is status
    assert check.message.startswith(text)
    assert check.hint == (CCXT.install_command if status in {WARNING, FAILED} else None)


def test_a_check_is_one_line() -> None:
    assert text_of(HealthCheck("clock", OK, "right")) == "clock: right"
    assert text_of(HealthCheck("clock", FAILED, "wrong", "set it")) == "clock: wrong (set it)"
