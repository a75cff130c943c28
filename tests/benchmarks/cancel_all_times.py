"""Time of `bitget-margin cancel --all`, from the start of its process to its end."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from benchmarks.venue_process import start_venue
from bitget_margin.emulator import AccountKind

_COMMAND: Final = [sys.executable, "-m", "bitget_margin", "cancel", "--all", "--yes", "--json"]


@dataclass(frozen=True, slots=True)
class CancelAllTime:
    """Time of one command, its private requests, and how it ended."""

    kind: AccountKind
    orders: int
    symbols: int
    round_trip_ms: int
    took_ms: float
    requests: int
    refused: int
    """Requests that the venue has refused for its rate limit."""
    exit_code: int
    alive: int


def measure(kind: AccountKind, orders: int, symbols: int, round_trip_ms: int, repeats: int) -> Iterator[CancelAllTime]:
    """Cancel so many orders, spread over so many symbols, again and again."""
    with start_venue(kind, symbols) as venue:
        account = venue.account
        keys = {"BITGET_API_KEY": account.api_key, "BITGET_SECRET": account.secret, "BITGET_PASSWORD": account.password}
        for _ in range(repeats):
            venue("knobs", latency_ms=0)
            venue("spread", orders, symbols)
            venue("knobs", latency_ms=round_trip_ms, open_orders_without_symbol="answer")
            venue("counts")
            began = time.monotonic()
            done = subprocess.run(  # noqa: S603 - this project's own command
                [*_COMMAND, "--url", venue.url], env=os.environ | keys, capture_output=True, check=False
            )
            took_ms = (time.monotonic() - began) * 1_000
            counts, alive = venue("counts"), venue("clear")
            yield CancelAllTime(
                kind,
                orders,
                symbols,
                round_trip_ms,
                took_ms,
                sum(counts.values()),
                counts.get(429, 0),
                done.returncode,
                alive,
            )
