"""Ladders in backtests: resting orders that are simulated on freqtrade's candles.

An order is never filled in the candle in which it was placed. In a later one, freqtrade evaluates the exits at its
beginning, and the price of the first one decides:

- Orders that the open has jumped over are filled first, at their own price.
- Without an exit, every order that the candle has reached is filled: first those that add to the position, which the
  price reaches by going against the trade, then those that reduce it.
- With an exit, only orders between the open and the price of the exit are filled: the price had to pass them. The exit
  cancels the others, also those that the candle may have reached before.

The last coins are sold by an open order of freqtrade's own, which it fills in the same candle: wallets, protections and
results are freqtrade's then.
"""

import weakref
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final, cast
from weakref import WeakKeyDictionary

from bitget_margin.core.api import api_of
from bitget_margin.core.endpoints import AccountKind
from bitget_margin.freqtrade import candle_fills, ladder_changes, ladder_spec, simulated_rows, trade_rows
from bitget_margin.freqtrade.candle_fills import CandlePrices, FillRule
from bitget_margin.freqtrade.compat import FreqtradeOrder, Trade, lot_amount
from bitget_margin.freqtrade.config import BotSettings, PartialExits, parse_config
from bitget_margin.freqtrade.ladder_spec import Limits
from bitget_margin.freqtrade.simulation_compat import BacktestStrategy, hold_stake, price_step, rounded_price
from bitget_margin.freqtrade.tracked_order import Origin, Phase, TrackedOrder
from bitget_margin.freqtrade.trade_rows import key_of

_AT_OPEN: Final = frozenset({"exit_signal", "custom_exit"})
"""freqtrade's kinds of exits that leave with the open of a candle."""
_STOPS: Final = frozenset({"stop_loss", "trailing_stop_loss"})
_LIQUIDATION: Final = "liquidation"
"""The kind of exit for which freqtrade asks no strategy."""
_ROI: Final = "roi"


@dataclass(slots=True)
class _Ladders:
    """The resting orders of one trade, by ladder."""

    orders: dict[str, list[TrackedOrder]] = field(default_factory=dict)
    ending: bool = False
    refusable: tuple[CandlePrices, Sequence[Any]] | None = None
    """The candle whose exits freqtrade is about to confirm, and those that come after the first of them."""

    def is_ending(self) -> bool:
        """Whether an order of this candle sells the last coins."""
        return self.ending

    def live(self) -> list[TrackedOrder]:
        """Return the orders that rest."""
        return [order for ladder in self.orders.values() for order in ladder if order.phase is Phase.LIVE]

    def update(self, order: TrackedOrder) -> None:
        """Replace an order by its new state."""
        self.orders[order.ladder][order.number] = order

    def cancel(self) -> None:
        """End all orders that still rest."""
        for order in self.live():
            self.update(replace(order, phase=Phase.ENDED))


_NONE: Final = _Ladders()


@dataclass(eq=False)
class BacktestLadders:
    """The simulated ladders of a strategy.

    :param strategy: the strategy, whose callbacks are called as freqtrade calls them
    """

    strategy: BacktestStrategy
    now: datetime | None = None
    """The beginning of the candle that freqtrade is in."""
    _settings: BotSettings = field(init=False)
    _trades: "WeakKeyDictionary[Trade, _Ladders]" = field(default_factory=WeakKeyDictionary, init=False)
    _ending: FreqtradeOrder | None = field(default=None, init=False)
    """The last row that was added to sell the last coins of a trade."""
    _wallets: Any = field(default=None, init=False)
    """Wallets from which the stake of buys is taken."""

    def __post_init__(self) -> None:
        self._settings = parse_config(self.strategy.config)

    # -- the strategy's own calls -------------------------------------------------------------------------------------

    def place(self, given: Any, orders: object, key: object) -> list[dict[str, Any]]:
        """Place the ladder `key` of a trade, once; a second call returns the same orders."""
        name = ladder_spec.check_key(key)
        trade = _own(given)
        if trade is None:
            raise ladder_spec.LadderRefused(f"trade {given.id} on {given.pair} is not open: a ladder needs an open one")
        ladders = self._trades.setdefault(trade, _Ladders())
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
        self, trade: Trade, ladders: _Ladders, name: str, steps: Sequence[ladder_spec.LadderStep]
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
            self._hold_stake()
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
        if ladders is not None:
            ladders.refusable = None
        if ladders is None or not self._due(ladders):
            return own()
        self._fill(trade, ladders, candle, candle.open)
        if ladders.is_ending():
            return []
        exits = own()
        stop = trade.stop_loss
        self._fill_before(trade, ladders, candle, exits)
        if exits and trade.stop_loss != stop and not ladders.is_ending():
            # A buy on the way to the stop has moved it: it may not be reached any more.
            exits = own()
            if not exits:
                self._fill_before(trade, ladders, candle, exits)
        if ladders.is_ending():
            return []
        if exits and exits[0].exit_type.value == _LIQUIDATION:
            ladders.cancel()
        ladders.refusable = (candle, exits[1:]) if exits else None
        return exits

    def confirm(self, given: Any, *, is_confirmed: bool) -> bool:
        """Cancel the resting orders of a trade whose exit leaves; return whether it may.

        An exit that the strategy refuses leaves the candle to the next one, or to the orders.
        """
        trade = _own(given)
        ladders = None if trade is None else self._trades.get(trade)
        if trade is None or ladders is None:
            return is_confirmed
        if is_confirmed and not ladders.is_ending():
            ladders.cancel()
            return True
        if ladders.refusable is not None and not ladders.is_ending():
            candle, others = ladders.refusable
            ladders.refusable = (candle, others[1:]) if others else None
            self._fill_before(trade, ladders, candle, others)
        return False

    def begin_order_filled(self, row: FreqtradeOrder, at: datetime) -> None:
        """Note the time at which an order of freqtrade was filled; correct its price if it has ended a ladder."""
        self.now = at
        if row is self._ending:
            simulated_rows.correct_price(row)

    def partial_exit(self, given: Any, adjusted: Any) -> Any:
        """Return a strategy's adjustment of a position, where it sells: no more than the coins that no order holds."""
        stake, *tag = adjusted if isinstance(adjusted, tuple) else (adjusted,)
        trade = _own(given)
        ladders = None if trade is None else self._trades.get(trade)
        if trade is None or ladders is None or not stake or stake > 0:
            return adjusted
        if self._settings.partial_exits is PartialExits.CANCEL:
            ladders.cancel()
            return adjusted
        free = max(0.0, trade.amount - _selling(trade, ladders))
        stake = -min(-stake, lot_amount(trade, free) * trade.stake_amount / trade.amount)
        return (stake or None, *tag) if isinstance(adjusted, tuple) else stake or None

    # -- fills --------------------------------------------------------------------------------------------------------

    def _fill_before(self, trade: Trade, ladders: _Ladders, candle: CandlePrices, exits: Sequence[Any]) -> None:
        """Fill the orders that a candle reaches before its first exit, or all that it reaches without one."""
        if exits:
            self._fill(trade, ladders, candle, self._price_of(trade, candle, exits[0].exit_type.value))
            return
        for side in (trade.entry_side, trade.exit_side):
            self._fill(trade, ladders, candle, candle.extreme(side))

    def _fill(self, trade: Trade, ladders: _Ladders, candle: CandlePrices, price: float) -> None:
        """Fill the orders that the price passes on its way from the open of a candle, in their order."""
        step = price_step(trade) if self._settings.simulated_fills is FillRule.THROUGH else 0.0
        for order in candle_fills.reached(self._due(ladders), price, step):
            # The strategy, which is told of each fill, may have changed the ladder meanwhile.
            if ladders.is_ending() or ladders.orders[order.ladder][order.number] is not order:
                continue
            amount = order.amount if order.side == trade.entry_side else min(order.amount, trade.amount)
            ladders.update(replace(order, phase=Phase.ENDED, filled=amount, average=order.price))
            if order.side == trade.exit_side and lot_amount(trade, trade.amount - amount) <= 0:
                ladders.cancel()
                ladders.ending, self._ending = True, simulated_rows.end_trade(trade, order, candle)
            else:
                simulated_rows.fill(self.strategy, trade, order, amount, candle.at)

    def _due(self, ladders: _Ladders) -> Collection[TrackedOrder]:
        """Return the orders that rest since an earlier candle."""
        at_ms = 0 if self.now is None else int(self.now.timestamp() * 1_000)
        return [order for order in ladders.live() if order.intended_ms < at_ms]

    def _price_of(self, trade: Trade, candle: CandlePrices, kind: str) -> float:
        """Return the price at which freqtrade exits a trade in a candle, from the open if it is beyond."""
        if kind in _AT_OPEN or kind not in {*_STOPS, _LIQUIDATION, _ROI}:
            return candle.open
        rises = trade.exit_side == ladder_spec.SELL
        if kind == _ROI:
            minutes = int((candle.at - trade.open_date_utc).total_seconds() // 60)
            _, roi = self.strategy.min_roi_reached_entry(trade, minutes, candle.at)
            if roi is None or roi == -1:
                return candle.open
            price = trade.calc_close_rate_for_roi(roi)
            return min(max(price, candle.open), candle.high) if rises else max(min(price, candle.open), candle.low)
        price = (trade.liquidation_price if kind == _LIQUIDATION else None) or trade.stop_loss
        is_beyond = price > candle.high if rises else price < candle.low
        return candle.open if is_beyond else min(max(price, candle.low), candle.high)

    # -- limits -------------------------------------------------------------------------------------------------------

    def _limits(self, trade: Trade, ladders: _Ladders, own: Sequence[TrackedOrder] = ()) -> Limits:
        """Return the limits of a ladder; `own` are its open orders, whose coins it may use again."""
        has = trade_rows.remaining_amount(trade)
        reselling = sum(order.amount for order in own if order.side == trade.exit_side)
        rebuying = sum(order.amount * order.price for order in own if order.side == trade.entry_side)
        limits: Mapping[str, Any] = (self.strategy.dp.market(trade.pair) or {}).get("limits", {})
        wallets, currency = self.strategy.wallets, self.strategy.config["stake_currency"]
        return Limits(
            pair=trade.pair,
            max_orders=api_of(AccountKind.CLASSIC).BATCH_MAX,
            has=has,
            sellable=max(0.0, has - _selling(trade, ladders) + reselling),
            spendable=lambda: float(wallets.get_free(currency)) + rebuying,
            min_amount=limits.get("amount", {}).get("min"),
            min_cost=limits.get("cost", {}).get("min"),
            to_amount=lambda amount: lot_amount(trade, amount),
            to_price=lambda price: rounded_price(trade, price),
        )

    def _hold_stake(self) -> None:
        """Take the stake of resting buys from the wallets, from now on."""
        wallets = self.strategy.wallets
        if self._wallets is not wallets:
            self._wallets = wallets
            hold_stake(wallets, self._held)
        else:
            wallets.update()

    def _held(self) -> float:
        """Return the quote coins that resting orders of open trades hold."""
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


def _selling(trade: Trade, ladders: _Ladders) -> float:
    """Return the coins that resting orders and open exits of a trade would sell."""
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
