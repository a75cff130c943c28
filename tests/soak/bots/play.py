"""Run a real freqtrade bot against the emulator, loop by loop in this process, and judge it."""

import json
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from bitget_margin.emulator import Account, Emulator, FaultKind, Order
from bots.faults import Stage
from bots.judge import Finding, judge
from bots.scenario import RISE, STOP_LOSS, Exit, Plan, Scenario
from bots.script import SCRIPTS, Script
from support.bot import config, symbol_of
from support.in_process_bot import close_database

STAGE_LOOPS: Final = 6
"""Loops of the bot while the faults of entries, or of exits, are active."""
ENTERED_SECONDS: Final = 45.0
SETTLED_SECONDS: Final = 90.0
"""Time limit after the faults until the books agree with the venue."""
_PAUSE_SECONDS: Final = 0.05
_LATE_SECONDS: Final = 6.5
"""Time after which no delayed request is still to arrive."""


@dataclass(slots=True)
class Result:
    """Result of a run."""

    scenario: Scenario
    findings: list[Finding] = field(default_factory=list)
    entered: bool = False
    """Whether an entry has filled on every pair."""
    entered_under_faults: bool = False
    exits: int = 0
    exits_due: int = 0
    seconds: float = 0.0
    settled_seconds: float = 0.0
    loops: int = 0
    cut_loops: int = 0
    """Loops that an error ended early; freqtrade's worker would pause for 30 s."""
    log: list[str] = field(default_factory=list)


_SILENT_LOGGERS: Final = (
    "urllib3",
    "freqtrade.rpc",
    "freqtrade.configuration",
    "freqtrade.resolvers",
    "bitget_margin.windows",
)


class Log(logging.Handler):
    """Handler that keeps the log of a run."""

    def __init__(self, level: int) -> None:
        super().__init__(level)
        self.lines: list[str] = []
        self._began = time.monotonic()

    def emit(self, record: logging.LogRecord) -> None:
        if not record.name.startswith(_SILENT_LOGGERS):
            self.note(f"{record.levelname} {record.name}: {self.format(record)}")

    def note(self, text: str) -> None:
        self.lines.append(f"{time.monotonic() - self._began:7.2f} {text}")


def play(scenario: Scenario, level: int = logging.WARNING) -> Result:
    """Run a bot through a scenario and judge the result."""
    began = time.monotonic()
    result = Result(scenario)
    log = Log(level)
    with TemporaryDirectory(prefix="bot-run-") as folder:
        balances = {"USDT": scenario.quote} | {plan.pair.split("/")[0]: plan.others for plan in scenario.plans}
        account = Account(balances=balances, kind=scenario.account)
        with Emulator(accounts=(account,), fault_seed=scenario.seed * 100_000 + scenario.number) as venue:
            with _running(venue, scenario, Path(folder), log) as bot:
                _Player(scenario, venue, bot, result, log).play()
            result.findings += [Finding("venue", repr(error)) for error in venue.errors]
            if result.findings:
                _log_venue(venue, log)
    result.log = log.lines
    result.seconds = time.monotonic() - began
    return result


def _log_venue(venue: Emulator, log: Log) -> None:
    """Add the venue's requests and orders to the log."""
    first = venue.requests[0].at_ms
    for record in venue.requests:
        if record.method == "POST":
            what = "executed" if record.executed else "not executed"
            met = record.fault or "no fault"
            log.lines.append(f"{record.at_ms - first:8d} {record.path} {record.body} {record.status} {what} {met}")
    for order in venue.orders():
        log.lines.append(f"{order.created_ms - first:8d} {order}")


@contextmanager
def _logged(log: Log) -> Iterator[None]:
    root = logging.getLogger()
    level = root.level
    root.addHandler(log)
    root.setLevel(log.level)
    try:
        yield
    finally:
        root.removeHandler(log)
        root.setLevel(level)


@contextmanager
def _running(venue: Emulator, scenario: Scenario, folder: Path, log: Log) -> Iterator[Any]:
    """Run a bot on the venue."""
    from freqtrade.configuration import Configuration  # noqa: PLC0415 - slow, and only needed here
    from freqtrade.enums import RunMode  # noqa: PLC0415
    from freqtrade.freqtradebot import FreqtradeBot  # noqa: PLC0415

    from bitget_margin.freqtrade import register, unregister  # noqa: PLC0415

    SCRIPTS.clear()
    with ExitStack() as after:
        register()
        after.callback(unregister)
        (folder / "user_data").mkdir()
        path = folder / "config.json"
        settings = config(venue, [plan.pair for plan in scenario.plans], folder, strategy="Instructed")
        settings["exchange"]["enable_ws"] = False
        path.write_text(json.dumps(settings))
        arguments = {"config": [str(path)], "user_data_dir": str(folder / "user_data"), "command": "trade"}
        settings = Configuration(arguments, RunMode.LIVE).get_config()
        after.enter_context(_logged(log))  # freqtrade has set up its own logs by now
        bot = FreqtradeBot(settings)
        after.callback(close_database)
        after.callback(bot.cleanup)
        bot.startup()
        yield bot


class _Player:
    """Steps of a run, one after the other."""

    def __init__(self, scenario: Scenario, venue: Emulator, bot: Any, result: Result, log: Log) -> None:
        self._scenario = scenario
        self._venue = venue
        self._uid = venue.accounts[0].uid
        self._bot = bot
        self._result = result
        self._log = log
        self._first = {plan.pair: self._price(plan.pair) for plan in scenario.plans}
        self._fault_ended = time.monotonic()

    def play(self) -> None:
        """Enter and place the ladders under faults; let the ladders fill; exit under faults; settle, and judge."""
        for plan in self._scenario.plans:
            SCRIPTS[plan.pair] = Script(entry_price=plan.entry_price, ladder=plan.ladder, adjust=plan.adjust)
        self._loop()
        for plan in self._scenario.plans:
            SCRIPTS[plan.pair].enter = True
        self._start_faults(Stage.ENTRY, Stage.LADDER)
        for i in range(STAGE_LOOPS):
            self._loop()
            if i:
                self._fill_resting_entries()
        self._result.entered_under_faults = all(self._has_entered(plan) for plan in self._scenario.plans)
        self._end_faults()
        self._until(lambda: all(self._has_entered(plan) for plan in self._scenario.plans), ENTERED_SECONDS)
        self._let_ladders_fill()
        self._start_faults(Stage.EXIT)
        for plan in self._scenario.plans:
            self._begin_exit(plan)
        for _ in range(STAGE_LOOPS):
            self._loop()
        self._end_faults()
        self._settle()

    # -- the parts ----------------------------------------------------------------------------------------------------

    def _start_faults(self, *stages: Stage) -> None:
        for stage in (*stages, Stage.LOOKUP):
            for rule in self._scenario.rules(stage):
                self._log.note(f"-- {stage.value}: {rule}")
                self._venue.add_fault(
                    rule.kind,
                    rule.path,
                    count=rule.count,
                    probability=rule.probability,
                    duration_ms=rule.duration_ms,
                    code=rule.code,
                    text=rule.text,
                    status=rule.status,
                    items=rule.items,
                )
        # A gateway that repeats an order trades twice whatever the bot does where the venue lends what is missing.
        repeats = any(rule.kind is FaultKind.REPEAT for _, rule in self._scenario.faults)
        self._venue.knobs(history_lag_ms=self._scenario.history_lag_ms, auto_borrow=not repeats)

    def _end_faults(self) -> None:
        self._log.note("-- the faults end")
        self._venue.clear_faults()
        self._venue.knobs(history_lag_ms=0)
        self._fault_ended = time.monotonic()

    def _fill_resting_entries(self) -> None:
        """Move the price to the resting entries and back."""
        for plan in self._scenario.plans:
            if plan.entry_price < 1 and self._buys(plan):
                self._move(plan, 2 - RISE)
                self._move(plan, 1)

    def _let_ladders_fill(self) -> None:
        for i in range(max(len(plan.walk) for plan in self._scenario.plans)):
            for plan in self._scenario.plans:
                if i < len(plan.walk):
                    self._move(plan, plan.walk[i])
            self._loop()
        for plan in self._scenario.plans:
            sells = sorted((order for order in self._live(plan) if order.side == "sell"), key=lambda order: order.price)
            if plan.reached and sells:
                reached = sells[min(plan.reached, len(sells)) - 1]
                self._log.note(f"-- {plan.pair} rises to {reached.price}")
                self._venue.set_price(symbol_of(plan.pair), reached.price)
        self._loop(2)

    def _begin_exit(self, plan: Plan) -> None:
        if plan.exit is Exit.STOP:
            self._log.note(f"-- {plan.pair} falls")
            self._move(plan, STOP_LOSS)
        elif plan.exit is not Exit.NONE:
            self._log.note(f"-- {plan.pair} has an exit signal")
            SCRIPTS[plan.pair].exit_price = RISE - 0.002 if plan.exit is Exit.RESTING else 1.0
            SCRIPTS[plan.pair].exit = True

    def _settle(self) -> None:
        """Run the bot until its books agree with the venue and nothing is left to do, or the time is over."""
        began, rises = time.monotonic(), 0.0
        result, findings = self._result, list[Finding]()
        while True:
            self._loop()
            self._fill_resting_entries()
            now = time.monotonic()
            if now - rises > 1:
                rises = now
                self._fill_resting_exits()
            findings = self._findings()
            is_late = now - began > SETTLED_SECONDS
            if is_late or (not findings and now - began > self._least_seconds()):
                break
            time.sleep(min(1.0, 0.05 + (now - began) / 20))
        self._loop(2)
        result.settled_seconds = time.monotonic() - began
        result.findings += findings if is_late else self._findings()
        result.entered = all(self._has_entered(plan) for plan in self._scenario.plans)
        result.exits_due = sum(plan.exit is not Exit.NONE for plan in self._scenario.plans)
        result.exits = sum(plan.exit is not Exit.NONE and self._has_exited(plan) for plan in self._scenario.plans)

    def _least_seconds(self) -> float:
        """Return the time after the faults in which delayed requests may still arrive."""
        late = any(rule.kind.value in {"late", "stall-before", "stall-after"} for _, rule in self._scenario.faults)
        return _LATE_SECONDS if late else 0.0

    def _fill_resting_exits(self) -> None:
        """Move the price to the resting exits."""
        for plan in self._scenario.plans:
            if plan.exit is Exit.RESTING:
                self._venue.set_price(symbol_of(plan.pair), _rounded(self._price(plan.pair) * Decimal(str(RISE))))

    # -- what there is ------------------------------------------------------------------------------------------------

    def _loop(self, times: int = 1) -> None:
        from freqtrade.exceptions import TemporaryError  # noqa: PLC0415

        for _ in range(times):
            self._result.loops += 1
            try:
                self._bot.process()
            except TemporaryError as error:  # freqtrade's worker continues after this
                self._result.cut_loops += 1
                self._log.note(f"-- the loop ended early: {error}")
            for plan in self._scenario.plans:
                if SCRIPTS[plan.pair].enter and self._trades(plan):
                    SCRIPTS[plan.pair].enter = False
            time.sleep(_PAUSE_SECONDS)

    def _until(self, condition: Callable[[], bool], seconds: float) -> None:
        end = time.monotonic() + seconds
        while not condition() and time.monotonic() < end:
            self._loop()
            self._fill_resting_entries()
            time.sleep(0.3)

    def _findings(self) -> list[Finding]:
        from freqtrade.persistence import Trade  # noqa: PLC0415

        Trade.commit()
        return judge(self._scenario, self._venue, self._bot.exchange, list(Trade.get_trades_proxy()))

    def _trades(self, plan: Plan) -> list[Any]:
        from freqtrade.persistence import Trade  # noqa: PLC0415

        Trade.commit()
        return list(Trade.get_trades_proxy(pair=plan.pair))

    def _has_entered(self, plan: Plan) -> bool:
        return any(trade.nr_of_successful_entries for trade in self._trades(plan))

    def _has_exited(self, plan: Plan) -> bool:
        trades = self._trades(plan)
        return bool(trades) and not any(trade.is_open for trade in trades)

    def _live(self, plan: Plan) -> list[Order]:
        orders = self._venue.orders(self._uid, live_only=True)
        return [order for order in orders if order.symbol == symbol_of(plan.pair)]

    def _buys(self, plan: Plan) -> list[Order]:
        entry = self._first[plan.pair] * Decimal("0.98")
        return [order for order in self._live(plan) if order.side == "buy" and order.price > entry]

    def _price(self, pair: str) -> Decimal:
        return self._venue._venue.engine.market.price(symbol_of(pair))

    def _move(self, plan: Plan, factor: float) -> None:
        self._venue.set_price(symbol_of(plan.pair), _rounded(self._first[plan.pair] * Decimal(str(factor))))


def _rounded(price: Decimal) -> Decimal:
    return price.quantize(Decimal("0.01"))
