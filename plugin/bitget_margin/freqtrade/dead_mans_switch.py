"""Timer of the venue that cancels every order of the account once this bot's loop has stopped.

A thread starts the timer anew while the loop runs: when the bot dies or hangs, its time runs out. The account has one
timer, which knows no bots, pairs or markets: it cancels the orders of all of them.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import ccxt

from bitget_margin import client_order_ids
from bitget_margin.adapter.change import open_rows
from bitget_margin.core.endpoints import Endpoint
from bitget_margin.freqtrade.alerts import Alerts
from bitget_margin.freqtrade.compat import OperationalException
from bitget_margin.freqtrade.config import SECTION, SwitchSettings

logger = logging.getLogger("bitget_margin")

SWITCH: Final = f"{SECTION}.dead_mans_switch"
"""Name of the setting in messages."""
_CATEGORIES: Final = ("SPOT", "USDT-FUTURES", "COIN-FUTURES", "USDC-FUTURES")
"""Categories of a unified account in which this bot has no orders."""
_ALL: Final = ("MARGIN", *_CATEGORIES)
_STARTS_PER_SPAN: Final = 4
"""Starts of the timer within its time: the loss of some requests does not end it."""
_PAUSE_SECONDS: Final = 1.0
"""Least time between two starts: the venue takes one per second. Also the pause between two tries of the check."""
_TRIES: Final = 3
_CROSS: Final = {"marginMode": "cross"}


@dataclass(eq=False, kw_only=True)
class DeadMansSwitch:
    """The timer, and the thread that starts it anew.

    :param api: returns the sync exchange object, which freqtrade may replace
    :param settings: None where the configuration does not switch it on
    """

    api: Callable[[], Any]
    alerts: Alerts
    settings: SwitchSettings | None
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], object] = time.sleep
    _loop_at: float = field(default=0.0, init=False)
    """Time of the last loop."""
    _started_at: float | None = field(default=None, init=False)
    """Time of the last start of the timer that the venue has confirmed."""
    _may_run: bool = field(default=False, init=False)
    """Whether a start was sent, confirmed or not, and no end since."""
    _is_late: bool = field(default=False, init=False)
    _over: threading.Event = field(default_factory=threading.Event, init=False)
    _thread: threading.Thread | None = field(default=None, init=False)

    def start(self, key: Callable[[], str]) -> None:
        """Start the timer and the thread, if the setting is on.

        :param key: returns the key of this bot, which its orders carry
        :raises OperationalException: the account has no timer, or has orders of others that it would cancel
        """
        if self.settings is None or self._thread is not None:
            return
        if not self.settings.beside_other_orders and not self._is_alone(key()):
            return
        self._loop_at = self.clock()
        try:
            self.arm()
        except ccxt.NetworkError as error:
            logger.warning("The timer of %s could not be started yet: %s", SWITCH, error)
        except ccxt.BaseError as error:
            raise OperationalException(f'bitgetcross: "{SWITCH}" is on, and the venue refuses it: {error}') from error
        self.alerts.info(
            f"{SWITCH}: the venue cancels EVERY order of this account, of all markets and programs, "
            f"{self.settings.seconds} s after this bot dies, or {self.settings.loop_seconds} s later if its loop hangs."
        )
        self._thread = threading.Thread(target=self._run, name="bitget-margin-switch", daemon=True)
        self._thread.start()

    def loop_ran(self) -> None:
        """Note that the loop runs; warn if the timer may have run out since the last one."""
        self._loop_at = self.clock()
        if self._thread is None or self.settings is None:
            return
        last = self._started_at
        if last is not None and self._loop_at - last > self.settings.seconds:
            self.alerts.warn(
                f"{SWITCH}: the timer was not started anew for {self._loop_at - last:.0f} s: the venue may have "
                "canceled every order of the account.",
                about=SWITCH,
            )

    def end(self) -> None:
        """End the thread as the bot ends, and the timer, if only this bot uses it."""
        thread, self._thread = self._thread, None
        self._over.set()
        if thread is not None:
            thread.join(_PAUSE_SECONDS)
        if self.settings is None or not self._may_run:
            return
        left = f"it cancels every order of the account in {self.settings.seconds} s at most"
        if self.settings.others_use_it:
            self.alerts.warn(f"{SWITCH}: the bot ends, and the timer runs on for other programs: {left}.")
            return
        for tries in range(_TRIES):
            if tries:
                self.sleep(_PAUSE_SECONDS)
            try:
                self.api().cancel_all_orders_after(0, _CROSS)
            except ccxt.BaseError as error:
                logger.warning("The timer of %s could not be ended: %s", SWITCH, error)
            else:
                self._may_run = False
                return
        self.alerts.warn(f"{SWITCH}: the bot ends, and whether the timer does is not known: {left}.")

    # -- the thread ---------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        pause_seconds = _PAUSE_SECONDS if self.settings is None else self._pause_seconds(self.settings)
        while not self._over.wait(pause_seconds):
            self.tick()

    def tick(self) -> None:
        """Start the timer anew, unless the loop is late."""
        if self.settings is None:
            return
        silent_seconds = self.clock() - self._loop_at
        if silent_seconds > self.settings.loop_seconds:
            if not self._is_late:
                logger.error(
                    "%s: the loop has not run for %.0f s, and the timer is not started anew: the venue cancels every "
                    "order of the account in %d s at most",
                    SWITCH,
                    silent_seconds,
                    self.settings.seconds,
                )
            self._is_late = True
            return
        self._is_late = False
        try:
            self.arm()
        except ccxt.BaseError as error:
            logger.warning("The timer of %s could not be started anew: %s", SWITCH, error)
        except Exception:
            logger.exception("The timer of %s could not be started anew", SWITCH)

    def arm(self) -> None:
        """Start the timer.

        :raises ccxt.BaseError: it was refused, or may have been started
        """
        if self.settings is None:
            return
        params = {**_CROSS, "timeout": 1_000.0 * self._pause_seconds(self.settings)}
        sent_at, self._may_run = self.clock(), True
        self.api().cancel_all_orders_after(1_000 * self.settings.seconds, params)
        self._started_at = sent_at

    @staticmethod
    def _pause_seconds(settings: SwitchSettings) -> float:
        return max(_PAUSE_SECONDS, settings.seconds / _STARTS_PER_SPAN)

    # -- orders of others ---------------------------------------------------------------------------------------------

    def _is_alone(self, key: str) -> bool:
        """Return whether all open orders are this bot's; False, with a warning, where they cannot be listed.

        :raises OperationalException: there are others, or the account is a classic one
        """
        error: Exception | None = None
        for tries in range(_TRIES):
            if tries:
                self.sleep(_PAUSE_SECONDS)
            try:
                others = self._others(key)
            except ccxt.NotSupported as refused:
                raise OperationalException(f'bitgetcross: "{SWITCH}" is on: {refused}') from refused
            except ccxt.BaseError as raised:
                error = raised
                continue
            if others:
                raise OperationalException(
                    f'bitgetcross: "{SWITCH}" is on, and the account has open orders that are not this bot\'s '
                    f"({', '.join(others)}): the timer would cancel them, too. Cancel them, switch it off, or confirm "
                    f'with "{SWITCH}.beside_other_orders": true.'
                )
            return True
        self.alerts.warn(
            f"{SWITCH}: nothing is started: whether the account has orders of others could not be read: {error}"
        )
        return False

    def _others(self, key: str) -> list[str]:
        """Return the kinds of open orders that are not this bot's, with their numbers."""
        api = self.api()
        unified, _ = api.handle_uta_and_params({}, "cancelAllOrdersAfter")
        if not unified:
            raise ccxt.NotSupported("a classic account has no such timer; a unified account has it")
        listed = api.fetch_open_orders(None, None, None, _CROSS)
        margin = [order for order in listed if not client_order_ids.is_ours(key, order.get("clientOrderId"))]
        found = {"MARGIN": len(margin)}
        for category in _CATEGORIES:
            found[category] = len(api.perform(open_rows(api, Endpoint.UNIFIED_OPEN_ORDERS, category)))
        for category in _ALL:
            rows = api.perform(open_rows(api, Endpoint.UNIFIED_STRATEGY_ORDERS, category))
            found[f"{category} strategy"] = len(rows)
        return [f"{number} {name}" for name, number in found.items() if number]
