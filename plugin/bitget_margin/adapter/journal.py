"""One line in the log for each call that cancels, for people and for what reads logs."""

from __future__ import annotations

import json
import logging
from typing import Any, Final

from bitget_margin.core.outcome import CancelReport

_logger: Final = logging.getLogger("bitget_margin.cancels")


def write(method: str, report: CancelReport, error: BaseException | None = None) -> None:
    """Log what became of each order at level INFO: JSON as the message, and the same as the record's `cancel`.

    :param error: what the call ends with, if it does not return
    """
    if not _logger.isEnabledFor(logging.INFO):
        return
    outcomes: dict[str, list[str | None]] = {}
    for result in report.results:
        outcomes.setdefault(result.outcome.value, []).append(result.id or result.client_order_id)
    said: dict[str, Any] = {
        "call": method,
        "symbols": sorted({result.symbol for result in report.results}),
        "outcomes": outcomes,
        "requests": report.requests,
        "ms": round(report.elapsed_ms),
        "unasked": len(report.unasked),
        "unexamined": list(report.unexamined),
        "error": None if error is None else type(error).__name__,
    }
    _logger.info("%s", json.dumps(said), extra={"cancel": said})
