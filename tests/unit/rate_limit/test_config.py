"""An invalid shared rate window is refused with what to write instead, and without its password."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from bitget_margin.rate_limit import BadLimiterConfig, LimiterConfig, WhenDown, config, open_limiter
from bitget_margin.rate_limit.redis_store import RedisStore
from bitget_margin.rate_limit.sqlite_store import SqliteStore

FORMS = "give sqlite:///path, redis://host:port/0, rediss:// or unix://"
NO_SCHEME = f"its URL does not begin with one of sqlite, redis, rediss, unix; {FORMS}"
ENCODE = "percent-encode special characters in the password"
UNREADABLE = f"its URL cannot be read: {ENCODE}; {FORMS}"
MISPLACED = f"its URL has an @ after a /, ? or #: {ENCODE}"
NO_FILE = "names no file: give sqlite:///relative/path or sqlite:////absolute/path"
TIMEOUT = "give the time limit of a store request in ms, up to 10000"
REDIS = "redis://127.0.0.1"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (7, f"its URL is of type int; {FORMS}"),
        ({}, f"its URL is of type NoneType; {FORMS}"),
        (["redis://:hunter2@127.0.0.1"], f"its URL is of type list; {FORMS}"),
        ("", NO_SCHEME),
        ("memcached://127.0.0.1", NO_SCHEME),
        ("user:hunter2@127.0.0.1", NO_SCHEME),
        ({"url": REDIS, "retries": 3, 5: 1}, "unknown 5, retries; known are url, timeout, whenDown"),
        ({"url": REDIS, "timeout": 0}, f"timeout is 0; {TIMEOUT}"),
        ({"url": REDIS, "timeout": 10_001}, f"timeout is 10001; {TIMEOUT}"),
        ({"url": REDIS, "timeout": True}, f"timeout is True; {TIMEOUT}"),
        ({"url": REDIS, "timeout": "1"}, f"timeout is '1'; {TIMEOUT}"),
        ({"url": REDIS, "timeout": float("nan")}, f"timeout is nan; {TIMEOUT}"),
        ({"url": REDIS, "whenDown": "open"}, "whenDown is 'open'; give wait or fail"),
        ({"url": REDIS, "whenDown": ["wait"]}, "whenDown is ['wait']; give wait or fail"),
        ("sqlite://", f"sqlite:// {NO_FILE}"),
        ("sqlite:///", f"sqlite:/// {NO_FILE}"),
        ("sqlite://file.db", f"sqlite://file.db {NO_FILE}"),
        ("redis://user:hunter2@127.0.0.1:port/0", UNREADABLE),
        ("redis://:hunter2/er@127.0.0.1", UNREADABLE),
        ("redis://:hunter2[@127.0.0.1:6379/0", UNREADABLE),
        ("redis://:123/hunter2@127.0.0.1:6379/0", MISPLACED),
        ("redis://:123?hunter2@127.0.0.1:6379/0", MISPLACED),
        ("redis://:123#hunter2@127.0.0.1:6379/0", MISPLACED),
    ],
)
def test_an_invalid_window_is_refused_and_its_password_does_not_show(given: Any, message: str) -> None:
    with pytest.raises(BadLimiterConfig) as caught:
        open_limiter(given)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("given", "parsed"),
    [
        (REDIS, LimiterConfig(REDIS, 250.0, WhenDown.WAIT)),
        ({"url": REDIS, "timeout": None, "whenDown": None}, LimiterConfig(REDIS, 250.0, WhenDown.WAIT)),
        ({"url": "rediss://h", "timeout": 10_000}, LimiterConfig("rediss://h", 10_000.0)),
        ({"url": "unix:///socket", "timeout": 0.5}, LimiterConfig("unix:///socket", 0.5)),
        ({"url": "sqlite:///a@b", "whenDown": "fail"}, LimiterConfig("sqlite:///a@b", 250.0, WhenDown.FAIL)),
    ],
)
def test_a_valid_window_is_parsed(given: Any, parsed: LimiterConfig) -> None:
    made = LimiterConfig.parse(given)
    assert made == parsed
    assert isinstance(made.timeout_ms, float)


def test_a_limiter_has_the_store_of_its_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    relative = open_limiter({"url": "sqlite:///windows.db", "timeout": 400}).store
    assert isinstance(relative, SqliteStore)
    assert relative._path == str(tmp_path.resolve() / "windows.db")
    assert relative._lock.timeout == 0.4
    limiter = open_limiter({"url": "redis://127.0.0.1:1/3", "timeout": 500, "whenDown": "fail"})
    assert (limiter.url, limiter.timeout_ms, limiter.when_down) == ("redis://127.0.0.1:1/3", 500.0, WhenDown.FAIL)
    assert isinstance(limiter.store, RedisStore)
    options = limiter.store._client.connection_pool.connection_kwargs
    assert (options["db"], options["socket_timeout"], options["socket_connect_timeout"]) == (3, 0.5, 0.5)


@pytest.mark.parametrize(
    ("url", "module", "package"), [(REDIS, "redis_store", "redis"), ("sqlite:///w.db", "sqlite_store", "filelock")]
)
def test_a_package_that_is_not_installed_is_named(url: str, module: str, package: str) -> None:
    missing = {f"bitget_margin.rate_limit.{module}": None}
    scheme = url.partition(":")[0]
    with mock.patch.dict(sys.modules, missing), pytest.raises(BadLimiterConfig) as caught:
        open_limiter({"url": url, "timeout": 17})
    name = f"bitget_margin.rate_limit.{module}"
    assert str(caught.value) == f"{scheme}:// needs {name}: pip install 'bitget-margin[shared]'"
    with mock.patch.dict(sys.modules, {package: None}):
        sys.modules.pop(name)
        with pytest.raises(BadLimiterConfig, match=f"^{scheme}:// needs {package}: pip install"):
            open_limiter({"url": url, "timeout": 17})


def test_equal_configurations_share_a_limiter(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/windows.db"
    assert open_limiter(url) is open_limiter({"url": url})
    assert open_limiter(url) is not open_limiter({"url": url, "whenDown": "fail"})


def test_a_forked_process_opens_its_own_limiters_and_needs_no_lock_of_its_parent(
    tmp_path: Path, holds_after_fork: Callable[[Callable[[], bool]], bool]
) -> None:
    url = f"sqlite:///{tmp_path}/windows.db"
    known = open_limiter(url)
    with config._lock:
        assert holds_after_fork(lambda: open_limiter(url) is not known)
    assert open_limiter(url) is known


def test_the_password_of_a_shared_window_does_not_show() -> None:
    url = "redis://bots:hunter2@127.0.0.1:1/0?password=hunter2"
    limiter = open_limiter(url)
    assert limiter.url == "redis://127.0.0.1:1/0"
    assert LimiterConfig.parse("unix:///run/redis.sock").masked_url == "unix:///run/redis.sock"
    assert "hunter2" not in f"{limiter!r} {limiter} {limiter.store!r} {LimiterConfig.parse(url)!r}"
