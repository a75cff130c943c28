"""Promise: one stop per trade, for coins that no order holds; nothing that fails here is raised into an exit."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import ccxt
import pytest

from bitget_margin.adapter.errors import PlaceUnresolved
from bitget_margin.core.strategy_row import StrategyType
from bitget_margin.freqtrade import stop_rows
from bitget_margin.freqtrade.compat import InsufficientFundsError, TemporaryError
from bitget_margin.freqtrade.config import BotSettings
from bitget_margin.freqtrade.holdings import Holding
from bitget_margin.freqtrade.stop_client import StopSight
from bitget_margin.freqtrade.stops import Stops
from bitget_margin.freqtrade.tracked_order import Origin, Phase, TrackedOrder
from support.botless import KEY, PAIR, Stand, live

IN_DOUBT = PlaceUnresolved("create_order", [{"clientOrderId": "k-s0", "id": None, "status": None}])
STOP = live("k-s0", origin=Origin.STOP, ladder="tpsl", price=50_000.0)


@dataclass
class Client:
    """A client whose venue answers as a test has set."""

    error: Exception | None = None
    after: Callable[[TrackedOrder], TrackedOrder] = lambda stop: stop
    """What a lookup or a cancel shows."""
    amounts: list[float] = field(default_factory=list)
    """Amounts that were asked for."""

    def venue_ms(self) -> int:
        """Return a time."""
        return 5_000_000

    def look_up(self, stops: Any, _timeout_ms: float) -> list[StopSight]:
        """Show stops."""
        return [self.cancel(stop, 0) for stop in stops]

    def cancel(self, stop: TrackedOrder, _timeout_ms: float) -> StopSight:
        """Cancel, or fail."""
        if self.error is not None:
            raise self.error
        return StopSight(self.after(stop))

    def resize(self, stop: TrackedOrder, amount: float, _timeout_ms: float) -> StopSight:
        """Change the amount, or fail."""
        self.amounts.append(amount)
        if self.error is not None:
            raise self.error
        return StopSight(replace(stop, amount=amount))


@pytest.fixture
def stand(stand_with: Callable[..., Stand]) -> Stand:
    """Return a stand with strategy orders, on a unified account with the coins of its trade."""
    stand = stand_with(settings=BotSettings(strategy_orders=True))
    stand.wallet.classic = False
    stand.wallet.holding = Holding(1.0, 1.0, 0.0)
    stand.managers.stops.client = Client()
    return stand


def stops_of(stand: Stand) -> Stops:
    made: Stops = stand.managers.stops
    return made


def prepare(stand: Stand) -> TrackedOrder:
    return stops_of(stand).prepare(PAIR, 50_000.0, 60_000.0)[0]


@pytest.mark.parametrize(("total", "rungs", "amount"), [(1.0, 0.0, 1.0), (1.0, 0.4, 0.6), (0.7, 0.2, 0.5)])
def test_it_covers_no_more_than_no_order_holds_and_the_wallet_has(
    stand: Stand, total: float, rungs: float, amount: float
) -> None:
    stand.wallet.holding = Holding(total, total, 0.0)
    stand.store.add([live("a", amount=rungs)] if rungs else [])
    assert prepare(stand).amount == amount


@pytest.mark.parametrize("last", [None, 50_000.0, 49_000.0])
def test_none_is_placed_where_the_price_is_unknown_or_there_already(stand: Stand, last: float | None) -> None:
    with pytest.raises(InsufficientFundsError, match="freqtrade exits by itself"):
        stops_of(stand).prepare(PAIR, 50_000.0, last)
    assert not stand.store.rows


@pytest.mark.parametrize("error", [TemporaryError("t"), RuntimeError("unknown")])
def test_no_second_one_while_the_first_is_in_doubt(stand: Stand, error: Exception) -> None:
    error.__cause__ = IN_DOUBT if isinstance(error, TemporaryError) else None
    stop = prepare(stand)
    stops_of(stand).failed(stop, error)
    with pytest.raises(InsufficientFundsError, match="an earlier one may still wait"):
        prepare(stand)
    assert stops_of(stand).open_of(stand.trades[KEY]) == [stop], "exits leave its coins alone"


@pytest.mark.parametrize(("code", "kind"), [("25240", StrategyType.TRIGGER), ("40774", StrategyType.TPSL)])
def test_a_refused_one_is_forgotten_and_the_other_type_is_next_where_this_one_is_unsupported(
    stand: Stand, code: str, kind: StrategyType
) -> None:
    error = TemporaryError("t")
    error.__cause__ = ccxt.ExchangeError(f'bitget {{"code":"{code}"}}')
    stops_of(stand).failed(prepare(stand), error)
    assert not stand.store.rows
    assert StrategyType(prepare(stand).ladder) is kind


@pytest.mark.parametrize("error", [ccxt.RequestTimeout("no answer"), RuntimeError("a defect")])
def test_what_fails_is_not_raised_into_an_exit_and_the_stop_counts_as_open(stand: Stand, error: Exception) -> None:
    stand.store.add([STOP])
    stops_of(stand).client = Client(error)  # type: ignore[assignment]
    assert stops_of(stand).structure("id-k-s0", PAIR)["status"] == "open"
    assert stops_of(stand).cancel("id-k-s0", PAIR)["status"] == "open"
    assert not stops_of(stand).make_room(stand.trades[KEY], 0.9)
    assert stand.store["k-s0"] == STOP


@pytest.mark.parametrize(("more", "amounts"), [(0.4, []), (0.7, [0.3])])
def test_it_is_made_smaller_before_a_ladder_takes_its_coins(stand: Stand, more: float, amounts: list[float]) -> None:
    stand.store.add([STOP])
    assert stops_of(stand).make_room(stand.trades[KEY], more)
    assert stops_of(stand).client.amounts == amounts  # type: ignore[attr-defined]
    assert stand.store["k-s0"].amount == (amounts or [0.5])[0]


def test_one_that_is_too_small_then_is_canceled(stand: Stand) -> None:
    stand.store.add([STOP])
    ends = Client(after=lambda stop: replace(stop, phase=Phase.ENDED, reason="canceled"))
    stops_of(stand).client = ends  # type: ignore[assignment]
    assert stops_of(stand).make_room(stand.trades[KEY], 0.995)
    assert (ends.amounts, stand.store["k-s0"].phase) == ([], Phase.ENDED)


def test_an_exit_that_finds_its_trade_ended_by_the_stop_is_refused(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stop_rows, "add_missing_row", lambda *_: None)
    stand.store.add([STOP])
    sold = Client(after=lambda stop: replace(stop, phase=Phase.ENDED, filled=0.5, average=50_000.0))
    stops_of(stand).client, stops_of(stand).before_booking = sold, lambda: None  # type: ignore[assignment]
    assert stops_of(stand).cancel("id-k-s0", PAIR)["status"] == "closed"
    stops_of(stand).refuse_after_stop(PAIR)  # the trade is open: the rest is sold
    stand.trades.clear()
    with pytest.raises(InsufficientFundsError, match="has sold the coins"):
        stops_of(stand).refuse_after_stop(PAIR)
