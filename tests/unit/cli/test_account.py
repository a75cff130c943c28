"""Promise: what a connection prints addresses the account that was chosen, and names what stands before the venue."""

import json
import shlex
from pathlib import Path
from typing import Any

import ccxt
import pytest

from bitget_margin.adapter import ccxt_errors
from bitget_margin.cli.operator.account import Connection, connect

URL = "http://127.0.0.1:1"
PROXY = "http://me:a-password@127.0.0.1:2"


def made(
    folder: Path, url: str | None = URL, proxy: str | None = None, timeout_ms: int = 10_000, **more: Any
) -> Connection:
    """Return a connection by a configuration whose path a shell has to be told as one word."""
    exchange = {"name": "bitgetcross", "key": "k", "secret": "s", "password": "p", **more}
    path = folder / "my config.json"
    path.write_text(json.dumps({"exchange": exchange}))
    return connect([path], url, proxy, timeout_ms)


def test_the_options_of_the_account_are_repeated_as_a_shell_reads_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(tmp_path / "my config.json")
    assert shlex.split(made(tmp_path).repeated) == ["--config", path, "--url", URL]
    assert shlex.split(made(tmp_path, None).repeated) == ["--config", path]
    for name in ("BITGET_API_KEY", "BITGET_SECRET", "BITGET_PASSWORD"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("BITGET_URL", URL)
    assert connect([], None, None, 1).repeated == ""


@pytest.mark.parametrize(
    ("url", "proxy", "more", "named"),
    [
        ("https://127.0.0.1:1", PROXY, {}, "http://127.0.0.1:2"),
        (URL, PROXY, {}, None),
        (None, PROXY, {}, "http://127.0.0.1:2"),
        (URL, None, {"ccxt_config": {"proxies": {"http": PROXY}}}, "http://127.0.0.1:2"),
        (URL, None, {"ccxt_config": {"http_proxy": PROXY}}, "http://127.0.0.1:2"),
        (None, None, {"ccxt_config": {"socksProxy": "socks5://127.0.0.1:3"}}, "socks5://127.0.0.1:3"),
    ],
)
def test_the_proxy_that_requests_take_is_named(
    tmp_path: Path, url: str | None, proxy: str | None, more: dict[str, Any], named: str | None
) -> None:
    connection = made(tmp_path, url, proxy, **more)
    assert connection.proxy == named
    assert ("status page" in connection.advice()) is (url is None)
    assert named is None or f"the proxy {named}" in connection.advice()


def test_a_time_that_is_too_short_is_named_where_the_time_was_up(tmp_path: Path) -> None:
    late, gone, answered = ccxt.RequestTimeout("late"), ccxt.NetworkError("gone"), ccxt.RequestTimeout("504")
    ccxt_errors.attach_response(answered, 504, None)
    short, usual = made(tmp_path, timeout_ms=9_999), made(tmp_path)
    assert short.explain(late).endswith(": --timeout is 9999 ms, and by default 10000")
    assert short.advice(late) == "run it again, with a higher --timeout"
    for connection, error in ((short, gone), (short, answered), (usual, late)):
        assert "--timeout" not in connection.explain(error) + connection.advice(error)
