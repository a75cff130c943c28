"""The parts of freqtrade that the plugin uses, public and private, named in one place.

freqtrade ships no types that a type checker may read, so they are declared here. A test compares the declarations with
the installed freqtrade.
"""

from __future__ import annotations

import importlib
import sys
from argparse import ArgumentParser, _SubParsersAction
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ccxt import ROUND_UP
from sqlalchemy import select

from bitget_margin.adapter.declared_parts import refuse_import

__all__ = [
    "CALLS",
    "CROSS",
    "DECORATED",
    "EXIT",
    "FUTURES",
    "RETRIES",
    "ROUND_UP",
    "SPOT",
    "BitgetExchange",
    "FreqtradeException",
    "FreqtradeOrder",
    "IStrategy",
    "InsufficientFundsError",
    "InvalidOrderException",
    "ModelBase",
    "OperationalException",
    "TemporaryError",
    "Trade",
    "commands_module",
    "exchange_module",
    "freqtrade_main",
    "has_database",
    "is_funding_update",
    "is_live",
    "is_simulated",
    "is_trading",
    "is_ui_installed",
    "is_utility",
    "load_config",
    "lot_amount",
    "named_arguments",
    "new_trade",
    "order_row",
    "utils_config",
]


if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from types import ModuleType

    from sqlalchemy import Connection, Engine
    from sqlalchemy.orm import DeclarativeBase, Session

    class ModelBase(DeclarativeBase):
        """The base of freqtrade's tables: freqtrade creates all tables that are declared on it."""

    class FreqtradeException(Exception):
        """The base of the exceptions that freqtrade handles."""

    class OperationalException(FreqtradeException):
        """Stops the bot."""

    class TemporaryError(FreqtradeException):
        """Skips an order, or ends a loop early."""

    class InsufficientFundsError(FreqtradeException):
        """An exit could not be placed."""

    class InvalidOrderException(FreqtradeException):
        """The order does not exist, except after the cancel of an exit: freqtrade keeps that one as open."""

    class _Sessions:
        def __call__(self) -> Session: ...
        def get_bind(self) -> Engine: ...
        def add(self, row: object) -> None: ...
        def get(self, kind: type[Trade], number: int) -> Trade | None: ...
        def connection(self) -> Connection: ...

    def timeframe_to_minutes(timeframe: str) -> int: ...
    def amount_to_contract_precision(*args: Any) -> float: ...

    class FreqtradeOrder:
        """A row of freqtrade's table of orders."""

        order_id: str
        ft_pair: str
        ft_order_side: str
        ft_is_open: bool
        ft_trade_id: int
        ft_order_tag: str | None
        ft_fee_base: float | None
        ft_amount: float | None
        amount: float | None
        funding_fee: float | None
        status: str | None
        filled: float | None
        price: float | None
        ft_price: float | None
        safe_amount: float
        safe_filled: float
        safe_price: float
        safe_remaining: float
        order_type: str | None
        order_date_utc: datetime
        order_filled_utc: datetime | None

        trade: Trade
        _trade_bt: Trade | None

        def __init__(self, **fields: Any) -> None: ...
        def close_bt_order(self, close_date: datetime, trade: Trade) -> None: ...
        @staticmethod
        def parse_from_ccxt_object(
            order: Any, pair: str, side: str, amount: float | None = None, price: float | None = None
        ) -> FreqtradeOrder: ...
        def to_ccxt_object(self) -> dict[str, Any]: ...
        def update_from_ccxt_object(self, order: Any) -> None: ...

    class Trade:
        """A row of freqtrade's table of trades."""

        session: _Sessions
        id: int
        pair: str
        exchange: str
        is_open: bool
        open_date_utc: datetime
        close_date_utc: datetime | None
        date_last_filled_utc: datetime
        amount: float
        amount_requested: float | None
        orders: list[FreqtradeOrder]
        open_orders: list[FreqtradeOrder]
        has_open_orders: bool
        nr_of_successful_entries: int
        is_short: bool
        leverage: float | None
        trading_mode: Any
        base_currency: str | None
        safe_base_currency: str
        safe_quote_currency: str
        stake_currency: str | None
        funding_fees: float | None
        funding_fee_running: float | None
        fee_open_currency: str | None
        entry_side: str
        exit_side: str
        open_rate: float
        fee_open: float
        fee_close: float
        stop_loss: float
        liquidation_price: float | None
        stake_amount: float
        max_stake_amount: float | None
        amount_precision: float | None
        price_precision: float | None
        precision_mode: int | None
        precision_mode_price: int | None
        contract_size: float | None
        close_date: datetime | None
        close_rate: float | None
        exit_order_status: str | None
        exit_reason: str | None

        def __init__(self, **fields: Any) -> None: ...
        @staticmethod
        def get_trades_proxy(
            *, pair: str | None = None, is_open: bool | None = None, close_date: datetime | None = None
        ) -> list[Trade]: ...
        @staticmethod
        def commit() -> None: ...
        @staticmethod
        def rollback() -> None: ...
        def recalc_trade_from_orders(self) -> None: ...
        def set_funding_fees(self, funding_fee: float) -> None: ...
        def calc_profit_ratio(self, rate: float) -> float: ...
        def calc_close_rate_for_roi(self, target_roi: float) -> float: ...
        def close(self, rate: float) -> None: ...
        def adjust_stop_loss(self, current_price: float, stoploss: float | None, initial: bool = False) -> None: ...

    class BitgetExchange:
        """freqtrade's own class for Bitget."""

        _config: dict[str, Any]
        _api: Any
        _exchange_ws: Any
        _ws_async: Any
        loop: Any
        _supported_trading_mode_margin_pairs: list[Any]
        _ft_has: dict[str, Any]
        trading_mode: Any
        precisionMode: int
        precision_mode_price: int

        def __init__(self, config: dict[str, Any], **kwargs: Any) -> None: ...
        @property
        def _ccxt_config(self) -> dict[str, Any]: ...
        @property
        def markets(self) -> dict[str, Any]: ...
        def market_is_tradable(self, market: dict[str, Any]) -> bool: ...
        def _init_ccxt(self, exchange_config: dict[str, Any], sync: bool, ccxt_kwargs: dict[str, Any]) -> Any: ...
        def additional_exchange_init(self) -> None: ...
        def close(self) -> None: ...
        def validate_config(self, config: dict[str, Any]) -> None: ...
        def validate_stop_ordertypes(self, order_types: dict[str, Any]) -> None: ...
        def _get_params(self, *args: Any, **kwargs: Any) -> dict[str, Any]: ...
        def _order_needs_price(self, side: str, ordertype: str) -> bool: ...
        def create_order(self, **order: Any) -> dict[str, Any]: ...
        def fetch_order(self, order_id: str, pair: str, params: dict[str, Any] | None = None) -> dict[str, Any]: ...
        def cancel_order_with_result(self, order_id: str, pair: str, amount: float) -> dict[str, Any]: ...
        def fetch_orders(self, pair: str, since: datetime, params: Any = None) -> list[dict[str, Any]]: ...
        def get_balances(self, params: Any = None, *, count: int = 4) -> dict[str, Any]: ...
        def get_funding_fees(self, pair: str, amount: float, is_short: bool, open_date: datetime) -> float: ...
        def fetch_positions(self, pair: str | None = None, params: Any = None) -> list[dict[str, Any]]: ...
        def market_is_future(self, market: dict[str, Any]) -> bool: ...
        def get_option(self, param: str, default: Any = None) -> Any: ...
        def load_leverage_tiers(self) -> dict[str, list[dict[str, Any]]]: ...
        def get_max_leverage(self, pair: str, stake_amount: float | None) -> float: ...
        def _lev_prep(self, pair: str, leverage: float, side: Any, accept_fail: bool = False) -> None: ...
        def dry_run_liquidation_price(
            self,
            pair: str,
            open_rate: float,
            is_short: bool,
            amount: float,
            stake_amount: float,
            leverage: float,
            wallet_balance: float,
            open_trades: list[Any],
        ) -> float | None: ...
        def combine_funding_and_mark(
            self, funding_rates: Any, mark_rates: Any, futures_funding_rate: int | None = None
        ) -> Any: ...
        def calculate_funding_fees(
            self, df: Any, amount: float, is_short: bool, open_date: datetime, close_date: datetime
        ) -> float: ...
        def get_rate(self, pair: str, *args: Any, **kwargs: Any) -> float: ...
        def get_rates(self, pair: str, refresh: bool, *args: Any, **kwargs: Any) -> tuple[float, float]: ...
        def fetch_ticker(self, pair: str, *, count: int = 4) -> dict[str, Any]: ...
        def get_conversion_rate(self, coin: str, currency: str) -> float | None: ...
        def get_trades_for_order(
            self, order_id: str, pair: str, since: datetime, params: Any = None
        ) -> list[dict[str, Any]]: ...
        def amount_to_precision(self, pair: str, amount: float) -> float: ...
        def price_to_precision(self, pair: str, price: float, *, rounding_mode: int = 0) -> float: ...
        def create_stoploss(self, **stop: Any) -> dict[str, Any]: ...
        def _get_stop_params(self, side: Any, ordertype: str, stop_price: float) -> dict[str, Any]: ...
        def fetch_stoploss_order(
            self, order_id: str, pair: str, params: dict[str, Any] | None = None
        ) -> dict[str, Any]: ...
        def cancel_stoploss_order_with_result(self, order_id: str, pair: str, amount: float) -> dict[str, Any]: ...
        def get_min_pair_stake_amount(self, pair: str, price: float, stoploss: float) -> float | None: ...
        def get_precision_amount(self, pair: str) -> float | None: ...
        def get_precision_price(self, pair: str) -> float | None: ...
        def get_contract_size(self, pair: str) -> float | None: ...
        def fetch_l2_order_book(self, pair: str, limit: int = 100, *, count: int = 4) -> dict[str, Any]: ...
        def get_fee(self, symbol: str, taker_or_maker: str) -> float: ...

    exchange_module: ModuleType
    RETRIES: int
    CROSS: Any
    FUTURES: Any
    SPOT: Any

    class IStrategy:
        """freqtrade's base of strategies."""

        config: dict[str, Any]
        dp: Any
        wallets: Any
        stoploss: float
        confirm_trade_exit: Callable[..., bool]
        order_filled: Callable[..., None]
        adjust_trade_position: Callable[..., Any]
        custom_exit: Callable[..., Any]
        bot_loop_start: Callable[..., None]
        order_types: dict[str, Any]
        adjust_order_price: Callable[..., float | None]
        adjust_entry_price: Callable[..., float | None]
        plot_annotations: Callable[..., list[Any]]
        leverage: Callable[..., float]

        def __init_subclass__(cls, **kwargs: Any) -> None: ...
        def should_exit(
            self,
            trade: Trade,
            rate: float,
            current_time: datetime,
            *,
            low: float | None = None,
            high: float | None = None,
            **kwargs: Any,
        ) -> list[Any]: ...
        def __init__(self, config: dict[str, Any]) -> None: ...
        def ft_stoploss_reached(self, *args: Any, **kwargs: Any) -> Any: ...
        def ft_bot_start(self, **kwargs: Any) -> None: ...
        def ft_bot_cleanup(self) -> None: ...
        def ft_check_timed_out(self, trade: Trade, order: Any, current_time: datetime) -> bool: ...

else:
    try:
        import freqtrade.exchange as exchange_module
        from freqtrade.enums import MarginMode, TradingMode
        from freqtrade.exceptions import (
            FreqtradeException,
            InsufficientFundsError,
            InvalidOrderException,
            OperationalException,
            TemporaryError,
        )
        from freqtrade.exchange import Bitget as BitgetExchange
        from freqtrade.exchange import amount_to_contract_precision, timeframe_to_minutes
        from freqtrade.exchange.common import API_RETRY_COUNT as RETRIES
        from freqtrade.persistence import Order as FreqtradeOrder
        from freqtrade.persistence import Trade
        from freqtrade.persistence.base import ModelBase
        from freqtrade.strategy import IStrategy
    except ImportError as error:
        refuse_import(error)
        raise

    SPOT, FUTURES, CROSS = TradingMode.SPOT, TradingMode.FUTURES, MarginMode.CROSS

CALLS: Final = {
    "freqtradebot.FreqtradeBot.process": ("bot_loop_start", "manage_open_orders"),
    "freqtradebot.FreqtradeBot.update_funding_fees": ("get_funding_fees",),
    "freqtradebot.FreqtradeBot._check_and_execute_exit": ("should_exit", "execute_trade_exit"),
    # Fills of resting orders are booked by the first, before freqtrade computes the amount.
    "freqtradebot.FreqtradeBot.execute_trade_exit": (
        "get_funding_fees",
        "_safe_exit_amount",
        "confirm_trade_exit",
        "create_order",
    ),
    "freqtradebot.FreqtradeBot.handle_trade": ("get_rate",),
    "exchange.exchange.Exchange.get_rate": ("fetch_l2_order_book", "fetch_ticker"),
    "exchange.exchange.Exchange.get_rates": ("fetch_l2_order_book", "fetch_ticker", "get_rate"),
    "exchange.exchange.Exchange.__init__": ("_ccxt_config", "validate_config"),
    "exchange.exchange.Exchange.ft_additional_exchange_init": ("additional_exchange_init",),
    "exchange.exchange.Exchange.create_order": ("_get_params", "_order_needs_price", "_lev_prep"),
    "exchange.exchange.Exchange.fill_leverage_tiers": ("load_leverage_tiers",),
    "exchange.exchange.Exchange.market_is_tradable": ("market_is_future",),
    "exchange.exchange.Exchange.get_liquidation_price": ("dry_run_liquidation_price",),
}
"""Names that methods of freqtrade use: this package overrides them, or depends on their being called."""
EXIT: Final = "freqtradebot.FreqtradeBot.execute_trade_exit"
"""The method in `CALLS` whose calls have to be in this order."""
DECORATED: Final = {"get_balances": "count", "fetch_ticker": "count", "fetch_l2_order_book": "count"}
"""Methods that a decorator of freqtrade repeats, and the parameter with the number of repeats, which it takes out."""
_LIVE: Final = "live"
_FUNDING_UPDATE: Final = "update_funding_fees"
"""The method of freqtrade's bot that updates the funding fees of all open trades."""
_UTILITY: Final = "util_exchange"
_TRADING: Final = frozenset({_LIVE, "dry_run"})


def is_funding_update() -> bool:
    """Whether the caller's caller is freqtrade's update of all funding fees, which asks as an exit does."""
    return sys._getframe(2).f_code.co_name == _FUNDING_UPDATE  # noqa: SLF001 - the arguments are the same


def is_live(config: dict[str, Any]) -> bool:
    """Whether freqtrade trades with real orders."""
    return _runmode(config) == _LIVE and not config.get("dry_run", False)


def is_trading(config: dict[str, Any]) -> bool:
    """Whether freqtrade runs its trading loop, with real orders or without."""
    return _runmode(config) in _TRADING


def is_simulated(config: dict[str, Any]) -> bool:
    """Whether freqtrade goes through candles of the past: its analyses of a strategy have no run mode of their own."""
    return not is_trading(config)


def is_utility(config: dict[str, Any]) -> bool:
    """Whether a command of freqtrade only lists or downloads."""
    return _runmode(config) == _UTILITY


def lot_amount(trade: Trade, amount: float) -> float:
    """Cut an amount to the lots of the pair of a trade."""
    return amount_to_contract_precision(amount, trade.amount_precision, trade.precision_mode, trade.contract_size)


# Imported where they are called: they load all commands of freqtrade.


def freqtrade_main(arguments: list[str] | None, program: str) -> None:
    """Run freqtrade.

    :param program: name of the program in help and usage
    """
    module: Any = importlib.import_module("freqtrade.main")
    own = module.Arguments
    module.Arguments = named_arguments(own, program)
    try:
        module.main(arguments)
    finally:
        module.Arguments = own


def named_arguments(own: type[Any], program: str) -> type[Any]:
    """Return freqtrade's class of arguments with another name of the program.

    freqtrade chooses some help texts by its own name, so its parsers are renamed after it has built them.
    """

    class NamedArguments(own):  # type: ignore[misc]  # its class is known at run time only
        """Arguments whose help and usage show the name of the program."""

        def _parse_args(self) -> Any:
            with suppress(AttributeError):  # a bot starts also where only its help would be wrong
                rename(self.parser, program)
            return super()._parse_args()

    return NamedArguments


def rename(parser: ArgumentParser, program: str) -> None:
    """Replace the first word of the name of a parser, and of its sub-commands, by another name."""
    _, space, rest = parser.prog.partition(" ")
    parser.prog = f"{program}{space}{rest}"
    for action in parser._actions:  # noqa: SLF001 - argparse has no public way to its sub-parsers
        if isinstance(action, _SubParsersAction):
            for command in action.choices.values():
                rename(command, program)


def load_config(files: list[str]) -> dict[str, Any]:
    """Return configuration files merged as freqtrade does, of which the last one wins; nothing is checked.

    :raises OperationalException: one of them cannot be read
    """
    config: dict[str, Any] = importlib.import_module("freqtrade.configuration.load_config").load_from_files(files)
    return config


def is_ui_installed() -> bool:
    """Whether freqtrade's command install-ui has put FreqUI where its API server looks for it."""
    server = Path(importlib.import_module("freqtrade.rpc.api_server").__file__ or "").parent
    return (server / "ui" / "installed" / "index.html").is_file()


def commands_module() -> ModuleType:
    """Return the module in which freqtrade's parser finds the commands."""
    return importlib.import_module("freqtrade.commands")


def utils_config(arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the configuration of a command that needs no exchange."""
    setup = importlib.import_module("freqtrade.configuration.config_setup").setup_utils_configuration
    config: dict[str, Any] = setup(arguments, importlib.import_module("freqtrade.enums").RunMode.UTIL_NO_EXCHANGE)
    return config


def has_database() -> bool:
    """Whether freqtrade has opened its database in this process: it does so after it has built the exchange."""
    return hasattr(Trade, "session")


def order_row(order_id: str, pair: str) -> FreqtradeOrder | None:
    """Return freqtrade's row of an order; the arguments of its own search differ between versions."""
    rows: Any = FreqtradeOrder
    session: Any = Trade.session
    found = session.scalars(select(rows).where(rows.order_id == order_id, rows.ft_pair == pair)).first()
    return found if isinstance(found, FreqtradeOrder) else None


def new_trade(exchange: BitgetExchange, pair: str, /, **fields: Any) -> Trade:
    """Return a new trade as freqtrade itself would open it, a long by default, which is not in the database yet."""
    config, market = exchange._config, exchange.markets[pair]  # noqa: SLF001 - freqtrade has no other way to it
    fee = exchange.get_fee(symbol=pair, taker_or_maker="maker")
    trade = Trade(
        strategy=config["strategy"],
        timeframe=timeframe_to_minutes(config["timeframe"]),
        pair=pair,
        base_currency=market["base"],
        stake_currency=market["quote"],
        amount=0,
        is_open=True,
        fee_open=fee,
        fee_close=fee,
        funding_fees=0,
        trading_mode=exchange.trading_mode,
        amount_precision=exchange.get_precision_amount(pair),
        price_precision=exchange.get_precision_price(pair),
        precision_mode=exchange.precisionMode,
        precision_mode_price=exchange.precision_mode_price,
        contract_size=exchange.get_contract_size(pair),
        **{"leverage": 1.0, "is_short": False, **fields},
    )
    trade.adjust_stop_loss(fields["open_rate"], config["stoploss"], initial=True)
    return trade


def _runmode(config: dict[str, Any]) -> str:
    mode = config.get("runmode")
    return str(getattr(mode, "value", mode))
