"""The venue's words: requests built and answers read. Whatever comes in, nothing but these types comes out.

Rests on https://www.bitget.com/api-doc/margin/cross/trade/ (Cross-Batch-Cancel-Order, Cross-Cancel-Order,
Get-Cross-Open-Orders, Get-Cross-Order-History) and margin/cross/account/Get-Cross-Assets, as of December 2025.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from bitget_margin.core.call import Answer, Call, Endpoint, Reply
from bitget_margin.core.codes import SUCCESS, Hint, Verdict, hint, verdict
from bitget_margin.core.row import Row, milliseconds, row, text
from bitget_margin.core.target import IdKind, Target

WINDOW_MS: Final = 89 * 86_400_000
"""How far back look-ups ask: the venue's limit is 90 days; a day less keeps a slow clock inside it."""

HISTORY_LIMIT: Final = 500
OPEN_LIMIT: Final = 100
_LARGEST_EXPONENT: Final = 40
"""No amount of money is larger or smaller; beyond it, arithmetic would fail."""


@dataclass(frozen=True, slots=True)
class Item:
    """One entry of a success or failure list; `raw` is what the venue sent."""

    order_id: str | None
    client_id: str | None
    reason: str | None
    code: str | None
    raw: Mapping[str, Any]

    def key(self, kind: IdKind) -> str | None:
        """Return the id of the kind that was sent: entries are matched by nothing else."""
        return self.order_id if kind is IdKind.ORDER else self.client_id


@dataclass(frozen=True, slots=True)
class CancelAnswer:
    """What a cancel's answer lists; `unreadable` holds entries that name no order."""

    successes: tuple[Item, ...]
    failures: tuple[Item, ...]
    unreadable: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """One page of order rows; `size` counts what the venue sent, readable or not, at `sent_ms` of its own clock."""

    rows: tuple[Row, ...]
    size: int
    sent_ms: int | None = None


def batches(targets: Iterable[Target], batch_size: int) -> Iterator[tuple[Target, ...]]:
    """Split targets into requests: one symbol and one kind of id each, at most `batch_size` items."""
    groups: dict[tuple[str, IdKind], list[Target]] = {}
    for target in targets:
        groups.setdefault((target.symbol, target.kind), []).append(target)
    for members in groups.values():
        for start in range(0, len(members), batch_size):
            yield tuple(members[start : start + batch_size])


def batch_cancel(batch: Sequence[Target]) -> Call:
    """Return the request that cancels one batch."""
    items = [{target.kind.value: target.value} for target in batch]
    return Call(Endpoint.BATCH_CANCEL, {"symbol": batch[0].symbol, "orderIdList": items})


def batch_place(symbol: str, orders: Sequence[Mapping[str, Any]]) -> Call:
    """Return the request that places orders, which are in the venue's own form."""
    return Call(Endpoint.BATCH_PLACE, {"symbol": symbol, "orderList": list(orders)})


def single_cancel(target: Target) -> Call:
    """Return the request that cancels one order at the single endpoint."""
    return Call(Endpoint.CANCEL, {"symbol": target.symbol, target.kind.value: target.value})


def page(endpoint: Endpoint, symbol: str | None, since_ms: int, below: str | None = None) -> Call:
    """Return the request for a page of orders, newest first: of ids below `below`, or the newest.

    Never with `endTime`: given together with `startTime` it beats `idLessThan`, and every page would be the first.
    """
    limit = HISTORY_LIMIT if endpoint is Endpoint.HISTORY_ORDERS else OPEN_LIMIT
    params: dict[str, Any] = {} if symbol is None else {"symbol": symbol}
    params |= {"startTime": str(since_ms), "limit": str(limit)}
    if below is not None:
        params["idLessThan"] = below
    return Call(endpoint, params)


def by_id(endpoint: Endpoint, symbol: str, kind: IdKind, value: str, since_ms: int) -> Call:
    """Return the request for one order; the id beats the time window, which the venue wants all the same."""
    return Call(endpoint, {"symbol": symbol, "startTime": str(since_ms), kind.value: value})


def assets(extra: Mapping[str, Any] | None = None) -> Call:
    """Return the request for the balances."""
    return Call(Endpoint.ASSETS, extra or {})


def read_assets(body: object) -> list[Any] | None:
    """Return the rows of the balances as they are; None where there is no list."""
    data = _data(body)
    return data if isinstance(data, list) else None


def read_batch_cancel(body: object) -> CancelAnswer | None:
    """Read the answer to a batch, of cancels or new orders; None where it has neither list, which answers nothing."""
    data = _data(body)
    if not isinstance(data, Mapping):
        return None
    successes, failures = data.get("successList"), data.get("failureList")
    if not isinstance(successes, list) and not isinstance(failures, list):
        return None
    good, bad_good = _items(successes)
    failed, bad_failed = _items(failures)
    return CancelAnswer(good, failed, bad_good + bad_failed)


def read_single_cancel(body: object) -> CancelAnswer | None:
    """Read the answer to a single cancel, in the form of a batch of one."""
    items, _ = _items([_data(body)])
    return CancelAnswer(items, ()) if items else None


def read_page(body: object) -> Page | None:
    """Read a page of orders; None where there is no list, which is not the same as an empty one.

    The documents say `orderList`; `resultList` is what the first version of the API used.
    """
    data = _data(body)
    if not isinstance(data, Mapping):
        return None
    listed = data.get("orderList", data.get("resultList"))
    if not isinstance(listed, list):
        return None
    sent_ms = milliseconds(body.get("requestTime")) if isinstance(body, Mapping) else None
    return Page(tuple(found for raw in listed if (found := row(raw)) is not None), len(listed), sent_ms)


def page_of(reply: Reply) -> Page | None:
    """Read a reply to a question about one order: that the venue does not know it is an empty page."""
    if isinstance(reply, Answer):
        return read_page(reply.body)
    gone = verdict(reply) is Verdict.REFUSED and hint(reply.code, reply.text) is Hint.GONE
    return Page((), 0) if gone else None


def read_frozen(body: object) -> Mapping[str, Decimal] | None:
    """Read what open orders hold of each coin; None where a row cannot be read: silence is not zero."""
    data = _data(body)
    if not isinstance(data, list):
        return None
    frozen: dict[str, Decimal] = {}
    for raw in data:
        coin = text(raw.get("coin")) if isinstance(raw, Mapping) else None
        amount = decimal(raw.get("frozen")) if coin is not None else None
        if coin is None or amount is None:
            return None
        frozen[coin] = frozen.get(coin, Decimal(0)) + amount
    return frozen


def decimal(value: object) -> Decimal | None:
    """Return a number of the venue, or None where it is none."""
    if not isinstance(value, str | int) or isinstance(value, bool):
        return None
    try:
        number = Decimal(value)
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number.adjusted()) <= _LARGEST_EXPONENT else None


def _data(body: object) -> object:
    return body.get("data") if isinstance(body, Mapping) and body.get("code") == SUCCESS else None


def _items(listed: object) -> tuple[tuple[Item, ...], tuple[Mapping[str, Any], ...]]:
    items: list[Item] = []
    unreadable: list[Mapping[str, Any]] = []
    for raw in listed if isinstance(listed, list) else ():
        if not isinstance(raw, Mapping):
            unreadable.append({"raw": raw})
            continue
        order_id, client_id = text(raw.get("orderId")), text(raw.get("clientOid"))
        if order_id is None and client_id is None:
            unreadable.append(raw)
        else:
            items.append(Item(order_id, client_id, text(raw.get("errorMsg")), text(raw.get("errorCode")), raw))
    return tuple(items), tuple(unreadable)
