"""Loans of the cross margin account: requests, parsers and flows, for both account kinds.

A classic account borrows and repays by requests of its own, which appear in records. Orders of a unified account borrow
by themselves; a repayment has no amount, no id and no record that is documented, so that only the balance proves it.

https://www.bitget.com/api-doc/margin/cross/account/ (Cross-Borrow, Cross-Repay), margin/cross/record/
(Get-Cross-Loan-Records, Get-Cross-Repay-History), uta/account/Repay, as of December 2025.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import Enum
from typing import Any, Final

from bitget_margin.core.api import Api
from bitget_margin.core.change import Change, ChangeResult, Lookup, Sight, change_once
from bitget_margin.core.effects import Call, Fault, Flow
from bitget_margin.core.endpoints import AccountKind, Endpoint
from bitget_margin.core.order_row import milliseconds, text
from bitget_margin.core.place_state import CLOCKS_APART_MS
from bitget_margin.core.requests import CallContext, query
from bitget_margin.core.responses import as_mapping, decimal, fields_of, list_of, sent_ms_of

_PAGE_LIMIT: Final = 100
_NO_DEBT: Final = frozenset({"50036", "25200"})
"""Codes of a repayment without a debt: "The loan configuration does not exist", and that of invalid parameters."""


class LoanChange(Enum):
    """Change of a debt, with its endpoints on a classic account and the fields of its records."""

    BORROW = (Endpoint.BORROW, Endpoint.BORROW_HISTORY, "loanId", "borrowAmount", "borrowType", "manual_loan")
    REPAY = (Endpoint.REPAY, Endpoint.REPAY_HISTORY, "repayId", "repayAmount", "repayType", "manual_repay")

    def __init__(
        self, endpoint: Endpoint, history: Endpoint, id_field: str, amount_field: str, type_field: str, by_hand: str
    ) -> None:
        self.endpoint: Final = endpoint
        self.history: Final = history
        self.id_field: Final = id_field
        self.amount_field: Final = amount_field
        self.type_field: Final = type_field
        self.by_hand: Final = by_hand
        """Value of the type of a record that a request has caused, and not an order or the venue."""


@dataclass(frozen=True, slots=True)
class LoanRecord:
    """Record of a loan or a repayment; `raw` is the row as it was received, `at_ms` its time at the venue."""

    record_id: str | None
    amount: Decimal | None
    at_ms: int | None
    raw: Mapping[str, Any]


# -- classic accounts ---------------------------------------------------------------------------------------------


def change_debt(
    ctx: CallContext, kind: LoanChange, coin: str, amount: Decimal, known_ids: Collection[str]
) -> Flow[ChangeResult[LoanRecord]]:
    """Borrow or repay once, on a classic account; an unclear response is looked up in the records.

    :param known_ids: ids of earlier changes, which are not this one
    """

    def request(api: Api) -> Call | None:
        if api.KIND is not AccountKind.CLASSIC:
            return None
        return Call(kind.endpoint, {"coin": coin, kind.amount_field: format(amount.normalize(), "f")})

    def look_up() -> Flow[Lookup[LoanRecord]]:
        call = Call(kind.history, {"coin": coin, "startTime": str(ctx.since_ms), "limit": str(_PAGE_LIMIT)})
        found = yield from query(ctx, lambda _: call, lambda _: _page_reader(kind))
        if isinstance(found.result, Fault):
            return Lookup(Sight.NOTHING)
        began_ms = found.result.sent_ms - (ctx.deadline.clock() - ctx.deadline.start_ms) - CLOCKS_APART_MS
        fitting = [record for record in found.result.records if _fits(record, kind, coin, amount)]
        ours = [
            record
            for record in fitting
            if record.raw.get(kind.type_field) == kind.by_hand
            and record.record_id not in known_ids
            and (record.at_ms is None or record.at_ms >= began_ms)
        ]
        if not ours:
            return Lookup(Sight.NOT_YET)
        # Of two that fit, nothing shows which is this one.
        return Lookup(Sight.DONE, ours[0]) if len(ours) == 1 else Lookup(Sight.NOTHING)

    return (
        yield from change_once(
            Change(ctx, request, lambda body: _answered(kind, coin, amount, body), look_up, may_cause=_NO_DEBT)
        )
    )


@dataclass(frozen=True, slots=True)
class _Page:
    records: tuple[LoanRecord, ...]
    sent_ms: int


def _page_reader(kind: LoanChange) -> Callable[[object], _Page | None]:
    """Return the parser of a page of records; it needs the time of the response."""

    def read(body: object) -> _Page | None:
        listed, sent_ms = list_of(body, "resultList"), sent_ms_of(body)
        if not isinstance(listed, list) or sent_ms is None:
            return None
        return _Page(tuple(_record(kind, raw) for raw in listed), sent_ms)

    return read


def _record(kind: LoanChange, raw: object) -> LoanRecord:
    row = as_mapping(raw)
    amount, at_ms = decimal(row.get(kind.amount_field)), milliseconds(row.get("cTime"))
    return LoanRecord(text(row.get(kind.id_field)), amount, at_ms, row)


def _fits(record: LoanRecord, kind: LoanChange, coin: str, amount: Decimal) -> bool:
    """Whether coin and amount of a record can be those of this change; no more than the debt is repaid."""
    if record.raw.get("coin") != coin or record.amount is None:
        return False
    return record.amount == amount or (kind is LoanChange.REPAY and 0 < record.amount < amount)


def _answered(kind: LoanChange, coin: str, amount: Decimal, body: object) -> LoanRecord | None:
    """Return the record that the response to the change shows; None without an id, or with that of another change."""
    record = _record(kind, fields_of(body))
    if record.record_id is None or not _fits(record, kind, coin, amount):
        return None
    return replace(record, at_ms=sent_ms_of(body))


# -- unified accounts ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class UnifiedRepayment:
    """Result of a repayment of a unified account: the amount that was paid, None if only its effect is known."""

    amount: Decimal | None
    at_ms: int | None
    raw: Mapping[str, Any]


def query_debt(ctx: CallContext, coin: str) -> Flow[Decimal | Fault | None]:
    """Return the debt of a coin by the balance; 0 without a row, None where it cannot be read."""
    found = yield from query(ctx, lambda api: api.assets_request(None), lambda api: api.read_assets)
    if isinstance(found.result, Fault):
        return found.result
    rows = [as_mapping(raw) for raw in found.result if as_mapping(raw).get("coin") == coin]
    if not rows:
        # The account shows only coins that it has or owes; an empty balance is not that of the account.
        return Decimal(0) if found.result else None
    (row, *others) = rows
    return None if others else decimal(row.get("debt"))


def repay_all(ctx: CallContext, coin: str, payment_coin: str, owed: Decimal) -> Flow[ChangeResult[UnifiedRepayment]]:
    """Repay the debt of a coin once, on a unified account; after an unclear response, the balance decides.

    :param owed: the debt before
    """

    def request(api: Api) -> Call | None:
        if api.KIND is not AccountKind.UNIFIED:
            return None
        return Call(Endpoint.UNIFIED_REPAY, {"repayableCoinList": [coin], "paymentCoinList": [payment_coin]})

    def read(body: object) -> UnifiedRepayment | None:
        data = fields_of(body)
        amount, result = decimal(data.get("repayAmount")), (text(data.get("result")) or "").upper()
        if result == "NO":
            return UnifiedRepayment(Decimal(0), sent_ms_of(body), data)
        is_paid = result == "YES" and amount is not None and amount > 0
        return UnifiedRepayment(amount, sent_ms_of(body), data) if is_paid else None

    def look_up() -> Flow[Lookup[UnifiedRepayment]]:
        debt = yield from query_debt(ctx, coin)
        if debt is None or isinstance(debt, Fault):
            return Lookup(Sight.NOTHING)
        found = UnifiedRepayment(None, None, {"coin": coin, "debt": format(debt, "f")})
        if 0 < debt < owed:
            return Lookup(Sight.NOTHING, found)  # a part is repaid: by this request, or by something else
        return Lookup(Sight.NOT_YET if debt else Sight.DONE, found)

    return (yield from change_once(Change(ctx, request, read, look_up, may_cause=_NO_DEBT)))
