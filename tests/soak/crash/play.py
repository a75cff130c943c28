"""Run one bot through a scenario: enter in calm, fall under faults, kill, and settle."""

import json
import logging
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from bitget_margin.emulator import Account, synthetic_symbols
from crash.evidence import FOREIGN_PREFIX, Evidence, Sample, Track, is_foreign, is_rung
from crash.faults import DrawnFaults, DrillVenue
from crash.judge import findings
from crash.scenario import CALM_LATENCY_MS, STEP_SECONDS, Scenario
from support.bot import Bot, config, symbol_of

LIMIT_SECONDS: Final = 90.0
"""Time after the last stop-loss is due until the faults end; a later exit counts as never."""
SETTLED_SECONDS: Final = 60.0
"""Time limit after the faults until the books agree with the venue."""
THROTTLE_SECONDS: Final = 1
"""Length of a loop of the bots, in which freqtrade's default is 5: the only time that is scaled."""
_START_SECONDS: Final = 60.0
_TICK_SECONDS: Final = 0.04
_PRICE: Final = Decimal(100)
_LOG_LINES: Final = 4_000


def play(scenario: Scenario, *, ladders: bool) -> Evidence:
    """Run a bot with or without ladders and return its evidence."""
    began, evidence = time.monotonic(), Evidence(ladders)
    with TemporaryDirectory(prefix="crash-") as folder, _venue(scenario) as venue:
        with _bot(scenario, venue, Path(folder), ladders=ladders) as bot:
            player = _Player(scenario, venue, bot, evidence)
            try:
                player.play()
            except AssertionError as error:
                evidence.error = str(error).splitlines()[0]
        player.read_books()
        evidence.loops = _loops(Path(folder))
        evidence.log = [*_requests(venue), *bot.log_text().splitlines()[-_LOG_LINES:]]
        if venue.errors:
            evidence.error = f"the emulator had errors: {venue.errors!r}"
    evidence.seconds = time.monotonic() - began
    return evidence


@contextmanager
def _venue(scenario: Scenario) -> Iterator[DrillVenue]:
    coins = {plan.pair.split("/")[0]: plan.others for plan in scenario.plans if plan.others != "0"}
    account = Account(balances={"USDT": "1000000", **coins}, kind=scenario.account)
    faults = DrawnFaults(f"{scenario.seed}/{scenario.account.value}/{scenario.number}")
    with DrillVenue(faults, accounts=(account,), symbols=synthetic_symbols(len(scenario.plans))) as venue:
        venue.knobs(latency_ms=CALM_LATENCY_MS, history_lag_ms=scenario.history_lag_ms)
        yield venue


@contextmanager
def _bot(scenario: Scenario, venue: DrillVenue, folder: Path, *, ladders: bool) -> Iterator[Bot]:
    settings = config(
        venue,
        [plan.pair for plan in scenario.plans],
        folder,
        strategy="WithLadders" if ladders else "WithoutLadders",
        stoploss=-scenario.stop_loss,
        internals={"process_throttle_secs": THROTTLE_SECONDS, "heartbeat_interval": 0},
    )
    settings["exchange"]["enable_ws"] = False
    with Bot(folder, settings) as bot:
        rungs = {plan.pair: [(rung.side, rung.price, rung.share) for rung in plan.ladder] for plan in scenario.plans}
        bot.write_script({pair: {"ladder": ladder} for pair, ladder in rungs.items()})
        yield bot.start()


class _Player:
    """Steps of one bot's run."""

    def __init__(self, scenario: Scenario, venue: DrillVenue, bot: Bot, evidence: Evidence) -> None:
        self._scenario = scenario
        self._venue = venue
        self._uid = venue.accounts[0].uid
        self._bot = bot
        self._evidence = evidence
        self._tracks = [Track(plan.pair, Decimal(plan.others)) for plan in scenario.plans]
        self._started = 0.0
        self._kill_at = scenario.kill_at
        evidence.tracks = self._tracks

    def play(self) -> None:
        """Enter and place the ladders in calm; let the prices fall under faults; settle in calm."""
        self._bot.wait_until(self._has_entered, "every pair is entered, and its ladder rests", _START_SECONDS)
        for plan in self._scenario.plans:
            self._place_foreign(plan.pair, Decimal(plan.others))
        self._fall()
        self._settle()

    def _has_entered(self) -> bool:
        orders = self._venue.orders(self._uid)
        rungs = {plan.pair: len(plan.ladder) if self._evidence.ladders else 0 for plan in self._scenario.plans}
        for pair, count in rungs.items():
            of_pair = [order for order in orders if order.symbol == symbol_of(pair)]
            trade = self._bot.trade(pair)
            if trade is None or any(row["ft_is_open"] for row in self._bot.orders(trade["id"])):
                return False
            if sum(order.live and is_rung(order) for order in of_pair) != count or len(of_pair) != count + 1:
                return False
        return True

    def _place_foreign(self, pair: str, others: Decimal) -> None:
        """Place orders that are not the bot's and that no price of the run reaches."""
        fields = {"symbol": symbol_of(pair), "side": "buy", "price": "50", "baseSize": "1"}
        self._venue.place(self._uid, {**fields, "clientOid": f"{FOREIGN_PREFIX}b-{pair[:4]}"})
        if others:
            fields |= {"side": "sell", "price": "200", "baseSize": str(others / 2)}
            self._venue.place(self._uid, {**fields, "clientOid": f"{FOREIGN_PREFIX}s-{pair[:4]}"})

    def _fall(self) -> None:
        scenario = self._scenario
        due = max(plan.due_seconds(scenario.stop_loss) for plan in scenario.plans)
        end = max(len(plan.path) for plan in scenario.plans) * STEP_SECONDS
        self._started = time.monotonic()
        self._venue.drawn.active = True
        while True:
            seconds = time.monotonic() - self._started
            self._move(seconds)
            self._kill(seconds)
            self._sample()
            is_over = seconds > end and self._kill_at is None and self._is_flat()
            if is_over or seconds > due + LIMIT_SECONDS:
                break
            time.sleep(_TICK_SECONDS)
        self._venue.drawn.active = False
        self._venue.knobs(latency_ms=CALM_LATENCY_MS, history_lag_ms=0)

    def _move(self, seconds: float) -> None:
        """Set the prices and the latency of this moment."""
        self._venue.knobs(latency_ms=self._scenario.latency_at(seconds))
        for plan, track in zip(self._scenario.plans, self._tracks, strict=True):
            price = (_PRICE * Decimal(repr(plan.price_at(seconds)))).quantize(Decimal("0.01"))
            if not track.prices or track.prices[-1][1] != price:
                self._venue.set_price(symbol_of(plan.pair), price, plan.liquidity)
                track.prices.append((_epoch_ms(), price))

    def _kill(self, seconds: float) -> None:
        """Kill the bot when it is time, and start it again at once."""
        if self._kill_at is not None and seconds >= self._kill_at:
            self._kill_at = None
            self._bot.kill()
            self._bot.start()

    def _sample(self) -> None:
        orders = self._venue.orders(self._uid)
        balances = self._venue.balances(self._uid)
        self._evidence.borrowed = self._venue.borrowed(self._uid)
        for track in self._tracks:
            balance = balances.get(track.pair.split("/")[0])
            total = Decimal(0) if balance is None else balance.available + balance.frozen
            live = [order for order in orders if order.symbol == symbol_of(track.pair) and order.live]
            rungs = [order for order in live if order.side == "sell" and is_rung(order)]
            held = sum((order.reserve for order in rungs), Decimal(0))
            track.add(Sample(_epoch_ms(), total - track.others, held))

    def _is_flat(self) -> bool:
        """Return whether no trade has coins to sell and no order of the bot is live."""
        live = self._venue.orders(self._uid, live_only=True)
        dust = [Decimal(5) / track.prices[-1][1] for track in self._tracks]
        return all(is_foreign(order) for order in live) and all(
            track.samples[-1].total <= least for track, least in zip(self._tracks, dust, strict=True)
        )

    def _settle(self) -> None:
        """Wait until nothing is wrong, or the time is over."""
        began = time.monotonic()
        while time.monotonic() - began < SETTLED_SECONDS:
            time.sleep(0.5)
            self._sample()
            try:
                self.read_books()
            except sqlite3.OperationalError:  # the bot writes
                continue
            if not findings(self._evidence):
                break
        self._evidence.settled_seconds = time.monotonic() - began

    def read_books(self) -> None:
        """Read the venue's orders and freqtrade's rows as they are now."""
        evidence = self._evidence
        evidence.trades = self._bot.rows("select id, pair, is_open, amount, stop_loss, open_rate from trades")
        columns = "ft_trade_id, ft_pair, ft_order_side, ft_is_open, order_id, status, filled"
        evidence.rows = self._bot.rows(f"select {columns} from orders")  # noqa: S608 - constant
        evidence.orders = self._venue.orders(self._uid)


def _loops(folder: Path) -> list[tuple[int, int]]:
    """Return the loops that the strategy has noted beside its script."""
    found = next(folder.rglob("loops.txt"), None)
    lines = [] if found is None else found.read_text().splitlines()
    return [(int(process), int(at_ms)) for process, at_ms in (line.split() for line in lines)]


def _epoch_ms() -> int:
    return time.time_ns() // 1_000_000


def _requests(venue: DrillVenue) -> list[str]:
    """Return the signed requests and the orders of a venue as lines for a log."""
    first = venue.requests[0].at_ms if venue.requests else 0
    lines = []
    for record in venue.requests:
        if record.uid or record.fault:
            state = "executed" if record.executed else "not executed"
            what = f"{record.method} {record.path} {record.query} {record.body}"
            at = time.strftime("%H:%M:%S", time.localtime(record.at_ms / 1000))
            lines.append(f"{at}.{record.at_ms % 1000:03} {what} {record.status} {state} {record.fault or ''}")
    lines += [f"{order.created_ms - first:8d} {json.dumps(_as_dict(order))}" for order in venue.orders()]
    return lines


def _as_dict(order: object) -> dict[str, str]:
    names = ("symbol", "side", "order_type", "client_oid", "price", "base_size", "filled", "status")
    return {name: str(getattr(order, name)) for name in names}


logging.getLogger("aiohttp").setLevel(logging.CRITICAL)  # connections that a killed bot leaves
