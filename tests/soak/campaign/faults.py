"""Draw the faults and knobs of a round: none, one, or several together."""

from collections.abc import Callable, Mapping
from random import Random
from typing import Final

from bitget_margin.core.error_codes import Verdict
from bitget_margin.emulator import AccountKind, FaultKind, FaultRule
from bitget_margin.emulator.behaviour.faults import read_fault_kind
from campaign.code_responses import draw_code_response
from campaign.scenario import PACING, Faults, Method

NONE: Final = "none"
MIXTURE: Final = "mixture"
_MANY: Final = 1_000
_NOTHING: Final = 0.04
_MIXED: Final = 0.2
_MIXED_PLACING: Final = 0.12
_OF_PLACING: Final[Mapping[FaultKind, int]] = {
    FaultKind.CODE_BEFORE: 24,
    FaultKind.CODE_AFTER: 42,
    FaultKind.ITEM_CODE_BEFORE: 21,
    FaultKind.ITEM_CODE_AFTER: 42,
    FaultKind.REPEAT: 15,
    FaultKind.LATE: 7,
    FaultKind.OTHER_ANSWER: 9,
    FaultKind.OTHER_ANSWER_BEFORE: 1,
}
"""Faulty responses to new orders and their weights; every other fault has the weight 1."""
_RESOLVABLE_SHARE: Final = 0.92
_OF_ITEMS: Final = frozenset({FaultKind.ITEM_CODE_BEFORE, FaultKind.ITEM_CODE_AFTER})
_CODED: Final = {
    FaultKind.CODE_BEFORE: FaultKind.CODE_AFTER,
    FaultKind.ITEM_CODE_BEFORE: FaultKind.ITEM_CODE_AFTER,
}

_CANCEL: Final = {
    AccountKind.CLASSIC: "/batch-cancel-order",
    AccountKind.UNIFIED: "/cancel-batch",
}
_ACTIONS: Final[Mapping[Method, Mapping[AccountKind, str]]] = {
    Method.CANCEL_ORDER: {
        AccountKind.CLASSIC: "/crossed/cancel-order",
        AccountKind.UNIFIED: "/trade/cancel-order",
    },
    Method.CREATE_ORDER: {AccountKind.CLASSIC: "/crossed/place-order", AccountKind.UNIFIED: "/trade/place-order"},
    Method.CREATE_ORDERS: {AccountKind.CLASSIC: "/batch-place-order", AccountKind.UNIFIED: "/place-batch"},
}
_LOOKUPS: Final[Mapping[AccountKind, tuple[str, ...]]] = {
    AccountKind.CLASSIC: ("/crossed/open-orders", "/crossed/history-orders"),
    AccountKind.UNIFIED: ("/trade/unfilled-orders", "/trade/history-orders", "/trade/order-info"),
}
_BALANCE: Final = {AccountKind.CLASSIC: "/crossed/account/assets", AccountKind.UNIFIED: "/v3/account/assets"}

_Draw = Callable[[Random], object]
_COUNT: Final[_Draw] = lambda dice: dice.choice((1, 1, 2, 3, 5, 10, 40, _MANY))  # noqa: E731
_KNOBS: Final[Mapping[str, _Draw]] = {
    "ack_delay_ms": lambda dice: dice.choice((3, 15, 40, 90, 200, 2_000)),
    "cancel_never_lands": _COUNT,
    "history_lag_ms": lambda dice: dice.choice((5, 20, 60, 120, 250, 10_000)),
    "fill_wins": _COUNT,
    "refuse_cancels": _COUNT,
    "omit_ids": _COUNT,
    "omit_refused": _COUNT,
    "both_lists": _COUNT,
    "cancel_once_per_second": lambda _: True,
    "failure_text_unknown": lambda dice: dice.choice(("no order to cancel", "订单不存在", "Nichts da")),
    "failure_text_ended": lambda dice: dice.choice(("order finished", "The order does not exist", "")),
    "failure_code": lambda _: True,
    "all_failed": lambda _: "43001",
    "empty_lists": lambda _: "null",
    "echo_ids": lambda _: "asked",
    "list_key": lambda _: "resultList",
    "partial_status": lambda dice: dice.choice(("partial_fill", "partially_fill", "partially_filled")),
    "open_orders_without_symbol": lambda _: "answer",
    "open_orders_cap": lambda dice: dice.choice((1, 5, 20, 50)),
    "language": lambda _: "zh",
    "latency_ms": lambda dice: dice.choice((3, 10, 30)),
    "batch_cancel_stall_ms": lambda dice: dice.choice((30, 80, 200, 1_500)),
    "batch_cancel_trickle_ms": lambda dice: dice.choice((30, 80, 200, 1_500)),
}

_CANCEL_KNOBS: Final = frozenset(
    {
        "ack_delay_ms",
        "cancel_never_lands",
        "fill_wins",
        "refuse_cancels",
        "cancel_once_per_second",
        "failure_text_unknown",
        "failure_text_ended",
        "echo_ids",
        "open_orders_without_symbol",
    }
)
_BATCH_KNOBS: Final = frozenset(
    {"omit_ids", "omit_refused", "both_lists", "all_failed", "batch_cancel_stall_ms", "batch_cancel_trickle_ms"}
)

PARTS: Final = (*(kind.value for kind in FaultKind), *_KNOBS)
_OF_CANCELS: Final = {
    **dict.fromkeys((kind.value for kind in FaultKind if kind not in _OF_PLACING), 2),
    **dict.fromkeys(_KNOBS, 1),
}
_OF_PLACES: Final = {
    **{kind.value: 1 + 5 * kind.executes for kind in FaultKind},
    **{kind.value: weight for kind, weight in _OF_PLACING.items()},
    **dict.fromkeys((knob for knob in _KNOBS if knob not in _CANCEL_KNOBS | _BATCH_KNOBS), 3),
}
"""Faults and knobs by name, with their weights, for calls that place."""
LABELS: Final = (NONE, *PARTS, MIXTURE)


def draw_parts(dice: Random, *, places: bool) -> tuple[str, ...]:
    """Return names of faults and knobs: none, one, or several."""
    chance = dice.random()
    if chance < _NOTHING:
        return ()
    parts = _OF_PLACES if places else _OF_CANCELS
    mixed = _MIXED_PLACING if places else _MIXED
    several = dice.choice((2, 2, 3)) if chance < _NOTHING + mixed else 1
    return tuple(dict.fromkeys(dice.choices(list(parts), list(parts.values()), k=several)))


def meets(parts: tuple[str, ...], method: Method) -> bool:
    """Whether a call of this method can meet any of these faults."""
    if method is Method.CREATE_ORDER:
        return not set(parts) & _OF_ITEMS
    return method is not Method.CANCEL_ORDER or not set(parts) & _BATCH_KNOBS


def faults_of(dice: Random, parts: tuple[str, ...], method: Method, account: AccountKind) -> Faults:
    """Return these faults and knobs with drawn parameters."""
    drawn = {part.label: part for part in (_part(dice, part, method, account) for part in parts)}
    return Faults(
        NONE if not parts else MIXTURE if len(drawn) > 1 else next(iter(drawn)),
        tuple(rule for part in drawn.values() for rule in part.rules),
        tuple(knob for part in drawn.values() for knob in part.knobs),
    )


def _part(dice: Random, label: str, method: Method, account: AccountKind) -> Faults:
    if label in _KNOBS:
        return Faults(label, knobs=((label, _KNOBS[label](dice)),))
    kind = read_fault_kind(label)
    if kind in _OF_PLACING:
        answer = _answer(dice, kind, _ACTIONS[method][account])
        return Faults(answer.kind.value, rules=(answer,))
    counts = (1, 1, 1, 1, 1, 2, 2, 3, 6, None) if method.places else (1, 1, 1, 2, 3, 6, None, None)
    rule = FaultRule(
        kind,
        _path(dice, method, account),
        count=dice.choice(counts),
        probability=dice.choice((1.0, 1.0, 1.0, 0.6, 0.3)),
        duration_ms=dice.choice((20, 60, 150, 400)),
    )
    return Faults(label, rules=(rule,))


def _answer(dice: Random, kind: FaultKind, path: str) -> FaultRule:
    """Return a faulty response to new orders.

    A code that proves "not executed" is drawn only for requests that are not executed.
    """
    response = draw_code_response(dice, is_item=kind in _OF_ITEMS)
    if response.leaves_open and dice.random() < _RESOLVABLE_SHARE:
        # Mostly the order exists and can be found: cases that cannot be resolved stay rare.
        kind = _CODED.get(kind, kind)
    if not response.may_be_executed:
        kind = next((before for before, after in _CODED.items() if kind is after), kind)
    duration_ms, code = dice.choice((15, 60, 150, 250)), response.code
    if kind is FaultKind.LATE:
        code = code if response.may_be_executed and dice.random() < 0.5 else None
        if code is not None and response.verdict is not Verdict.AMBIGUOUS:
            # A refusal counts after two lookups: a later execution cannot be detected.
            duration_ms = int(min(PACING.recheck_ms, PACING.limited_ms) / 2)
    return FaultRule(
        kind,
        path,
        count=dice.choice((1, 1, 1, 2, None)),
        duration_ms=duration_ms,
        code=code,
        text=response.text,
        status=response.status,
        items=dice.choice((1, 2, 5, None)),
    )


def _path(dice: Random, method: Method, account: AccountKind) -> str:
    """Return the path of a fault: mostly that of the action, else of a lookup, or any."""
    chance = dice.random()
    if chance < 0.5:
        return _ACTIONS.get(method, _CANCEL)[account]
    if chance < 0.8:
        balance = (_BALANCE[account],) if method is Method.CANCEL_ALL else ()
        return dice.choice((*_LOOKUPS[account], *balance))
    return ""
