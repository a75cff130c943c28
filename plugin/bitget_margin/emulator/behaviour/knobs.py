"""Settings of behaviour that the venue's documents leave open, and of misbehaviour on demand."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from typing import get_type_hints

from bitget_margin.emulator.errors import ENDED_TEXT, Language, Refusal


class AllFailed(StrEnum):
    """Response to a batch cancel of which every item failed."""

    LISTS = "lists"
    ERROR = "43001"


class EmptyLists(StrEnum):
    """Form in which a list without rows is sent."""

    LIST = "list"
    NULL = "null"


class ListKey(StrEnum):
    """Name of the list in responses of open-orders and history-orders."""

    ORDER_LIST = "orderList"
    RESULT_LIST = "resultList"


class PartialStatus(StrEnum):
    """Spelling of the status of a partly filled order."""

    DOCUMENTED = "documented"
    PARTIAL_FILL = "partial_fill"
    PARTIALLY_FILL = "partially_fill"
    PARTIALLY_FILLED = "partially_filled"


class EchoIds(StrEnum):
    """Ids in the rows of a batch cancel: both, or only the kind of the request."""

    BOTH = "both"
    REQUESTED = "asked"


class Level(StrEnum):
    """Level of unified accounts, which the settings show as `accountLevel`."""

    ADVANCED = "advanced"
    DELTA = "delta"
    BASIC = "basic"
    ISOLATED = "isolated"
    NONE = "none"

    @property
    def has_margin(self) -> bool:
        """Whether margin orders can be placed."""
        return self not in (Level.BASIC, Level.ISOLATED)


class PushAction(StrEnum):
    """Action that pushes name: all data of a row, or changed data."""

    SNAPSHOT = "snapshot"
    UPDATE = "update"


class WithoutSymbol(StrEnum):
    """Treatment of open-orders without a symbol."""

    REFUSE = "refuse"
    ANSWER = "answer"


class StrategyTypes(StrEnum):
    """Types of strategy orders that are accepted for margin."""

    BOTH = "both"
    TPSL = "tpsl"
    TRIGGER = "trigger"
    NONE = "none"


class StrategyIds(StrEnum):
    """Strategy orders that get the client order id of their request; others get one of the venue's."""

    TPSL = "tpsl"
    ALL = "all"
    NONE = "none"


class CategoryCase(StrEnum):
    """Letter case of the category in rows of a unified account."""

    DOCUMENTED = "documented"
    UPPER = "upper"
    LOWER = "lower"
    TITLE = "title"


class RecordAmounts(StrEnum):
    """Sign of outflows in financial records."""

    SIGNED = "signed"
    UNSIGNED = "unsigned"


class InterestCategory(StrEnum):
    """Category of interest in financial records."""

    MARGIN = "MARGIN"
    OTHER = "OTHER"


class LoanRefusal(StrEnum):
    """Code of an order whose loan is refused."""

    INSUFFICIENT = "43012"
    MARGIN_INSUFFICIENT = "50020"
    TOO_LARGE = "50035"
    SYSTEM_LIMIT = "50038"


class InterestSchedule(StrEnum):
    """Times at which interest falls due: whole periods since the first loan of a coin, or of the clock."""

    LOAN = "loan"
    CLOCK = "clock"


class RiskFormula(StrEnum):
    """Formula of the risk ratio: maintenance margin of the debts over equity, or debts over assets."""

    MAINTENANCE = "maintenance"
    LIABILITIES = "liabilities"


@dataclass(frozen=True, slots=True)
class Knobs:
    """All settings of the venue's behaviour; the defaults are what the venue documents.

    Each field's help text is its documentation, also in `bitget-margin emulator --help`.
    """

    ack_delay_ms: int = field(
        default=0, metadata={"help": "ms between the acknowledgement of a cancel and the end of the order"}
    )
    cancel_never_lands: int = field(
        default=0, metadata={"help": "number of next cancels of live orders that are acknowledged but never executed"}
    )
    history_lag_ms: int = field(default=0, metadata={"help": "ms until an ended order appears in history-orders"})
    open_orders_lag_ms: int = field(
        default=0, metadata={"help": "ms for which open-orders still lists an ended order, as it was before its end"}
    )
    open_orders_late_ms: int = field(default=0, metadata={"help": "ms until a new order appears in open-orders"})
    sums_lag_ms: int = field(default=0, metadata={"help": "ms for which the row of an ended order shows no fill"})
    fills_lag_ms: int = field(default=0, metadata={"help": "ms until a trade appears in fills"})
    balance_lag_ms: int = field(default=0, metadata={"help": "ms until the assets show a change of the balance"})
    fill_wins: int = field(
        default=0,
        metadata={"help": "number of next cancels of live orders that are acknowledged while the order fills instead"},
    )
    refuse_cancels: int = field(
        default=0, metadata={"help": "number of next cancels of live orders that are refused with 'Cancel order error'"}
    )
    omit_ids: int = field(
        default=0, metadata={"help": "number of next batch items that are executed but put in neither list"}
    )
    omit_refused: int = field(
        default=0, metadata={"help": "number of next batch items that are not executed and put in neither list"}
    )
    both_lists: int = field(
        default=0,
        metadata={"help": "number of next batch items of live orders that are executed and put in both lists"},
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
    failure_code: bool = field(default=False, metadata={"help": "add an errorCode to failed items"})
    all_failed: AllFailed = field(
        default=AllFailed.LISTS, metadata={"help": "response when every item failed: lists, or a top-level 43001"}
    )
    empty_lists: EmptyLists = field(
        default=EmptyLists.LIST, metadata={"help": "send an empty list as a list, or as null"}
    )
    echo_ids: EchoIds = field(
        default=EchoIds.BOTH,
        metadata={"help": "ids in the rows of a batch cancel: both, or only the kind of the request"},
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
        metadata={"help": "refuse open-orders without a symbol, or answer it for all symbols"},
    )
    open_orders_cap: int = field(default=100, metadata={"help": "most rows of one open-orders page"})
    fees_in_bgb: bool = field(
        default=False,
        metadata={"help": "take fees in BGB while the account has enough, at the price of BGBUSDT, or at 1 USDT"},
    )
    auto_borrow: bool = field(
        default=True,
        metadata={"help": "lend a unified account the coins that an order lacks, within its leverage"},
    )
    margin_locks: bool = field(
        default=True, metadata={"help": "count what margin orders hold in `locked` of a unified account's assets"}
    )
    strategy_types: StrategyTypes = field(
        default=StrategyTypes.BOTH, metadata={"help": "types of strategy orders that are accepted for margin"}
    )
    strategy_ids: StrategyIds = field(
        default=StrategyIds.TPSL,
        metadata={"help": "strategy orders that get the client order id of their request: those of a type, all, none"},
    )
    strategy_freezes: bool = field(
        default=False, metadata={"help": "freeze the coins of a strategy order while it waits for its price"}
    )
    strategy_borrows: bool = field(
        default=True,
        metadata={"help": "lend what the order of a triggered strategy order lacks, if auto_borrow is on"},
    )
    strategy_row_side: bool = field(
        default=False, metadata={"help": "add side and type to the rows of strategy orders, as in their pushes"}
    )
    strategy_sub_orders: bool = field(
        default=True, metadata={"help": "list the order of a triggered strategy order in strategy-sub-orders"}
    )
    interest_category: InterestCategory = field(
        default=InterestCategory.MARGIN,
        metadata={"help": "category of interest in the financial records of a unified account"},
    )
    loans_lag_ms: int = field(
        default=0, metadata={"help": "ms until a loan, a repayment, interest or a liquidation appears in its history"}
    )
    loan_refusal: LoanRefusal = field(
        default=LoanRefusal.INSUFFICIENT,
        metadata={"help": "code of a classic account's order that would borrow more than it can"},
    )
    repay_on_cancel: bool = field(
        default=False,
        metadata={"help": "let a canceled order of a classic account repay what it has borrowed and not spent"},
    )
    auto_repays: bool = field(
        default=True,
        metadata={"help": "let autoRepay repay; off, coins that come in to a unified account repay nothing either"},
    )
    auto_repay_needs_debt: bool = field(
        default=False,
        metadata={"help": "refuse an order with autoRepay where nothing is owed of the coin that it receives"},
    )
    interest_schedule: InterestSchedule = field(
        default=InterestSchedule.LOAN,
        metadata={
            "help": "charge interest for each full hour since the first loan of a coin, or at hours of the clock"
        },
    )
    unified_first_interest: bool = field(
        default=False,
        metadata={"help": "charge interest as soon as an order of a unified account borrows, as for other loans"},
    )
    risk_formula: RiskFormula = field(
        default=RiskFormula.MAINTENANCE,
        metadata={"help": "risk ratio of an account: maintenance margin over equity, or debts over assets"},
    )
    liquidates: bool = field(default=True, metadata={"help": "liquidate an account whose risk ratio reaches 1"})
    flash_repay_min: int = field(
        default=0, metadata={"help": "least value of a debt, in US dollars, that flash-repay accepts"}
    )
    flash_repay_delay_ms: int = field(
        default=0, metadata={"help": "ms between the acknowledgement of a flash-repay and its execution"}
    )
    edit_delay_ms: int = field(
        default=0, metadata={"help": "ms between the acknowledgement of an edit and the change of the order"}
    )
    edit_never_lands: int = field(
        default=0, metadata={"help": "number of next edits that are acknowledged but never carried out"}
    )
    countdown_access: bool = field(
        default=True,
        metadata={"help": "let unified accounts use countdown-cancel-all, which the venue enables on request"},
    )
    countdown_cancels_strategies: bool = field(
        default=True, metadata={"help": "cancel strategy orders, too, when the time of countdown-cancel-all is up"}
    )
    account_level: Level = field(
        default=Level.ADVANCED,
        metadata={
            "help": "level of unified accounts: basic and isolated place no margin orders; none is advanced, not shown"
        },
    )
    category_case: CategoryCase = field(
        default=CategoryCase.DOCUMENTED,
        metadata={"help": "letter case of the category in rows of a unified account, or as each page documents it"},
    )
    record_amounts: RecordAmounts = field(
        default=RecordAmounts.SIGNED, metadata={"help": "outflows in financial records are below zero, or have no sign"}
    )
    fills_by_symbol: bool = field(
        default=False,
        metadata={"help": "let fills of a unified account honour a symbol, which its page does not have"},
    )
    language: Language = field(default=Language.EN, metadata={"help": "language of error and failure texts"})
    latency_ms: int = field(default=0, metadata={"help": "ms from the arrival of a request to its response"})
    batch_cancel_stall_ms: int = field(
        default=0, metadata={"help": "ms between the execution of a batch cancel and its response"}
    )
    batch_cancel_trickle_ms: int = field(
        default=0, metadata={"help": "ms over which the response to a batch cancel is sent, byte by byte"}
    )
    push_delay_ms: int = field(default=0, metadata={"help": "ms before each push of a websocket is sent"})
    push_twice: bool = field(default=False, metadata={"help": "send each push of a websocket twice"})
    push_lose_every: int = field(
        default=0, metadata={"help": "lose every n-th push of a websocket without a sign; 0: never"}
    )
    push_swap_every: int = field(
        default=0,
        metadata={"help": "send every n-th push of a websocket after the next one, or 50 ms later; 0: never"},
    )
    push_frozen: bool = field(
        default=False, metadata={"help": "push a balance also when an order only freezes or releases coins"}
    )
    push_action: PushAction = field(
        default=PushAction.SNAPSHOT, metadata={"help": "action that pushes of a websocket name"}
    )
    push_drop_every: int = field(
        default=0, metadata={"help": "drop the connection instead of every n-th push of a websocket; 0: never"}
    )
    ping_patience_ms: int = field(
        default=120000, metadata={"help": "ms without a ping after which a websocket is closed"}
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
