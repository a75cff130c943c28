"""Prices of the local venue on which LadderExample makes its first trade within two minutes."""

import threading
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from random import Random
from typing import Final

from bitget_margin.emulator import DEFAULT_SYMBOLS, Emulator, Order
from bitget_margin.emulator.market.orders import Side

MARKET: Final = next(market for market in DEFAULT_SYMBOLS if market.base == "BTC")
SEED: Final = 1
FALL: Final = 0.02
"""Share by which the price has fallen before the start, so that the strategy buys with the first candle it sees."""
RISE: Final = 0.024
"""Share by which it recovers: above the second step of the ladder, and above the average that ends the trade."""
RISE_SECONDS: Final = 25.0
PATIENCE_SECONDS: Final = 300.0
"""Longest wait for the ladder, and for the end of the trade; another strategy may have neither."""
_RISE_STEPS: Final = 25
_FALL_SECONDS: Final = 12 * 60
_PAST_SECONDS: Final = 90 * 60
_STEP_SECONDS: Final = 15
_NOISE: Final = 0.0002
"""Standard deviation of the noise of a price, as a share of it."""
_POLL_SECONDS: Final = 0.5
_SOLD: Final = Decimal("0.99")
"""Share of the bought coins that a finished trade has sold at least; the rest are fees."""


def past() -> Iterator[tuple[float, str, str]]:
    """Yield the prices before the start: level, then falling to that of the start."""
    dice = Random(SEED)  # noqa: S311 - repeatable, not secret
    for seconds in range(-_PAST_SECONDS, 0, _STEP_SECONDS):
        left = min(-seconds / _FALL_SECONDS, 1.0)
        yield seconds, MARKET.symbol, _price(1 + FALL * left + dice.gauss(0, _NOISE))


def recovery() -> Iterator[tuple[float, str, str]]:
    """Yield the prices from the moment at which the ladder rests."""
    dice = Random(SEED)  # noqa: S311 - repeatable, not secret
    for number in range(_RISE_STEPS):
        share = number / _RISE_STEPS
        yield RISE_SECONDS * share, MARKET.symbol, _price(1 + RISE * share + dice.gauss(0, _NOISE))
    yield RISE_SECONDS, MARKET.symbol, _price(1 + RISE)


def others() -> list[str]:
    """Return the symbols whose prices walk from the start."""
    return [market.symbol for market in DEFAULT_SYMBOLS if market is not MARKET]


def play(venue: Emulator, announce: Callable[[str], object], stopping: threading.Event) -> None:
    """Move the price once the ladder rests, hold it until the first trade has ended, and let it walk then."""
    rests = _wait(lambda: has_ladder(_orders(venue)), stopping)
    if stopping.is_set():
        return
    venue.schedule(recovery())
    if rests:
        announce(
            f"the entry has filled and its ladder rests: {MARKET.base} rises by {RISE:.1%} within {RISE_SECONDS:.0f} s"
        )
    if stopping.wait(RISE_SECONDS):
        return
    # A walking price could leave the exit order, a limit order, behind.
    ended = _wait(lambda: has_ended(_orders(venue)), stopping)
    if stopping.is_set():
        return
    venue.walk(SEED, [MARKET.symbol])
    if ended:
        announce("the first trade has ended; all prices walk at random from now on")


def has_ladder(orders: Sequence[Order]) -> bool:
    """Whether sells rest beside a filled buy."""
    return any(order.live and order.side is Side.SELL for order in orders) and bool(_filled(orders, Side.BUY))


def has_ended(orders: Sequence[Order]) -> bool:
    """Whether no order rests and what was bought is sold."""
    bought, sold = _filled(orders, Side.BUY), _filled(orders, Side.SELL)
    return not any(order.live for order in orders) and bought > 0 and sold >= bought * _SOLD


def _orders(venue: Emulator) -> list[Order]:
    return [order for order in venue.orders() if order.symbol == MARKET.symbol]


def _filled(orders: Sequence[Order], side: Side) -> Decimal:
    return sum((order.filled for order in orders if order.side is side), Decimal(0))


def _wait(condition: Callable[[], bool], stopping: threading.Event) -> bool:
    """Wait until a condition holds, the run ends, or patience does; return whether the condition holds."""
    waited = 0.0
    while not condition():
        if stopping.wait(_POLL_SECONDS) or waited >= PATIENCE_SECONDS:
            return False
        waited += _POLL_SECONDS
    return True


def _price(share: float) -> str:
    """Return a price as a share of that of the start."""
    return f"{float(MARKET.start_price) * share:.{MARKET.price_precision}f}"
