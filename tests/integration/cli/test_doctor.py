"""The command `doctor` checks an account of either kind and a bot's configuration, and changes nothing."""

import json
import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from bitget_margin.adapter.health import CheckStatus, HealthCheck
from bitget_margin.adapter.tested_versions import CCXT
from bitget_margin.cli.operator import doctor as command
from bitget_margin.cli.operator import errors, version_checks
from bitget_margin.emulator import Account, AccountKind, Emulator
from support.operating import COMMAND, KEYS, here, invoke, keys, run

VENUE_CHECKS = ["keys", "venue", "clock", "account", "uid", "permissions"]
VERSION_CHECKS = ["python", "ccxt", "freqtrade"]
BOT_CHECKS = ["settings", "pairs", "database", "rate_store"]


def checks(venue: Emulator, *args: str, code: int = 0, **variables: str) -> dict[str, dict[str, Any]]:
    """Return the checks of the document by name, after a check of its format."""
    done = here(venue, "doctor", *args, "--json", code=code, **variables)
    hold_no_secret(done.output, venue)
    found = json.loads(done.stdout)
    assert set(found) == {"exit_code", "checks"}
    assert found["exit_code"] == code
    assert all(set(check) == {"name", "status", "message", "hint"} for check in found["checks"])
    assert [check["name"] for check in found["checks"]] == [*VENUE_CHECKS, *VERSION_CHECKS, *BOT_CHECKS]
    return {check["name"]: check for check in found["checks"]}


def hold_no_secret(text: str, venue: Emulator) -> None:
    assert not any(value in text for value in keys(venue.accounts[0]).values())


def statuses(found: dict[str, dict[str, Any]], names: list[str]) -> set[str]:
    return {found[name]["status"] for name in names}


@pytest.fixture(autouse=True)
def versions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the import of freqtrade out, which takes seconds, and let ccxt be one that was tested."""
    monkeypatch.setattr(version_checks.ccxt_parts, "version", lambda: CCXT.newest)
    right = HealthCheck("freqtrade", CheckStatus.OK, "left out")
    monkeypatch.setattr(version_checks, "_freqtrade", lambda: right)


def bot_config(venue: Emulator, folder: Path, **more: Any) -> str:
    account = venue.accounts[0]
    exchange = {"key": account.api_key, "secret": account.secret, "password": account.password}
    config = {
        "dry_run": False,
        "trading_mode": "spot",
        "margin_mode": "cross",
        "stake_amount": 100,
        "exchange": {"name": "bitgetcross", **exchange, "pair_whitelist": ["BTC/USDT", "ETH/USDT"]},
        "db_url": f"sqlite:///{folder / 'trades.sqlite'}",
        "bitget_margin": {"rate_gate": f"sqlite:///{folder / 'gate.sqlite'}"},
        **more,
    }
    path = folder / "config.json"
    path.write_text(json.dumps(config))
    return str(path)


@pytest.mark.parametrize(
    ("kind", "shown"),
    [(AccountKind.CLASSIC, "a classic account"), (AccountKind.UNIFIED, "a unified account in advanced mode")],
)
def test_a_good_account_and_a_good_bot_are_right_and_nothing_is_changed(
    tmp_path: Path, kind: AccountKind, shown: str
) -> None:
    with Emulator(accounts=[Account(kind=kind)]) as venue:
        found = checks(venue, "--config", bot_config(venue, tmp_path))
        assert {name: check["status"] for name, check in found.items()} == dict.fromkeys(found, "ok")
        assert found["account"]["message"] == shown
        assert found["uid"]["message"] == venue.accounts[0].uid
        assert {record.method for record in venue.requests} == {"GET"}
    assert [path.name for path in tmp_path.iterdir()] == ["config.json"]


def test_without_a_configuration_those_of_the_bot_are_left_out(venue: Emulator) -> None:
    found = checks(venue)
    assert statuses(found, BOT_CHECKS) == {"skipped"}
    assert statuses(found, VENUE_CHECKS + VERSION_CHECKS) == {"ok"}


def test_without_freqtrade_its_checks_are_left_out(
    venue: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "is_installed", lambda: False)
    found = checks(venue, "--config", bot_config(venue, tmp_path))
    assert statuses(found, ["freqtrade", "settings", "database"]) == {"skipped"}
    assert statuses(found, ["pairs", "rate_store"]) == {"ok"}


def test_what_is_wrong_with_a_bot_fails(venue: Emulator, tmp_path: Path) -> None:
    config = bot_config(
        venue, tmp_path, margin_mode="isolated", stake_amount=0.5, db_url="sqlite:////none/trades.sqlite"
    )
    found = checks(venue, "--config", config, code=1)
    assert statuses(found, ["settings", "pairs", "database"]) == {"failed"}
    assert statuses(found, ["rate_store", *VENUE_CHECKS]) == {"ok"}


@pytest.mark.parametrize("level", ["basic", "isolated"])
def test_an_account_without_spot_margin_fails_with_the_mode_to_switch_to(level: str) -> None:
    with Emulator(accounts=[Account(kind=AccountKind.UNIFIED)]) as unified:
        unified.knobs(account_level=level)
        found = checks(unified, code=1)
    assert found["account"]["status"] == "failed"
    assert f"in {level} mode, which has no spot margin" in found["account"]["message"]
    assert "switch it to advanced mode" in found["account"]["hint"]


def test_refused_keys_fail_and_the_rest_is_shown(venue: Emulator) -> None:
    found = checks(venue, code=1, BITGET_PASSWORD="another")
    assert found["keys"]["status"] == "failed"
    assert statuses(found, ["account", "uid", "permissions"]) == {"skipped"}
    assert statuses(found, ["venue", "clock", *VERSION_CHECKS]) == {"ok"}


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("/public/time", ["venue"]),
        ("/account/info", ["permissions"]),
        ("/account/assets", ["account"]),
    ],
)
def test_a_reading_that_fails_is_unknown_and_the_others_are_shown(venue: Emulator, path: str, names: list[str]) -> None:
    venue.add_fault("html-502", path)
    found = checks(venue, "--timeout", "700", code=3)
    assert statuses(found, names) == {"unknown"}
    unknown = [check for check in found.values() if check["status"] == "unknown"]
    hint = "run it again; if it lasts, look at what `bitget-margin emulator` has printed where it runs"
    assert {check["hint"] for check in unknown} - {errors.MORE_TIME} == {hint}
    is_reached = path != "/public/time"
    assert ("not checked, since the venue" in found["keys"]["message"]) is not is_reached
    assert found["keys"]["status"] == ("ok" if is_reached else "unknown")
    for name in names:
        message = found[name]["message"]
        assert message.startswith("the venue does not answer (")
        assert 'page "502 Bad Gateway"' in message
        assert "<" not in message
    assert statuses(found, VERSION_CHECKS) == {"ok"}
    if path == "/public/time":
        assert statuses(found, ["clock", "account", "uid", "permissions"]) == {"skipped"}


def test_a_venue_that_is_not_there_is_unknown() -> None:
    env = {"BITGET_API_KEY": "k", "BITGET_SECRET": "s", "BITGET_PASSWORD": "p"}
    done = invoke("doctor", "--url", "http://127.0.0.1:1", "--json", code=3, env=env)
    found = {check["name"]: check["status"] for check in json.loads(done.stdout)["checks"]}
    assert found["venue"] == "unknown"
    assert found["account"] == "skipped"
    assert "is `bitget-margin emulator` running there?" in done.output
    assert "status page" not in done.output


def test_a_proxy_that_is_not_there_is_named_without_its_password() -> None:
    proxy = ("--url", "https://127.0.0.1:1", "--proxy", "http://me:a-password@127.0.0.1:2")
    for name in ("doctor", "orders", "account"):
        done = invoke(name, *proxy, "--timeout", "300", code=3, env=KEYS)
        assert "Connection refused): is the proxy http://127.0.0.1:2 running?" in done.output
        assert "a-password" not in done.output
        assert "emulator" not in done.output
        assert ("look at the proxy http://127.0.0.1:2" in done.output) is (name == "doctor")


def test_the_last_line_of_a_command_has_the_reason() -> None:
    """Also where the markets are loaded a second time, within a call."""
    for args in (("orders",), ("cancel", "--all", "--yes")):
        done = invoke(*args, "--url", "http://127.0.0.1:1", code=3, env=KEYS)
        (line,) = (line for line in done.output.splitlines() if line.startswith("Error: "))
        assert line.endswith("Connection refused): is `bitget-margin emulator` running there?")


def test_a_time_that_is_too_short_is_named(venue: Emulator) -> None:
    venue.knobs(latency_ms=50)
    for args in (("orders",), ("account",), ("cancel", "--symbol", "BTC/USDT", "--yes"), ("doctor",)):
        done = here(venue, *args, "--timeout", "10", code=3)
        assert ": --timeout is 10 ms, and by default 10000" in done.output
        if args[0] in {"cancel", "doctor"}:
            assert "a higher --timeout" in done.output


def test_a_pair_that_is_no_market_has_no_price_to_miss(venue: Emulator, tmp_path: Path) -> None:
    config = bot_config(venue, tmp_path)
    Path(config).write_text(Path(config).read_text().replace('["BTC/USDT", "ETH/USDT"]', '["FOO/USDT"]'))
    assert checks(venue, "--config", config, code=1)["pairs"]["message"] == "FOO/USDT is no market of the venue"


def test_prices_that_cannot_be_read_are_unknown_with_the_reason(venue: Emulator, tmp_path: Path) -> None:
    venue.add_fault("html-502", "/market/tickers")
    pairs = checks(venue, "--config", bot_config(venue, tmp_path), "--timeout", "700", code=3)["pairs"]
    assert pairs["status"] == "unknown"
    assert "could not be read: the venue does not answer (" in pairs["message"]
    assert "502 Bad Gateway" in pairs["message"]
    assert pairs["hint"].startswith("run it again")


def test_with_refused_keys_the_pairs_are_not_unknown(venue: Emulator, tmp_path: Path) -> None:
    config = bot_config(venue, tmp_path)
    found = checks(venue, "--config", config, code=1, FREQTRADE__EXCHANGE__PASSWORD="another")
    assert (found["keys"]["status"], found["pairs"]["status"]) == ("failed", "skipped")
    assert found["pairs"]["message"] == "the keys are refused"


def test_a_refused_timestamp_is_no_missing_answer(venue: Emulator) -> None:
    venue.add_fault("code-before", "/account/assets", code="40008", text="Request timestamp expired")
    found = checks(venue, "--timeout", "700", code=3)
    assert found["account"]["message"].startswith("the venue refuses the timestamp (40008 ")


def test_people_see_one_line_for_each_check_and_what_helps_below(venue: Emulator) -> None:
    done = here(venue, "doctor")
    lines = done.stdout.splitlines()
    assert [line.split()[1].rstrip(":") for line in lines] == [*VENUE_CHECKS, *VERSION_CHECKS, *BOT_CHECKS]
    assert lines[0].startswith("ok       keys: from the environment (BITGET_API_KEY), 127.0.0.1:")
    assert lines[-1] == "skipped  rate_store: no --config is given"
    hold_no_secret(done.output, venue)


def test_settings_that_cannot_be_read_leave_the_account_unknown() -> None:
    """Of a unified account; a classic one is known by the refusal of them."""
    with Emulator(accounts=[Account(kind=AccountKind.UNIFIED)]) as unified:
        unified.add_fault("html-502", "/account/settings")
        found = checks(unified, "--timeout", "700", code=3)
    assert found["account"]["status"] == "unknown"
    assert statuses(found, ["uid", "permissions"]) == {"skipped"}


@pytest.mark.slow
def test_it_compares_the_installed_freqtrade(venue: Emulator) -> None:
    """In a process of its own: importing it takes seconds."""
    (line,) = (line for line in run(venue, "doctor").stdout.splitlines() if "freqtrade: " in line)
    assert line.split()[0] in {"ok", "warning"}
    assert "has moved" in line


def test_an_interrupt_ends_it_with_130(venue: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "read_venue", interrupted)
    here(venue, "doctor", code=130)


def test_a_ccxt_that_does_not_fit_is_the_check_that_fails(venue: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other commands refuse in one line."""
    import ccxt  # noqa: PLC0415 - changed here

    for module in ("bitget_margin.sync", "bitget_margin.async_support", "bitget_margin.pro"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    monkeypatch.delattr(ccxt.bitget, "create_uta_order_request")
    found = checks(venue, code=1)
    assert found["ccxt"]["status"] == "failed"
    assert "ccxt.bitget.create_uta_order_request is missing" in found["ccxt"]["message"]
    assert statuses(found, VENUE_CHECKS) == {"skipped"}
    done = here(venue, "orders", code=2)
    assert "create_uta_order_request is missing" in done.output
    assert venue.requests == ()


# -- keys from the terminal --------------------------------------------------------------------------------------------


def typed(venue: Emulator, *args: str, answers: list[str]) -> tuple[int, str]:
    """Run a command on a terminal, type an answer at each question, and return its exit code and what is shown.

    Nothing that was typed is left over for a shell.
    """
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("BITGET_", "FREQTRADE__"))}
    owner, terminal = pty.openpty()
    running = subprocess.Popen(  # noqa: S603 - our own command
        [*COMMAND, *args, "--url", venue.url],
        env=plain,
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
    )
    shown, left = "", list(answers)
    until = time.monotonic() + 50
    try:
        while time.monotonic() < until:
            if select.select([owner], [], [], 0.05)[0]:
                shown += os.read(owner, 65_536).decode()
            elif running.poll() is not None:
                break
            elif left and shown.endswith(": "):  # silent for a moment: it waits
                os.write(owner, left.pop(0).encode())
                shown += "|"
        assert not select.select([terminal], [], [], 0)[0]
        return running.wait(5), shown
    finally:
        if running.poll() is None:
            running.kill()
            running.wait()
        os.close(owner)
        os.close(terminal)


@pytest.mark.slow
def test_keys_that_are_missing_are_asked_for_without_echo(venue: Emulator) -> None:
    account = venue.accounts[0]
    given = [f"{account.api_key}\n", f" {account.secret} \n", f"{account.password}\n"]
    code, shown = typed(venue, "orders", answers=given)
    assert code == 0, shown
    assert "keys from the terminal, 127.0.0.1" in shown
    assert "No open orders." in shown
    hold_no_secret(shown, venue)


def test_a_block_that_is_pasted_is_neither_shown_nor_left_over(venue: Emulator) -> None:
    account = venue.accounts[0]
    block = f"{account.api_key}\n{account.secret}\n{account.password}\n"
    code, shown = typed(venue, "orders", answers=[block, f"\n{account.secret}\n"])
    assert code == 2, shown
    assert "no secret was given" in shown
    hold_no_secret(shown, venue)
