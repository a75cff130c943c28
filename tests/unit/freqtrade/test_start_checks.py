"""Promise: the checks of a bot's start are in its log, send nothing, and stop nothing."""

import logging
from types import SimpleNamespace
from typing import Any

import pytest

from bitget_margin.freqtrade.start_checks import log_checks

GOOD = {"authorities": ["smor", "smow"], "ips": "1.2.3.4"}


class Api(SimpleNamespace):
    """The clock of an exchange object; a request would be an AttributeError."""

    venue_offset_ms: float | None = 1.0
    local_ms = 1_000_000

    def __hash__(self) -> int:
        return id(self)

    def milliseconds(self) -> int:
        return self.local_ms

    def venue_milliseconds(self) -> int:
        return 1_000_000


def logged(caplog: pytest.LogCaptureFixture, api: Any, account: Any) -> list[tuple[str, str]]:
    with caplog.at_level(logging.INFO, "bitget_margin"):
        log_checks(api, account)
    return [(record.levelname, record.message.removeprefix("Check of the start: ")) for record in caplog.records]


def test_each_check_is_a_line(caplog: pytest.LogCaptureFixture) -> None:
    clock, permissions, versions = logged(caplog, Api(), GOOD)
    assert clock[0] == permissions[0] == versions[0] == "INFO"
    assert clock[1].startswith("clock: +0 ms from the venue's")
    assert permissions[1].startswith("permissions: reads margin, trades margin, no withdrawals, bound to 1.2.3.4")
    assert versions[1].startswith("versions: python 3.")


def test_what_is_wrong_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    api = Api()
    api.local_ms += 40_000
    clock, permissions, _ = logged(caplog, api, {**GOOD, "authorities": ["smor", "smow", "wwow"]})
    assert clock[0] == permissions[0] == "WARNING"
    assert "set the clock of this machine right" in clock[1]
    assert "may WITHDRAW" in permissions[1]


def test_what_the_start_has_not_read_is_not_asked_for(caplog: pytest.LogCaptureFixture) -> None:
    api = Api()
    api.venue_offset_ms = None
    permissions, versions = logged(caplog, api, None)
    assert permissions == ("INFO", "permissions: not read; `bitget-margin doctor` shows them")
    assert versions[0] == "INFO"


@pytest.mark.parametrize("account", [7, [], "x"])
def test_an_error_is_a_line(caplog: pytest.LogCaptureFixture, account: Any) -> None:
    lines = logged(caplog, Api(), account)
    assert lines[-1][1].startswith("The checks of the start could not be made: ")
    assert {level for level, _ in lines} == {"INFO"}
