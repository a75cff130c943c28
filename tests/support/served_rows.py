"""Independent reading of a hostile venue's responses: the rows that an outcome needs."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from bitget_margin.core.outcome import Outcome
from support.hostile import Served

CANCELED: Final = frozenset({"cancelled", "canceled", "reject"})
ENDS: Final = {Outcome.CANCELED: CANCELED, Outcome.FILLED: frozenset({"filled"})}
LIVES: Final = frozenset({"live", "new", "partial_fill", "partially_fill", "partially_filled"})
STATUS_OF_ENDS: Final = {"canceled": CANCELED, "closed": ENDS[Outcome.FILLED]}
ORDER, CLIENT = "orderId", "clientOid"


def name_of(value: object) -> str | None:
    """Return an id as text, which the venue may write as a number."""
    if isinstance(value, str):
        return value or None
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else None


def rows(served: Sequence[Served]) -> Iterator[Mapping[str, Any]]:
    """Yield the order rows of all successful responses to order queries."""
    for answer in served:
        data = _data(answer)
        if not isinstance(data, Mapping):
            continue
        if answer.path.endswith("order-info"):
            yield from _of_margin([data])
        elif answer.path.endswith("-orders"):
            keys = ("list",) if answer.unified else ("orderList", "resultList")
            listed = [data[key] for key in keys if isinstance(data.get(key), list)]
            for raws in listed:
                yield from _of_margin(raws) if answer.unified else (raw for raw in raws if isinstance(raw, Mapping))


def _of_margin(raws: Sequence[object]) -> Iterator[Mapping[str, Any]]:
    """Yield the margin rows of a unified account."""
    return (raw for raw in raws if isinstance(raw, Mapping) and raw.get("category") == "MARGIN")


def entries(served: Sequence[Served]) -> Iterator[Mapping[str, Any]]:
    """Yield the items of responses to cancels and placements."""
    for answer in served:
        data = _data(answer)
        if answer.path.endswith("-orders"):
            continue
        if isinstance(data, Mapping):
            yield data
            data = [data.get("successList"), data.get("failureList")]
        for part in data if isinstance(data, list) else ():
            yield from (raw for raw in (part if isinstance(part, list) else [part]) if isinstance(raw, Mapping))


def has_state(served: Sequence[Served], symbol: str, kind: str, value: str, states: frozenset[str]) -> bool:
    """Whether a row of this symbol, about the order of this id, has one of these states."""
    ids = {value} if kind == ORDER else _ids_of(served, value)
    for raw in rows(served):
        order_id, name = name_of(raw.get(ORDER)), name_of(raw.get(CLIENT))
        # A row with another client order id is of another order, whatever its id.
        about = order_id in ids if kind == ORDER else name == value or (name is None and order_id in ids)
        if about and name_of(raw.get("symbol")) == symbol and _state(raw) in states:
            return True
    return False


def listed(served: Sequence[Served], order: Mapping[str, Any]) -> bool:
    """Whether the `info` of an order structure was served; NaN is equal to nothing and passes."""
    return any(raw == order["info"] for raw in rows(served)) or "nan" in repr(order["info"])


def written_ids(served: Sequence[Served]) -> set[str]:
    """Return every order id that was served, as ccxt writes it, also of failed responses."""
    bodies = [answer.body for answer in served if isinstance(answer.body, Mapping)]
    placed = [data for body in bodies if isinstance(data := body.get("data"), Mapping)]
    return {str(raw.get(key)) for raw in (*rows(served), *entries(served), *placed) for key in (ORDER, "data")}


def _ids_of(served: Sequence[Served], name: str) -> set[str | None]:
    paired = [*rows(served), *entries(served)]
    return {name_of(raw.get(ORDER)) for raw in paired if name_of(raw.get(CLIENT)) == name} - {None}


def _state(raw: Mapping[str, Any]) -> object:
    state = raw.get("orderStatus") if raw.get("category") == "MARGIN" else raw.get("status")
    return state if isinstance(state, str) else None


def _data(answer: Served) -> object:
    body = answer.body
    return body.get("data") if isinstance(body, Mapping) and body.get("code") == "00000" else None
