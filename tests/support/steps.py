"""A freqtrade bot in the test's own process, which goes one loop at a time."""

from __future__ import annotations

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
class Strings:
    """What the puppet strategy does."""

    enter: bool = False
    exit: bool = False
    ladder: Callable[[Any], list[dict[str, Any]]] | None = None
    loop: Callable[[Any], object] | None = None
    adjust: Callable[[Any], float | None] | None = None


STRINGS = Strings()


@dataclass
class Steps:
    """A running bot on a venue, with one trade at most."""

    bot: Any
    venue: Emulator

    def loop(self, times: int = 1) -> None:
        """Go through freqtrade's loop."""
        for _ in range(times):
            self.bot.process()

    def enter(self, ladder: Callable[[Any], list[dict[str, Any]]] | None = None) -> Any:
        """Enter, and place a ladder once the entry has filled; return the trade."""
        STRINGS.enter, STRINGS.ladder = True, ladder
        self.loop()
        STRINGS.enter = False
        self.loop(2)
        return self.trade

    @property
    def trade(self) -> Any:
        """The newest trade, as it is in the database now."""
        from freqtrade.persistence import Trade  # noqa: PLC0415 - seconds, and only these tests need it

        Trade.commit()
        return Trade.get_trades_proxy()[-1]

    @property
    def resting(self) -> Any:
        """Who keeps the resting orders."""
        return self.bot.exchange.resting

    def live(self) -> list[Order]:
        """Return the live orders, the lowest price first."""
        orders = self.venue.orders(self.venue.accounts[0].uid, live_only=True)
        return sorted(orders, key=lambda order: order.price)

    def held(self) -> float:
        """Return the base coins of the account."""
        balance = self.venue.balances(self.venue.accounts[0].uid)["BTC"]
        return float(balance.available + balance.frozen)


@contextmanager
def steps(
    folder: Path, *, strategy: str = "Puppet", strategy_path: str = str(STRATEGIES), **balances: str
) -> Iterator[Steps]:
    """Start a bot on a venue of its own."""
    from freqtrade.configuration import Configuration  # noqa: PLC0415
    from freqtrade.enums import RunMode  # noqa: PLC0415
    from freqtrade.freqtradebot import FreqtradeBot  # noqa: PLC0415

    from bitget_margin.freqtrade import register, unregister  # noqa: PLC0415

    STRINGS.__init__()  # type: ignore[misc]
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
            yield Steps(bot, venue)
        finally:
            bot.cleanup()
            close_database()
    assert venue.errors == ()


def close_database() -> None:
    """Close what freqtrade leaves to the collector, which shouts in whatever test comes next."""
    from freqtrade.persistence import Trade  # noqa: PLC0415

    engine = Trade.session.get_bind()
    Trade.session.remove()
    engine.dispose()
