"""What goes wrong in a story, drawn: answers to new orders first of all, and look-ups that get lost."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from random import Random
from typing import Final

from campaign.codes import draw_said

from bitget_margin.core.error_codes import Verdict
from bitget_margin.emulator import AccountKind, FaultKind, FaultRule

NEVER_MS: Final = 3_600_000
"""Longer than any story: what is executed so late is not executed."""
_BELIEVED_MS: Final = 700
"""Words of a refusal are believed after two look-ups, 1.5 s apart: executed later than that, nobody can know of it."""


class Stage(Enum):
    """The part of a story in which something goes wrong."""

    ENTRY = "entry"
    LADDER = "ladder"
    EXIT = "exit"
    LOOK_UP = "look-up"


PLACE: Final = {AccountKind.CLASSIC: "/crossed/place-order", AccountKind.UNIFIED: "/trade/place-order"}
BATCH: Final = {AccountKind.CLASSIC: "/batch-place-order", AccountKind.UNIFIED: "/place-batch"}
_LOOK_UPS: Final = {
    AccountKind.CLASSIC: ("/crossed/open-orders", "/crossed/history-orders"),
    AccountKind.UNIFIED: ("/trade/unfilled-orders", "/trade/history-orders", "/trade/order-info"),
}
_F: Final = FaultKind
_OF_ALL: Final[Mapping[FaultKind, int]] = {
    _F.CODE_BEFORE: 7,
    _F.CODE_AFTER: 9,
    _F.REPEAT: 4,
    _F.LATE: 4,
    _F.OTHER_ANSWER: 3,
    _F.OTHER_ANSWER_BEFORE: 2,
    _F.RESET_BEFORE: 2,
    _F.RESET_AFTER: 3,
    _F.STALL_BEFORE: 1,
    _F.STALL_AFTER: 1,
    _F.HTML_502: 2,
    _F.UNAVAILABLE: 2,
    _F.HTML_200: 1,
    _F.TRUNCATED_JSON: 1,
    _F.EMPTY_BODY: 1,
    _F.SERVER_ERROR: 1,
    _F.NULL_DATA: 1,
    _F.NULL_LISTS: 1,
    _F.MISSING_LISTS: 1,
    _F.UNASKED_IDS: 1,
    _F.TWICE: 1,
    _F.TOO_MANY: 1,
    _F.CLOCK_SKEW: 1,
}
_OF_BATCHES: Final = {_F.ITEM_CODE_BEFORE: 7, _F.ITEM_CODE_AFTER: 9}
_BEFORE: Final = {_F.CODE_AFTER: _F.CODE_BEFORE, _F.ITEM_CODE_AFTER: _F.ITEM_CODE_BEFORE}
_OF_LOOK_UPS: Final = (_F.RESET_BEFORE, _F.RESET_AFTER, _F.HTML_502, _F.UNAVAILABLE, _F.CODE_40010, _F.TRUNCATED_JSON)


def draw_placing(dice: Random, stage: Stage, account: AccountKind) -> FaultRule:
    """Return how new orders are answered in a stage.

    A code that is known to mean "not executed" comes only where that is so.
    """
    is_ladder = stage is Stage.LADDER
    kinds = {**_OF_ALL, **(_OF_BATCHES if is_ladder else {})}
    (kind,) = dice.choices(list(kinds), list(kinds.values()))
    said = draw_said(dice, is_item=kind in _OF_BATCHES)
    if not said.may_be_executed:
        kind = _BEFORE.get(kind, kind)
    duration_ms, code = dice.choice((60, 400, 2_000, 6_000)), said.code
    if kind is _F.LATE:
        chance = dice.random()
        code = code if said.may_be_executed and chance < 0.4 else None
        if code is not None and said.verdict is not Verdict.AMBIGUOUS:
            duration_ms = min(duration_ms, _BELIEVED_MS)
        elif code is None and chance > 0.7:
            duration_ms = NEVER_MS
    return FaultRule(
        kind,
        (BATCH if is_ladder else PLACE)[account],
        count=dice.choice((1, 1, 1, 2, 3, None)),
        probability=dice.choice((1.0, 1.0, 0.6)),
        duration_ms=duration_ms,
        code=code,
        text=said.text,
        status=said.status,
        items=dice.choice((1, 2, None)),
    )


def draw_look_ups(dice: Random, account: AccountKind) -> FaultRule:
    """Return what becomes of look-ups: a few of them get lost."""
    return FaultRule(dice.choice(_OF_LOOK_UPS), dice.choice(_LOOK_UPS[account]), count=dice.choice((1, 1, 2, 3)))
