"""Costs: processor time per order, memory, and import time."""

import os
import statistics
import subprocess
import sys
import tempfile
import tracemalloc
from dataclasses import dataclass
from typing import Any, Final

from bitget_margin.core.order_ref import IdKind, OrderRef
from support.script import Script

MANY: Final = 100_000
LIST: Final = 500
"""Number of orders from which the time per order is computed."""
_IMPORTS: Final = 15
_TIMED: Final = """
import time
began = time.perf_counter()
import ccxt
middle = time.perf_counter()
import bitget_margin
imported = time.perf_counter()
bitget_margin.bitget
print((middle - began) * 1000, (imported - middle) * 1000, (time.perf_counter() - imported) * 1000)
"""


@dataclass(frozen=True, slots=True)
class ImportTimes:
    """Medians of new processes, in milliseconds."""

    ccxt_ms: float
    on_top_ms: float
    class_ms: float
    """Additional time of the first use of the class."""


def importing() -> ImportTimes:
    """Measure the time of `import ccxt` and the additional time of `import bitget_margin`."""
    pairs = []
    with tempfile.TemporaryDirectory() as folder:
        # With a cache folder of its own: without one Python may compile everything each time.
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
        environment["PYTHONPYCACHEPREFIX"] = folder
        command = [sys.executable, "-c", _TIMED]
        for _ in range(1 + _IMPORTS):
            done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)  # noqa: S603
            pairs.append([float(word) for word in done.stdout.split()])
    return ImportTimes(*(statistics.median(times) for times in zip(*pairs[1:], strict=True)))


def memory_mb() -> float:
    """Return the peak memory of canceling 100,000 orders that are all acknowledged."""

    def acknowledged(call: Any) -> Any:
        return {"successList": list(call.params["orderIdList"]), "failureList": []}

    tracemalloc.start()
    venue = Script(acknowledged)
    targets = [OrderRef("BTCUSDT", IdKind.ORDER, str(1_000_000_000_000_000_000 + i)) for i in range(MANY)]
    venue.cancel(*targets, confirm=False, timeout_ms=3_600_000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak / 1e6
