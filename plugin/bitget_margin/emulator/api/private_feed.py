"""Pushes of orders, fills and balances to the websockets that are subscribed to them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Protocol

from bitget_margin.emulator.api.channels import Channel, Topic
from bitget_margin.emulator.api.request import Row
from bitget_margin.emulator.api.v2.rows import pushed_asset_row, pushed_row
from bitget_margin.emulator.api.v3.category import Category, in_case
from bitget_margin.emulator.api.v3.pushed_rows import pushed_account_row, pushed_fill_row, pushed_order_row
from bitget_margin.emulator.api.v3.rows import margin_row
from bitget_margin.emulator.behaviour.knob_board import KnobBoard
from bitget_margin.emulator.behaviour.knobs import PartialStatus
from bitget_margin.emulator.market.engine import Engine
from bitget_margin.emulator.market.orders import Order
from bitget_margin.emulator.market.wallet import NO_DEBT, NOTHING, Account, Balance, Debt
from bitget_margin.emulator.messages import encode


@dataclass(frozen=True, slots=True)
class Push:
    """Message to a subscriber, and the way in which it is sent.

    :param delay_ms: time before it is sent
    :param copies: number of times that it is sent
    :param drop_every: each n-th push of a connection is lost together with the connection, 0 for none
    :param lose_every: each n-th push of a connection is lost without a sign, 0 for none
    :param swap_every: each n-th push of a connection is sent after the next one, 0 for none
    """

    text: str
    delay_ms: int
    copies: int
    drop_every: int
    lose_every: int = 0
    swap_every: int = 0


class Listener(Protocol):
    """Subscriber, called under the venue's lock in any thread, and so must not block."""

    def push(self, push: Push) -> None:
        """Accept a message."""

    def due_in(self, delay_ms: int) -> None:
        """Schedule a call of `Venue.settle`, which executes the venue's next action though no request arrives."""


class PrivateFeed:
    """Subscriptions by account, channel and symbol; to be used under the venue's lock."""

    def __init__(self, engine: Engine, accounts: Sequence[Account], knobs: KnobBoard) -> None:
        self._engine = engine
        self._debts = {account.uid: account.debts for account in accounts}
        self._knobs = knobs
        self._topics: dict[Listener, dict[Topic, Mapping[str, str]]] = {}
        engine.orders.observe(self._publish_order)
        for uid, wallet in engine.wallets.items():
            wallet.observe(partial(self._publish_balance, uid))

    def add(self, listener: Listener, topic: Topic, arg: Mapping[str, str], now_ms: int) -> None:
        """Subscribe a listener to a topic; the balances of all coins are pushed at once.

        :param arg: the topic as it is named in messages
        """
        topics = self._topics.setdefault(listener, {})
        is_new = topic not in topics
        topics[topic] = arg
        if is_new and topic.channel in (Channel.ACCOUNT, Channel.ACCOUNT_CROSSED):
            self._send(listener, topic, arg, self._balance_rows(topic, None, now_ms), now_ms)

    def remove(self, listener: Listener, topic: Topic) -> None:
        """Unsubscribe a listener from a topic."""
        self._topics.get(listener, {}).pop(topic, None)

    def remove_all(self, listener: Listener) -> None:
        """Unsubscribe a listener from all topics."""
        self._topics.pop(listener, None)

    def remove_account(self, uid: str) -> None:
        """End all subscriptions of an account without a sign."""
        for listener, topics in self._topics.items():
            self._topics[listener] = {topic: arg for topic, arg in topics.items() if topic.uid != uid}

    def announce(self, due_ms: int, now_ms: int) -> None:
        """Report to all listeners when the venue's next action is due."""
        for listener in self._topics:
            listener.due_in(due_ms - now_ms)

    def subscribed(self) -> set[Topic]:
        """Return the topics that have a listener."""
        return {topic for topics in self._topics.values() for topic in topics}

    def _publish_order(self, order: Order) -> None:
        knobs = self._knobs.of(order.uid)
        category = in_case(Category.MARGIN, knobs.category_case)
        fills = self._engine.orders.fills_of_order(order)
        documented = knobs.partial_status is PartialStatus.DOCUMENTED
        spelling = PartialStatus.PARTIALLY_FILLED if documented else knobs.partial_status
        rows: dict[Topic, Callable[[], Row]] = {
            Topic(order.uid, Channel.ORDERS_CROSSED, order.symbol): lambda: pushed_row(order, fills, spelling),
            Topic(order.uid, Channel.ORDER): lambda: pushed_order_row(order, spelling, fills, category),
        }
        if fills and fills[-1].order is order:
            rows[Topic(order.uid, Channel.FILL)] = lambda: pushed_fill_row(fills[-1], category)
        for listener, topics in self._topics.items():
            for topic, row in rows.items():
                if topic in topics:
                    self._send(listener, topic, topics[topic], [row()], order.updated_ms)

    def _publish_balance(self, uid: str, coins: Mapping[str, bool], now_ms: int) -> None:
        """Push the balances of changed coins.

        :param coins: changed coins, and whether more than the frozen part has changed
        """
        listed = tuple(coin for coin, is_more in coins.items() if is_more or self._knobs.of(uid).push_frozen)
        for listener, topics in self._topics.items():
            for topic in (Topic(uid, Channel.ACCOUNT_CROSSED), Topic(uid, Channel.ACCOUNT)):
                if listed and topic in topics:
                    self._send(listener, topic, topics[topic], self._balance_rows(topic, listed, now_ms), now_ms)

    def _balance_rows(self, topic: Topic, coins: Sequence[str] | None, now_ms: int) -> list[Row]:
        """Return the rows of some coins, or of all that the account has or owes."""
        held = self._holdings(topic.uid)
        listed = (
            tuple(coin for coin, (balance, debt) in held.items() if any((*balance, *debt))) if coins is None else coins
        )
        if topic.channel is Channel.ACCOUNT:
            dollars = {coin: self._engine.dollars(coin) for coin in held}
            return [pushed_account_row(held, listed, dollars, margin_row(self._engine.loans, topic.uid))]
        return [pushed_asset_row(coin, *held[coin], topic.uid, now_ms) for coin in listed]

    def _holdings(self, uid: str) -> dict[str, tuple[Balance, Debt]]:
        wallet, debts = self._engine.wallets[uid], self._debts[uid]
        balances, owed = wallet.balances(), wallet.debts()
        return {
            coin: (balances.get(coin, NOTHING), owed.get(coin, NO_DEBT).plus(Decimal(debts.get(coin, "0"))))
            for coin in dict.fromkeys((*balances, *debts, *owed))
        }

    def _send(self, listener: Listener, topic: Topic, arg: Mapping[str, str], rows: list[Row], at_ms: int) -> None:
        knobs = self._knobs.of(topic.uid)
        message = {"action": knobs.push_action.value, "arg": arg, "data": rows, "ts": at_ms}
        listener.push(
            Push(
                encode(message).decode(),
                knobs.push_delay_ms,
                2 if knobs.push_twice else 1,
                knobs.push_drop_every,
                knobs.push_lose_every,
                knobs.push_swap_every,
            )
        )
