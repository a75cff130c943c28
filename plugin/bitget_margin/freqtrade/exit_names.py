"""Client order ids of exits, which follow from key, trade and number: an exit is found without having been stored.

The venue does not refuse a name that was used before, so every exit takes a new number. After a start, the numbers that
may have been used without a record are looked up first.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

import ccxt

from bitget_margin import client_order_ids
from bitget_margin.freqtrade import trade_rows
from bitget_margin.freqtrade.budget import Budget
from bitget_margin.freqtrade.client import VenueClient, epoch_ms
from bitget_margin.freqtrade.compat import TemporaryError, Trade, order_row
from bitget_margin.freqtrade.order_store import OrderStore
from bitget_margin.freqtrade.tracked_order import Origin, Phase, TrackedOrder, TradeKey, apply_row
from bitget_margin.freqtrade.trade_rows import key_of

BLOCKS_SECONDS: Final = 30.0
"""Time for which an order without an answer blocks others on its side of its pair.

Unless the balance shows sooner that it is not there. After that the venue would refuse it for its age.
"""
_SEARCHED_NUMBERS: Final = 2
"""Exits in a row that may have been sent without a record."""


@dataclass(eq=False, kw_only=True)
class ExitNames:
    """Names of exits, and the search for exits of an earlier run of the bot.

    :param adopt: hands an order to freqtrade; set once its manager is built
    """

    store: OrderStore
    client: VenueClient
    epoch_ms: Callable[[], int] = epoch_ms
    adopt: Callable[[TrackedOrder], object] = lambda _: None
    started_ms: int = field(init=False)
    """Start of this run of the bot."""
    _known_ms: int | None = field(default=None, init=False)
    """Time from which this run knows its trades: a slow venue may have kept it from them for long."""
    _numbers: dict[TradeKey, int] = field(default_factory=dict, init=False)
    """Number of the next exit, at least; by trade."""
    _searched: set[TradeKey] = field(default_factory=set, init=False)
    """Trades of earlier runs whose exits were looked for."""

    def __post_init__(self) -> None:
        self.started_ms = self.epoch_ms()

    def begin(self) -> None:
        """Note that this run knows its trades from now on, unless it does already."""
        if self._known_ms is None:
            self._known_ms = self.epoch_ms()

    def next(self, trade: Trade | None) -> tuple[int, str]:
        """Return number and client order id of the next exit of a trade; for other orders 0 and a random id."""
        if trade is None:
            return 0, client_order_ids.new_order_id(self.store.key())
        number = self._next_number(trade)
        self._numbers[key_of(trade)] = number + 1
        return number, self._client_id(trade, number)

    def give_back(self, refused: TrackedOrder) -> None:
        """Use the number of an exit again that was certainly not placed."""
        if refused.trade is not None and self._numbers.get(refused.trade) == refused.number + 1:
            self._numbers[refused.trade] = refused.number

    def find(self, trade: Trade, budget: Budget) -> None:
        """Look for exits that an earlier run of the bot may have sent without a record; once for each trade.

        :raises TemporaryError: one was found, or there is no answer in the first half a minute of loops: the exit might
            be sent twice
        """
        key = key_of(trade)
        if key in self._searched or key.opened_ms >= self.started_ms:
            return
        self.begin()
        first = self._next_number(trade)
        names = [self._client_id(trade, number) for number in range(first, first + _SEARCHED_NUMBERS)]
        sought = [
            TrackedOrder(name, Origin.FREQTRADE, key.id, key.opened_ms, trade.pair, trade.exit_side, "", i, 0.0, 0.0, 0)
            for i, name in enumerate(names, first)
        ]
        try:
            rows = self.client.view_rows(trade.pair, sought, budget)
        except ccxt.BaseError as error:
            if self.epoch_ms() - (self._known_ms or 0) < BLOCKS_SECONDS * 1_000:
                raise TemporaryError(
                    f"Exit of trade {trade.id} on {trade.pair}: whether one was sent before the start of the bot could "
                    f"not be looked up ({error}); the next loop asks again",
                ) from error
            return
        has_found = has_row = False
        for order in sought:
            row = rows.get(order.client_id)
            if row is None:
                continue
            self._numbers[key] = order.number + 1
            if order_row(row["id"], trade.pair) is not None:
                has_row = True  # freqtrade has it: only the number is new
                continue
            asked = replace(order, price=row["price"] or row["average"] or 0.0, amount=row["amount"] or 0.0)
            asked = trade_rows.as_cover(trade, asked)
            found = apply_row(asked, row) or asked
            has_found |= found.phase.open or found.filled > 0
            # Live until freqtrade has it: an ended order that could not be handed over would be looked up no more.
            self.store.note(replace(found, phase=Phase.LIVE))
            self.adopt(found)
        if has_found:
            raise TemporaryError(
                f"Exit of trade {trade.id} on {trade.pair}: one that was sent before the start of the bot has been "
                "found. This one was decided on without it, and is not placed: the next loop decides again.",
            )
        if has_row and budget.left_ms():
            self.find(trade, budget)
            return
        self._searched.add(key)

    def _next_number(self, trade: Trade) -> int:
        """Return the number of the next exit of a trade: above all that were used, as far as they are known."""
        key = key_of(trade)
        rungs = {order.order_id for order in self.store.of_trade(key)}
        exits = [row for row in trade.orders if row.ft_order_side == trade.exit_side and row.order_id not in rungs]
        stored = (order.number + 1 for order in self.store.own_of(key) if order.side == trade.exit_side)
        return max(len(exits), self._numbers.get(key, 0), *stored, 0)

    def _client_id(self, trade: Trade, number: int) -> str:
        key = key_of(trade)
        return client_order_ids.exit_order_id(self.store.key(), key.id, key.opened_ms, number)
