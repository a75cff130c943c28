"""What goes wrong, drawn: every kind of fault, every knob, some of them together, and nothing at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Final

from bitget_margin.emulator import AccountKind, FaultKind, FaultRule
from bitget_margin.emulator.faults import read_fault_kind

from .scenario import Method, Trouble

NONE: Final = "none"
MIXTURE: Final = "mixture"
_MANY: Final = 1_000
_NOTHING: Final = 0.04
_MIXED: Final = 0.2

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
_QUESTIONS: Final[Mapping[AccountKind, tuple[str, ...]]] = {
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

_ABOUT_CANCELS: Final = frozenset(
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
_ABOUT_BATCHES: Final = frozenset(
    {"omit_ids", "omit_refused", "both_lists", "all_failed", "batch_cancel_stall_ms", "batch_cancel_trickle_ms"}
)

PARTS: Final = (*(kind.value for kind in FaultKind), *_KNOBS)
LABELS: Final = (NONE, *PARTS, MIXTURE)


def draw_parts(dice: Random) -> tuple[str, ...]:
    """Return what goes wrong, by name: nothing, one thing, or several. Faults are twice as likely as knobs."""
    chance = dice.random()
    if chance < _NOTHING:
        return ()
    weighted = [*PARTS, *(kind.value for kind in FaultKind)]
    if chance < _NOTHING + _MIXED:
        return tuple(dict.fromkeys(dice.choices(weighted, k=dice.choice((2, 2, 3)))))
    return (dice.choice(weighted),)


def meets(parts: tuple[str, ...], method: Method) -> bool:
    """Whether a call of this method can meet any of it."""
    if method.places:
        return not set(parts) & (_ABOUT_CANCELS | _ABOUT_BATCHES)
    return method is not Method.CANCEL_ORDER or not set(parts) & _ABOUT_BATCHES


def trouble_of(dice: Random, parts: tuple[str, ...], method: Method, account: AccountKind) -> Trouble:
    """Return these things with all that has to be drawn for them."""
    drawn = [_part(dice, part, method, account) for part in parts]
    return Trouble(
        NONE if not parts else MIXTURE if len(parts) > 1 else parts[0],
        tuple(rule for part in drawn for rule in part.rules),
        tuple(knob for part in drawn for knob in part.knobs),
    )


def _part(dice: Random, label: str, method: Method, account: AccountKind) -> Trouble:
    if label in _KNOBS:
        return Trouble(label, knobs=((label, _KNOBS[label](dice)),))
    rule = FaultRule(
        read_fault_kind(label),
        _path(dice, method, account),
        count=dice.choice((1, 1, 1, 2, 3, 6, None, None)),
        probability=dice.choice((1.0, 1.0, 1.0, 0.6, 0.3)),
        duration_ms=dice.choice((20, 60, 150, 400)),
    )
    return Trouble(label, rules=(rule,))


def _path(dice: Random, method: Method, account: AccountKind) -> str:
    """Return where it goes wrong: mostly where something is done, else where it is looked up, or anywhere."""
    chance = dice.random()
    if chance < 0.5:
        return _ACTIONS.get(method, _CANCEL)[account]
    if chance < 0.8:
        asked = (_BALANCE[account],) if method is Method.CANCEL_ALL else ()
        return dice.choice((*_QUESTIONS[account], *asked))
    return ""
