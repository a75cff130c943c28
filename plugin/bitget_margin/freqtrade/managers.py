"""The managers of a bot's orders: built once, with what each one uses, and called in every loop."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bitget_margin.freqtrade import trade_rows
from bitget_margin.freqtrade.absent_orders import AbsentOrders
from bitget_margin.freqtrade.alerts import Alerts
from bitget_margin.freqtrade.budget import LOOP_MS
from bitget_margin.freqtrade.client import VenueClient, epoch_ms
from bitget_margin.freqtrade.compat import Trade
from bitget_margin.freqtrade.config import BotSettings, PushSettings
from bitget_margin.freqtrade.exit_amounts import ExitAmounts
from bitget_margin.freqtrade.exit_cancels import ExitCancels
from bitget_margin.freqtrade.exit_fills import ExitFills
from bitget_margin.freqtrade.exit_names import ExitNames
from bitget_margin.freqtrade.exit_rests import ExitRests
from bitget_margin.freqtrade.exits import Exits
from bitget_margin.freqtrade.forgotten_orders import ForgottenOrders
from bitget_margin.freqtrade.held_coins import HeldCoins
from bitget_margin.freqtrade.holdings import Holdings
from bitget_margin.freqtrade.ladder_data import LadderData
from bitget_margin.freqtrade.ladders import Ladders
from bitget_margin.freqtrade.late_buys import LateBuys
from bitget_margin.freqtrade.lookups import Lookups
from bitget_margin.freqtrade.lost_orders import LostOrders
from bitget_margin.freqtrade.maintenance import Maintenance
from bitget_margin.freqtrade.missed_lookups import MissedLookups
from bitget_margin.freqtrade.open_lists import OpenLists
from bitget_margin.freqtrade.order_store import OrderStore
from bitget_margin.freqtrade.own_orders import OwnOrders
from bitget_margin.freqtrade.ports import EntryTerms, MarketRules, NoPushes, Pushes
from bitget_margin.freqtrade.recovery import Recovery
from bitget_margin.freqtrade.resting_orders import RestingOrders
from bitget_margin.freqtrade.stop_amounts import StopAmounts
from bitget_margin.freqtrade.stop_client import StopClient
from bitget_margin.freqtrade.stops import Stops
from bitget_margin.freqtrade.unproven_cancels import UnprovenCancels

logger = logging.getLogger("bitget_margin")


@dataclass(eq=False, kw_only=True)
class Managers:
    """The managers of one bot.

    :param store: the plugin's tables
    :param client: requests to the venue
    :param holdings: balances
    :param rules: rules of the pairs
    :param new_trade: makes a trade on a pair with these values
    :param pushes: pushes of changed orders
    :param entry_terms: returns the terms of an entry order by its client order id; None in spot mode
    """

    store: OrderStore
    client: VenueClient
    alerts: Alerts
    holdings: Holdings
    rules: MarketRules
    settings: BotSettings
    new_trade: Callable[..., Trade]
    pushes: Pushes = field(default_factory=NoPushes)
    entry_terms: Callable[[str], EntryTerms | None] | None = None
    clock: Callable[[], float] = time.monotonic
    epoch_ms: Callable[[], int] = epoch_ms

    def __post_init__(self) -> None:
        shared: dict[str, Any] = {"store": self.store, "client": self.client, "alerts": self.alerts}
        times: dict[str, Any] = {"clock": self.clock, "epoch_ms": self.epoch_ms}
        self.lock = lock = threading.RLock()
        """Held for every use of the managers: the main loop and freqtrade's API exit trades in two threads."""
        self.missed = missed = MissedLookups(self.clock)
        self.unproven = UnprovenCancels(client=self.client, alerts=self.alerts, wait_ms=LOOP_MS, clock=self.clock)
        self.ladder_data = LadderData(store=self.store)
        self.resting = resting = RestingOrders(missed=missed, changed=self.ladder_data.note, **shared, **times)
        self.names = names = ExitNames(store=self.store, client=self.client, epoch_ms=self.epoch_ms)
        self.recovery = Recovery(
            names=names,
            missed=missed,
            absent=AbsentOrders(
                missed=missed, holdings=self.holdings, entry_terms=self.entry_terms, epoch_ms=self.epoch_ms
            ),
            new_trade=self.new_trade,
            lock=lock,
            **shared,
            **times,
        )
        self.lost = LostOrders(resting=resting, lock=lock, adopt=self.recovery.adopt, **shared, **times)
        self.ladders = Ladders(
            resting=resting,
            lost=self.lost,
            rules=self.rules,
            lock=lock,
            lends=lambda: not self.holdings.freezes(),
            **shared,
            **times,
        )
        self.stops = stops = Stops(
            client=StopClient(self.client.api, lambda pair: str(self.rules.markets[pair]["id"])),
            store=self.store,
            amounts=StopAmounts(
                store=self.store,
                resting=resting,
                holdings=self.holdings,
                rules=self.rules,
                alerts=self.alerts,
            ),
            missed=missed,
            alerts=self.alerts,
            pace=self.client.pace,
            lock=lock,
            enabled=self.settings.strategy_orders,
            clock=self.clock,
        )
        self.ladders.make_room = stops.make_room
        self.forgotten = forgotten = ForgottenOrders(resting=resting, lock=lock, **shared, **times)
        held = HeldCoins(
            holdings=self.holdings,
            missed=missed,
            others=lambda trade: [*stops.open_of(trade), *forgotten.alive_of(trade)],
        )
        amounts = ExitAmounts(store=self.store, holdings=self.holdings, held=held, rules=self.rules)
        fills = ExitFills(
            resting=resting,
            store=self.store,
            client=self.client,
            holdings=self.holdings,
            held=held,
            amounts=amounts,
            clock=self.clock,
        )
        self.rests = ExitRests(store=self.store, alerts=self.alerts, held=held, amounts=amounts, clock=self.clock)
        cancels = ExitCancels(
            resting=resting,
            client=self.client,
            alerts=self.alerts,
            holdings=self.holdings,
            fills=fills,
            settings=self.settings,
            clock=self.clock,
        )
        self.exits = Exits(
            resting=resting,
            names=names,
            holdings=self.holdings,
            held=held,
            amounts=amounts,
            fills=fills,
            cancels=cancels,
            rests=self.rests,
            rules=self.rules,
            settings=self.settings,
            lock=lock,
            drop_waiting=self.ladders.drop_waiting,
            clock=self.clock,
            **shared,
        )
        pushed = self.settings.order_pushes or PushSettings()
        lookups = Lookups(
            pace=self.client.pace,
            pushes=self.pushes,
            max_age_seconds=pushed.max_age_seconds,
            clock=self.clock,
        )
        self.maintenance = Maintenance(
            lookups=lookups,
            lists=OpenLists(client=self.client, resting=resting, store=self.store, lookups=lookups),
            resting=resting,
            missed=missed,
            holdings=self.holdings,
            rules=self.rules,
            lock=lock,
            clock=self.clock,
            **shared,
        )
        own = OwnOrders(
            store=self.store,
            alerts=self.alerts,
            adopt=self.recovery.adopt,
            note_alive=forgotten.note_alive,
            epoch_ms=self.epoch_ms,
        )
        late = LateBuys(store=self.store, alerts=self.alerts, adopt=self.recovery.adopt, sell=self.rests.sell)
        names.adopt = self.recovery.adopt
        self.unproven.restore_amount = self.exits.restore_amount
        stops.before_booking = self.exits.restore_amounts
        resting.take_in, resting.take_late_buy = own.take_in, late.take_in

    def process_loop(self) -> None:
        """Process the bot's orders at the beginning of a loop; each step runs, also if another one fails."""
        with self.lock:
            self.names.begin()
            budget = self.client.pace.loop_budget()
            steps: tuple[Callable[[], object], ...] = (
                self.maintenance.repair_after_crash,
                self.exits.restore_amounts,
                lambda: self.recovery.resolve(budget=budget),
                lambda: self.maintenance.process_loop(self.exits.busy(), budget),
                self.unproven.repeat,
                lambda: self.lost.look_up(budget),
                lambda: self.forgotten.process_loop(budget),
                lambda: self.stops.process_loop(budget),
                lambda: self.ladders.place_waiting(self.exits.busy(), budget),
                self.ladder_data.write,
            )
            for step in steps:
                try:
                    step()
                except Exception:
                    Trade.rollback()
                    logger.exception("A step of the loop over the bot's orders failed; the next loop tries again")

    def resting_may_have_sold(self, pair: str) -> bool:
        """Whether resting orders of the trade on a pair may have sold coins that its rows still count."""
        with self.lock:
            trade = trade_rows.open_trade(pair)
            return trade is not None and self.resting.closing(trade) > 0

    def hand_over_ended(self) -> bool:
        """Let freqtrade book the ends of resting orders; the last step before it queries its own orders.

        :returns: whether there is one
        """
        with self.lock:
            return self.maintenance.hand_over_ended(self.exits.busy())
