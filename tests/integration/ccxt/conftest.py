"""Fixtures: the sync class without a venue."""

from collections.abc import Iterator
from typing import Any

import pytest
import responses

import bitget_margin
from support.wire import market


@pytest.fixture
def wire() -> Iterator[responses.RequestsMock]:
    """Block the network and record requests."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


@pytest.fixture
def exchange() -> Any:
    """Return a sync exchange with markets and an account kind."""
    config: Any = {
        "apiKey": "key",
        "secret": "secret",
        "password": "passphrase",
        "enableRateLimit": False,
        "options": {"uta": False, "batchCancel": {"timeout": 400}},
    }
    made = bitget_margin.bitget(config)
    made.set_markets([market("BTCUSDT", "BTC"), market("ETHUSDT", "ETH")])
    return made
