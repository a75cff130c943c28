"""Description of one round: orders on the venue, faults, and the call."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from bitget_margin.core.settings import Pacing
from bitget_margin.emulator import AccountKind, FaultKind, FaultRule

PACING: Final = Pacing(recancel_ms=25, refusals_ms=20, recheck_ms=40, limited_ms=30, polls_ms=(10, 30, 40))
"""About a fortieth of the defaults; the timeouts of the calls are about a thirtieth of the default."""


class Flavour(StrEnum):
    """Class that the call uses."""

    ASYNC = "async"
    SYNC = "sync"


class Method(StrEnum):
    """Method that is called; the value is its name in traces."""

    BATCH_CANCEL = "batch_cancel"
    CANCEL_ORDERS = "cancel_orders"
    CANCEL_ORDERS_CONFIRMED = "cancel_orders, confirmed"
    CANCEL_FOR_SYMBOLS = "cancel_orders_for_symbols"
    CANCEL_ORDER = "cancel_order"
    CANCEL_ALL = "cancel_all_orders"
    CREATE_ORDER = "create_order"
    CREATE_ORDERS = "create_orders"

    @property
    def places(self) -> bool:
        """Whether it places orders instead of cancelling them."""
        return self in {Method.CREATE_ORDER, Method.CREATE_ORDERS}


class InitialState(StrEnum):
    """State of an order before the call."""

    LIVE = "live"
    PARTLY = "partly filled"
    FILLED = "filled"
    CANCELLED = "canceled"

    @property
    def lives(self) -> bool:
        """Whether the order can still be canceled."""
        return self in {InitialState.LIVE, InitialState.PARTLY}


class OwnerAction(StrEnum):
    """Action of the venue's owner during the call."""

    FILL = "fill"
    PART = "fill a part of"
    CANCEL = "cancel"
    SUCCEED = "fill, and reuse the client order id of"


class By(StrEnum):
    """Kind of id that names an order."""

    ID = "orderId"
    CLIENT_ID = "clientOid"


@dataclass(frozen=True, slots=True)
class Pair:
    """A market: ccxt's symbol, the venue's symbol, and the size of orders."""

    symbol: str
    market: str
    price: int
    size_decimals: int
    dollars: tuple[int, int] = (10, 900)
    """Range of order values in quote coins."""


PAIRS: Final = (
    Pair("BTC/USDT", "BTCUSDT", 60_000, 6),
    Pair("ETH/USDT", "ETHUSDT", 3_000, 4),
    Pair("SOL/USDT", "SOLUSDT", 150, 4),
)
MARKETS: Final = {pair.symbol: pair.market for pair in PAIRS}


@dataclass(frozen=True, slots=True)
class Plan:
    """An order that exists before the call; `part` is its filled amount if it is partly filled."""

    pair: Pair
    side: str
    price: str
    size: str
    part: str
    name: str | None
    state: InitialState


@dataclass(frozen=True, slots=True)
class SpotPlan:
    """A spot order of the owner, which no call may touch; `part` is filled."""

    pair: Pair
    side: str
    price: str
    size: str
    part: str
    name: str


@dataclass(frozen=True, slots=True)
class StopPlan:
    """A strategy order of the owner, which no call may touch."""

    pair: Pair
    price: str
    size: str
    name: str


@dataclass(frozen=True, slots=True)
class OrderReference:
    """Reference of the call to an order: a plan by its index, one that it may not touch, or an id that does not exist.

    An order that it may not touch is a foreign one, a spot order, or a strategy order, each by its index.
    """

    symbol: str
    by: By
    plan: int | None = None
    foreign: int | None = None
    spot: int | None = None
    stop: int | None = None
    value: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """Action on a planned order, `at_ms` after the start of the call."""

    at_ms: int
    plan: int
    action: OwnerAction


@dataclass(frozen=True, slots=True)
class NewOrder:
    """An order that the call has to place; `name` is None if the library generates one."""

    side: str
    price: str
    size: str
    name: str | None
    order_type: str = "limit"


@dataclass(frozen=True, slots=True)
class Faults:
    """Faults of requests and knobs of the emulator; `label` is the row in the table."""

    label: str
    rules: tuple[FaultRule, ...] = ()
    knobs: tuple[tuple[str, object], ...] = ()

    def knob(self, name: str, default: int = 0) -> int:
        """Return the number to which a knob is set."""
        value = dict(self.knobs).get(name, default)
        return value if isinstance(value, int) else default

    def has_knob(self, *names: str) -> bool:
        """Whether one of these knobs is set."""
        return any(name in names for name, _ in self.knobs)

    @property
    def late_ms(self) -> int:
        """Delay between arrival and execution of requests."""
        return max((rule.duration_ms + 1 for rule in self.rules if rule.kind is FaultKind.LATE), default=0)

    def rule(self, kind: FaultKind | None) -> FaultRule | None:
        """Return the rule of this kind; there is at most one."""
        return next((rule for rule in self.rules if rule.kind is kind), None)

    def has(self, kind: FaultKind) -> bool:
        """Whether requests may meet this fault."""
        return any(rule.kind is kind for rule in self.rules)


@dataclass(frozen=True, slots=True)
class Scenario:
    """Everything that seed and number decide about a round."""

    seed: int
    number: int
    account: AccountKind
    flavour: Flavour
    method: Method
    pair: Pair
    plans: tuple[Plan, ...]
    faults: Faults
    timeout_ms: int
    references: tuple[OrderReference, ...] = ()
    new_orders: tuple[NewOrder, ...] = ()
    events: tuple[Event, ...] = ()
    batch_size: int | None = None
    others: tuple[str, ...] = ()
    """Further symbols given to `cancel_all_orders`, whose orders may freeze the same coins."""
    cancels_again: bool = False
    spot_orders: tuple[SpotPlan, ...] = ()
    """Spot orders of the owner of a unified account, which share the wallet."""
    stops: tuple[StopPlan, ...] = ()
    """Strategy orders of the same."""
    owner_knobs: tuple[tuple[str, bool], ...] = ()
    """Knobs of the emulator about what these orders and margin orders lock."""
    apart_ms: int = 5
    """Time between the last planned order and the call; enough for distinct millisecond timestamps."""
    ends_when_missed: bool = False
    """Whether a call that places ends after two lookups missed an order (`looksOn`); its names are used once."""

    @property
    def uid(self) -> str:
        """Account of this round; the random faults on it depend only on this and the seed."""
        return str(10**9 + self.number)

    @property
    def confirms(self) -> bool:
        """Whether the call has to confirm each final state."""
        return self.method in {Method.BATCH_CANCEL, Method.CANCEL_ORDERS_CONFIRMED}

    @property
    def has_own_port(self) -> bool:
        """Whether it needs an emulator of its own: a port that refuses connections affects all accounts."""
        return self.faults.has(FaultKind.REFUSE)
