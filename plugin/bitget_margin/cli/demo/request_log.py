"""What a request to the venue was about, whichever kind of account sent it."""

from __future__ import annotations

import json
from enum import Enum
from typing import Any

from bitget_margin.emulator import RequestRecord


class What(Enum):
    """The requests that place or cancel something."""

    PLACE = "place-order"
    LADDER = "batch-place-order"
    CANCEL = "cancel-order"
    BATCH = "batch-cancel-order"


_UNIFIED = {"place-batch": What.LADDER, "cancel-batch": What.BATCH}


def endpoint(record: RequestRecord) -> str:
    """Return the last part of its path."""
    return record.path.rsplit("/", 1)[1]


def what(record: RequestRecord) -> What | None:
    """Return what was asked; None for anything that neither places nor cancels."""
    name = endpoint(record)
    if name in _UNIFIED:
        return _UNIFIED[name]
    return What(name) if name in {known.value for known in What} else None


def orders(record: RequestRecord) -> list[dict[str, Any]]:
    """Return the orders that it names."""
    body: Any = json.loads(record.body)
    if isinstance(body, list):
        return body
    listed = body.get("orderList") or body.get("orderIdList")
    return listed if isinstance(listed, list) else [body]
