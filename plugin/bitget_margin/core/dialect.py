"""How the venue is spoken to: the words of a classic account, or of a unified one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from bitget_margin.core import unified, wire
from bitget_margin.core.account import AccountKind
from bitget_margin.core.answers import BatchAnswer, Fill, Listing, Page, Question
from bitget_margin.core.call import Call
from bitget_margin.core.target import IdKind, Target


@dataclass(frozen=True, slots=True)
class Dialect:
    """The requests and the readers of one kind of account; what each does is told where it is written."""

    kind: AccountKind
    batch_max: int
    """How many orders one request may name."""
    freezes: bool
    """Whether the balance is documented to show what margin orders hold."""
    batch_cancel: Callable[[Sequence[Target]], Call]
    single_cancel: Callable[[Target], Call]
    single_place: Callable[[Mapping[str, Any]], Call]
    batch_place: Callable[[str, Sequence[Mapping[str, Any]]], Call]
    page: Callable[[Listing, str | None, int, str | None], Call]
    cursor_from: Callable[[int], str | None]
    by_id: Callable[[str, IdKind, str, int], tuple[Question, ...]]
    fills: Callable[[str, int], Call]
    assets: Callable[[Mapping[str, Any] | None], Call]
    account: Callable[[], Call]
    read_batch: Callable[[object], BatchAnswer | None]
    read_single: Callable[[object], BatchAnswer | None]
    read_page: Callable[[object], Page | None]
    read_found: Callable[[object], Page | None]
    read_fills: Callable[[object], tuple[Fill, ...] | None]
    read_assets: Callable[[object], list[Any] | None]
    read_frozen: Callable[[object], Mapping[str, Decimal] | None]
    read_uid: Callable[[object], str | None]


_CLASSIC: Final = Dialect(
    kind=AccountKind.CLASSIC,
    batch_max=wire.BATCH_MAX,
    freezes=True,
    batch_cancel=wire.batch_cancel,
    single_cancel=wire.single_cancel,
    single_place=wire.single_place,
    batch_place=wire.batch_place,
    page=wire.page,
    cursor_from=wire.cursor_from,
    by_id=wire.by_id,
    fills=wire.fills,
    assets=wire.assets,
    account=wire.account,
    read_batch=wire.read_batch,
    read_single=wire.read_single,
    read_page=wire.read_page,
    read_found=wire.read_page,
    read_fills=wire.read_fills,
    read_assets=wire.read_assets,
    read_frozen=wire.read_frozen,
    read_uid=wire.read_uid,
)
_UNIFIED: Final = Dialect(
    kind=AccountKind.UNIFIED,
    batch_max=unified.BATCH_MAX,
    freezes=False,
    batch_cancel=unified.batch_cancel,
    single_cancel=unified.single_cancel,
    single_place=unified.single_place,
    batch_place=unified.batch_place,
    page=unified.page,
    cursor_from=unified.cursor_from,
    by_id=unified.by_id,
    fills=unified.fills,
    assets=unified.assets,
    account=unified.settings,
    read_batch=unified.read_batch,
    read_single=unified.read_single,
    read_page=unified.read_page,
    read_found=unified.read_found,
    read_fills=unified.read_fills,
    read_assets=unified.read_assets,
    read_frozen=unified.read_frozen,
    read_uid=unified.read_uid,
)


def dialect_of(kind: AccountKind) -> Dialect:
    """Return how to speak for an account of this kind."""
    return _UNIFIED if kind is AccountKind.UNIFIED else _CLASSIC
