"""Behaviour of the venue that its documentation leaves open, and misbehaviour on demand."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from typing import get_type_hints

from bitget_margin.emulator.errors import ENDED_TEXT, Language, Refusal


class AllFailed(StrEnum):
    """Answer to a batch cancel of which every item failed."""

    LISTS = "lists"
    ERROR = "43001"


class EmptyLists(StrEnum):
    """How a success or failure list without rows is sent."""

    LIST = "list"
    NULL = "null"


class ListKey(StrEnum):
    """Name of the list in the answers of open-orders and history-orders."""

    ORDER_LIST = "orderList"
    RESULT_LIST = "resultList"


class PartialStatus(StrEnum):
    """Spelling of the status of a partly filled order."""

    DOCUMENTED = "documented"
    PARTIAL_FILL = "partial_fill"
    PARTIALLY_FILL = "partially_fill"
    PARTIALLY_FILLED = "partially_filled"


class EchoIds(StrEnum):
    """Which ids the rows of a batch cancel carry."""

    BOTH = "both"
    ASKED = "asked"


class WithoutSymbol(StrEnum):
    """What open-orders does when no symbol is named."""

    REFUSE = "refuse"
    ANSWER = "answer"


@dataclass(frozen=True, slots=True)
class Knobs:
    """Every setting of the venue's behaviour; the defaults are what the venue documents."""

    ack_delay_ms: int = field(
        default=0, metadata={"help": "ms between the acknowledgement of a cancel and the end of the order"}
    )
    cancel_never_lands: int = field(
        default=0, metadata={"help": "how many coming cancels of live orders are acknowledged but never happen"}
    )
    history_lag_ms: int = field(default=0, metadata={"help": "ms until an ended order appears in history-orders"})
    fill_wins: int = field(
        default=0,
        metadata={"help": "how many coming cancels of live orders are acknowledged while the order fills instead"},
    )
    refuse_cancels: int = field(
        default=0, metadata={"help": "how many coming cancels of live orders are refused with 'Cancel order error'"}
    )
    omit_ids: int = field(
        default=0, metadata={"help": "how many coming batch items are carried out but put in neither list"}
    )
    omit_refused: int = field(
        default=0, metadata={"help": "how many coming batch items are not carried out and put in neither list"}
    )
    both_lists: int = field(
        default=0, metadata={"help": "how many coming batch items of live orders are carried out and put in both lists"}
    )
    cancel_once_per_second: bool = field(
        default=False, metadata={"help": "refuse a second cancel of an order within one second"}
    )
    failure_text_unknown: str = field(
        default=Refusal.NO_SUCH_ORDER.english, metadata={"help": "text of a failed item whose order is unknown"}
    )
    failure_text_ended: str = field(
        default=ENDED_TEXT, metadata={"help": "text of a failed item whose order has ended"}
    )
    failure_code: bool = field(default=False, metadata={"help": "whether failed items carry an errorCode"})
    all_failed: AllFailed = field(
        default=AllFailed.LISTS, metadata={"help": "answer when every item failed: lists, or a top-level 43001"}
    )
    empty_lists: EmptyLists = field(
        default=EmptyLists.LIST, metadata={"help": "an empty success or failure list is sent as a list, or as null"}
    )
    echo_ids: EchoIds = field(
        default=EchoIds.BOTH,
        metadata={"help": "rows of a batch cancel carry both ids, or only the kind that was asked"},
    )
    list_key: ListKey = field(
        default=ListKey.ORDER_LIST, metadata={"help": "name of the list of orders in open-orders and history-orders"}
    )
    partial_status: PartialStatus = field(
        default=PartialStatus.DOCUMENTED,
        metadata={"help": "spelling of the status of partly filled orders, or as each page documents it"},
    )
    open_orders_without_symbol: WithoutSymbol = field(
        default=WithoutSymbol.REFUSE,
        metadata={"help": "open-orders without a symbol is refused, or answered for all symbols"},
    )
    open_orders_cap: int = field(default=100, metadata={"help": "most rows of one open-orders page"})
    fees_in_bgb: bool = field(
        default=False,
        metadata={
            "help": "fees are taken in BGB, while the account has enough; it is worth what BGBUSDT says, or 1 USDT"
        },
    )
    language: Language = field(default=Language.EN, metadata={"help": "language of error and failure texts"})
    latency_ms: int = field(default=0, metadata={"help": "ms from the arrival of a request to its answer"})
    batch_cancel_stall_ms: int = field(
        default=0, metadata={"help": "ms added before the answer to a batch cancel is sent, after it was carried out"}
    )
    batch_cancel_trickle_ms: int = field(
        default=0, metadata={"help": "ms over which the answer to a batch cancel is sent, byte by byte"}
    )
    push_delay_ms: int = field(default=0, metadata={"help": "ms added before each push of a websocket is sent"})
    push_twice: bool = field(default=False, metadata={"help": "send each push of a websocket twice"})
    push_drop_every: int = field(
        default=0,
        metadata={"help": "each so many-th push of a websocket is lost, as the connection is dropped instead; 0: none"},
    )
    ping_patience_ms: int = field(
        default=120_000, metadata={"help": "ms without a ping after which a websocket is closed"}
    )

    def __post_init__(self) -> None:
        hints = get_type_hints(type(self))
        for knob in fields(self):
            object.__setattr__(self, knob.name, _checked(knob.name, hints[knob.name], getattr(self, knob.name)))

    def with_changes(self, **changes: object) -> Knobs:
        """Return a copy with some knobs changed, or raise a ValueError that names what is wrong."""
        unknown = sorted(changes.keys() - {knob.name for knob in fields(self)})
        if unknown:
            known = ", ".join(knob.name for knob in fields(self))
            raise ValueError(f"no knob is named {', '.join(unknown)}; there are {known}")
        # Names and types are checked here and in __post_init__; mypy cannot follow that.
        return replace(self, **changes)  # type: ignore[arg-type]


def _checked(name: str, kind: type, value: object) -> object:
    if issubclass(kind, StrEnum):
        try:
            return kind(str(value))
        except ValueError:
            raise ValueError(f"knob {name} must be one of {', '.join(kind)}, not {value!r}") from None
    if type(value) is not kind:
        raise ValueError(f"knob {name} must be of type {kind.__name__}, not {value!r}")
    if isinstance(value, int) and value < 0:
        raise ValueError(f"knob {name} must not be negative, not {value!r}")
    return value


class KnobBoard:
    """The knobs of a running venue: they can be changed, and counts are used up."""

    def __init__(self, knobs: Knobs) -> None:
        self.now = knobs

    def change(self, **changes: object) -> Knobs:
        """Replace some knobs and return all of them."""
        self.now = self.now.with_changes(**changes)
        return self.now

    def take(self, name: str) -> bool:
        """Use up one of a counting knob, and return whether there was one left."""
        left: int = getattr(self.now, name)
        if left:
            self.change(**{name: left - 1})
        return left > 0


class KnobBoards:
    """The board of all accounts, and those of accounts that have one of their own."""

    def __init__(self, knobs: Knobs) -> None:
        self.general = KnobBoard(knobs)
        self._own: dict[str, KnobBoard] = {}

    def of(self, uid: str) -> KnobBoard:
        """Return the board that holds for an account."""
        return self._own.get(uid, self.general)

    def change(self, uid: str | None, **changes: object) -> Knobs:
        """Replace some knobs, for one account only if it is named, and return all that hold for it.

        An account's own board begins as a copy of the general one, with its first change.
        """
        if uid is None:
            return self.general.change(**changes)
        if changes and uid not in self._own:
            self._own[uid] = KnobBoard(self.general.now.with_changes(**changes))
            return self._own[uid].now
        return self.of(uid).change(**changes)

    def reset(self, uid: str) -> None:
        """Have the general board hold for an account again."""
        self._own.pop(uid, None)
