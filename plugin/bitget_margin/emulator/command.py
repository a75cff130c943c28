"""The venue as a program that runs until it is told to stop."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterable, Sequence

from bitget_margin.emulator.account import Account
from bitget_margin.emulator.emulator import LOOPBACK, Emulator
from bitget_margin.emulator.knobs import Knobs
from bitget_margin.emulator.owner import PathStep
from bitget_margin.emulator.symbol import DEFAULT_SYMBOLS, Symbol


def run(
    *,
    accounts: Sequence[Account] | None = None,
    symbols: Sequence[Symbol] = DEFAULT_SYMBOLS,
    knobs: Knobs | None = None,
    port: int = 0,
    host: str = LOOPBACK,
    path: Iterable[PathStep] = (),
    on_ready: Callable[[Emulator], object] | None = None,
) -> None:
    """Run a venue in the main thread until SIGINT or SIGTERM; the settings are those of Emulator.

    :param on_ready: called once it listens
    """
    stopping = threading.Event()
    signals = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, lambda *_: stopping.set()) for number in signals}
    try:
        with Emulator(accounts=accounts, symbols=symbols, knobs=knobs, port=port, host=host, path=path) as venue:
            if on_ready is not None:
                on_ready(venue)
            stopping.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
