"""Changes of orders on their way to those who listen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from bitget_margin.emulator.api.v2.rows import pushed_row
from bitget_margin.emulator.behaviour.knobs import KnobBoards, PartialStatus
from bitget_margin.emulator.market.order import Order, Orders
from bitget_margin.emulator.messages import encode

#: An account by its UID, and a symbol.
Topic = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Push:
    """A message that nobody asked for.

    :param delay_ms: how long to wait before it is sent
    :param copies: how often it is sent
    :param drop_every: which pushes of a connection are lost together with it, 0 for none: the so many-th ones
    """

    text: str
    delay_ms: int
    copies: int
    drop_every: int


class Listener(Protocol):
    """Somebody who is told under the venue's lock, in whatever thread the change happened, and so must not wait."""

    def push(self, push: Push) -> None:
        """Take a message."""

    def due_in(self, delay_ms: int) -> None:
        """Learn when the venue has something to do, though nobody may ask it anything then."""


class OrderFeed:
    """Who listens to the orders of which account and symbol; to be used under the venue's lock."""

    def __init__(self, orders: Orders, knobs: KnobBoards) -> None:
        self._orders = orders
        self._knobs = knobs
        self._topics: dict[Listener, dict[Topic, Mapping[str, str]]] = {}
        orders.observe(self._publish)

    def add(self, listener: Listener, topic: Topic, arg: Mapping[str, str]) -> None:
        """Have somebody told of a topic's changes.

        :param arg: what the topic is called in the messages
        """
        self._topics.setdefault(listener, {})[topic] = arg

    def remove(self, listener: Listener, topic: Topic) -> None:
        """Have somebody no longer told of a topic."""
        self._topics.get(listener, {}).pop(topic, None)

    def forget(self, listener: Listener) -> None:
        """Have somebody told nothing any more."""
        self._topics.pop(listener, None)

    def announce(self, due_ms: int, now_ms: int) -> None:
        """Tell everybody when the next thing is due that the venue does by itself."""
        for listener in self._topics:
            listener.due_in(due_ms - now_ms)

    def _publish(self, order: Order) -> None:
        for listener, topics in self._topics.items():
            arg = topics.get((order.uid, order.symbol))
            if arg is not None:
                listener.push(self._push(order, arg))

    def _push(self, order: Order, arg: Mapping[str, str]) -> Push:
        knobs = self._knobs.of(order.uid).now
        chosen = knobs.partial_status
        spelling = PartialStatus.PARTIALLY_FILLED if chosen is PartialStatus.DOCUMENTED else chosen
        row = pushed_row(order, self._orders.fills_of_order(order), spelling)
        message = {"action": "snapshot", "arg": arg, "data": [row], "ts": order.updated_ms}
        return Push(
            text=encode(message).decode(),
            delay_ms=knobs.push_delay_ms,
            copies=2 if knobs.push_twice else 1,
            drop_every=knobs.push_drop_every,
        )
