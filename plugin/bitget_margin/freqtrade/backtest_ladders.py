"""Ladders in backtests: resting orders that are simulated on freqtrade's candles.

An order is never filled in the candle in which it was placed. In a later one, freqtrade evaluates the exits at its
beginning, and the price of the first one decides:

- Orders that the open has jumped over are filled first, at their own price.
- Without an exit, every order that the candle has reached is filled: first those that add to the position, which the
  price reaches by going against the trade, then those that reduce it.
- With an exit, only orders between the open and the price of the exit are filled: the price had to pass them. The exit
  cancels the others, also those that the candle may have reached before.

The last coins are sold, or covered, by an open order of freqtrade's own, which it fills in the same candle: wallets,
protections and results are freqtrade's then.
"""

import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final, cast
from weakref import WeakKeyDictionary

from bitget_margin.core.api import api_of
from bitget_margin.core.endpoints import AccountKind
from bitget_margin.freqtrade import ladder_changes, ladder_spec, simulated_rows, trade_rows
from bitget_margin.freqtrade.backtest_fills import LIQUIDATION, STOPS, BacktestFills
from bitget_margin.freqtrade.candle_fills import CandlePrices
from bitget_margin.freqtrade.compat import FUTURES, FreqtradeOrder, Trade, lot_amount
from bitget_margin.freqtrade.config import BotSettings, PartialExits, parse_config
from bitget_margin.freqtrade.free_quote import free_quote
from bitget_margin.freqtrade.ladder_spec import BUY, REL_TOLERANCE, Limits
from bitget_margin.freqtrade.simulation_compat import BacktestStrategy, hold_stake, rounded_price
from bitget_margin.freqtrade.tracked_order import Origin, Phase, TrackedOrder
from bitget_margin.freqtrade.trade_ladders import TradeLadders
from bitget_margin.freqtrade.trade_rows import key_of

_NONE: Final = TradeLadders()


@dataclass(eq=False)
class BacktestLadders:
    """The simulated ladders of a strategy.

    :param strategy: the strategy, whose callbacks are called as freqtrade calls them
    """

    strategy: BacktestStrategy
    now: datetime | None = None
    """The beginning of the candle that freqtrade is in."""
    _settings: BotSettings = field(init=False)
    _trades: "WeakKeyDictionary[Trade, TradeLadders]" = field(default_factory=WeakKeyDictionary, init=False)
    _fills: BacktestFills = field(init=False)

    def __post_init__(self) -> None:
        self._settings = parse_config(self.strategy.config)
        self._fills = BacktestFills(self.strategy, self._settings.simulated_fills)

    # -- the strategy's own calls -------------------------------------------------------------------------------------

    def place(self, given: Any, orders: object, key: object) -> list[dict[str, Any]]:
        """Place the ladder `key` of a trade, once; a second call returns the same orders."""
        name = ladder_spec.check_key(key)
        trade = _own(given)
        if trade is None:
            raise ladder_spec.LadderRefused(f"trade {given.id} on {given.pair} is not open: a ladder needs an open one")
        ladders = self._trades.setdefault(trade, TradeLadders())
        if name not in ladders.orders:
            self._place(trade, ladders, name, ladder_spec.parse_ladder(orders, self._limits(trade, ladders)))
        return [order.to_ccxt() for order in ladders.orders.get(name, ())]

    def change(self, given: Any, orders: object, key: object) -> list[dict[str, Any]]:
        """Change the ladder `key` of a trade into these orders; what is new rests from the next candle on."""
        name = ladder_spec.check_key(key)
        trade = _own(given)
        ladders = None if trade is None else self._trades.get(trade)
        if trade is None or ladders is None or name not in ladders.orders:
            return self.place(given, orders, name)
        resting = [order for order in ladders.live() if order.ladder == name]
        steps = ladder_spec.parse_ladder(orders, self._limits(trade, ladders, resting))
        wanted = ladder_changes.compare(steps, resting)
        for order in wanted.going:
            ladders.update(replace(order, phase=Phase.ENDED))
        new = [number for number in range(len(steps)) if number not in wanted.kept]
        placed = self._place(trade, ladders, name, [steps[number] for number in new])
        now = {**wanted.kept, **dict(zip(new, placed, strict=True))}
        self.strategy.wallets.update()
        return [now[number].to_ccxt() for number in sorted(now)]

    def _place(
        self, trade: Trade, ladders: TradeLadders, name: str, steps: Sequence[ladder_spec.LadderStep]
    ) -> Sequence[TrackedOrder]:
        """Let orders rest, numbered after those that the ladder has had."""
        if not steps:
            return []
        at_ms = 0 if self.now is None else int(self.now.timestamp() * 1_000)
        trade_key, first = key_of(trade), len(ladders.orders.get(name, ()))
        placed = [
            TrackedOrder(
                client_id=(order_id := f"{name}-{trade.id}-{number}"),
                order_id=order_id,
                origin=Origin.LADDER,
                trade_id=trade_key.id,
                opened_ms=trade_key.opened_ms,
                pair=trade.pair,
                side=step.side,
                ladder=name,
                number=number,
                price=step.price,
                amount=step.amount,
                intended_ms=at_ms,
                phase=Phase.LIVE,
            )
            for number, step in enumerate(steps, first)
        ]
        ladders.orders.setdefault(name, []).extend(placed)
        if any(step.side == trade.entry_side for step in steps):
            hold_stake(self.strategy.wallets, self._held)
        return placed

    def resting_of(self, given: Any) -> list[dict[str, Any]]:
        """Return all resting orders of a trade as ccxt's structures."""
        trade = _own(given)
        ladders = None if trade is None else self._trades.get(trade)
        if ladders is None:
            return []
        return [order.to_ccxt() for ladder in ladders.orders.values() for order in ladder]

    # -- what freqtrade calls -----------------------------------------------------------------------------------------

    def exits(self, trade: Trade, candle: CandlePrices, own: Callable[[], list[Any]]) -> list[Any]:
        """Fill the orders that a candle reaches, and return freqtrade's reasons to exit the trade in it.

        :param own: returns freqtrade's reasons for the trade as it is
        """
        self.now = candle.at
        ladders = self._trades.get(trade)
        if ladders is None:
            return own()
        ladders.pending = None
        if not ladders.due(candle):
            return own()
        exits = list(self._fills.fill_candle(trade, ladders, candle, own))
        if exits and exits[0].exit_type.value == LIQUIDATION:
            self._cancel(trade, ladders)
        ladders.pending = (candle, exits[1:]) if exits else None
        return exits

    def confirm(self, given: Any, reason: str, *, is_confirmed: bool) -> bool:
        """Cancel the resting orders of a trade whose exit leaves; return whether it may.

        An exit that the strategy refuses leaves the candle to the next one, or to the orders. So does a stop that a
        fill after an earlier refusal has moved out of reach.
        """
        trade = _own(given)
        ladders = None if trade is None else self._trades.get(trade)
        if trade is None or ladders is None:
            return is_confirmed
        if ladders.is_ending():
            return False
        candle, others = ladders.pending or (None, ())
        is_moot = reason in STOPS and candle is not None and not self._fills.is_stop_reached(trade, candle)
        if is_confirmed and not is_moot:
            self._cancel(trade, ladders)
            return True
        if candle is not None:
            ladders.pending = (candle, others[1:]) if others else None
            self._fills.fill_after_refusal(trade, ladders, candle, others)
        return False

    def begin_order_filled(self, row: FreqtradeOrder, at: datetime) -> None:
        """Note the time at which an order of freqtrade was filled; correct its price if it has ended a ladder."""
        self.now = at
        if row is self._fills.ending:
            simulated_rows.correct_price(row)

    def partial_exit(self, request: Mapping[str, Any], adjusted: Any) -> Any:
        """Return a strategy's adjustment of a position, where it exits: no more than the coins that no order closes.

        :param request: freqtrade's arguments of `adjust_trade_position`
        """
        stake, *tag = adjusted if isinstance(adjusted, tuple) else (adjusted,)
        trade = _own(request["trade"])
        ladders = None if trade is None else self._trades.get(trade)
        if trade is None or ladders is None or not stake or stake > 0:
            return adjusted
        if self._settings.partial_exits is PartialExits.CANCEL:
            if _is_sold(trade, lot_amount(trade, -stake * trade.amount / trade.stake_amount), request):
                self._cancel(trade, ladders)
            return adjusted
        free = lot_amount(trade, max(0.0, trade.amount - _closing(trade, ladders)) * (1 + REL_TOLERANCE))
        # Slightly more, so that freqtrade does not cut the amount to the lot below when it computes it from the stake.
        stake = -min(-stake, free * trade.stake_amount / trade.amount * (1 + REL_TOLERANCE))
        return (stake or None, *tag) if isinstance(adjusted, tuple) else stake or None

    def _cancel(self, trade: Trade, ladders: TradeLadders) -> None:
        """Cancel all resting orders of a trade; what its buys have held is free at once."""
        if any(order.side == trade.entry_side for order in ladders.cancel()):
            self.strategy.wallets.update()

    # -- limits -------------------------------------------------------------------------------------------------------

    def _limits(self, trade: Trade, ladders: TradeLadders, own: Sequence[TrackedOrder] = ()) -> Limits:
        """Return the limits of a ladder; `own` are its open orders, whose coins it may use again."""
        has = trade_rows.remaining_amount(trade)
        reclosing = sum(order.amount for order in own if order.side == trade.exit_side)
        rebuying = sum(_cost(trade, order) for order in own if order.side == BUY)
        limits: Mapping[str, Any] = (self.strategy.dp.market(trade.pair) or {}).get("limits", {})
        covers = trade.exit_side == BUY
        return Limits(
            pair=trade.pair,
            max_orders=api_of(AccountKind.CLASSIC).BATCH_MAX,
            has=has,
            sellable=max(0.0, has - _closing(trade, ladders) + reclosing),
            spendable=lambda: self._free(trade, covers=covers) + rebuying,
            min_amount=limits.get("amount", {}).get("min"),
            min_cost=limits.get("cost", {}).get("min"),
            to_amount=lambda amount: lot_amount(trade, amount),
            to_price=lambda price: rounded_price(trade, price),
            exit_side=trade.exit_side,
            may_add=not covers and (trade.leverage or 1.0) <= 1,
            to_sent=(lambda amount: amount * (1 + trade.fee_close)) if covers else None,
        )

    def _free(self, trade: Trade, *, covers: bool) -> float:
        """Return the free quote coins; freqtrade has not booked the order of which it tells the strategy now.

        What shorts have sold pays for covers, as far as no debt claims it, and for nothing else.
        """
        wallets = self.strategy.wallets
        wallets.update()
        free = float(wallets.get_free(self.strategy.config["stake_currency"]))
        if trade.trading_mode != FUTURES:
            return free
        trades = Trade.get_trades_proxy(is_open=True)
        resting = sum(
            _cost(other, order)
            for other in trades
            for order in self._trades.get(other, _NONE).live()
            if order.side == BUY
        )
        quote = free_quote(float(wallets.get_collateral()), trades, resting)
        return quote if covers else min(free, quote)

    def _held(self) -> float:
        """Return the stake that resting orders of open trades hold."""
        return sum(
            order.amount * order.price
            for trade in Trade.get_trades_proxy(is_open=True)
            for order in self._trades.get(trade, _NONE).live()
            if order.side == trade.entry_side
        )


def _own(given: Any) -> Trade | None:
    """Return the open trade of which freqtrade has passed a copy to the strategy."""
    found = (trade for trade in Trade.get_trades_proxy(pair=given.pair, is_open=True) if trade.id == given.id)
    return next(found, None)


def _cost(trade: Trade, order: TrackedOrder) -> float:
    """Return what a resting buy costs, a cover with its fee: it leaves all of its coins."""
    fee = trade.fee_close if trade.is_short else 0.0
    return order.amount * order.price * (1 + fee)


def _is_sold(trade: Trade, amount: float, request: Mapping[str, Any]) -> bool:
    """Whether freqtrade sells this part of a trade: not where it is nothing, or leaves too little to be sold."""
    left, least = (trade.amount - amount) * request["current_rate"], request["min_stake"]
    return amount > 0 and not (least and left and left < least)


def _closing(trade: Trade, ladders: TradeLadders) -> float:
    """Return the coins that resting orders and open exits of a trade would sell, or cover."""
    resting = sum(order.amount for order in ladders.live() if order.side == trade.exit_side)
    return resting + sum(row.safe_remaining for row in trade.open_orders if row.ft_order_side == trade.exit_side)


# hyperopt copies strategies to its workers, and weak references cannot be copied: they are kept here.
_of_strategies: "Final[WeakKeyDictionary[Any, BacktestLadders]]" = WeakKeyDictionary()


def of_strategy(strategy: Any) -> BacktestLadders:
    """Return the simulated ladders of a strategy."""
    found = _of_strategies.get(strategy)
    if found is None:
        found = _of_strategies[strategy] = BacktestLadders(cast("BacktestStrategy", weakref.proxy(strategy)))
    return found
