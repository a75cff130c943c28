"""Draw the faults of a run: mostly responses to new orders, sometimes lost lookups."""

from collections.abc import Mapping
from enum import Enum
from random import Random
from typing import Final

from campaign.code_responses import draw_code_response

from bitget_margin.core.error_codes import Verdict
from bitget_margin.emulator import AccountKind, FaultKind, FaultRule

NEVER_MS: Final = 3_600_000
"""Longer than any run: a request delayed by this is never executed."""
_DETECTABLE_MS: Final = 700
"""A refusal counts after two lookups 1.5 s apart; a later execution cannot be detected."""


class Stage(Enum):
    """Part of a run in which faults are active."""

    ENTRY = "entry"
    LADDER = "ladder"
    EXIT = "exit"
    LOOKUP = "lookup"


PLACE: Final = {AccountKind.CLASSIC: "/crossed/place-order", AccountKind.UNIFIED: "/trade/place-order"}
BATCH: Final = {AccountKind.CLASSIC: "/batch-place-order", AccountKind.UNIFIED: "/place-batch"}
_LOOKUP_PATHS: Final = {
    AccountKind.CLASSIC: ("/crossed/open-orders", "/crossed/history-orders"),
    AccountKind.UNIFIED: ("/trade/unfilled-orders", "/trade/history-orders", "/trade/order-info"),
}
_F: Final = FaultKind
_WEIGHTS: Final[Mapping[FaultKind, int]] = {
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
_BATCH_WEIGHTS: Final = {_F.ITEM_CODE_BEFORE: 7, _F.ITEM_CODE_AFTER: 9}
_BEFORE: Final = {_F.CODE_AFTER: _F.CODE_BEFORE, _F.ITEM_CODE_AFTER: _F.ITEM_CODE_BEFORE}
_LOOKUP_FAULTS: Final = (_F.RESET_BEFORE, _F.RESET_AFTER, _F.HTML_502, _F.UNAVAILABLE, _F.CODE_40010, _F.TRUNCATED_JSON)


def draw_placing(dice: Random, stage: Stage, account: AccountKind) -> FaultRule:
    """Draw the fault of new orders in a stage.

    A code that proves "not executed" is drawn only for requests that are not executed.
    """
    is_ladder = stage is Stage.LADDER
    kinds = {**_WEIGHTS, **(_BATCH_WEIGHTS if is_ladder else {})}
    (kind,) = dice.choices(list(kinds), list(kinds.values()))
    response = draw_code_response(dice, is_item=kind in _BATCH_WEIGHTS)
    if not response.may_be_executed:
        kind = _BEFORE.get(kind, kind)
    duration_ms, code = dice.choice((60, 400, 2_000, 6_000)), response.code
    if kind is _F.LATE:
        chance = dice.random()
        code = code if response.may_be_executed and chance < 0.4 else None
        if code is not None and response.verdict is not Verdict.AMBIGUOUS:
            duration_ms = min(duration_ms, _DETECTABLE_MS)
        elif code is None and chance > 0.7:
            duration_ms = NEVER_MS
    return FaultRule(
        kind,
        (BATCH if is_ladder else PLACE)[account],
        count=dice.choice((1, 1, 1, 2, 3, None)),
        probability=dice.choice((1.0, 1.0, 0.6)),
        duration_ms=duration_ms,
        code=code,
        text=response.text,
        status=response.status,
        items=dice.choice((1, 2, None)),
    )


def draw_lookups(dice: Random, account: AccountKind) -> FaultRule:
    """Draw a fault of a few lookups."""
    return FaultRule(dice.choice(_LOOKUP_FAULTS), dice.choice(_LOOKUP_PATHS[account]), count=dice.choice((1, 1, 2, 3)))
