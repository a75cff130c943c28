"""Throughput of processes that share one UID, and the refused requests."""

import multiprocessing
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

from benchmarks.venue_process import CROSS, SYMBOL, VenueProcess, start_venue
from support.redis_server import RedisServer

_LONG_TIMEOUT: Final = {"timeout": 60_000}
_FIRST_WINDOW: Final = 10
_PERIOD_S: Final = 1.05


class Store(Enum):
    """Store of the shared rate window."""

    MEMORY = "memory"
    """No store: each process has its own window."""
    SQLITE = "sqlite"
    REDIS = "redis"


@dataclass(frozen=True, slots=True)
class SharedWindow:
    """One measurement."""

    store: Store
    processes: int
    batches: int
    skew_ms: int
    """Difference between the clocks of the first and the last process."""
    took_s: float
    refused: int
    alive: int

    @property
    def per_second(self) -> float:
        """Batches per second without the first ten, which are sent at once."""
        return (self.batches - _FIRST_WINDOW) / self.took_s


def measure(store: Store, processes: int, batches: int, skew_ms: int = 0) -> SharedWindow:
    """Cancel orders one by one in several processes."""
    with _open(store) as store_url, start_venue() as venue:
        ids = venue("place", batches)
        shares = [ids[i::processes] for i in range(processes)]
        context = multiprocessing.get_context("spawn")
        pipes: list[Connection] = []
        running = []
        for i, share in enumerate(shares):
            ours, theirs = context.Pipe()
            offset_s = skew_ms / 1_000 * i / max(1, processes - 1)
            config = venue.config(rateGate=store_url) if store_url else venue.config()
            process = context.Process(target=_work, args=(theirs, config, share, offset_s), daemon=True)
            process.start()
            running.append(process)
            pipes.append(ours)
        for pipe in pipes:
            pipe.recv()  # the process is ready
        time.sleep(_PERIOD_S + 0.1)
        venue("reset_requests")
        began = time.perf_counter()
        for pipe in pipes:
            pipe.send("go")
        for pipe in pipes:
            pipe.recv()
        took_s = time.perf_counter() - began
        for process in running:
            process.join(30)
        return SharedWindow(store, processes, batches, skew_ms, took_s, _refused(venue), venue("live"))


def _refused(venue: VenueProcess) -> int:
    return int(venue("counts").get(429, 0))


def _work(pipe: Connection, config: dict[str, Any], ids: list[str], offset_s: float) -> None:
    _set_clocks(offset_s)
    import bitget_margin  # noqa: PLC0415 - after the clocks are set

    exchange = bitget_margin.bitget(config)  # type: ignore[arg-type]  # ccxt's own types are narrower
    exchange.load_markets()  # type: ignore[no-untyped-call]
    exchange.fetch_balance(CROSS)
    pipe.send("ready")
    pipe.recv()
    for order_id in ids:
        exchange.cancel_orders([order_id], SYMBOL, {**CROSS, **_LONG_TIMEOUT})
    pipe.send("done")


def _set_clocks(offset_s: float) -> None:
    """Shift every clock of this process."""
    for name in ("time", "monotonic"):
        real = getattr(time, name)
        setattr(time, name, lambda real=real: real() + offset_s)
    for name in ("time_ns", "monotonic_ns"):
        real = getattr(time, name)
        setattr(time, name, lambda real=real: real() + int(offset_s * 1e9))


@contextmanager
def _open(store: Store) -> Iterator[str | None]:
    with tempfile.TemporaryDirectory() as folder:
        if store is Store.REDIS:
            with RedisServer(Path(folder)) as server:
                yield server.url
        else:
            yield f"sqlite:///{folder}/windows.db" if store is Store.SQLITE else None
