"""The exit code of `doctor`: what is not known comes before what fails, and warnings do not count."""

import pytest

from bitget_margin.adapter.health import CheckStatus, HealthCheck
from bitget_margin.cli.operator.doctor import exit_code_of


@pytest.mark.parametrize(
    ("statuses", "code"),
    [
        (["ok", "warning", "skipped"], 0),
        (["ok", "failed", "warning"], 1),
        (["unknown", "ok"], 3),
        (["failed", "unknown"], 3),
        (["unknown", "failed"], 3),
    ],
)
def test_the_exit_code(statuses: list[str], code: int) -> None:
    assert exit_code_of([HealthCheck("keys", CheckStatus(status), "") for status in statuses]) == code
