"""Keys are read from the environment or from a bot's configuration, and appear in no message."""

import os
import pty
import re
import select
import sys
import termios
from pathlib import Path
from typing import Any

import click
import pytest

from bitget_margin.cli.operator import api_keys
from bitget_margin.cli.operator.account import connect
from bitget_margin.emulator import ccxt_urls
from support.operating import KEYS, invoke

VARIABLES = [name for names in api_keys.VARIABLES.values() for name in names]


@pytest.mark.parametrize("command", [["orders"], ["cancel", "--all", "--yes"]])
@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({}, "no keys: set BITGET_API_KEY, BITGET_SECRET and BITGET_PASSWORD"),
        ({"BITGET_API_KEY": "a-key"}, "BITGET_SECRET and BITGET_PASSWORD are not set"),
        ({**KEYS, "BITGET_PASSWORD": ""}, "BITGET_PASSWORD is not set"),
        ({**KEYS, "BITGET_API_SECRET": "another"}, "are set to different values"),
    ],
)
def test_missing_keys_are_reported_in_one_line(command: list[str], environment: dict[str, str], message: str) -> None:
    """With the variables to set, and without any key."""
    clean = dict.fromkeys(VARIABLES)
    done = invoke(*command, code=2, env={**clean, **environment})
    assert len(done.output.splitlines()) == 1
    assert message in done.output
    assert not any(value in done.output for value in ("a-key", "a-secret", "a-passphrase", "another"))


URL = "http://127.0.0.1:8787"


def host_of(*config: Path, url: str | None = None) -> str:
    return connect(config, url, None, 1000).label.rpartition(", ")[2]


def test_the_keys_of_the_environment_go_to_the_address_beside_them(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    for nothing in (None, ""):
        monkeypatch.delenv("BITGET_URL", raising=False) if nothing is None else monkeypatch.setenv("BITGET_URL", "")
        assert host_of() == "api.bitget.com"
    monkeypatch.setenv("BITGET_URL", f"{URL}/")
    assert host_of() == "127.0.0.1:8787"
    assert connect((), None, None, 1000).exchange.urls["api"] == ccxt_urls(URL)["api"]
    assert host_of(url="http://127.0.0.1:9") == "127.0.0.1:9"


def test_the_keys_of_a_configuration_do_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "config.json"
    path.write_text('{"exchange": {"name": "bitgetcross", "key": "k", "secret": "s", "password": "p"}}')
    monkeypatch.setenv("BITGET_URL", URL)
    assert host_of(path) == "api.bitget.com"


@pytest.mark.parametrize("command", [["orders"], ["cancel", "--all", "--yes"], ["account"], ["doctor"]])
def test_a_malformed_address_of_the_environment_sends_nothing_and_is_not_shown(command: list[str]) -> None:
    done = invoke(*command, code=2, env={**KEYS, "BITGET_URL": "http://me:hidden@127.0.0.1:x"})
    assert "BITGET_URL: give an address such as http://127.0.0.1:8787, or unset it" in done.output
    assert "hidden" not in done.output


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bitget_margin.cli.operator.account.is_terminal", lambda: True)


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize(
    ("environment", "typed", "missing"),
    [
        ({}, "\n", "API key"),
        ({}, "a-key\n  \n", "secret"),
        ({"BITGET_API_KEY": "a-key"}, "\n", "secret"),
        ({"BITGET_API_KEY": "a-key", "BITGET_SECRET": "a-secret"}, "\n", "passphrase"),
    ],
)
def test_at_a_terminal_what_is_missing_is_asked_for(environment: dict[str, str], typed: str, missing: str) -> None:
    """An empty answer is a refusal, and nothing that was typed is shown."""
    for command in (["orders"], ["cancel", "--all", "--yes"], ["account"], ["doctor"]):
        done = invoke(*command, code=2, env={**dict.fromkeys(VARIABLES), **environment}, input=typed)
        assert done.output.endswith(f"Error: no {missing} was given: nothing was sent\n")
        assert not any(value in done.output for value in ("a-key", "a-secret"))


@pytest.mark.usefixtures("terminal")
def test_keys_from_a_terminal_have_no_blanks_and_are_named_by_their_origin(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([" k ", "s\t", "p"])
    monkeypatch.setattr(api_keys.click, "prompt", lambda text, **_: next(answers))
    found = api_keys.from_terminal({})
    assert (found.source, found.keys) == ("the terminal", {"apiKey": "k", "secret": "s", "password": "p"})
    assert found.to_check.startswith("what you typed (40009: the secret; 40012: the passphrase; 40006: the key)")
    assert "BITGET" not in found.to_check
    monkeypatch.setattr(api_keys.click, "prompt", lambda text, **_: text)
    found = api_keys.from_terminal({"BITGET_API_KEY": "k", "BITGET_PASSWORD": "p"})
    assert found.source == "the environment (BITGET_API_KEY) and the terminal"
    assert found.to_check.startswith("BITGET_API_KEY and BITGET_PASSWORD, and what you typed (")
    assert found.keys == {"apiKey": "k", "secret": "secret", "password": "p"}
    assert api_keys.from_terminal(KEYS) == api_keys.from_environment(KEYS)


def test_the_terminal_shows_nothing_between_two_questions_and_keeps_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A paste may arrive then, and its rest after the last question."""
    owner, terminal = pty.openpty()
    before = termios.tcgetattr(terminal)
    with os.fdopen(terminal, "r") as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)

        def prompt(text: str, **_: Any) -> str:
            assert not termios.tcgetattr(terminal)[3] & termios.ECHO
            os.write(owner, b"the-secret\n")
            return text

        monkeypatch.setattr(api_keys.click, "prompt", prompt)
        api_keys.from_terminal({})
        shown = os.read(owner, 100) if select.select([owner], [], [], 0.1)[0] else b""
        assert shown == b""
        assert not select.select([terminal], [], [], 0.1)[0], "it is left for the shell"
        assert termios.tcgetattr(terminal) == before
    os.close(owner)


@pytest.mark.usefixtures("terminal")
def test_with_a_document_or_a_configuration_nobody_is_asked(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"exchange": {"name": "bitget"}}')
    for more in (["--json"], ["--config", str(tmp_path / "config.json")]):
        for command in (["orders"], ["cancel", "--all", "--yes"], ["account"], ["doctor"]):
            done = invoke(*command, *more, code=2, env=dict.fromkeys(VARIABLES), input="typed\n")
            assert len(done.output.splitlines()) == 1


@pytest.mark.usefixtures("terminal")
def test_an_interrupted_question_ends_with_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: Any, **__: Any) -> None:
        raise click.Abort

    monkeypatch.setattr(api_keys.click, "prompt", interrupted)
    for command in (["orders"], ["cancel", "--all", "--yes"], ["account"], ["doctor"]):
        invoke(*command, code=130, env=dict.fromkeys(VARIABLES))


@pytest.mark.parametrize("command", [["orders"], ["cancel", "--all", "--yes"], ["account"], ["doctor"]])
@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("BITGET_API_KEY", "bg_0123\u2026", "the API key has a character that no key has there (horizontal ellipsis, "),
        ("BITGET_SECRET", "0123\n", "the secret has a character that no key has there (u+000a, position 5 of 5)"),
        ("BITGET_PASSWORD", "\u200b0123", "the passphrase has a character that no key has there (zero width space, "),
        ("BITGET_PASSWORD", "0123 ", "the passphrase has a character that no key has there (space, position 5 of 5)"),
    ],
)
def test_keys_that_no_request_can_carry_send_nothing_and_are_not_shown(
    command: list[str], variable: str, value: str, message: str
) -> None:
    done = invoke(*command, code=2, env={**KEYS, variable: value})
    assert done.output.startswith(f"Error: {variable}: {message}")
    assert done.output.endswith("copy it again; nothing was sent\n")
    assert "0123" not in done.output


def test_keys_of_a_configuration_are_named_by_what_they_are_from(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text('{"exchange": {"name": "bitgetcross", "secret": "s", "password": "p"}}')
    found = api_keys.from_config([path], {"FREQTRADE__EXCHANGE__KEY": "k"})
    assert found.source == f"the environment (FREQTRADE__EXCHANGE__KEY) and {path}"
    assert found.to_check.startswith(f"FREQTRADE__EXCHANGE__KEY and {path}, and that the key may trade margin")
    path.write_text('{"exchange": {"name": "bitgetcross", "key": "k", "secret": "s\\n", "password": "p"}}')
    with pytest.raises(api_keys.BadUsage, match=f"^{re.escape(str(path))}: the secret has a character"):
        api_keys.from_config([path], {})


def test_the_variables_may_have_bitget_s_own_names() -> None:
    given = {"BITGET_API_KEY": "k", "BITGET_API_SECRET": "s", "BITGET_API_PASSPHRASE": "p"}
    assert api_keys.from_environment(given).keys == {"apiKey": "k", "secret": "s", "password": "p"}


PUBLIC = """{
    // a comment, and "exchange" in it
    "add_config_files": ["private.json"],
    "exchange": {
        "name": "bitgetcross", /* not
        bitget */
        "secret": "over // the other",
        "ccxt_config": {"httpsProxy": "http://me:hidden@127.0.0.1:1", "options": {"uid": "7"}, "verbose": true,},
    },
}"""
PRIVATE = '{"exchange": {"key": "k", "secret": "s", "password": "p, ]"}}'


def test_a_freqtrade_configuration_is_read_as_freqtrade_does(tmp_path: Path) -> None:
    """Comments, trailing commas, files that name files, later ones over earlier ones, and variables over all."""
    (tmp_path / "config.json").write_text(PUBLIC)
    (tmp_path / "private.json").write_text(PRIVATE)
    (tmp_path / "more.json").write_text('{"exchange": {"ccxt_sync_config": {"options": {"uid": "8"}}}}')
    files = [tmp_path / "config.json", tmp_path / "more.json"]
    found = api_keys.from_config(files, {"FREQTRADE__EXCHANGE__KEY": "from-outside", **KEYS})
    assert found.keys == {"apiKey": "from-outside", "secret": "over // the other", "password": "p, ]"}
    assert found.ccxt_config["httpsProxy"] == "http://me:hidden@127.0.0.1:1"
    assert found.ccxt_config["options"] == {"uid": "8"}
    assert "over" not in repr(found)


def test_freqtrade_reads_the_same(tmp_path: Path) -> None:
    """Its own loader, on the same files."""
    load = pytest.importorskip("freqtrade.configuration.load_config")
    (tmp_path / "config.json").write_text(PUBLIC)
    (tmp_path / "private.json").write_text(PRIVATE)
    (tmp_path / "more.json").write_text('{"exchange": {"key": null, "pair_whitelist": ["A/B"]}, "a": [1,]}')
    files = [tmp_path / "config.json", tmp_path / "more.json"]
    theirs = load.load_from_files([str(file) for file in files])
    theirs.pop("config_files")
    assert api_keys.read_config(files) == theirs


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not JSON: Expecting property name enclosed in double quotes in line 1, column 2"),
        ('{"exchange": {"key": "sesame" "secret"}}', "is not JSON"),
        ("[]", "is not a configuration"),
        ("{}", 'there is no section "exchange"'),
        ('{"exchange": {"name": "binance", "key": "sesame"}}', "\"exchange.name\" is 'binance'"),
        (
            '{"exchange": {"name": "bitgetcross", "key": "sesame"}}',
            "no exchange.secret, exchange.password: set FREQTRADE",
        ),
        ('{"exchange": {"name": "bitget", "ccxt_config": 5}}', "no exchange.key"),
        ('{"add_config_files": ["config.json"]}', "leads in a circle"),
        ('{"add_config_files": "sesame.json"}', "add_config_files is not a list"),
        ('{"add_config_files": ["absent.json"]}', "absent.json cannot be read: No such file"),
    ],
)
def test_a_malformed_configuration_is_bad_usage(text: str, message: str, tmp_path: Path) -> None:
    """In one line, without any of its contents."""
    path = tmp_path / "config.json"
    path.write_text(text)
    done = invoke("orders", "--config", str(path), code=2, env=KEYS)
    assert message in done.output
    assert len(done.output.splitlines()) == 1
    assert "sesame" not in done.output


def test_the_ccxt_settings_of_a_bot_are_used_except_those_that_print(tmp_path: Path) -> None:
    """Its proxy too, unless another one is given; its password is redacted."""
    (tmp_path / "config.json").write_text(PUBLIC)
    (tmp_path / "private.json").write_text(PRIVATE)
    files = [tmp_path / "config.json"]
    found = connect(files, None, None, 500)
    exchange: Any = found.exchange
    assert (exchange.apiKey, exchange.httpsProxy, exchange.verbose) == ("k", "http://me:hidden@127.0.0.1:1", False)
    assert exchange.options["uid"] == "7"
    assert found.label == f"keys from {files[0]}, api.bitget.com"
    assert "hidden" not in found.redact("no way to http://me:hidden@127.0.0.1:1")
    other: Any = connect(files, "http://127.0.0.1:8787", "http://127.0.0.1:2", 500).exchange
    assert other.httpsProxy == "http://127.0.0.1:2"
    assert other.urls["api"]["margin"] == ccxt_urls("http://127.0.0.1:8787")["api"]["margin"]
