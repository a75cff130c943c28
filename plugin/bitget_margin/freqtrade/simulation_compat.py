"""The parts of freqtrade's backtesting and dry run that the plugin uses, beside those in `compat`."""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from ccxt import TICK_SIZE

from bitget_margin.adapter.declared_parts import refuse_import
from bitget_margin.freqtrade.compat import FUTURES, FreqtradeOrder, IStrategy, Trade
from bitget_margin.freqtrade.tracked_order import TrackedOrder

__all__ = [
    "CALLS",
    "BacktestStrategy",
    "call_order_filled",
    "hold_stake",
    "price_step",
    "rounded_price",
    "simulated_row",
    "update_liquidation",
]

CALLS: Final = {
    "optimize.backtesting.Backtesting._load_bt_data_detail": ("combine_funding_and_mark", "get_option"),
    "optimize.backtesting.Backtesting._run_funding_fees": ("calculate_funding_fees",),
    "optimize.backtesting.Backtesting._try_close_open_order": ("update_liquidation_prices",),
    # The stake that simulated buys hold is taken from what these keep.
    "wallets.Wallets.__init__": ("_wallets", "_stake_currency"),
    "wallets.Wallets.update": (),
    "wallets.Wallets.get_collateral": (),
}
"""Names that methods of freqtrade use in a simulation, as `CALLS` of `compat`."""
_HELD: Final = "held_by_simulated_buys"

if TYPE_CHECKING:

    class BacktestStrategy(IStrategy):
        """A strategy in a backtest."""

        def ft_stoploss_adjust(
            self,
            current_rate: float,
            trade: Trade,
            current_time: datetime,
            current_profit: float,
            force_stoploss: float,
            *,
            after_fill: bool = False,
        ) -> None: ...
        def min_roi_reached_entry(
            self, trade: Trade, trade_dur: int, current_time: datetime
        ) -> tuple[int | None, float | None]: ...

    def price_to_precision(price: float, precision: float | None, mode: int | None) -> float: ...
    def update_liquidation_prices(trade: Trade, **more: Any) -> None: ...
    def strategy_safe_wrapper(callback: Callable[..., Any], *, supress_error: bool) -> Callable[..., Any]: ...

else:
    try:
        from freqtrade.exchange import price_to_precision
        from freqtrade.leverage.liquidation_price import update_liquidation_prices
        from freqtrade.strategy.strategy_wrapper import strategy_safe_wrapper
    except ImportError as error:
        refuse_import(error)
        raise

    BacktestStrategy = IStrategy


def rounded_price(trade: Trade, price: float) -> float:
    """Round a price to the steps of the pair of a trade."""
    rounded: float = price_to_precision(price, trade.price_precision, trade.precision_mode_price)
    return rounded


def price_step(trade: Trade) -> float:
    """Return the step between two prices of the pair of a trade, 0 where it is not known."""
    precision = trade.price_precision
    if precision is None:
        return 0.0
    return precision if trade.precision_mode_price == TICK_SIZE else 10.0**-precision


def simulated_row(trade: Trade, order: TrackedOrder, amount: float, at: datetime) -> FreqtradeOrder:
    """Return an open row of a backtest for a resting order, of so much of its amount."""
    row = FreqtradeOrder(
        ft_trade_id=trade.id,
        ft_order_side=order.side,
        ft_pair=trade.pair,
        ft_is_open=True,
        ft_price=order.price,
        ft_order_tag=order.ladder,
        order_id=order.order_id,
        symbol=trade.pair,
        side=order.side,
        order_type="limit",
        status="open",
        price=order.price,
        average=order.price,
        amount=amount,
        filled=0.0,
        remaining=amount,
        # With the fee, as freqtrade's own rows.
        cost=amount * order.price * (1 + trade.fee_close),
        order_date=at,
        order_update_date=at,
    )
    row._trade_bt = trade  # noqa: SLF001 - freqtrade's own rows have no other way to their trade either
    return row


def call_order_filled(strategy: IStrategy, trade: Trade, row: FreqtradeOrder, at: datetime) -> None:
    """Call a strategy's `order_filled` as freqtrade does: with a copy of the trade, and errors only logged."""
    safe = strategy_safe_wrapper(strategy.order_filled, supress_error=True)
    safe(pair=trade.pair, trade=trade, order=row, current_time=at)


def update_liquidation(strategy: IStrategy, trade: Trade) -> None:
    """Update the liquidation prices after a fill in the futures mode, as freqtrade does after those of its own."""
    if trade.trading_mode == FUTURES:
        exchange, stake_currency = strategy.dp._exchange, strategy.config["stake_currency"]  # noqa: SLF001 - as above
        wallets = strategy.wallets
        update_liquidation_prices(
            trade, exchange=exchange, wallets=wallets, stake_currency=stake_currency, dry_run=True
        )


def hold_stake(wallets: Any, held: Callable[[], float]) -> None:
    """Take what simulated buys hold from the free stake of freqtrade's wallets, now and after each update.

    Called again with the same function, it only updates the wallets.

    :param held: returns the quote coins that they hold
    """
    if getattr(wallets.update, _HELD, None) == held:
        wallets.update()
        return
    update, currency = wallets.update, wallets._stake_currency  # noqa: SLF001 - the wallets of a backtest have no setter
    taken = [0.0]

    def update_and_hold(*args: Any, **kwargs: Any) -> None:
        before = wallets._wallets  # noqa: SLF001
        update(*args, **kwargs)
        if wallets._wallets is before:  # noqa: SLF001 - freqtrade leaves out some updates
            return
        wallet = wallets._wallets[currency]  # noqa: SLF001
        taken[0] = amount = max(0.0, min(held(), wallet.free))
        wallets._wallets[currency] = wallet._replace(free=wallet.free - amount, used=wallet.used + amount)  # noqa: SLF001

    setattr(update_and_hold, _HELD, held)
    wallets.update = update_and_hold
    # It stays on the account, whose liquidation freqtrade computes by this.
    wallets.get_collateral = lambda: type(wallets).get_collateral(wallets) + taken[0]
    wallets.update()
