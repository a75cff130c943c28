"""Judge the runs of two bots: delays of their stop-losses, and every broken promise."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Any, Final

from bitget_margin.emulator import Order
from crash.evidence import Evidence, Track, is_foreign, is_rung
from support.bot import symbol_of

LOOP_SECONDS: Final = 5
"""One loop of freqtrade by default: a stop with ladders may be later than one without by this."""
_FEE: Final = Decimal("0.001")
_LOT: Final = Decimal("0.0001")
_MIN_VALUE: Final = Decimal(5)
"""Least value of an order in quote coins: fewer coins cannot be sold, and are a crumb."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A broken promise."""

    rule: str
    text: str


@dataclass(frozen=True, slots=True)
class Delay:
    """Delays of one stop-loss, in ms from the moment at which it was due; None for never.

    :param pair: the pair
    :param due_ms: the moment, in ms since the epoch
    :param sent: until an exit has reached the venue, for whatever amount
    :param first: until an exit has reached the venue and no coin is left that no live rung holds
    :param last: until the last coin is sold
    """

    pair: str
    sent: int | None
    first: int | None
    last: int | None
    due_ms: int = 0

    def left_ms(self, limit_ms: int) -> int:
        """Return the time at which the stop-loss left, in ms since the epoch; `limit_ms` after it was due for never."""
        return self.due_ms + (limit_ms if self.first is None else self.first)


def delays(evidence: Evidence) -> list[Delay]:
    """Return the delay of each stop-loss that was due while the trade had coins."""
    return [delay for track in evidence.tracks if (delay := _delay(track, evidence)) is not None]


def _delay(track: Track, evidence: Evidence) -> Delay | None:
    stop = next((Decimal(repr(row["stop_loss"])) for row in evidence.trades if row["pair"] == track.pair), None)
    due = None if stop is None else next((at_ms for at_ms, price in track.prices if price <= stop), None)
    dust = _dust(track)
    before = [sample for sample in track.samples if due is not None and sample.at_ms <= due]
    if due is None or not before or before[-1].total <= dust:
        return None
    exits = [order.created_ms for order in _orders_of(track, evidence) if _is_exit(order) and order.filled]
    first_exit = min((at_ms for at_ms in exits if at_ms >= due), default=None)
    first = last = None
    for sample in track.samples[len(before) :]:
        sent = first_exit is not None and first_exit <= sample.at_ms
        if first is None and (sample.total <= dust or (sent and sample.total - sample.held <= dust)):
            first = max(sample.at_ms - due, 0)
        if sample.total > dust:
            last = None
        elif last is None:
            last = max(sample.at_ms - due, 0)
    return Delay(track.pair, None if first_exit is None else first_exit - due, first, last, due)


def findings(evidence: Evidence) -> list[Finding]:
    """Return the broken promises of one bot at the end of its run."""
    if evidence.error:
        return [Finding("run", evidence.error)]
    return [
        *(finding for track in evidence.tracks for finding in _findings_of(track, evidence)),
        *_foreign(evidence),
        *(Finding("borrowed", f"{amount} {coin}") for coin, amount in evidence.borrowed.items()),
    ]


def late_stops(ladders: Evidence, stock: Evidence, limit_ms: int) -> list[Finding]:
    """Return the stop-losses that are too late, beside those of the bot without ladders.

    freqtrade exits one trade after the other. So a stop may be later by one loop for each exit that left between the
    moment at which it was due and its own, its own included. Two kinds of luck are not shared by the two bots: a stop
    may have missed a look of freqtrade by a moment, and waits for the next one; and one of them may have sold just
    before it was killed, and the other not.
    """
    due, others = delays(ladders), {delay.pair: delay for delay in delays(stock)}
    later, exits, loop_seconds = (
        differences(due, list(others.values()), limit_ms),
        exits_until(due, limit_ms),
        longest_loop_seconds(stock),
    )
    found = []
    for delay in due:
        seconds = later.get(delay.pair, 0.0)
        restart_seconds = 0.0
        if delay.pair in others:
            with_ladders = _restart_seconds(ladders, delay, limit_ms)
            restart_seconds = max(0.0, with_ladders - _restart_seconds(stock, others[delay.pair], limit_ms))
        if seconds > LOOP_SECONDS * exits[delay.pair] + loop_seconds + restart_seconds:
            text = f"the stop on {delay.pair} left {seconds:.1f} s later than without ladders"
            found.append(Finding("late", f"{text}, as exit {exits[delay.pair]}"))
    return found


def _restart_seconds(evidence: Evidence, delay: Delay, limit_ms: int) -> float:
    """Return the time of a restart between the moment at which a stop was due and that at which it left."""
    return sum(
        (new_ms - old_ms) / 1000
        for (process, old_ms), (next_process, new_ms) in pairwise(evidence.loops)
        if process != next_process and delay.due_ms < new_ms <= delay.left_ms(limit_ms)
    )


def exits_until(ladders: Sequence[Delay], limit_ms: int) -> dict[str, int]:
    """Return by pair the number of exits that left from the moment at which its stop was due to its own."""
    left = [delay.left_ms(limit_ms) for delay in ladders]
    return {
        delay.pair: sum(delay.due_ms < at_ms <= own_ms for at_ms in left)
        for delay, own_ms in zip(ladders, left, strict=True)
    }


def longest_loop_seconds(evidence: Evidence) -> float:
    """Return the longest loop of a bot from the first stop that was due on, without the time of a restart."""
    due = [delay.due_ms for delay in delays(evidence)]
    loops = evidence.loops
    lengths = [
        (end_ms - begin_ms) / 1000
        for (process, begin_ms), (next_process, end_ms) in pairwise(loops)
        if process == next_process and due and end_ms > min(due)
    ]
    return max(lengths, default=0.0)


def differences(ladders: Sequence[Delay], stock: Sequence[Delay], limit_ms: int) -> dict[str, float]:
    """Return by pair how much later the stop-loss left with ladders, in seconds; only pairs due in both bots."""
    without = {delay.pair: limit_ms if delay.first is None else delay.first for delay in stock}
    return {
        delay.pair: ((limit_ms if delay.first is None else delay.first) - without[delay.pair]) / 1000
        for delay in ladders
        if delay.pair in without
    }


def _findings_of(track: Track, evidence: Evidence) -> Iterator[Finding]:
    orders = _orders_of(track, evidence)
    bought = sum((order.filled for order in orders if order.side == "buy"), Decimal(0))
    sold = sum((order.filled for order in orders if order.side == "sell"), Decimal(0))
    total = track.samples[-1].total if track.samples else Decimal(0)
    # If the wallet has other coins, freqtrade takes the fee of a buy from them.
    fees = bought * _FEE if track.others else Decimal(0)
    if sold > bought + _LOT or total < -fees - _LOT:
        yield Finding("double", f"{sold} sold on {track.pair} and {bought} bought; {total} are left")
    if total > _dust(track):
        yield Finding("left", f"{total} of {track.pair} are left, below the stop-loss")
    trades = [row for row in evidence.trades if row["pair"] == track.pair]
    if total <= _dust(track) and any(row["is_open"] for row in trades):
        yield Finding("books", f"a trade on {track.pair} is open, and its coins are sold")
    yield from _books(orders, [row for row in evidence.rows if row["ft_pair"] == track.pair])
    open_trades = any(row["is_open"] for row in trades)
    for order in orders:
        if order.live and not open_trades:
            yield Finding("owner", f"{order.side} {order.client_oid} on {track.pair} is live without a trade")


def _books(orders: Sequence[Order], rows: Sequence[dict[str, Any]]) -> Iterator[Finding]:
    """Yield filled orders that are not exactly once in freqtrade's rows, with the same amounts."""
    theirs = {order.order_id: order for order in orders if order.filled}
    ours = [row for row in rows if row["filled"]]
    for order_id, order in theirs.items():
        booked = [(row["ft_order_side"], row["filled"]) for row in ours if row["order_id"] == order_id]
        if booked != [(order.side.value, float(order.filled))]:
            yield Finding("books", f"{order.side} {order.client_oid} has traded {order.filled}; its rows: {booked}")
    for row in ours:
        if row["order_id"] not in theirs:
            yield Finding("books", f"order {row['order_id']} is booked, and has not traded")


def _foreign(evidence: Evidence) -> Iterator[Finding]:
    for order in evidence.orders:
        if is_foreign(order) and (not order.live or order.filled):
            yield Finding("foreign", f"{order.client_oid} was not the bot's, and is {order.status}")


def _orders_of(track: Track, evidence: Evidence) -> list[Order]:
    symbol = symbol_of(track.pair)
    return [order for order in evidence.orders if order.symbol == symbol and not is_foreign(order)]


def _is_exit(order: Order) -> bool:
    return order.side == "sell" and not is_rung(order)


def _dust(track: Track) -> Decimal:
    """Return the amount below which coins cannot be sold."""
    return _MIN_VALUE / track.prices[-1][1]
