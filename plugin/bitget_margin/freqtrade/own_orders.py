"""Open orders of the bot that the store does not know, or has given up: recognised by the key, and taken in again.

They are left by a restored database, a disk that was full, or an order that was refused by word and executed. Without
this they would hold coins that every exit needs, and nobody would be told.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from bitget_margin import client_order_ids
from bitget_margin.freqtrade import trade_rows
from bitget_margin.freqtrade.alerts import Alerts
from bitget_margin.freqtrade.client import epoch_ms
from bitget_margin.freqtrade.compat import order_row
from bitget_margin.freqtrade.order_store import OrderStore
from bitget_margin.freqtrade.tracked_order import Origin, Phase, TrackedOrder, apply_row
from bitget_margin.freqtrade.trade_rows import key_of

LADDER: Final = "found"
"""Name of the ladder of orders whose own is not known."""
_SHOWN: Final = 3
"""Number of orders that a message names."""
_YOUNG_MS: Final = 10_000
"""Age below which an entry or exit may be one that freqtrade is just storing, or has just ended."""


@dataclass(eq=False, kw_only=True)
class OwnOrders:
    """Open orders with the bot's key, compared with the store and freqtrade's rows.

    :param adopt: hands an order of freqtrade's own to freqtrade
    :param note_alive: notes that an order which the operator has forgotten is open, with its structure
    """

    store: OrderStore
    alerts: Alerts
    adopt: Callable[[TrackedOrder], object]
    note_alive: Callable[[TrackedOrder, Mapping[str, Any]], object]
    epoch_ms: Callable[[], int] = epoch_ms
    _seen_ms: dict[str, int] = field(default_factory=dict, init=False)
    """Time at which an unknown entry or exit was seen first, by client order id."""

    def take_in(self, pair: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Take in those of these open orders that the store does not list as open.

        :param rows: ccxt's order structures
        """
        unknown = []
        for row in rows:
            known = self.store.by_client_id(row["clientOrderId"])
            if known is None:
                if self._take_in_unknown(pair, row):
                    unknown.append(str(row["id"]))
            elif known.phase in {Phase.WAITING, Phase.REFUSED, Phase.LOST}:
                self._take_in_again(known, row)
            elif known.phase is Phase.FORGOTTEN:
                self.note_alive(known, row)
        if unknown:
            names = ", ".join(unknown[:_SHOWN]) + (" and others" if len(unknown) > _SHOWN else "")
            self.alerts.warn(
                f"{len(unknown)} open orders carry this bot's key and are not in its database: {names}. Either the "
                "database was restored from an older copy, or another bot runs on a copy of it. One key is for one "
                "running bot: if there is another one, stop one of them, and give it a new database.",
                "unknown orders",
            )

    def _take_in_again(self, known: TrackedOrder, row: Mapping[str, Any]) -> None:
        now = apply_row(replace(known, phase=Phase.INTENDED), row)
        if now is None:
            return
        self.alerts.warn(
            f"The {now.side} order {now.order_id} on {now.pair} was taken as not placed, and is there: it is taken in.",
            f"own {now.client_id}",
        )
        self.store.update([(known, now)])
        if now.origin is Origin.FREQTRADE:
            self.adopt(now)

    def _take_in_unknown(self, pair: str, row: Mapping[str, Any]) -> bool:
        """Take in an order that neither the store nor freqtrade has; return whether it was."""
        name = row["clientOrderId"]
        parsed = client_order_ids.parse(name)
        if parsed is None or order_row(row["id"], pair) is not None:
            return False
        order = TrackedOrder(
            client_id=name,
            origin=Origin.LADDER,
            trade_id=parsed.trade,
            opened_ms=0,
            pair=pair,
            side=row["side"],
            ladder=LADDER,
            number=(parsed.rung or 1) - 1,
            price=float(row["price"] or 0.0),
            amount=float(row["amount"] or 0.0),
            intended_ms=int(row["timestamp"] or self.epoch_ms()),
            phase=Phase.LIVE,
            order_id=row["id"],
            filled=float(row["filled"] or 0.0),
            average=row["average"],
        )
        trade = trade_rows.open_trade(pair)
        if parsed.trade is None:
            return self._take_in_own(order if trade is None else trade_rows.as_cover(trade, order), trade)
        owner = trade if trade is not None and trade.id == parsed.trade else trade_rows.trade_of_number(parsed.trade)
        if owner is not None:
            order = trade_rows.as_cover(owner, order)
        if trade is not None and owner is trade:
            order = replace(order, opened_ms=key_of(trade).opened_ms)
            fate = f"belongs to trade {trade.id}"
        else:
            fate = "has no open trade, and is canceled"
        self.alerts.warn(f"Resting {order.side} {order.order_id} on {pair} is not in the database: it {fate}.")
        self.store.note(order)
        return True

    def _take_in_own(self, order: TrackedOrder, trade: Any) -> bool:
        """Hand an entry or exit to freqtrade, once it is old enough and was seen twice: a list may be stale."""
        now_ms = self.epoch_ms()
        first_ms = self._seen_ms.setdefault(order.client_id, now_ms)
        if now_ms - max(first_ms, order.intended_ms) < _YOUNG_MS:
            return False
        self._seen_ms.pop(order.client_id)
        key = None if trade is None else key_of(trade)
        own = replace(
            order,
            origin=Origin.FREQTRADE,
            ladder="",
            trade_id=None if key is None else key.id,
            opened_ms=None if key is None else key.opened_ms,
        )
        self.store.note(own)
        self.adopt(own)
        return True
