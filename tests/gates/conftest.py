"""A Redis server for the tests of shared windows."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.redis_server import MISSING, PROGRAM, RedisServer


@pytest.fixture
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """Run a server of this test's own."""
    if PROGRAM is None:
        pytest.skip(MISSING)
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server
