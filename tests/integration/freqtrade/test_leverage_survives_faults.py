"""Promise: no fault of an answer about loans ends the bot, changes its books, closes a position or holds an exit up."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import pytest

import bitget_margin
from bitget_margin.emulator import Account, AccountKind, Emulator, FaultKind
from bitget_margin.freqtrade.interest import InterestRates
from support.borrowing_bot import CLASSIC_AT_LEAST, WAYS, borrowing_bot, enter
from support.client import config
from support.in_process_bot import CONTROLS, PAIR, InProcessBot
from support.single_faults import noted

pytestmark = pytest.mark.filterwarnings("default")  # freqtrade's own

F = FaultKind
PRICE = "60000"
STOP_LOSS = -0.03
LATE_MS = 300
STALLED_MS = 60_000
LEAVES_SECONDS = 40.0
"""Time in which an exit has to leave: one without an answer is looked up for half a minute before the next one."""
ENTERS_SECONDS = 15.0
"""Time in which a bot has to enter once a fault is over: its longest pause after a failed reading is 3 s."""
CHUNK = 9
"""Exits on one account: each one loses money."""
CHUNKS = [list(FaultKind)[begin : begin + CHUNK] for begin in range(0, len(FaultKind), CHUNK)]


class LoanRequest(Enum):
    """A request about loans: the end of its path on a classic and on a unified account."""

    ASSETS = ("/account/assets", "/account/assets")
    INTEREST = ("/interest-history", "/financial-records")
    LEVEL = ("/risk-rate", "/account/assets")
    CURRENCIES = ("/margin/currencies", "/margin/currencies")

    def path(self, kind: AccountKind) -> str:
        """Return the end of the path."""
        return self.value[kind is AccountKind.UNIFIED]


REPRESENTATIVES = {
    LoanRequest.ASSETS: (F.HTML_200, F.NULL_LISTS, F.TWICE, F.UNIFIED),
    LoanRequest.INTEREST: (F.RESET_BEFORE, F.NULL_LISTS),
}
"""Faults of the default suite: no answer, one that is none, and answers that are not true."""


@dataclass(frozen=True)
class Shown:
    """What freqtrade shows of an account with one open trade."""

    total: float
    position: float
    fees: float
    liquidation_price: float | None
    leverage: float

    @classmethod
    def of(cls, bot: InProcessBot) -> "Shown":
        """Read it, without a request."""
        wallets, trade = bot.bot.wallets, bot.trade
        position = wallets.get_all_positions().get(PAIR)
        assert position is not None, "the position is gone"
        assert trade.is_open
        assert not trade.exit_reason
        assert len(trade.orders) == 1
        return cls(
            pytest.approx(wallets.get_total("USDT"), abs=0.01),
            position.position,
            pytest.approx(trade.funding_fees),
            pytest.approx(trade.liquidation_price, rel=1e-4),
            bot.exchange.get_max_leverage(PAIR, 1_000.0),
        )


def duration_ms(fault: FaultKind) -> int:
    """Return the duration of a fault."""
    return STALLED_MS if fault in {F.STALL_BEFORE, F.STALL_AFTER} else LATE_MS


def look(bot: InProcessBot) -> None:
    """Ask for all that a bot asks for now and then, with the pauses left out."""
    exchange = bot.exchange
    steps: Sequence[Callable[[], object]] = (
        bot.bot.update_funding_fees,
        bot.bot.update_all_liquidation_prices,
        bot.bot.wallets.update,
        lambda: exchange.reload_markets(force=True),
        bot.loop,
        bot.loop,
    )
    exchange.margin_loop._checked = exchange.margin_loop.debts._checked = float("-inf")
    for step in steps:
        exchange.interest._read.clear()
        exchange.interest._hung_at = float("-inf")
        exchange.account._last = None
        step()
    assert exchange.margin_loop._check.ended(20)
    bot.loop()


def begin(bot: InProcessBot, leverage: float, *, short: bool) -> Shown:
    """Enter, with a charge of interest, and return what freqtrade shows.

    A balance that could not be read for a while is not asked for again for 3 s. Until then freqtrade has the reading of
    the trade that has just ended: of a long, its debt without its coins, which is too little margin for an entry.
    """
    bot.venue.set_price("BTCUSDT", PRICE)
    count, end = len(bot.trades()), time.monotonic() + ENTERS_SECONDS
    while len(bot.trades()) == count:
        assert time.monotonic() < end, "the bot has not entered"
        enter(bot, leverage, short=short)
    assert bot.venue.debts() != {}
    bot.venue.charge_interest()
    look(bot)
    return Shown.of(bot)


def add_fault(bot: InProcessBot, fault: FaultKind, request: LoanRequest) -> None:
    """Let all of these requests meet a fault; the next one alone where the fault takes the whole venue away."""
    path, count = request.path(bot.venue.accounts[0].kind), 1 if fault is F.REFUSE else None
    bot.venue.add_fault(fault, path, count=count, duration_ms=duration_ms(fault), code="99999")


def stop(bot: InProcessBot) -> None:
    """Let the price reach the stop-loss, and check that the exit leaves while the fault lasts."""
    trade = bot.trade
    bot.venue.set_price("BTCUSDT", 61_000 if trade.is_short else 59_000)
    end = time.monotonic() + LEAVES_SECONDS
    while len(bot.trade.orders) == 1:
        assert time.monotonic() < end, "the exit has not left"
        bot.loop()
    bot.venue.clear_faults()
    bot.loop(2)
    assert not bot.trade.is_open
    assert bot.trade.exit_reason == "stop_loss"
    end = time.monotonic() + LEAVES_SECONDS
    # A cover without a reading of the debt buys the coins of the position alone. Interest, 3e-6 BTC an hour, is left:
    # the bot itself pays it back once it reads the balance again. It tries once a minute, which is left out here.
    while bot.venue.debts():
        assert time.monotonic() < end, f"{bot.venue.debts()} are owed"
        bot.exchange.margin_loop.debts._checked = float("-inf")
        bot.loop()
    assert bot.held() < 1e-5


def survives(
    folder: Path,
    kind: AccountKind,
    way: tuple[float, bool],
    request: LoanRequest,
    faults: Sequence[FaultKind],
    *,
    exits: bool = True,
) -> None:
    """Check that a bot with an open trade meets these faults one after the other, and exits under each of them."""
    leverage, short = way
    with borrowing_bot(folder, kind, stoploss=STOP_LOSS) as bot:
        bot.bot.strategy.lock_pair = lambda *_, **__: None
        shown = None
        for fault in faults:
            with noted(f"{fault.value} on {request.path(kind)}"):
                shown = begin(bot, leverage, short=short) if shown is None or exits else shown
                add_fault(bot, fault, request)
                look(bot)
                assert Shown.of(bot) == shown
                if exits:
                    bot.venue.clear_faults()
                    add_fault(bot, fault, request)
                    stop(bot)
                bot.venue.clear_faults()
        assert bot.venue.liquidations() == []


@pytest.fixture(autouse=True)
def _reset() -> Iterator[None]:
    yield
    CONTROLS.__init__()  # type: ignore[misc]


@pytest.mark.drill
@WAYS
@pytest.mark.parametrize("request_", [LoanRequest.ASSETS, LoanRequest.INTEREST], ids=["assets", "interest"])
def test_books_and_position_stay_and_the_stop_loss_leaves(
    tmp_path: Path, request_: LoanRequest, leverage: float, short: bool
) -> None:
    survives(tmp_path, AccountKind.CLASSIC, (leverage, short), request_, REPRESENTATIVES[request_])


@pytest.mark.drill
@pytest.mark.timeout(600)
@CLASSIC_AT_LEAST
@WAYS
@pytest.mark.parametrize("chunk", range(len(CHUNKS)))
@pytest.mark.parametrize("request_", [LoanRequest.ASSETS, LoanRequest.INTEREST], ids=["assets", "interest"])
def test_books_and_position_stay_and_the_stop_loss_leaves_under_every_fault(
    tmp_path: Path, kind: AccountKind, request_: LoanRequest, leverage: float, short: bool, chunk: int
) -> None:
    survives(tmp_path, kind, (leverage, short), request_, CHUNKS[chunk])


@pytest.mark.drill
@pytest.mark.timeout(600)
@CLASSIC_AT_LEAST
@pytest.mark.parametrize("request_", [LoanRequest.LEVEL, LoanRequest.CURRENCIES], ids=["level", "currencies"])
def test_a_bot_goes_on_without_levels_and_tiers(tmp_path: Path, kind: AccountKind, request_: LoanRequest) -> None:
    survives(tmp_path, kind, (3, False), request_, list(FaultKind), exits=False)


@pytest.mark.parametrize("fault", list(FaultKind), ids=lambda fault: fault.value)
def test_a_rate_is_the_venue_s_or_the_default(fault: FaultKind, caplog: pytest.LogCaptureFixture) -> None:
    """Never one that was read from an answer to something else."""
    with Emulator(accounts=(Account(balances={"USDT": "1"}),)) as venue:
        api: Any = bitget_margin.bitget(config(venue) | {"timeout": 500})
        api.load_markets()
        venue.add_fault(fault, "/interest-rate-record", duration_ms=duration_ms(fault))
        rates = InterestRates({}, 0.5)
        rates.learn(api, ["USDT"])
        assert rates.rate("USDT") in {0.5, 0.00024}
        assert (rates.rate("USDT") == 0.5) is ("is assumed" in caplog.text)
