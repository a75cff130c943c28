"""Promise: a bot of `up` reaches the local venue only, with keys of its own."""

import os
import socket
from pathlib import Path
from typing import Any

import pytest

from bitget_margin.cli.start import local_config
from bitget_margin.cli.start.local_config import ApiServer
from bitget_margin.emulator import Account, ccxt_urls

URLS = ccxt_urls("http://127.0.0.1:8787")
LOCAL: dict[str, Any] = {"exchange": {"name": "bitgetcross", "ccxt_config": {"urls": URLS}}}


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://localhost:1", "ws://[::1]:1"])
def test_a_configuration_for_this_machine_is_one(url: str) -> None:
    assert local_config.refusal(LOCAL) is None
    assert local_config.refusal({"exchange": {"name": "bitgetcross", "ccxt_config": {"urls": {"api": url}}}}) is None


@pytest.mark.parametrize(
    ("exchange", "why"),
    [
        ({}, "exchange.name"),
        ({"name": "bitget", "ccxt_config": {"urls": URLS}}, "exchange.name"),
        ({"name": "bitgetcross"}, "for a real account"),
        ({"name": "bitgetcross", "ccxt_config": {"urls": {}}}, "for a real account"),
        ({"name": "bitgetcross", "ccxt_config": []}, "for a real account"),
        ({"name": "bitgetcross", "ccxt_sync_config": {"urls": URLS}}, "for a real account"),
        ({"name": "bitgetcross", "ccxt_config": {"urls": {"api": {"ws": {"p": "wss://ws.bitget.com"}}}}}, "ws.bitget"),
        ({"name": "bitgetcross", "ccxt_config": {"urls": {"api": "127.0.0.1"}}}, "not on this machine"),
        ({"name": "bitgetcross", "ccxt_config": {"urls": {"api": "http://127.0.0.1.example"}}}, "not on this machine"),
        ({"name": "bitgetcross", "ccxt_config": {"urls": {"api": "http://127.0.0.1@example"}}}, "not on this machine"),
        ({"name": "bitgetcross", "ccxt_config": {"urls": {"api": "http://[x"}}}, "not on this machine"),
        (
            {"name": "bitgetcross", "ccxt_config": {"urls": URLS}, "ccxt_async_config": {"urls": {"api": "http://x"}}},
            "ccxt_async_config",
        ),
        ([], "exchange.name"),
    ],
)
def test_any_other_one_is_refused(exchange: Any, why: str) -> None:
    refusal = local_config.refusal({"exchange": exchange})
    assert refusal is not None
    assert why in refusal


def test_the_settings_of_a_run_replace_every_address() -> None:
    server = ApiServer("127.0.0.1", 4000, "freqtrader")
    added = local_config.additions(Path("a b"), Path("a b/t.sqlite"), "http://127.0.0.1:1", server)
    assert added["db_url"] == "sqlite:///a b/t.sqlite"
    assert added["user_data_dir"] == "a b"
    assert added["api_server"] == {"listen_port": 4000}
    sections = ("ccxt_config", "ccxt_sync_config", "ccxt_async_config")
    assert added["exchange"] == {section: {"urls": ccxt_urls("http://127.0.0.1:1")} for section in sections}
    assert "api_server" not in local_config.additions(Path("a"), Path("a/b"), "http://127.0.0.1:1", None)


def test_the_environment_has_the_keys_of_the_run_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FREQTRADE__EXCHANGE__KEY", "a real one")
    monkeypatch.setenv("FREQTRADE__EXCHANGE__CCXT_CONFIG__URLS__API__SPOT", "https://example.com")
    monkeypatch.delenv("FREQTRADE__EXCHANGE__SECRET", raising=False)
    before = dict(os.environ)
    account = Account()
    with local_config.keys_in_environment(account):
        assert {name: value for name, value in os.environ.items() if name.startswith("FREQTRADE__")} == {
            "FREQTRADE__EXCHANGE__KEY": account.api_key,
            "FREQTRADE__EXCHANGE__SECRET": account.secret,
            "FREQTRADE__EXCHANGE__PASSWORD": account.password,
        }
    assert dict(os.environ) == before


@pytest.mark.parametrize(
    "server",
    [
        None,
        [],
        {},
        {"enabled": False, "listen_ip_address": "127.0.0.1", "listen_port": 8080, "username": "x"},
        {"enabled": True, "listen_port": 8080},
        {"enabled": True, "listen_ip_address": "127.0.0.1", "listen_port": "8080"},
    ],
)
def test_an_api_server_that_is_off_or_wrong_is_none(server: Any) -> None:
    assert local_config.api_server({"api_server": server}) is None


@pytest.mark.parametrize(
    ("host", "shown", "family"), [("127.0.0.1", "127.0.0.1", socket.AF_INET), ("::1", "[::1]", socket.AF_INET6)]
)
def test_a_taken_port_is_replaced_by_a_free_one(host: str, shown: str, family: socket.AddressFamily) -> None:
    with socket.create_server((host, 0), family=family) as taken:
        number = taken.getsockname()[1]
        config = {"enabled": True, "listen_ip_address": host, "listen_port": number, "username": "me"}
        server = local_config.api_server({"api_server": config})
        assert server is not None
        assert server.url == f"http://{shown}:{number}"
        moved = local_config.with_free_port(server)
        assert moved.port not in {0, number}
    assert local_config.with_free_port(server) == server


def test_an_address_of_another_machine_is_an_error() -> None:
    with pytest.raises(OSError, match="assign"):
        local_config.with_free_port(ApiServer("192.0.2.1", 8080, "me"))
