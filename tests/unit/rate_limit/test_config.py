"""A shared rate window that cannot work is refused with what to write instead, and without its password."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ccxt
import pytest

from bitget_margin.adapter import cancel
from bitget_margin.freqtrade.config import BotSettings
from bitget_margin.rate_limit import BadLimiterConfig, LimiterConfig, WhenDown, open_limiter
from support.calling import BTC, CROSS, Caller, exchange
from support.script import in_turn, page


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (7, "its URL is of type int; give sqlite:///path, redis://"),
        ("", "does not begin with one of sqlite, redis, rediss, unix"),
        ("memcached://127.0.0.1", "does not begin with one of"),
        ("user:hunter2@127.0.0.1", "does not begin with"),
        ({"url": "redis://127.0.0.1", "retries": 3}, "unknown retries; known are url, timeout, whenDown"),
        ({"url": "redis://127.0.0.1", "timeout": 0}, "timeout is 0; give the ms"),
        ({"url": "redis://127.0.0.1", "timeout": True}, "timeout is True"),
        ({"url": "redis://127.0.0.1", "timeout": "1"}, "timeout is '1'"),
        ({"url": "redis://127.0.0.1", "timeout": float("nan")}, "timeout is nan"),
        ({"url": "redis://127.0.0.1", "whenDown": "open"}, "whenDown is 'open'; give wait or fail"),
        ({"url": "redis://127.0.0.1", "whenDown": ["wait"]}, "whenDown is"),
        ({}, "is of type NoneType"),
        ("sqlite://", "names no file: give sqlite:///relative/path"),
        ("sqlite:///", "names no file"),
        ("sqlite://file.db", "names no file"),
        ("sqlite:///not/there/windows.db", "is in a folder that does not exist: not/there"),
        ("redis://user:hunter2@127.0.0.1:port/0", "cannot be read: percent-encode what is special in the password"),
        ("redis://:hunter2/er@127.0.0.1", "cannot be read"),
        ("redis://:123/hunter2@127.0.0.1:6379/0", "has an @ after a /, ? or #"),
        ("redis://:hunter2[@127.0.0.1:6379/0", "cannot be read"),
        (["redis://:hunter2@127.0.0.1"], "its URL is of type list"),
    ],
)
def test_what_is_no_gate_is_refused_and_tells_no_password(given: Any, said: str) -> None:
    with pytest.raises(BadLimiterConfig) as caught:
        open_limiter(given)
    assert said in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_call_is_refused_before_anything_is_sent() -> None:
    venue = Caller(in_turn(page()))
    made = exchange(rateGate="memcached://127.0.0.1")
    with pytest.raises(ccxt.BadRequest, match=r"^bitget: options\['rateGate'\]: its URL does not begin with"):
        venue.call(cancel.batch_cancel(made, ["1"], BTC, (), {}))
    with pytest.raises(ccxt.BadRequest, match="rateGate"):
        venue.call(cancel.cancel_orders(made, ["1"], BTC, CROSS))
    assert venue.calls == []


def test_the_same_url_is_the_same_gate(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/windows.db"
    assert open_limiter(url) is open_limiter({"url": url})
    assert open_limiter(url) is not open_limiter({"url": url, "whenDown": "fail"})
    settings = LimiterConfig.parse({"url": url, "timeout": 250, "whenDown": "fail"})
    assert settings == LimiterConfig(url, 250.0, WhenDown.FAIL)
    assert LimiterConfig.parse(url) == LimiterConfig(url, 250.0, WhenDown.WAIT)


def test_the_password_of_a_gate_does_not_show() -> None:
    gate = open_limiter("redis://bots:hunter2@127.0.0.1:1/0")
    assert gate.url == "redis://127.0.0.1:1/0"
    settings = LimiterConfig.parse("redis://bots:hunter2@127.0.0.1:1/0")
    bot = BotSettings(rate_gate="redis://bots:hunter2@127.0.0.1:1/0")
    assert "hunter2" not in f"{gate!r} {gate} {gate.store!r} {settings!r} {bot!r}"
