"""Pushes of changed orders to the websockets that are subscribed to them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from bitget_margin.emulator.api.v2.rows import pushed_row
from bitget_margin.emulator.behaviour.knobs import KnobBoard, PartialStatus
from bitget_margin.emulator.market.orders import Order, Orders
from bitget_margin.emulator.messages import encode

Topic = tuple[str, str]
"""UID of an account, and a symbol."""


@dataclass(frozen=True, slots=True)
class Push:
    """Message to a subscriber, and the way in which it is sent.

    :param delay_ms: time before it is sent
    :param copies: number of times that it is sent
    :param drop_every: each n-th push of a connection is lost together with the connection, 0 for none
    """

    text: str
    delay_ms: int
    copies: int
    drop_every: int


class Listener(Protocol):
    """Subscriber, called under the venue's lock in any thread, and so must not block."""

    def push(self, push: Push) -> None:
        """Accept a message."""

    def due_in(self, delay_ms: int) -> None:
        """Schedule a call of `Venue.settle`, which executes the venue's next action though no request arrives."""


class OrderFeed:
    """Subscriptions to orders by account and symbol; to be used under the venue's lock."""

    def __init__(self, orders: Orders, knobs: KnobBoard) -> None:
        self._orders = orders
        self._knobs = knobs
        self._topics: dict[Listener, dict[Topic, Mapping[str, str]]] = {}
        orders.observe(self._publish)

    def add(self, listener: Listener, topic: Topic, arg: Mapping[str, str]) -> None:
        """Subscribe a listener to a topic.

        :param arg: the topic as it is named in messages
        """
        self._topics.setdefault(listener, {})[topic] = arg

    def remove(self, listener: Listener, topic: Topic) -> None:
        """Unsubscribe a listener from a topic."""
        self._topics.get(listener, {}).pop(topic, None)

    def remove_all(self, listener: Listener) -> None:
        """Unsubscribe a listener from all topics."""
        self._topics.pop(listener, None)

    def announce(self, due_ms: int, now_ms: int) -> None:
        """Report to all listeners when the venue's next action is due."""
        for listener in self._topics:
            listener.due_in(due_ms - now_ms)

    def _publish(self, order: Order) -> None:
        for listener, topics in self._topics.items():
            arg = topics.get((order.uid, order.symbol))
            if arg is not None:
                listener.push(self._push(order, arg))

    def _push(self, order: Order, arg: Mapping[str, str]) -> Push:
        knobs = self._knobs.of(order.uid)
        documented = knobs.partial_status is PartialStatus.DOCUMENTED
        spelling = PartialStatus.PARTIALLY_FILLED if documented else knobs.partial_status
        row = pushed_row(order, self._orders.fills_of_order(order), spelling)
        message = {"action": "snapshot", "arg": arg, "data": [row], "ts": order.updated_ms}
        copies = 2 if knobs.push_twice else 1
        return Push(encode(message).decode(), knobs.push_delay_ms, copies, knobs.push_drop_every)
