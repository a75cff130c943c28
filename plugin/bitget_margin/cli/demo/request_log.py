"""Interpretation of recorded requests, the same for both API versions."""

import json
from enum import Enum
from typing import Any, Final

from bitget_margin.emulator import RequestRecord


class RequestKind(Enum):
    """Requests that place or cancel orders, by the last part of their path in API v2."""

    PLACE = "place-order"
    BATCH_PLACE = "batch-place-order"
    CANCEL = "cancel-order"
    BATCH_CANCEL = "batch-cancel-order"


_KINDS: Final = {
    **{kind.value: kind for kind in RequestKind},
    "place-batch": RequestKind.BATCH_PLACE,
    "cancel-batch": RequestKind.BATCH_CANCEL,
}


def endpoint_name(record: RequestRecord) -> str:
    """Return the last part of the path."""
    return record.path.rsplit("/", 1)[1]


def kind_of(record: RequestRecord) -> RequestKind | None:
    """Return the kind of a request; None if it neither places nor cancels."""
    return _KINDS.get(endpoint_name(record))


def orders_of(record: RequestRecord) -> list[dict[str, Any]]:
    """Return the orders in the body of a request."""
    body: Any = json.loads(record.body)
    if isinstance(body, list):
        return body
    listed = body.get("orderList") or body.get("orderIdList")
    return listed if isinstance(listed, list) else [body]


def symbol_of(record: RequestRecord) -> str | None:
    """Return the venue's symbol that a request names; None without one."""
    body: Any = json.loads(record.body)
    first = next(iter(body), {}) if isinstance(body, list) else body
    name = first.get("symbol") or next(iter(first.get("orderList") or [{}])).get("symbol")
    return None if name is None else str(name)
