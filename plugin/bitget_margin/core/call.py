"""What the core asks of the world, and what comes back."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, TypeAlias, TypeVar

from bitget_margin.core.account import AccountKind

T = TypeVar("T")
_UNIFIED: Final = "v3/"


class Endpoint(Enum):
    """The venue's endpoints that we call ourselves: method, path below `/api/`, requests per second and UID."""

    BATCH_PLACE = ("POST", "v2/margin/crossed/batch-place-order", 10)
    BATCH_CANCEL = ("POST", "v2/margin/crossed/batch-cancel-order", 10)
    PLACE = ("POST", "v2/margin/crossed/place-order", 10)
    CANCEL = ("POST", "v2/margin/crossed/cancel-order", 10)
    OPEN_ORDERS = ("GET", "v2/margin/crossed/open-orders", 10)
    HISTORY_ORDERS = ("GET", "v2/margin/crossed/history-orders", 10)
    ASSETS = ("GET", "v2/margin/crossed/account/assets", 10)
    FILLS = ("GET", "v2/margin/crossed/fills", 10)
    ACCOUNT = ("GET", "v2/spot/account/info", 1)

    UNIFIED_BATCH_PLACE = ("POST", "v3/trade/place-batch", 5)
    UNIFIED_BATCH_CANCEL = ("POST", "v3/trade/cancel-batch", 5)
    UNIFIED_PLACE = ("POST", "v3/trade/place-order", 10)
    UNIFIED_CANCEL = ("POST", "v3/trade/cancel-order", 10)
    UNIFIED_OPEN_ORDERS = ("GET", "v3/trade/unfilled-orders", 20)
    UNIFIED_HISTORY_ORDERS = ("GET", "v3/trade/history-orders", 20)
    UNIFIED_ORDER = ("GET", "v3/trade/order-info", 20)
    UNIFIED_FILLS = ("GET", "v3/trade/fills", 20)
    UNIFIED_SETTINGS = ("GET", "v3/account/settings", 10)
    UNIFIED_ASSETS = ("GET", "v3/account/assets", 10)

    @property
    def method(self) -> str:
        """The HTTP method."""
        return self.value[0]

    @property
    def path(self) -> str:
        """The path below `/api/`, as ccxt writes it."""
        return self.value[1]

    @property
    def kind(self) -> AccountKind:
        """The kind of account that it is for."""
        return AccountKind.UNIFIED if self.path.startswith(_UNIFIED) else AccountKind.CLASSIC

    @property
    def per_second(self) -> int:
        """How many requests the venue takes in a second, of one UID."""
        return self.value[2]


@dataclass(frozen=True, slots=True)
class Call:
    """One request to the venue; its parameters are a list where the body is one."""

    endpoint: Endpoint
    params: Mapping[str, Any] | Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Answer:
    """The venue answered with its success code; the body as it was parsed, which may be anything."""

    body: object


@dataclass(frozen=True, slots=True)
class Fault:
    """No success: the exception that stock ccxt raises for it, and what of the venue's answer could be read.

    `code` and `text` are None unless a body in the venue's own form was parsed. `sent` is False only where the
    request certainly never left.
    """

    error: Exception
    code: str | None = None
    text: str | None = None
    status: int | None = None
    sent: bool = True
    body: object = None
    is_transient: bool = False
    """Whether stock ccxt makes of it that the venue did not answer in time or is not available: no refusal."""


Reply: TypeAlias = Answer | Fault


@dataclass(slots=True)
class Send:
    """A request to make: at most `request_ms` long, and over by `deadline_ms` of the caller's clock."""

    call: Call
    request_ms: float
    deadline_ms: float
    started: bool = False
    """Set by the driver as it hands the request to the network: until then it was certainly not executed.

    Taken back once the reply has been counted.
    """
    reply: Reply | None = None
    """Set by the driver as soon as it is there, so that an interrupt in the same group does not lose it."""
    urgent: bool = False
    """Whether it belongs to a cancel: then it does not wait for a shared rate window that does not answer."""
    place_ms: float | None = None
    """Its place in the window of this process; None before it left, and where nothing is paced."""
    left_ms: float | None = None
    """When it was handed out, on the caller's clock."""


@dataclass(frozen=True, slots=True)
class SendAll:
    """Requests that do not depend on each other; the answer is a tuple of replies in the same order."""

    sends: tuple[Send, ...]


@dataclass(frozen=True, slots=True)
class Wait:
    """Let time pass until then, on the caller's clock."""

    until_ms: float


@dataclass(frozen=True, slots=True)
class Resync:
    """Measure the venue's clock again, because it refused our timestamp."""

    deadline_ms: float


@dataclass(frozen=True, slots=True)
class LoadMarkets:
    """Load the markets if they are not loaded."""

    deadline_ms: float


Effect: TypeAlias = SendAll | Wait | Resync | LoadMarkets
Flow: TypeAlias = Generator[Effect, Any, T]
Clock: TypeAlias = Callable[[], float]
"""Milliseconds that only go forward."""
