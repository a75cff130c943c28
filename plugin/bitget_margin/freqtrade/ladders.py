"""Ladders placed for trades: checked, written down, sent once, and sent again where the refusal was of the moment."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import ccxt

from bitget_margin import client_order_ids
from bitget_margin.freqtrade import ladder_spec, trade_rows
from bitget_margin.freqtrade.client import Budget, epoch_ms
from bitget_margin.freqtrade.compat import Trade
from bitget_margin.freqtrade.ladder_spec import SELL, Limits
from bitget_margin.freqtrade.tracked_order import Origin, Phase, TrackedOrder, TradeKey
from bitget_margin.freqtrade.trade_rows import key_of

if TYPE_CHECKING:
    from bitget_margin.freqtrade.exchange import Bitgetcross
    from bitget_margin.freqtrade.resting_orders import RestingOrders


_PAUSES_SECONDS: Final = (0.0, 5.0, 10.0, 20.0, 40.0, 60.0, 120.0, 300.0)
"""Between the tries to place what was refused for the moment; the last one repeats."""
_REL_TOLERANCE: Final = 1e-9
"""What the sum of floats may be off by."""


@dataclass(slots=True)
class _Tries:
    """How often the waiting orders of a ladder were tried again, and when they are tried next."""

    count: int = 0
    at_seconds: float = 0.0


class Ladders:
    """What a strategy asks for."""

    def __init__(self, exchange: Bitgetcross, resting: RestingOrders) -> None:
        self._exchange = exchange
        self._resting = resting
        self._tries: dict[tuple[TradeKey, str], _Tries] = {}

    def place(self, given: Trade, orders: object, key: object) -> list[dict[str, Any]]:
        """Place the ladder `key` of a trade, once; a second call returns the same orders."""
        name = ladder_spec.check_key(key)
        with self._resting.lock:
            trade_key = key_of(given)
            known = self._resting.store.of_trade(trade_key, name)
            if known:
                return [rung.order() for rung in known]
            trade = trade_rows.open_trades().get(trade_key)
            if trade is None:
                raise ladder_spec.LadderRefused(
                    f"trade {given.id} on {given.pair} is not open: a ladder needs an open one"
                )
            steps = ladder_spec.steps(orders, self._limits(trade))
            at_ms, bot_key = epoch_ms(), self._resting.store.key()
            rungs = [
                TrackedOrder(
                    client_id=client_order_ids.rung(bot_key, trade_key.id, trade_key.opened_ms, name, number),
                    kind=Origin.LADDER,
                    trade_id=trade_key.id,
                    opened_ms=trade_key.opened_ms,
                    pair=trade.pair,
                    side=step.side,
                    ladder=name,
                    number=number,
                    price=step.price,
                    amount=step.amount,
                    intended_ms=at_ms,
                )
                for number, step in enumerate(steps)
            ]
            if not rungs:
                return []
            self._resting.store.add(rungs)
            placed = self._resting.client.place(trade.pair, rungs, Budget(self._resting.settings.wait_ms))
            self._resting.store.update(zip(rungs, placed, strict=True))
            self._tell_placed(trade, name, placed)
            return [rung.order() for rung in placed]

    def place_waiting(self, busy: Collection[TradeKey], budget: Budget) -> None:
        """Place what was refused for the moment, in growing intervals, until it is placed or refused for good.

        :param busy: trades that are in the middle of an exit, in another thread
        :param budget: the time for all of them
        """
        with self._resting.lock:
            waiting = self._resting.store.in_phase(Phase.WAITING)
            trades = trade_rows.open_trades() if waiting else {}
            ladders: dict[tuple[TradeKey, str], list[TrackedOrder]] = {}
            for rung in waiting:
                if rung.trade is not None and rung.trade not in busy:
                    ladders.setdefault((rung.trade, rung.ladder), []).append(rung)
            for (key, name), rungs in ladders.items():
                trade = trades.get(key)
                tries = self._tries.setdefault((key, name), _Tries())
                if trade is None:
                    self._refuse(rungs, "its trade has ended")
                elif self._resting.seconds() >= tries.at_seconds and budget.left_ms():
                    try:
                        self._place_again(trade, name, rungs, tries, budget)
                    except ccxt.BaseError as error:
                        about = f"Ladder {name!r} of trade {trade.id} on {trade.pair}"
                        self._resting.alerts.warn(f"{about} could not be placed again: {error}", about)

    def drop_waiting(self, trade: Trade) -> None:
        """Place nothing more for a trade that exits."""
        rungs = self._resting.store.of_trade(key_of(trade))
        self._refuse([rung for rung in rungs if rung.phase is Phase.WAITING], "its trade exits")

    def _place_again(self, trade: Trade, name: str, rungs: list[TrackedOrder], tries: _Tries, budget: Budget) -> None:
        tries.count += 1
        tries.at_seconds = self._resting.seconds() + _PAUSES_SECONDS[min(tries.count, len(_PAUSES_SECONDS) - 1)]
        rungs = self._still_missing(trade, rungs, budget)
        sellable = self._limits(trade).sellable
        if sum(rung.amount for rung in rungs if rung.side == SELL) > sellable * (1 + _REL_TOLERANCE):
            self._refuse(rungs, "the trade has sold a part of its coins since")
            return
        if not rungs:
            return
        placed = self._resting.client.place(trade.pair, rungs, budget)
        self._resting.store.update(zip(rungs, placed, strict=True))
        if any(rung.phase is not Phase.WAITING for rung in placed):
            self._tell_placed(trade, name, placed)

    def _still_missing(self, trade: Trade, rungs: list[TrackedOrder], budget: Budget) -> list[TrackedOrder]:
        """Look before anything is sent again: a request that was refused may have been executed late."""
        asked = [replace(rung, phase=Phase.INTENDED) for rung in rungs]
        shown = self._resting.client.view(trade.pair, asked, budget)
        for rung, found in zip(rungs, shown, strict=True):
            if found is not None:
                self._resting.take_in(rung, found)
        return [rung for rung, found in zip(rungs, shown, strict=True) if found is None]

    def _refuse(self, rungs: Sequence[TrackedOrder], why: str) -> None:
        """Place these no more; should one of them be there after all, it is found."""
        self._resting.store.update((rung, replace(rung, phase=Phase.LOST, reason=why)) for rung in rungs)
        for rung in rungs:
            self._resting.alerts.info(
                f"Resting {rung.side} on {rung.pair} (ladder {rung.ladder!r}) is given up: {why}."
            )

    def resting(self, trade: Trade) -> list[dict[str, Any]]:
        """Return all resting orders of a trade as they are known, the ended ones too; asks nobody."""
        return [rung.order() for rung in self._resting.store.of_trade(key_of(trade))]

    def _limits(self, trade: Trade) -> Limits:
        pair, exchange = trade.pair, self._exchange
        market = exchange.markets[pair]
        selling = self._resting.selling(trade) + sum(
            row.safe_remaining for row in trade.open_orders if row.ft_order_side == trade.exit_side
        )
        return Limits(
            pair=pair,
            most=exchange.batch_max,
            sellable=max(0.0, trade_rows.remaining_amount(trade) - selling),
            spendable=lambda: exchange.free(market["quote"]),
            min_amount=market["limits"]["amount"]["min"],
            min_cost=market["limits"]["cost"]["min"],
            to_amount=lambda amount: exchange.amount_to_precision(pair, amount),
            to_price=lambda price: exchange.price_to_precision(pair, price),
        )

    def _tell_placed(self, trade: Trade, name: str, placed: Sequence[TrackedOrder]) -> None:
        live = [rung for rung in placed if rung.phase is Phase.LIVE]
        self._resting.alerts.info(
            f"Ladder {name!r} of trade {trade.id} on {trade.pair}: {len(live)} of {len(placed)} placed."
        )
        for rung in placed:
            if rung.phase in {Phase.REFUSED, Phase.LOST}:
                self._resting.alerts.warn(
                    f"Resting {rung.side} of {rung.amount:.8g} at {rung.price:.8g} on {rung.pair} (ladder {name!r}, "
                    f"trade {trade.id}) was refused: {rung.reason}. It is not placed again under this key.",
                )
        waiting = [rung for rung in placed if rung.phase is Phase.WAITING]
        if waiting:
            self._resting.alerts.warn(
                f"{len(waiting)} resting orders on {trade.pair} (ladder {name!r}, trade {trade.id}) were refused for "
                f"the moment: {waiting[0].reason}. The loop places them again.",
                f"waiting {trade.id} {name}",
            )
        unclear = [rung for rung in placed if rung.phase is Phase.INTENDED]
        if unclear:
            self._resting.alerts.warn(
                f"{len(unclear)} resting orders on {trade.pair} (ladder {name!r}, trade {trade.id}) may have been "
                f"placed: {unclear[0].reason}. Every loop looks for them; nothing is sent twice.",
            )
