"""A freqtrade bot in the process of the test, run one loop at a time."""

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bitget_margin.emulator import DEFAULT_SYMBOLS, Account, AccountKind, Emulator, Order, Symbol
from support.bot import STRATEGIES, config
from support.client import without_pauses
from support.forked import load_few_candles
from support.unsynced_sqlite import leave_writes_to_the_system

PAIR = "BTC/USDT"


@dataclass
class Controls:
    """Instructions for the strategy `Controlled`."""

    enter: bool = False
    exit: bool = False
    ladder: Callable[[Any], list[dict[str, Any]]] | None = None
    loop: Callable[[Any], object] | None = None
    adjust: Callable[[Any], float | None] | None = None
    short: bool = False
    leverage: float = 1.0
    entry_price: float = 1.0
    """Multiple of the price that freqtrade proposes."""
    exit_price: float = 1.0


CONTROLS = Controls()


@dataclass
class InProcessBot:
    """A started bot on a venue of its own, with one pair."""

    bot: Any
    venue: Emulator
    config_path: Path = Path()
    on_start: list[Callable[[Any], object]] = field(default_factory=list)
    """Called with each bot that `restart` starts."""
    keeps_pauses: bool = False
    """Whether a loop may spare the lookup of a pair that the one before has looked up, as a slow machine makes it."""

    def loop(self, times: int = 1) -> None:
        """Run freqtrade's loop."""
        for _ in range(times):
            if not self.keeps_pauses:
                self.exchange.maintenance.lookups._tried_at.clear()
            self.bot.process()

    def enter(self, ladder: Callable[[Any], list[dict[str, Any]]] | None = None) -> Any:
        """Enter, and place a ladder once the entry has filled; return the trade."""
        CONTROLS.enter, CONTROLS.ladder = True, ladder
        self.loop()
        CONTROLS.enter = False
        self.loop(2)
        return self.trade

    def restart(self, while_down: Callable[[], object] = lambda: None) -> None:
        """End the bot without a commit, as a crash does, and start it again.

        :param while_down: called in between, while the database is closed
        """
        from freqtrade.persistence import Trade  # noqa: PLC0415
        from freqtrade.persistence.custom_data import _CustomData  # noqa: PLC0415 - it has a session of its own

        Trade.session.rollback()
        _CustomData.session.rollback()
        self.bot.cleanup()
        close_database()
        while_down()
        self.bot = _started(self.config_path)
        for follow in self.on_start:
            follow(self.bot)

    @property
    def trade(self) -> Any:
        """The newest trade, as in the database now."""
        from freqtrade.persistence import Trade  # noqa: PLC0415 - seconds, and only these tests need it

        Trade.commit()
        return Trade.get_trades_proxy()[-1]

    def trades(self) -> list[Any]:
        """Return all trades, as in the database now."""
        from freqtrade.persistence import Trade  # noqa: PLC0415

        Trade.commit()
        return list(Trade.get_trades_proxy())

    def trade_on(self, pair: str) -> Any:
        """Return the newest trade on a pair, as in the database now."""
        from freqtrade.persistence import Trade  # noqa: PLC0415

        Trade.session.rollback()
        Trade.session.expire_all()
        return [trade for trade in Trade.get_trades_proxy() if trade.pair == pair][-1]

    @property
    def exchange(self) -> Any:
        """The `Bitgetcross` of the bot."""
        return self.bot.exchange

    def live(self) -> list[Order]:
        """Return the live orders, the lowest price first."""
        orders = self.venue.orders(self.venue.accounts[0].uid, live_only=True)
        return sorted(orders, key=lambda order: order.price)

    def held(self) -> float:
        """Return the base coins of the account."""
        balance = self.venue.balances(self.venue.accounts[0].uid)["BTC"]
        return float(balance.available + balance.frozen)


@contextmanager
def in_process_bot(
    folder: Path,
    *,
    strategy: str = "Controlled",
    strategy_path: str = str(STRATEGIES),
    kind: AccountKind = AccountKind.CLASSIC,
    pairs: Sequence[str] = (PAIR,),
    symbols: Sequence[Symbol] = DEFAULT_SYMBOLS,
    settings: Mapping[str, Any] | None = None,
    keeps_pauses: bool = False,
    **balances: str,
) -> Iterator[InProcessBot]:
    """Start a bot on a venue of its own.

    :param settings: more of the configuration
    :param keeps_pauses: as `InProcessBot.keeps_pauses`
    """
    from bitget_margin.freqtrade import register, unregister  # noqa: PLC0415
    from bitget_margin.freqtrade.config import SECTION  # noqa: PLC0415

    CONTROLS.__init__()  # type: ignore[misc]
    leave_writes_to_the_system()
    account = Account(balances={"USDT": "1000000", **balances}, kind=kind)
    with ExitStack() as after, Emulator(accounts=(account,), symbols=symbols) as venue:
        register()
        after.callback(unregister)
        after.enter_context(load_few_candles())
        (folder / "user_data").mkdir()
        path = folder / "config.json"
        which = {"strategy": strategy, "strategy_path": strategy_path}
        more = dict(settings or {})
        # Pushes come whenever they come: a loop here looks up what it is told to.
        more[SECTION] = {"order_pushes": False, **more.get(SECTION, {})}
        path.write_text(json.dumps({**config(venue, pairs, folder), **which, **more}))
        running = InProcessBot(_started(path), venue, path, keeps_pauses=keeps_pauses)
        try:
            yield running
        finally:
            running.bot.cleanup()
            close_database()
    assert venue.errors == ()


def _started(config_path: Path) -> Any:
    from freqtrade.configuration import Configuration  # noqa: PLC0415
    from freqtrade.enums import RunMode  # noqa: PLC0415
    from freqtrade.freqtradebot import FreqtradeBot  # noqa: PLC0415

    user_data = str(config_path.parent / "user_data")
    arguments = {"config": [str(config_path)], "user_data_dir": user_data, "command": "trade"}
    mode = RunMode.DRY_RUN if json.loads(config_path.read_text())["dry_run"] else RunMode.LIVE
    with without_pauses():
        bot = FreqtradeBot(Configuration(arguments, mode).get_config())
        bot.startup()
    return bot


def close_database() -> None:
    """Close the database, which would otherwise cause a ResourceWarning in a later test, and its lock."""
    from freqtrade.persistence import Trade  # noqa: PLC0415

    from bitget_margin.freqtrade import database_lock  # noqa: PLC0415

    engine = Trade.session.get_bind()
    Trade.session.remove()
    engine.dispose()
    for file in database_lock._held.values():
        os.close(file)
    database_lock._held.clear()
