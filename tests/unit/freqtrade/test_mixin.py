"""Promise: a strategy reaches the exchange only where orders are real, and no failure of ours ends its loop."""

import gc
import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from freqtrade.ft_types.plot_annotation_type import AnnotationTypeTA
from freqtrade.persistence import init_db
from freqtrade.strategy import IStrategy
from pandas import DataFrame

from bitget_margin.freqtrade import CrossedMarginMixin, runtime
from bitget_margin.freqtrade.compat import OperationalException
from bitget_margin.freqtrade.order_store import CancelBatch
from bitget_margin.freqtrade.tracked_order import TrackedOrder
from support.botless import live
from support.in_process_bot import close_database

LIVE = {"runmode": "live", "dry_run": False}
DRY = {"runmode": "dry_run", "dry_run": True}
BACKTEST = {"runmode": "backtest", "dry_run": True}
START = datetime.fromtimestamp(1_700_000_000, UTC)
END = datetime.fromtimestamp(1_700_000_600, UTC)
EXIT = {
    "pair": "P",
    "trade": "trade",
    "order_type": "limit",
    "amount": 1.0,
    "rate": 1.0,
    "time_in_force": "GTC",
    "exit_reason": "roi",
    "current_time": START,
}
"""The arguments with which freqtrade asks for the confirmation of an exit."""
CUSTOM = {"pair": "P", "trade": "trade", "current_time": START, "current_rate": 1.0, "current_profit": 0.0}
STAKE = {
    "pair": "P",
    "current_time": START,
    "current_rate": 1.0,
    "proposed_stake": 70.0,
    "min_stake": None,
    "max_stake": 90.0,
    "entry_tag": None,
}
OTHER_EXCHANGE = (
    "Mine uses CrossedMarginMixin, and \"exchange.name\" is 'bitget': set it to 'bitgetcross' and start with "
    "`bitget-margin freqtrade trade`."
)


class RecordingExchange:
    """The exchange of the mixin, which records the calls of its managers."""

    def __init__(self) -> None:
        self.calls: list[Any] = []
        self.fails = False
        self.batches = [CancelBatch("P", 1_700_000_300_000, "first"), CancelBatch("P", 1_700_000_900_000, "late")]
        self.ladders = SimpleNamespace(place=self.record("place", [{"id": "1"}]), resting_of=self.record("of", [{}]))
        self.exits = SimpleNamespace(confirm=self.record("confirm", False), announce=self.record("announce", None))
        self.rests = SimpleNamespace(reason=self.record("rest", "roi"))
        self.maintenance = SimpleNamespace(
            cancel_all_at_exit=self.record("end", None), report_resting_at_exit=self.record("staying", None)
        )
        self.open: list[TrackedOrder] = []
        self.store = SimpleNamespace(
            batches=self.record("batches", self.batches), key=lambda: "key", open=lambda _: self.open
        )
        self.simulate_balances = self.record("simulate", None)
        self.follow_wallets = lambda _: None
        self.switch = SimpleNamespace(start=lambda _: None, end=lambda: None)
        self.pushes = SimpleNamespace(start=lambda: None, end=lambda: None)
        self.alerts = SimpleNamespace(send=None)
        self.process_loop = self.record("process", None)
        self.hand_over_ended = self.record("hand over", None)
        self.check_database = self.record("database", None)
        self.is_database_checked = True
        self.unproven = SimpleNamespace(price=self.record("price", 99.0), guards_prices=False)
        self.least: float | None = None
        self.get_max_leverage: Callable[[str, float], float] = lambda _pair, _stake: 3.0
        self.get_min_pair_stake_amount = lambda *request: self.calls.append(("least", *request)) or self.least

    def record(self, name: str, result: Any) -> Callable[..., Any]:
        """Return a function that records its call, and fails if the test wants it."""

        def call(*args: Any) -> Any:
            self.calls.append((name, *args))
            if self.fails:
                raise ValueError("broken")
            return result

        return call


class Mine(CrossedMarginMixin, IStrategy):
    """A strategy that defines nothing else."""

    def populate_indicators(self, dataframe: DataFrame, metadata: Any) -> DataFrame:
        return dataframe


@pytest.fixture
def exchange(monkeypatch: pytest.MonkeyPatch) -> RecordingExchange:
    made: Any = RecordingExchange()
    monkeypatch.setattr(runtime, "_exchanges", {})
    monkeypatch.setattr(runtime, "_warned", set())
    runtime.set_exchange(made)
    return made


def strategy(mode: dict[str, Any], name: str = "bitgetcross", **config: Any) -> Any:
    return Mine({"exchange": {"name": name}, **mode, **config})


def test_a_live_strategy_places_ladders_and_reads_them(exchange: RecordingExchange) -> None:
    made = strategy(LIVE)
    assert made.place_resting_orders("trade", ["order"], key="late") == [{"id": "1"}]
    assert made.place_resting_orders("trade", []) == [{"id": "1"}]
    assert made.resting_orders("trade") == [{}]
    assert exchange.calls == [("place", "trade", ["order"], "late"), ("place", "trade", [], "ladder"), ("of", "trade")]


@pytest.mark.parametrize("mode", [DRY, {**LIVE, "dry_run": True}])
def test_a_dry_run_has_ladders_and_starts_nothing_that_asks_the_account(
    exchange: RecordingExchange, mode: dict[str, Any]
) -> None:
    made = strategy(mode)
    made.wallets = "wallets"
    made.ft_bot_start()
    assert exchange.calls == [("database",), ("simulate", "wallets")]
    assert not exchange.unproven.guards_prices
    exchange.calls.clear()
    assert made.place_resting_orders("trade", ["order"]) == [{"id": "1"}]
    assert made.resting_orders("trade") == [{}]
    assert made.price_of_entry(5.0, {}) == 5.0, "freqtrade's own orders are its own"
    assert made.confirm_trade_exit(**EXIT) is False
    assert [call[0] for call in exchange.calls] == ["place", "of", "confirm"]


@pytest.mark.parametrize("mode", [DRY, {**LIVE, "dry_run": True}])
def test_on_another_exchange_nothing_is_done_and_one_warning_logged(
    exchange: RecordingExchange, caplog: pytest.LogCaptureFixture, mode: dict[str, Any]
) -> None:
    runtime._exchanges.clear()
    for made in (strategy(mode), strategy(mode)):
        assert made.place_resting_orders("trade", ["order"]) == made.resting_orders("trade") == []
        assert made.annotations("P", START, END, DataFrame({"close": [1.0]})) == []
        assert made.confirm_trade_exit(**EXIT) is True
        assert made.custom_exit(**CUSTOM) is None
        made.bot_loop_start(current_time=START)
        made.ft_bot_start()
        made.ft_bot_cleanup()
    assert exchange.calls == []
    (warning,) = caplog.messages
    assert warning.startswith("NO LADDERS: ")


def test_a_process_without_our_exchange_does_nothing(exchange: RecordingExchange) -> None:
    runtime._exchanges.clear()
    assert strategy(LIVE).place_resting_orders("trade", ["order"]) == []


def test_the_running_exchange_is_forgotten_with_its_last_reference() -> None:
    runtime.set_exchange(RecordingExchange())  # type: ignore[arg-type]
    gc.collect()
    assert runtime.current_exchange() is None


@pytest.mark.parametrize("mode", [LIVE, DRY, BACKTEST], ids=["live", "dry-run", "backtest"])
def test_another_exchange_is_refused_live_warned_of_in_a_dry_run_and_else_allowed(
    exchange: RecordingExchange, caplog: pytest.LogCaptureFixture, mode: dict[str, Any]
) -> None:
    made = strategy(mode, "bitget")
    if mode is LIVE:
        with pytest.raises(OperationalException) as refused:
            made.ft_bot_start()
        assert str(refused.value) == OTHER_EXCHANGE
    else:
        made.ft_bot_start()
        assert caplog.messages == ([OTHER_EXCHANGE] if mode is DRY else [])


def test_alerts_are_sent_as_messages_of_the_bot(exchange: RecordingExchange) -> None:
    made, sent = strategy(LIVE), []
    made.dp = SimpleNamespace(send_msg=lambda text, *, always_send: sent.append((text, always_send)))
    made.ft_bot_start()
    exchange.alerts.send("text")
    assert sent == [("text", True)]
    assert exchange.unproven.guards_prices, "the price of an entry passes the mixin from now on"


@pytest.mark.parametrize("setting", [True, False])
@pytest.mark.parametrize("checked", [True, False])
def test_the_end_cancels_ladders_of_its_own_database_where_the_setting_is_on(
    exchange: RecordingExchange, setting: bool, checked: bool
) -> None:
    exchange.is_database_checked = checked
    strategy(LIVE, cancel_open_orders_on_exit=setting).ft_bot_cleanup()
    assert exchange.calls == ([("end" if setting else "staying",)] if checked else [])


def test_the_end_of_a_dry_run_says_nothing_of_the_venue(exchange: RecordingExchange) -> None:
    strategy(DRY, cancel_open_orders_on_exit=False).ft_bot_cleanup()
    assert exchange.calls == []


def test_timer_and_pushes_start_with_the_bot_and_end_with_it_whatever_fails(
    exchange: RecordingExchange,
) -> None:
    def fail() -> None:
        raise ValueError("broken")

    exchange.switch = SimpleNamespace(start=exchange.record("arm", None), end=exchange.record("disarm", None))
    exchange.pushes = SimpleNamespace(start=exchange.record("listen", None), end=exchange.record("no more", None))
    exchange.maintenance = SimpleNamespace(cancel_all_at_exit=fail)
    made = strategy(LIVE, cancel_open_orders_on_exit=True)
    made.ft_bot_start()
    assert exchange.calls[-2:] == [("arm", exchange.store.key), ("listen",)]
    with pytest.raises(ValueError, match="broken"):
        made.ft_bot_cleanup()
    assert exchange.calls[-2:] == [("no more",), ("disarm",)]


@pytest.mark.parametrize("mode", [LIVE, DRY])
def test_a_bot_on_a_database_of_another_ends_and_cancels_nothing(
    exchange: RecordingExchange, mode: dict[str, Any]
) -> None:
    def refuse() -> None:
        raise OperationalException("of another account")

    exchange.check_database, exchange.is_database_checked = refuse, False
    made = strategy(mode, cancel_open_orders_on_exit=True)
    with pytest.raises(OperationalException, match="of another account"):
        made.ft_bot_start()
    made.ft_bot_cleanup()
    assert exchange.calls == []
    assert made.config["cancel_open_orders_on_exit"] is False, "freqtrade's own end reads it"


def test_each_callback_reaches_its_manager(exchange: RecordingExchange) -> None:
    made = strategy(LIVE)
    assert made.confirm_trade_exit(**EXIT) is False
    assert made.custom_exit(**CUSTOM) == "roi"
    made.bot_loop_start(current_time=START)
    assert exchange.calls == [("confirm", "trade", "roi"), ("rest", "trade"), ("process",), ("hand over",)]


def entry(*, filled: float = 0.0) -> dict[str, Any]:
    """Return freqtrade's arguments for the price of an entry at 100, by the trade of which nothing else was bought."""
    order = SimpleNamespace(order_id="7", safe_filled=filled)
    trade = SimpleNamespace(amount=0.5, open_rate=100.0)
    return {"order": order, "trade": trade, "pair": "P", "current_order_rate": 100.0, "is_entry": True}


@pytest.mark.parametrize("mode", [LIVE, DRY])
@pytest.mark.parametrize("wanted", [98.0, None, 100.0])
def test_the_price_of_an_entry_is_that_of_the_proof_where_orders_are_real(
    exchange: RecordingExchange, mode: dict[str, Any], wanted: float | None
) -> None:
    price = strategy(mode).price_of_entry(wanted, entry())
    assert price == (99.0 if mode is LIVE else wanted)
    assert exchange.calls == ([("price", "7", "P", 100.0, wanted)] if mode is LIVE else [])


@pytest.mark.parametrize(("least", "stays"), [(None, False), (150.0, False), (150.1, True)])
def test_an_entry_that_has_bought_too_little_to_be_sold_is_not_canceled(
    exchange: RecordingExchange, least: float | None, stays: bool
) -> None:
    exchange.least = least
    made = strategy(LIVE)
    made.stoploss = -0.1
    assert made.price_of_entry(98.0, entry(filled=1.0)) == (100.0 if stays else 99.0)
    assert exchange.calls[0] == ("least", "P", 100.0, -0.1)
    assert len(exchange.calls) == (1 if stays else 2)
    exchange.calls.clear()
    made.price_of_entry(100.0, entry(filled=1.0))
    assert exchange.calls == [("price", "7", "P", 100.0, 100.0)], "a price that stays cancels nothing"


@pytest.fixture
def database() -> Iterator[None]:
    init_db("sqlite://")
    yield
    close_database()


@pytest.mark.usefixtures("database")
def test_a_step_that_fails_is_logged_and_ends_no_loop(
    exchange: RecordingExchange, caplog: pytest.LogCaptureFixture
) -> None:
    exchange.fails = True
    strategy(LIVE).bot_loop_start(current_time=START)
    assert [call[0] for call in exchange.calls] == ["process", "hand over"]
    assert [(record.name, record.levelno) for record in caplog.records] == [("bitget_margin", logging.ERROR)] * 2
    assert "ValueError: broken" in caplog.text


def test_a_batch_is_a_pin_on_the_chart_within_its_candles(exchange: RecordingExchange) -> None:
    chart = {"pair": "P", "start_date": START, "end_date": END, "dataframe": DataFrame({"close": [1.0, 2.0]})}
    pins = strategy(LIVE).plot_annotations(**chart)
    assert exchange.calls == [("batches", "P", 1_700_000_000_000)]
    shown = {"type": "point", "y": 2.0, "shape": "pin"}
    assert pins == [
        {**shown, "x": "2023-11-14T22:18:20+00:00", "label": "first"},
        {**shown, "x": "2023-11-14T22:23:20+00:00", "label": "late"},
    ]
    assert strategy(LIVE).plot_annotations(**chart | {"dataframe": DataFrame({"close": []})}) == []


@pytest.mark.parametrize("mode", [LIVE, DRY], ids=["live", "dry-run"])
def test_an_order_that_rests_is_a_line_on_the_chart_of_its_pair(
    exchange: RecordingExchange, mode: dict[str, Any]
) -> None:
    exchange.batches = []
    exchange.store.batches = lambda *_: []
    placed_ms = 1_700_000_300_000
    exchange.open = [
        live("a", pair="P", price=61_000.0, filled=0.1, intended_ms=placed_ms),
        live("b", pair="P", side="buy", number=1, price=59_000.0, intended_ms=2 * placed_ms),
        live("c", pair="other"),
    ]
    chart = {"pair": "P", "start_date": START, "end_date": END, "dataframe": DataFrame({"close": [1.0, 2.0]})}
    sell, buy = strategy(mode).plot_annotations(**chart)
    assert (sell["start"], sell["end"]) == ("2023-11-14T22:18:20+00:00", END.isoformat())
    assert (sell["y_start"], sell["y_end"], sell["label"]) == (61_000.0, 61_000.0, "entry 1: sell 0.4 at 61000")
    assert (buy["start"], buy["label"]) == (END.isoformat(), "entry 2: buy 0.5 at 59000")
    assert sell["color"] != buy["color"]
    for line in (sell, buy):
        assert AnnotationTypeTA.validate_python(line) == line


@pytest.mark.parametrize(
    ("exits", "open_orders", "asks", "announced"),
    [
        (["stop"], False, False, True),
        (["stop"], True, False, False),
        (["stop"], False, True, False),
        ([], False, False, False),
    ],
)
def test_only_an_exit_that_is_certain_is_announced(
    exchange: RecordingExchange,
    monkeypatch: pytest.MonkeyPatch,
    exits: list[str],
    open_orders: bool,
    asks: bool,
    announced: bool,
) -> None:
    """An exit of a trade that has an open order may be left out by freqtrade, and a strategy may refuse one."""
    monkeypatch.setattr(IStrategy, "should_exit", lambda *_, **__: exits)
    made, trade = strategy(LIVE), SimpleNamespace(has_open_orders=open_orders)
    if asks:
        made.confirm_trade_exit = lambda **_: True
    assert made.should_exit(trade, 1.0, START, enter=False, exit_=False) == exits
    assert exchange.calls == [("announce", trade if announced else None)]
    exchange.calls.clear()
    runtime._exchanges.clear()
    assert strategy(DRY).should_exit(trade, 1.0, START, enter=False, exit_=False) == exits
    assert exchange.calls == []


@pytest.mark.parametrize(
    ("side", "name", "wanted", "given"),
    [
        ("short", "bitgetcross", 9.0, 2.0),
        ("short", "bitgetcross", 1.5, 1.5),
        ("short", "bitgetcross", 0.1, 1.0),
        ("long", "bitgetcross", 9.0, 9.0),
        ("short", "bitget", 9.0, 9.0),
    ],
)
def test_a_short_gets_one_less_than_the_venue_lends_by(side: str, name: str, wanted: float, given: float) -> None:
    """It borrows all of its value; freqtrade itself cuts what is above its limit."""
    made = strategy(BACKTEST, name)
    assert made.leverage_of_entry(wanted, {"side": side, "max_leverage": 3.0}) == given


def test_a_leverage_that_is_lowered_is_said_once_for_a_pair_and_a_side(
    exchange: RecordingExchange, caplog: pytest.LogCaptureFixture
) -> None:
    made, request = strategy(LIVE), {"pair": "P", "max_leverage": 3.0}
    for wanted in (9.0, 8.0, 2.0):
        made.leverage_of_entry(wanted, {**request, "side": "short"})
        made.leverage_of_entry(wanted, {**request, "side": "long"})
    lowered = "The leverage of a {0} on P is lowered to {1}, the highest of a {0}: the strategy asks for more."
    assert caplog.messages == [lowered.format("short", 2), lowered.format("long", 3)]


@pytest.mark.parametrize(
    ("side", "leverage", "refused"), [("short", 2.0, False), ("short", 2.5, True), ("long", 3.0, False)]
)
@pytest.mark.parametrize("mode", [LIVE, DRY])
def test_a_forced_short_gets_no_more_leverage_than_another(
    exchange: RecordingExchange, mode: dict[str, Any], side: str, leverage: float, refused: bool
) -> None:
    """Freqtrade asks no strategy for the leverage of a forced entry, but for its stake."""
    told: list[str] = []
    exchange.alerts.warn = told.append
    exchange.get_max_leverage = lambda pair, stake: {("P", 70.0): 3.0}[pair, stake]
    request = {**STAKE, "side": side, "leverage": leverage}
    assert strategy(mode).custom_stake_amount(**request) == (0.0 if refused else 70.0)
    assert [text[:77] for text in told] == [
        "The short on P was not entered: its leverage would be 2.5, and the highest of"
    ] * refused


def test_the_stake_of_a_strategy_is_its_own_where_nothing_is_traded(exchange: RecordingExchange) -> None:
    request = {**STAKE, "side": "short", "leverage": 9.0}
    assert strategy(BACKTEST).custom_stake_amount(**request) == 70.0
