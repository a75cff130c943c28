"""A freqtrade bot in the process of the test, run one loop at a time."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bitget_margin.emulator import Account, Emulator, Order
from support.bot import STRATEGIES, config

PAIR = "BTC/USDT"


@dataclass
class Controls:
    """Instructions for the strategy `Controlled`."""

    enter: bool = False
    exit: bool = False
    ladder: Callable[[Any], list[dict[str, Any]]] | None = None
    loop: Callable[[Any], object] | None = None
    adjust: Callable[[Any], float | None] | None = None


CONTROLS = Controls()


@dataclass
class InProcessBot:
    """A started bot on a venue of its own, with one pair."""

    bot: Any
    venue: Emulator

    def loop(self, times: int = 1) -> None:
        """Run freqtrade's loop."""
        for _ in range(times):
            self.bot.process()

    def enter(self, ladder: Callable[[Any], list[dict[str, Any]]] | None = None) -> Any:
        """Enter, and place a ladder once the entry has filled; return the trade."""
        CONTROLS.enter, CONTROLS.ladder = True, ladder
        self.loop()
        CONTROLS.enter = False
        self.loop(2)
        return self.trade

    @property
    def trade(self) -> Any:
        """The newest trade, as in the database now."""
        from freqtrade.persistence import Trade  # noqa: PLC0415 - seconds, and only these tests need it

        Trade.commit()
        return Trade.get_trades_proxy()[-1]

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
    folder: Path, *, strategy: str = "Controlled", strategy_path: str = str(STRATEGIES), **balances: str
) -> Iterator[InProcessBot]:
    """Start a bot on a venue of its own."""
    from freqtrade.configuration import Configuration  # noqa: PLC0415
    from freqtrade.enums import RunMode  # noqa: PLC0415
    from freqtrade.freqtradebot import FreqtradeBot  # noqa: PLC0415

    from bitget_margin.freqtrade import register, unregister  # noqa: PLC0415

    CONTROLS.__init__()  # type: ignore[misc]
    with ExitStack() as after, Emulator(accounts=(Account(balances={"USDT": "1000000", **balances}),)) as venue:
        register()
        after.callback(unregister)
        (folder / "user_data").mkdir()
        path = folder / "config.json"
        which = {"strategy": strategy, "strategy_path": strategy_path}
        path.write_text(json.dumps({**config(venue, [PAIR], folder), **which}))
        arguments = {"config": [str(path)], "user_data_dir": str(folder / "user_data"), "command": "trade"}
        bot = FreqtradeBot(Configuration(arguments, RunMode.LIVE).get_config())
        bot.startup()
        try:
            yield InProcessBot(bot, venue)
        finally:
            bot.cleanup()
            close_database()
    assert venue.errors == ()


def close_database() -> None:
    """Close the database, which would otherwise cause a ResourceWarning in a later test."""
    from freqtrade.persistence import Trade  # noqa: PLC0415

    engine = Trade.session.get_bind()
    Trade.session.remove()
    engine.dispose()
