"""Run a real bot with leverage at random, kill it now and then, and compare its books with the venue."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, Final

from bitget_margin.emulator import DEFAULT_SYMBOLS, Account, AccountKind, Emulator, LoanTerms, Order
from leverage.judge import LOOK_USDT, Books, allowed, is_rung, order_findings
from support.bot import Bot, config, symbol_of

PAIRS: Final = ("BTC/USDT", "ETH/USDT", "SOL/USDT")
QUOTE: Final = "20000"
LEVERAGES: Final = {"long": (1.0, 2.0, 3.0), "short": (1.0, 2.0)}
KILLED_SHARE: Final = 0.25
"""Share of the steps in which the bot is killed."""
LOOK_SECONDS: Final = 20.0
"""Longest time until a loop has shown what a step has done."""
ENTRY_SECONDS: Final = 12.0
"""Time after which an entry counts as refused."""
END_SECONDS: Final = 150.0
_COMPLETED_SHARE: Final = 0.5
"""Share of the steps in which a partly filled order of freqtrade is filled: looks at the others are not judged."""
_MOST_AWAY: Final = 0.05
"""Largest distance of a price from its start."""
_TICK_SECONDS: Final = 0.1
_LOG_LINES: Final = 3_000
_RUNNING: Final = "Changing state to: RUNNING"


@dataclass(slots=True)
class Result:
    """Result of a run; amounts are in USDT.

    :ivar actions: number of each action
    :ivar interest: number of charges
    :ivar difference: profit in the books less the change of the account's worth
    :ivar allowed: most that it may be
    :ivar looks: number of looks that are judged
    :ivar unjudged: looks while an order of freqtrade had a part of its fills, which freqtrade books once it has ended:
        until then they are valued at a price that may be a minute old
    :ivar look: largest difference of freqtrade's balance and the worth, at any look
    :ivar look_seconds: longest time until they agreed
    """

    seed: int
    account: str
    steps: int
    trades: int = 0
    actions: dict[str, int] = field(default_factory=dict)
    kills: int = 0
    interest: int = 0
    difference: float = 0.0
    allowed: float = 0.0
    looks: int = 0
    unjudged: int = 0
    look: float = 0.0
    look_seconds: float = 0.0
    seconds: float = 0.0
    findings: list[str] = field(default_factory=list)
    log: list[str] = field(default_factory=list)


def play(seed: int, steps: int, kind: AccountKind) -> Result:
    """Run a bot with this number of steps, close everything, and judge it."""
    began, result = time.monotonic(), Result(seed, kind.value, steps)
    with TemporaryDirectory(prefix="leverage-") as folder, _bot(kind, Path(folder)) as (venue, bot):
        player = _Player(Random(f"leverage/{seed}/{kind.value}"), venue, bot, result)  # noqa: S311 - repeatable
        try:
            player.play(steps)
        except AssertionError as error:
            result.findings.append(str(error).splitlines()[0])
        result.log += bot.log_text().splitlines()[-_LOG_LINES:]
        result.findings += [f"the emulator had an error: {error!r}" for error in venue.errors]
    result.seconds = round(time.monotonic() - began, 1)
    return result


@contextmanager
def _bot(kind: AccountKind, folder: Path) -> Iterator[tuple[Emulator, Bot]]:
    account = Account(balances={"USDT": QUOTE}, kind=kind)
    with Emulator(accounts=(account,), symbols=DEFAULT_SYMBOLS[:3], loan_terms=LoanTerms()) as venue:
        settings = config(
            venue,
            PAIRS,
            folder,
            strategy="BorrowingScripted",
            trading_mode="futures",
            bitget_margin={"leverage": {"max": 3, "max_risk": 0.95}},
        )
        settings["exchange"]["enable_ws"] = False
        with Bot(folder, settings) as bot:
            yield venue, bot.start()


class _Player:
    """Steps of a run."""

    def __init__(self, dice: Random, venue: Emulator, bot: Bot, result: Result) -> None:
        self._dice = dice
        self._venue = venue
        self._uid = venue.accounts[0].uid
        self._bot = bot
        self._result = result
        self._symbols = {symbol.symbol: symbol for symbol in DEFAULT_SYMBOLS}
        self._prices = {pair: self._symbols[symbol_of(pair)].start_price for pair in PAIRS}
        self._worth = float(venue.worth())
        self._starts = 0
        self._adjusted = 0

    def play(self, steps: int) -> None:
        """Take the steps, looking at the books after each one, and close everything."""
        self._wait_for_start()
        for number in range(steps):
            name = self._step(self._dice.choice(PAIRS))
            self._result.actions[name] = self._result.actions.get(name, 0) + 1
            if self._dice.random() < KILLED_SHARE:
                self._kill()
            self._note(f"step {number}: {name}")
            self._end_entries()
            self._look(f"step {number} ({name})")
        self._close()
        self._judge()

    # -- steps --------------------------------------------------------------------------------------------------------

    def _step(self, pair: str) -> str:
        """Take a random step on a pair, and return its name."""
        partly = [order for order in self._live() if order.filled and not is_rung(order)]
        if partly and self._dice.random() < _COMPLETED_SHARE:
            self._fill_all(partly[0])
            return "fill"
        trade = self._open_trade(pair)
        if trade is None:
            return self._enter(pair) if self._dice.random() < 0.7 else self._move()
        steps: dict[Callable[[], str], int] = {
            self._move: 6,
            partial(self._fill, pair): 2,
            partial(self._adjust, pair, trade): 2,
            partial(self._exit, pair): 3,
            self._charge: 2,
        }
        (step,) = self._dice.choices(list(steps), list(steps.values()))
        return step()

    def _enter(self, pair: str) -> str:
        dice, direction = self._dice, self._dice.choice(("long", "short"))
        better = -1 if direction == "short" else 1
        count = dice.choice((0, 0, 1, 2, 4))
        share = dice.choice((0.5, 0.8, 1.0)) / max(count, 1)
        self._bot.instruct(
            pair,
            enter=direction,
            exit=False,
            leverage=dice.choice(LEVERAGES[direction]),
            stake=dice.choice((500, 1_500, 3_000)),
            entry_price=dice.choice((1.0, 1.0, 1 - better * 0.004)),
            exit_price=1.0,
            adjust=(0, 0.0),
            ladder=[(0.006 * (i + 1), share) for i in range(count)],
        )
        return f"{direction} with ladder" if count else direction

    def _move(self) -> str:
        pair = self._dice.choice(PAIRS)
        start = self._symbols[symbol_of(pair)].start_price
        price = self._prices[pair] * Decimal(repr(1 + self._dice.uniform(-0.02, 0.02)))
        most = start * Decimal(repr(_MOST_AWAY))
        self._set_price(pair, min(max(price, start - most), start + most))
        return "price"

    def _fill(self, pair: str) -> str:
        """Fill a part of a resting order, or all of it."""
        live = [order for order in self._live() if order.symbol == symbol_of(pair)]
        if not live:
            return self._move()
        order = self._dice.choice(live)
        part = ((order.base_size - order.filled) / 2).quantize(
            Decimal(1).scaleb(-self._symbols[order.symbol].quantity_precision)
        )
        self._venue.fill(order.order_id, part if part and self._dice.random() < 0.5 else None)
        return "fill"

    def _adjust(self, pair: str, trade: dict[str, Any]) -> str:
        self._adjusted += 1
        stake = self._dice.choice((0.3, -0.3)) * trade["stake_amount"]
        self._bot.instruct(pair, adjust=(self._adjusted, stake), entry_price=1.0, exit_price=1.0)
        return "more" if stake > 0 else "less"

    def _exit(self, pair: str) -> str:
        trade = self._open_trade(pair)
        better = -1 if trade is not None and trade["is_short"] else 1
        self._bot.instruct(pair, exit=True, enter=None, exit_price=self._dice.choice((1.0, 1.0, 1 + better * 0.004)))
        return "exit"

    def _charge(self) -> str:
        self._venue.charge_interest()
        return "interest"

    def _kill(self) -> None:
        """Kill the bot at a random moment, let something happen, and start it again."""
        time.sleep(self._dice.uniform(0, 1.2))
        self._bot.kill()
        self._result.kills += 1
        for _ in range(self._dice.choice((0, 1, 2))):
            self._dice.choice((self._move, self._charge, partial(self._fill, self._dice.choice(PAIRS))))()
        self._bot.start()
        self._wait_for_start()

    def _wait_for_start(self) -> None:
        self._starts += 1
        self._bot.wait_until(lambda: self._bot.log_text().count(_RUNNING) >= self._starts, "the bot runs", 60)

    def _end_entries(self) -> None:
        """Wait until the wanted entries are there, and want no other ones; those that are refused are given up."""
        end = time.monotonic() + ENTRY_SECONDS
        for pair in PAIRS:
            if self._bot._script.get(pair, {}).get("enter"):
                while self._open_trade(pair) is None and time.monotonic() < end:
                    time.sleep(_TICK_SECONDS)
                self._bot.instruct(pair, enter=None)

    # -- the books ----------------------------------------------------------------------------------------------------

    def _look(self, when: str) -> None:
        """Wait until freqtrade's balance is what the account is worth."""
        began = time.monotonic()
        while True:
            time.sleep(_TICK_SECONDS * 3)
            difference = self._difference()
            seconds = time.monotonic() - began
            is_partial = any(order.filled and not is_rung(order) for order in self._live())
            if is_partial or abs(difference) <= LOOK_USDT or seconds > LOOK_SECONDS:
                break
        result = self._result
        if is_partial:
            result.unjudged += 1
            return
        result.looks += 1
        result.look, result.look_seconds = (
            max(result.look, abs(round(difference, 6))),
            max(result.look_seconds, round(seconds, 1)),
        )
        if abs(difference) > LOOK_USDT:
            result.findings.append(f"{when}: the balance differs by {difference:.4f} from the worth of the account")
            self._note(f"{when}: {self._books().text()}, {self._venue.balances(self._uid)}, {self._venue.debts()}")

    def _difference(self) -> float:
        prices = {pair.split("/")[0]: float(price) for pair, price in self._prices.items()}
        return self._books().worth(prices) - float(self._venue.worth())

    def _books(self) -> Books:
        shown = self._bot.wait_until(lambda: self._bot.api("GET", "balance"), "the balance is shown")
        balances = {row["currency"]: row["balance"] for row in shown["currencies"] if not row["is_position"]}
        trades = self._trades()
        return Books(balances, trades, self._besides(trades))

    def _trades(self) -> list[dict[str, Any]]:
        return self._bot.rows(
            "select t.*, exists(select 1 from orders o where o.ft_trade_id = t.id and o.ft_is_open = 0 and o.filled > 0"
            " and o.ft_order_side = case when t.is_short then 'sell' else 'buy' end) as has_entered from trades t"
        )

    def _besides(self, trades: list[dict[str, Any]]) -> dict[int, float]:
        """Return the coins that were on the account before the first entry of each open trade."""
        entries = self._bot.rows("select * from bitget_margin_entries order by at_ms")
        found = {}
        for trade in trades:
            opened = datetime.fromisoformat(trade["open_date"]).replace(tzinfo=UTC).timestamp() * 1_000
            before = [row for row in entries if row["pair"] == trade["pair"] and row["at_ms"] <= opened + 0.5]
            if trade["is_open"] and before:
                found[trade["id"]] = before[-1]["besides"]
        return found

    def _open_trade(self, pair: str) -> dict[str, Any] | None:
        trade = self._bot.wait_until(lambda: (self._bot.trade(pair),), "the database is read")[0]
        return trade if trade is not None and trade["is_open"] else None

    # -- the end ------------------------------------------------------------------------------------------------------

    def _close(self) -> None:
        """Exit everything, and wait until nothing is owed and nothing is live."""
        for pair in PAIRS:
            self._bot.instruct(pair, enter=None, exit=True, entry_price=1.0, exit_price=1.0, adjust=(0, 0.0))
        end = time.monotonic() + END_SECONDS
        while time.monotonic() < end:
            for order in self._live():
                if not is_rung(order):
                    self._fill_all(order)
            is_open = any(self._open_trade(pair) for pair in PAIRS)
            if not (is_open or self._venue.debts() or self._live()):
                return
            time.sleep(0.5)
        opened = [pair for pair in PAIRS if self._open_trade(pair)]
        self._result.findings.append(
            f"not closed: trades {opened}, {len(self._live())} live orders, debts {self._venue.debts()}"
        )

    def _fill_all(self, order: Order) -> None:
        try:
            self._venue.fill(order.order_id)
        except ValueError:
            return  # it has ended meanwhile

    def _judge(self) -> None:
        result, trades = self._result, self._trades()
        rows = self._bot.rows("select * from orders")
        self._look("the end")
        result.trades, result.interest = len(trades), len(self._venue.interest())
        profit = sum(trade["realized_profit"] or 0.0 for trade in trades)
        result.difference = round(profit - (float(self._venue.worth()) - self._worth), 6)
        result.allowed = round(sum(allowed(trade, rows, self._symbols) for trade in trades), 6)
        if abs(result.difference) > result.allowed:
            result.findings.append(f"the books differ by {result.difference}, and {result.allowed} are allowed")
        result.findings += order_findings(self._venue.orders(self._uid), rows, trades)

    def _live(self) -> list[Order]:
        return self._venue.orders(self._uid, live_only=True)

    def _set_price(self, pair: str, price: Decimal) -> None:
        symbol = self._symbols[symbol_of(pair)]
        self._prices[pair] = price.quantize(Decimal(1).scaleb(-symbol.price_precision))
        self._venue.set_price(symbol.symbol, self._prices[pair])

    def _note(self, text: str) -> None:
        self._result.log.append(text)
