"""Comparison of freqtrade's database with the venue: every order, the profit, and the requests."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import isclose
from typing import Final

from bitget_margin.cli.demo.request_log import RequestKind
from bitget_margin.cli.demo.snapshots import OrderSnapshot, TradeSnapshot, VenueSnapshot
from bitget_margin.emulator import Order

_AVERAGE_REL_TOLERANCE: Final = 1e-12
"""Relative tolerance of an average: the rounding of a float."""
_PROFIT_TOLERANCE: Final = 1e-5
"""Tolerance of the profit relative to the stake: freqtrade's fee of a buy is off by its square."""
_COVER_REL_TOLERANCE: Final = 1e-3
"""Tolerance of a cover's amount: it is sent in whole lots, and pays interest along."""
_ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class OrderComparison:
    """One order on both sides; `in_freqtrade` is None if freqtrade does not know it."""

    in_freqtrade: OrderSnapshot | None
    on_venue: Order
    differences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Check:
    """A condition on the whole trade, described with the numbers of both sides; `note` explains what differs."""

    text: str
    holds: bool
    note: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Result of the comparison."""

    orders: tuple[OrderComparison, ...]
    checks: tuple[Check, ...]

    @property
    def differences(self) -> tuple[str, ...]:
        """All differences."""
        of_orders = (difference for order in self.orders for difference in order.differences)
        return (*of_orders, *(check.text for check in self.checks if not check.holds))


def compare(trade: TradeSnapshot, venue: VenueSnapshot) -> Comparison:
    """Compare both sides order by order, and check the whole trade."""
    return Comparison(tuple(compare_order(trade, order) for order in venue.orders), tuple(_checks(trade, venue)))


def compare_order(trade: TradeSnapshot, order: Order, fee_rate: Decimal = _ZERO) -> OrderComparison:
    """Compare one order of a trade.

    :param fee_rate: fee by which the cover of a short is sent larger; freqtrade has the coins that are left of it
    """
    own, resting = trade.own.get(order.order_id), trade.resting.get(order.order_id)
    differences: list[str] = []
    if own is None and (order.filled or resting is None):
        differences.append(f"order {order.order_id} is not among freqtrade's orders")
    for snapshot in (own, resting):
        if snapshot is not None:
            covers = trade.is_short and snapshot.side == "buy"
            differences += _differences(snapshot, order, fee_rate if covers else _ZERO)
    return OrderComparison(own or resting, order, tuple(differences))


def _differences(snapshot: OrderSnapshot, order: Order, fee_rate: Decimal) -> Iterator[str]:
    label = f"order {order.order_id} ({snapshot.name})"
    if snapshot.side != order.side.value:
        yield f"{label}: freqtrade has a {snapshot.side}, the venue a {order.side.value}"
    received = float(order.filled * (1 - fee_rate))
    if not (
        isclose(snapshot.filled, received, rel_tol=_COVER_REL_TOLERANCE) if fee_rate else snapshot.filled == received
    ):
        yield f"{label}: freqtrade has {snapshot.filled!r} filled, the venue {order.filled}"
    average = float(order.quote_filled / order.filled) if order.filled else None
    same = snapshot.average == average
    if snapshot.average is not None and average is not None:
        same = isclose(snapshot.average, average, rel_tol=_AVERAGE_REL_TOLERANCE)
    if not same:
        yield f"{label}: freqtrade has the average {snapshot.average!r}, the venue {average!r}"


def _checks(trade: TradeSnapshot, venue: VenueSnapshot) -> Iterator[Check]:
    yield Check("the trade is closed" if not trade.open else "the trade is still open", not trade.open)
    unknown = sorted({*trade.own, *trade.resting} - {order.order_id for order in venue.orders})
    if unknown:
        yield Check(f"freqtrade has orders that the venue does not know: {', '.join(unknown)}", holds=False)
    yield _amounts(trade, venue)
    yield _profit(trade, float(venue.gained))
    live = [order.order_id for order in venue.orders if order.live]
    yield Check(f"live orders left on the venue: {', '.join(live) or 'none'}", not live)
    yield _requests(venue.sent)


def _profit(trade: TradeSnapshot, gained: float) -> Check:
    """Check the profit, up to freqtrade's own convention of fees, which the note explains."""
    apart = abs(trade.profit - gained)
    holds = apart <= _PROFIT_TOLERANCE * trade.stake
    text = f"realised profit: freqtrade has {trade.profit:+.6f}, the venue's wallet {gained:+.6f} USDT"
    note = (
        f"{apart:.6f} USDT apart: freqtrade takes the fee of a buy on the coins left after it, the venue on all of them"
    )
    return Check(text, holds, note if holds and apart else "")


def _amounts(trade: TradeSnapshot, venue: VenueSnapshot) -> Check:
    """Check that the amount bought is sold on both sides, except for the fee and less than a lot."""
    orders = trade.own.values()
    bought = _exact_sum(order.filled for order in orders if order.side == "buy")
    fee = _exact_sum(order.fee_base for order in orders)
    sold = _exact_sum(order.filled for order in orders if order.side == "sell")
    amounts = [f"{float(amount):.10g}" for amount in (sold, bought, fee, venue.base)]
    return Check(
        "sold: {} of {} bought, fee {}; the venue's wallet has {} left".format(*amounts),
        abs(bought - fee - sold) < venue.lot and 0 <= venue.base < venue.lot,
    )


def _exact_sum(amounts: Iterable[float]) -> Decimal:
    """Add amounts as decimals: a sum of floats may be just below a whole lot."""
    return sum((Decimal(repr(amount)) for amount in amounts), Decimal(0))


def _requests(sent: Sequence[RequestKind]) -> Check:
    """Check that one request placed the ladder, and one canceled it before the exit order was placed."""
    cancels = [kind for kind in sent if kind in {RequestKind.CANCEL, RequestKind.BATCH_CANCEL}]
    last = max((i for i, kind in enumerate(sent) if kind is RequestKind.PLACE), default=-1)
    holds = (
        cancels == [RequestKind.BATCH_CANCEL]
        and sent.index(RequestKind.BATCH_CANCEL) < last
        and sent.count(RequestKind.BATCH_PLACE) == 1
    )
    return Check(f"requests, in order: {', '.join(kind.value for kind in sent)}", holds)
