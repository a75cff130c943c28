"""Calls of the exchange class on a scripted venue, without sockets, threads or waiting."""

import copy
import functools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

import bitget_margin
from bitget_margin.adapter import call
from bitget_margin.core.effects import Flow, LoadMarkets, T
from support.script import EPOCH_MS, Script
from support.wire import market

CROSS = {"marginMode": "cross"}
BTC = "BTC/USDT"


@functools.cache
def _pattern() -> Any:
    """Return the exchange that the tests copy: ccxt takes a while to build one."""
    config: Any = {"apiKey": "key", "secret": "secret", "password": "passphrase", "enableRateLimit": False}
    made = bitget_margin.bitget({**config, "options": {"uta": False, "accountLevel": "advanced"}})
    with_margin = {"marginModes": {"cross": True, "isolated": True}}
    contract = market("BTCUSDT", "BTC") | {"symbol": "BTC/USDT:USDT", "spot": False, "type": "swap"}
    isolated = market("XRPUSDT", "XRP") | {"marginModes": {"cross": False}}
    asleep = market("OLDUSDT", "OLD") | with_margin | {"active": False}
    spots = [market("BTCUSDT", "BTC") | with_margin, market("ETHUSDT", "ETH") | with_margin]
    made.set_markets([*spots, isolated, asleep, contract])
    made.milliseconds = lambda: EPOCH_MS
    return made


def exchange(*, markets: bool = True, **options: Any) -> Any:
    """Return a sync exchange with loaded markets and a known account kind; it sends nothing by itself."""
    made = copy.copy(_pattern())
    made.options = made.deep_extend(made.options, options)
    if not markets:
        made.markets = None
    return made


@dataclass(slots=True)
class Caller(Script):
    """A script that performs the effects of the adapter, too."""

    loads: list[float] = field(default_factory=list)

    def call(self, flow: Flow[T]) -> T:
        """Run one of the adapter's flows, on this script's clock."""
        with self.clocked():
            return self.run(flow)

    @contextmanager
    def clocked(self) -> Iterator[None]:
        """Let the adapter use the clock of this script."""
        with mock.patch.object(call, "monotonic_ms", self.clock):
            yield

    def _do(self, effect: object) -> object:
        if isinstance(effect, LoadMarkets):
            self.loads.append(effect.deadline_ms)
            return None
        return Script._do(self, effect)
