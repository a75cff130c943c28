"""How the venue is spoken to: the words of a classic account, or of a unified one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from bitget_margin.core import api_v2, api_v3
from bitget_margin.core.effects import Call
from bitget_margin.core.endpoints import AccountKind
from bitget_margin.core.order_ref import IdKind, OrderRef
from bitget_margin.core.responses import BatchAnswer, FillRow, Listing, OrderQuery, Page


@dataclass(frozen=True, slots=True)
class Api:
    """The requests and the readers of one kind of account; what each does is told where it is written."""

    kind: AccountKind
    batch_max: int
    """How many orders one request may name."""
    freezes: bool
    """Whether the balance is documented to show what margin orders hold."""
    batch_cancel: Callable[[Sequence[OrderRef]], Call]
    single_cancel: Callable[[OrderRef], Call]
    single_place: Callable[[Mapping[str, Any]], Call]
    batch_place: Callable[[str, Sequence[Mapping[str, Any]]], Call]
    page: Callable[[Listing, str | None, int, str | None], Call]
    cursor_from: Callable[[int], str | None]
    by_id: Callable[[str, IdKind, str, int], tuple[OrderQuery, ...]]
    fills: Callable[[str, int], Call]
    assets: Callable[[Mapping[str, Any] | None], Call]
    account: Callable[[], Call]
    read_batch: Callable[[object], BatchAnswer | None]
    read_single: Callable[[object], BatchAnswer | None]
    read_page: Callable[[object], Page | None]
    read_found: Callable[[object], Page | None]
    read_fills: Callable[[object], tuple[FillRow, ...] | None]
    read_assets: Callable[[object], list[Any] | None]
    read_frozen: Callable[[object], Mapping[str, Decimal] | None]
    read_uid: Callable[[object], str | None]


_CLASSIC: Final = Api(
    kind=AccountKind.CLASSIC,
    batch_max=api_v2.BATCH_MAX,
    freezes=True,
    batch_cancel=api_v2.batch_cancel,
    single_cancel=api_v2.single_cancel,
    single_place=api_v2.single_place,
    batch_place=api_v2.batch_place,
    page=api_v2.page,
    cursor_from=api_v2.cursor_from,
    by_id=api_v2.by_id,
    fills=api_v2.fills,
    assets=api_v2.assets,
    account=api_v2.account,
    read_batch=api_v2.read_batch,
    read_single=api_v2.read_single,
    read_page=api_v2.read_page,
    read_found=api_v2.read_page,
    read_fills=api_v2.read_fills,
    read_assets=api_v2.read_assets,
    read_frozen=api_v2.read_frozen,
    read_uid=api_v2.read_uid,
)
_UNIFIED: Final = Api(
    kind=AccountKind.UNIFIED,
    batch_max=api_v3.BATCH_MAX,
    freezes=False,
    batch_cancel=api_v3.batch_cancel,
    single_cancel=api_v3.single_cancel,
    single_place=api_v3.single_place,
    batch_place=api_v3.batch_place,
    page=api_v3.page,
    cursor_from=api_v3.cursor_from,
    by_id=api_v3.by_id,
    fills=api_v3.fills,
    assets=api_v3.assets,
    account=api_v3.settings,
    read_batch=api_v3.read_batch,
    read_single=api_v3.read_single,
    read_page=api_v3.read_page,
    read_found=api_v3.read_found,
    read_fills=api_v3.read_fills,
    read_assets=api_v3.read_assets,
    read_frozen=api_v3.read_frozen,
    read_uid=api_v3.read_uid,
)


def api_of(kind: AccountKind) -> Api:
    """Return how to speak for an account of this kind."""
    return _UNIFIED if kind is AccountKind.UNIFIED else _CLASSIC
