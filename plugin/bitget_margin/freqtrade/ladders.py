"""Ladders placed for trades: checked, written down, sent once, and told of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bitget_margin.freqtrade import bookkeeping, client_ids, ladder
from bitget_margin.freqtrade.base import Trade
from bitget_margin.freqtrade.bookkeeping import key_of
from bitget_margin.freqtrade.ladder import Limits
from bitget_margin.freqtrade.rung import Kind, Phase, Rung
from bitget_margin.freqtrade.venue import Budget, now_ms

if TYPE_CHECKING:
    from bitget_margin.freqtrade.exchange import Bitgetcross
    from bitget_margin.freqtrade.keeper import Keeper


class Ladders:
    """What a strategy asks for."""

    def __init__(self, exchange: Bitgetcross, keeper: Keeper) -> None:
        self._exchange = exchange
        self._keeper = keeper

    def place(self, given: Trade, orders: object, key: object) -> list[dict[str, Any]]:
        """Place the ladder `key` of a trade, once; a second call returns the same orders."""
        name = ladder.check_key(key)
        with self._keeper.lock:
            trade_key = key_of(given)
            known = self._keeper.records.of_trade(trade_key, name)
            if known:
                return [rung.order() for rung in known]
            trade = bookkeeping.open_trades().get(trade_key)
            if trade is None:
                raise ladder.LadderRefused(f"trade {given.id} on {given.pair} is not open: a ladder needs an open one")
            steps = ladder.steps(orders, self._limits(trade))
            at_ms, bot_key = now_ms(), self._keeper.records.key()
            rungs = [
                Rung(
                    client_id=client_ids.rung(bot_key, trade_key, name, number),
                    kind=Kind.RUNG,
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
            self._keeper.records.add(rungs)
            placed = self._keeper.venue.place(trade.pair, rungs, Budget(self._keeper.settings.wait_ms))
            self._keeper.records.update(zip(rungs, placed, strict=True))
            self._tell_placed(trade, name, placed)
            return [rung.order() for rung in placed]

    def resting(self, trade: Trade) -> list[dict[str, Any]]:
        """Return all resting orders of a trade as they are known, the ended ones too; asks nobody."""
        return [rung.order() for rung in self._keeper.records.of_trade(key_of(trade))]

    def _limits(self, trade: Trade) -> Limits:
        pair, exchange = trade.pair, self._exchange
        market = exchange.markets[pair]
        selling = self._keeper.selling(trade) + sum(
            row.safe_remaining for row in trade.open_orders if row.ft_order_side == trade.exit_side
        )
        return Limits(
            pair=pair,
            most=exchange.batch_max,
            sellable=max(0.0, bookkeeping.left(trade) - selling),
            spendable=lambda: exchange.free(market["quote"]),
            min_amount=market["limits"]["amount"]["min"],
            min_cost=market["limits"]["cost"]["min"],
            to_amount=lambda amount: exchange.amount_to_precision(pair, amount),
            to_price=lambda price: exchange.price_to_precision(pair, price),
        )

    def _tell_placed(self, trade: Trade, name: str, placed: Sequence[Rung]) -> None:
        live = [rung for rung in placed if rung.phase is Phase.LIVE]
        self._keeper.notices.note(
            f"Ladder {name!r} of trade {trade.id} on {trade.pair}: {len(live)} of {len(placed)} placed."
        )
        for rung in placed:
            if rung.phase is Phase.REFUSED:
                self._keeper.notices.warn(
                    f"Resting {rung.side} of {rung.amount:.8g} at {rung.price:.8g} on {rung.pair} (ladder {name!r}, "
                    f"trade {trade.id}) was refused: {rung.reason}. It is not placed again under this key.",
                )
        unclear = [rung for rung in placed if rung.phase is Phase.INTENDED]
        if unclear:
            self._keeper.notices.warn(
                f"{len(unclear)} resting orders on {trade.pair} (ladder {name!r}, trade {trade.id}) may have been "
                f"placed: {unclear[0].reason}. Every loop looks for them; nothing is sent twice.",
            )
