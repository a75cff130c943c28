"""One round before it is played: what is on the venue, what goes wrong, and what is asked."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from bitget_margin.core.settings import Pacing
from bitget_margin.emulator import AccountKind, FaultKind, FaultRule

PACING: Final = Pacing(recancel_ms=25, refusals_ms=20, recheck_ms=40, limited_ms=30, polls_ms=(10, 30, 40))
"""About a fortieth of what the real venue needs, as the time limits of the calls are a thirtieth of the default."""


class Flavour(StrEnum):
    """Which class is asked."""

    ASYNC = "async"
    SYNC = "sync"


class Method(StrEnum):
    """What is called; the value is how a trace names it."""

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


class Fate(StrEnum):
    """What became of an order before the call."""

    LIVE = "live"
    PARTLY = "partly filled"
    FILLED = "filled"
    CANCELLED = "cancelled"

    @property
    def lives(self) -> bool:
        """Whether the order can still be cancelled."""
        return self in {Fate.LIVE, Fate.PARTLY}


class Deed(StrEnum):
    """What the venue's owner does behind the caller's back."""

    FILL = "fill"
    PART = "fill a part of"
    CANCEL = "cancel"
    SUCCEED = "fill, and give its name to a younger order than"


class By(StrEnum):
    """Which of its ids an order is named by."""

    ID = "orderId"
    CLIENT_ID = "clientOid"


@dataclass(frozen=True, slots=True)
class Pair:
    """A market: ccxt's symbol, the venue's, and what an order there looks like."""

    symbol: str
    market: str
    price: int
    size_decimals: int
    dollars: tuple[int, int] = (10, 900)
    """What an order is worth, from and to, in quote coins."""


PAIRS: Final = (
    Pair("BTC/USDT", "BTCUSDT", 60_000, 6),
    Pair("ETH/USDT", "ETHUSDT", 3_000, 4),
    Pair("SOL/USDT", "SOLUSDT", 150, 4),
)
MARKETS: Final = {pair.symbol: pair.market for pair in PAIRS}


@dataclass(frozen=True, slots=True)
class Plan:
    """An order that exists before the call; `part` is what was filled of it where a part was."""

    pair: Pair
    side: str
    price: str
    size: str
    part: str
    name: str | None
    fate: Fate


@dataclass(frozen=True, slots=True)
class Naming:
    """How the call names an order: one of the plans by its number, an order of somebody else, or nobody's id."""

    symbol: str
    by: By
    plan: int | None = None
    neighbour: int | None = None
    value: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """What happens to a planned order while the call runs, so long after its start."""

    at_ms: int
    plan: int
    deed: Deed


@dataclass(frozen=True, slots=True)
class Wish:
    """An order that the call is to place; `name` is None where the library has to make one up."""

    side: str
    price: str
    size: str
    name: str | None
    order_type: str = "limit"


@dataclass(frozen=True, slots=True)
class Trouble:
    """What goes wrong: faults on the way and knobs of the venue. `label` is its line in the table."""

    label: str
    rules: tuple[FaultRule, ...] = ()
    knobs: tuple[tuple[str, object], ...] = ()

    def knob(self, name: str, default: int = 0) -> int:
        """Return the number that a knob is turned to."""
        value = dict(self.knobs).get(name, default)
        return value if isinstance(value, int) else default

    def turned(self, *names: str) -> bool:
        """Whether one of these knobs is turned."""
        return any(name in names for name, _ in self.knobs)

    @property
    def late_ms(self) -> int:
        """How much later than they arrive requests are executed."""
        return max((rule.duration_ms + 1 for rule in self.rules if rule.kind is FaultKind.LATE), default=0)

    def rule(self, kind: FaultKind | None) -> FaultRule | None:
        """Return the rule of this kind; there is one at most."""
        return next((rule for rule in self.rules if rule.kind is kind), None)

    def has(self, kind: FaultKind) -> bool:
        """Whether requests may meet this fault."""
        return any(rule.kind is kind for rule in self.rules)


@dataclass(frozen=True, slots=True)
class Scenario:
    """Everything about a round that its seed and its number decide."""

    seed: int
    number: int
    account: AccountKind
    flavour: Flavour
    method: Method
    pair: Pair
    plans: tuple[Plan, ...]
    trouble: Trouble
    timeout_ms: int
    namings: tuple[Naming, ...] = ()
    wishes: tuple[Wish, ...] = ()
    events: tuple[Event, ...] = ()
    batch_size: int | None = None
    others: tuple[str, ...] = ()
    """Symbols that `cancel_all_orders` is told of, whose orders may hold the same coins."""
    asks_again: bool = False
    apart_ms: int = 5
    """How long before the call the last order was placed: whole milliseconds, so that they can be told apart."""
    looks_on: bool = False
    """Whether a call that places ends once two look-ups have missed what is in doubt; its names are used once."""

    @property
    def uid(self) -> str:
        """The account of this round alone; the venue's dice for it depend on nothing else but the seed."""
        return str(10**9 + self.number)

    @property
    def confirms(self) -> bool:
        """Whether an acknowledgement is no answer."""
        return self.method in {Method.BATCH_CANCEL, Method.CANCEL_ORDERS_CONFIRMED}

    @property
    def has_own_port(self) -> bool:
        """Whether it needs a venue of its own: a port that refuses, refuses everybody."""
        return self.trouble.has(FaultKind.REFUSE)
