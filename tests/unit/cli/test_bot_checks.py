"""Promise: what a bot's configuration names is checked against the venue and this machine, and nothing is made."""

import stat
import threading
from pathlib import Path
from typing import Any

import pytest

from bitget_margin.adapter.health import CheckStatus, HealthCheck
from bitget_margin.cli.operator import bot_checks
from bitget_margin.cli.operator.bot_checks import bounded, judge_pairs, rate_store_check, settings_check

OK, WARNING, FAILED, UNKNOWN = CheckStatus.OK, CheckStatus.WARNING, CheckStatus.FAILED, CheckStatus.UNKNOWN
LIMITS = {"amount": {"min": 0.001}, "cost": {"min": 5.0}}
CROSS = {"marginModes": {"cross": True}, "active": True, "limits": LIMITS}


def market(**changes: Any) -> dict[str, Any]:
    return {**CROSS, **changes}


@pytest.mark.parametrize(
    ("found", "stake", "prices", "status", "text"),
    [
        (market(), 100.0, {"A/USDT": 60_000.0}, OK, "1 pair trades on cross margin, and stake_amount 100 is enough"),
        (market(), None, {}, OK, "1 pair trades on cross margin"),
        (market(), 4.9, {"A/USDT": 1.0}, FAILED, "stake_amount 4.9 is below the smallest order of 5"),
        (market(), 50.0, {"A/USDT": 60_000.0}, FAILED, "stake_amount 50 is below the smallest order of 60"),
        (market(), 50.0, None, UNKNOWN, "the prices could not be read"),
        (market(), 1.0, None, FAILED, "below the smallest order of 5; the smallest orders are not all known"),
        (market(limits={}), 1.0, {"A/USDT": 60_000.0}, OK, "1 pair trades"),
        (None, 100.0, {}, FAILED, "A/USDT is no market of the venue"),
        (market(marginModes={"cross": False}), 100.0, {}, FAILED, "A/USDT does not trade on cross margin"),
        (market(marginModes={"cross": None}), 100.0, {}, UNKNOWN, "whether it trades on cross margin is not known"),
        (market(active=False), 100.0, {}, WARNING, "A/USDT is paused"),
        (
            market(crossMargin={"active": False, "precision": {}, "limits": {}}, precision={}),
            None,
            {},
            WARNING,
            "paused",
        ),
    ],
)
def test_a_pair(found: Any, stake: float | None, prices: Any, status: CheckStatus, text: str) -> None:
    check = judge_pairs(["A/USDT"], {} if found is None else {"A/USDT": found}, stake, prices)
    assert (check.name, check.status) == ("pairs", status)
    assert text in check.message


def test_the_worst_pair_decides_and_only_some_are_named() -> None:
    markets = {f"P{n}/USDT": market(active=False) for n in range(7)}
    check = judge_pairs([*markets, "X/USDT"], markets, None, {})
    assert check.status is FAILED
    assert check.message.endswith("P4/USDT is paused at the moment and 3 more")


@pytest.mark.parametrize(
    ("config", "text"),
    [
        ({"exchange": {"name": "bitgetcross"}, "margin_mode": "isolated"}, "\"margin_mode\" is 'isolated'"),
        (
            {"exchange": {"name": "bitgetcross"}, "margin_mode": "cross", "bitget_margin": {"wait": 1}},
            '"bitget_margin" in the configuration has wait',
        ),
        ({"exchange": {"name": "bitget"}, "margin_mode": "cross"}, "\"exchange.name\" is 'bitget'"),
        ({"exchange": {"name": "bitgetcross"}, "margin_mode": "cross", "dry_run": True}, None),
    ],
)
def test_settings_are_those_with_which_a_bot_starts(config: dict[str, Any], text: str | None) -> None:
    check = settings_check(config)
    assert check.status is (OK if text is None else FAILED)
    assert text is None or check.message.startswith(text)


def store(url: object) -> HealthCheck:
    return rate_store_check({"bitget_margin": {"rate_gate": url}}, 2_000)


def test_a_store_in_a_file_is_checked_and_not_made(tmp_path: Path) -> None:
    assert store(f"sqlite:///{tmp_path / 'gate.sqlite'}").status is OK
    assert list(tmp_path.iterdir()) == []
    check = store(f"sqlite:///{tmp_path / 'none' / 'gate.sqlite'}")
    assert check.status is FAILED
    assert "does not exist" in check.message


def test_a_store_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "gate.sqlite"
    path.touch()
    path.chmod(stat.S_IRUSR)
    monkeypatch.setattr("os.access", lambda path, _: not str(path).endswith("gate.sqlite"))  # for root, too
    check = store(f"sqlite:///{path}")
    assert check.status is FAILED
    assert "gate.sqlite cannot be written by this user" in check.message


def test_a_redis_that_does_not_answer_and_a_bad_url_fail_without_the_password() -> None:
    check = store({"url": "redis://me:a-password@127.0.0.1:1/0", "timeout": 200})
    assert check.status is FAILED
    assert "redis://127.0.0.1:1/0 cannot be used" in check.message
    assert "a-password" not in str(check)
    assert store("http://x").status is FAILED


def test_without_a_shared_window_there_is_nothing_to_check() -> None:
    assert rate_store_check({}, 1_000).status is CheckStatus.SKIPPED
    options = {"exchange": {"ccxt_config": {"options": {"rateGate": "http://x"}}}}
    assert rate_store_check(options, 1_000).status is FAILED


def test_a_check_ends_in_time_and_an_error_shows_no_text() -> None:
    release = threading.Event()

    def wait() -> HealthCheck:
        release.wait(10)
        return HealthCheck("database", OK, "late")

    assert bounded("database", wait, 20) == HealthCheck(
        "database", UNKNOWN, "no answer in 20 ms", "run it again, with a higher --timeout"
    )
    release.set()

    def fail() -> HealthCheck:
        raise ValueError("a-password")

    assert bounded("database", fail, 5_000) == HealthCheck("database", UNKNOWN, "ValueError", "run it again")


def test_a_whitelist_of_patterns_names_no_pair() -> None:
    nobody: Any = None
    config = {"exchange": {"pair_whitelist": [".*/USDT", "(BTC|ETH)/USDT"]}}
    assert bot_checks.pairs_check(nobody, config).status is CheckStatus.SKIPPED
