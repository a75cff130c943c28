"""Promise: the futures mode has the spot pairs with the leverage of the settings, and spot mode has none of it."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from freqtrade.enums import TradingMode
from pandas import DataFrame, date_range

from bitget_margin.freqtrade import leveraged_exchange, preflight, runtime
from bitget_margin.freqtrade.compat import BitgetExchange, OperationalException
from bitget_margin.freqtrade.config import parse_config
from bitget_margin.freqtrade.exchange import Bitgetcross
from bitget_margin.freqtrade.interest import InterestRates

START = datetime(2026, 1, 5, tzinfo=UTC)


def market(base: str, *, most: float | None = 3.0, crosses: bool | None = True, known: bool = True) -> dict[str, Any]:
    """Return a spot market with the numbers of cross margin orders."""
    return {
        "base": base,
        "quote": "USDT",
        "spot": True,
        "margin": crosses,
        "marginModes": {"cross": crosses, "isolated": None},
        "crossMargin": {
            "active": True,
            "precision": {},
            "limits": {"leverage": {"min": 1.0, "max": most}},
        }
        if known
        else None,
        "limits": {"leverage": {"min": None, "max": None}},
        "precision": {"price": 0.01},
    }


MARKETS = {
    "BTC/USDT": market("BTC"),
    "ETH/USDT": market("ETH", most=2.0),
    "SOL/USDT": market("SOL", most=None),
    "XRP/USDT": market("XRP", crosses=False),
    "BTC/USDT:USDT": {**market("BTC"), "spot": False},
}


def made(
    markets: dict[str, Any] = MARKETS,
    *,
    mode: TradingMode = TradingMode.FUTURES,
    runmode: str = "backtest",
    leverage: Any = None,
    **config: Any,
) -> Any:
    """Return an exchange that freqtrade has not built."""
    exchange: Any = Bitgetcross.__new__(Bitgetcross)
    exchange._settings = parse_config({"bitget_margin": {"leverage": leverage or {"max": 3}}})
    exchange._config = {"runmode": runmode, "dry_run": runmode != "live", "stake_currency": "USDT", **config}
    exchange.trading_mode = mode
    exchange._api = SimpleNamespace()
    exchange._markets = markets
    exchange._ft_has = exchange.combine_ft_has(include_futures=mode == TradingMode.FUTURES)
    return exchange


@pytest.fixture
def learned(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Return the coins whose rates are queried, call by call."""
    calls: list[list[str]] = []
    monkeypatch.setattr(InterestRates, "learn", lambda _self, _api, coins, **_: calls.append(list(coins)))
    return calls


# -- markets ----------------------------------------------------------------------------------------------------------


def test_the_pairs_are_the_spot_pairs_with_cross_margin() -> None:
    exchange = made()
    assert [pair for pair in MARKETS if exchange.market_is_future(MARKETS[pair])] == [
        "BTC/USDT",
        "ETH/USDT",
        "SOL/USDT",
    ]
    assert exchange.market_is_future(market("A", crosses=None, known=False)), "the list of margin pairs was down"
    spot = made(mode=TradingMode.SPOT)
    assert not any(spot.market_is_future(each) for each in MARKETS.values())


@pytest.mark.parametrize(
    ("most", "tiers"),
    [(10, {"BTC/USDT": 3.0, "ETH/USDT": 2.0, "SOL/USDT": 10.0}), (1, dict.fromkeys(list(MARKETS)[:3], 1.0))],
)
def test_a_pair_has_the_leverage_of_the_venue_cut_to_the_settings(
    learned: list[list[str]], most: float, tiers: dict[str, float]
) -> None:
    exchange = made(leverage={"max": most, "maintenance_rate": 0.07}, exchange={"pair_whitelist": []})
    exchange._leverage_tiers = {}
    exchange.fill_leverage_tiers()
    assert {pair: exchange.get_max_leverage(pair, 100.0) for pair in exchange._leverage_tiers} == tiers
    assert {tier["maintenanceMarginRate"] for each in exchange._leverage_tiers.values() for tier in each} == {0.07}


@pytest.mark.parametrize("runmode", ["live", "dry_run", "backtest", "hyperopt", "util_exchange"])
def test_without_the_list_of_pairs_a_bot_borrows_nothing_and_a_backtest_goes_by_the_settings(
    learned: list[list[str]], caplog: pytest.LogCaptureFixture, runmode: str
) -> None:
    markets = {"BTC/USDT": market("BTC", most=None, crosses=None, known=False), "ETH/USDT": market("ETH")}
    tiers = made(markets, runmode=runmode, exchange={}).load_leverage_tiers()
    trades = runmode in {"live", "dry_run"}
    assert {pair: tier["maxLeverage"] for pair, (tier,) in tiers.items()} == (
        {"ETH/USDT": 3.0} if trades else {"BTC/USDT": 3.0, "ETH/USDT": 3.0}
    )
    assert ("The list of margin pairs could not be read" in caplog.text) == trades


@pytest.mark.parametrize(
    ("runmode", "queried"),
    [
        ("live", []),
        ("util_exchange", []),
        ("dry_run", [["USDT", "BTC", "ETH"]]),
        ("backtest", [["USDT", "BTC", "ETH"]]),
        ("hyperopt", [["USDT", "BTC", "ETH"]]),
    ],
)
def test_the_rates_of_simulated_trades_are_queried_with_the_tiers(
    learned: list[list[str]], runmode: str, queried: list[list[str]]
) -> None:
    listed = ["BTC/USDT", "ETH/USDT", ".*/USDT", "OLD/USDT"]
    made(runmode=runmode, exchange={"pair_whitelist": listed}).load_leverage_tiers()
    assert learned == queried


def test_rates_are_those_of_the_settings() -> None:
    settings = {"max": 3, "default_interest": 0.0005, "daily_interest": {"USDT": 0.0001}}
    rates = made(leverage=settings).interest_rates
    assert (rates.rate("USDT"), rates.rate("BTC")) == (0.0001, 0.0005)


def test_a_live_bot_asks_for_all_rates_and_has_the_given_ones_where_there_is_no_answer() -> None:
    settings = {"max": 3, "daily_interest": {"USDT": 0.0001, "BTC": 0.0003}}
    answers = {"USDT": {"coin": "USDT", "dailyInterestRate": "0.0004"}}
    exchange = made(leverage=settings, runmode="live", exchange={"pair_whitelist": ["BTC/USDT"]})
    exchange._api = SimpleNamespace(
        id="bitget",
        commonCurrencies={},
        request=lambda _path, _api, _method, params: {"code": "00000", "data": answers.get(params["coin"])},
    )
    assert exchange._learn_interest_rates() == {"USDT": 0.0004, "BTC": 0.0003}


@pytest.mark.parametrize("runmode", ["live", "backtest"])
def test_a_rate_of_a_coin_in_other_letters_is_refused(runmode: str) -> None:
    leverage = {"max": 3, "daily_interest": {"usdt": 0.0001}}
    mode = {"trading_mode": "futures", "margin_mode": "cross", "bitget_margin": {"leverage": leverage}}
    exchange = made(leverage=leverage, runmode=runmode, **mode)
    with pytest.raises(OperationalException, match='has a rate of "usdt": write "USDT"'):
        exchange.validate_config(exchange._config)


@pytest.mark.parametrize(
    ("config", "timeframe"),
    [
        ({"timeframe": "5m"}, "5m"),
        ({}, "1h"),
        ({"timeframe": "5m", "timeframes": ["1m", "15m"]}, "5m"),
        ({"timeframe": "5m", "timeframes": ["1m", "15m"], "runmode": "util_exchange"}, "1m"),
        ({"timeframe": "5m", "runmode": "util_exchange"}, "5m"),
    ],
    ids=repr,
)
def test_marks_are_the_candles_of_the_strategy_or_those_that_are_downloaded(
    config: dict[str, Any], timeframe: str
) -> None:
    exchange = made(**config)
    assert exchange.get_option("mark_ohlcv_timeframe") == timeframe
    assert exchange.get_option("mark_ohlcv_price") == "futures"
    assert exchange.get_option("stoploss_on_exchange") is True, "of all modes"
    spot = made(mode=TradingMode.SPOT, **config)
    assert (spot.get_option("mark_ohlcv_timeframe"), spot.get_option("mark_ohlcv_price")) == ("1h", "mark")


def test_no_funding_rates_are_requested() -> None:
    assert asyncio.run(made()._fetch_funding_rate_history("BTC/USDT", "1h", 100, since_ms=0)) == []


# -- orders -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("side", ["buy", "sell"])
@pytest.mark.parametrize("reduces", [False, True])
def test_an_exit_is_told_by_its_side_in_spot_mode_and_by_freqtrade_in_the_futures_mode(
    side: str, reduces: bool
) -> None:
    order = {"side": side, "reduceOnly": reduces}
    assert made().is_exit(order) is reduces
    assert made(mode=TradingMode.SPOT).is_exit(order) is (side == "sell")


def test_leverage_is_no_setting_of_the_venue(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    monkeypatch.setattr(BitgetExchange, "_lev_prep", lambda *_, **__: calls.append("prepared"))
    made()._lev_prep("BTC/USDT", 3.0, "buy", accept_fail=False)
    assert calls == []
    made(mode=TradingMode.SPOT)._lev_prep("BTC/USDT", 1.0, "buy")
    assert calls == ["prepared"]


def test_a_stop_loss_on_the_exchange_is_refused_with_leverage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "refuse_stoploss_on_exchange", lambda *_, **__: None)
    types = {"stoploss_on_exchange": True, "stoploss": "market"}
    with pytest.raises(OperationalException, match='"trading_mode": "futures"'):
        made().validate_stop_ordertypes(types)
    made().validate_stop_ordertypes({"stoploss_on_exchange": False})
    made(mode=TradingMode.SPOT).validate_stop_ordertypes(types)


def test_settings_of_leverage_without_effect_are_logged_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(BitgetExchange, "validate_config", lambda *_: None)
    monkeypatch.setattr(leveraged_exchange.runtime, "_warned", set())
    for _ in range(2):
        made(mode=TradingMode.SPOT).validate_config({"margin_mode": "cross", "runmode": "backtest"})
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert '"bitget_margin.leverage" has no effect in "trading_mode": "spot"' in caplog.text
    caplog.clear()
    config = {"trading_mode": "futures", "margin_mode": "cross", "bitget_margin": {"leverage": {"max": 3}}}
    made().validate_config({**config, "runmode": "backtest"})
    assert caplog.records == []
    assert runtime is leveraged_exchange.runtime


# -- simulated trades -------------------------------------------------------------------------------------------------


def frame(*opens: float) -> DataFrame:
    """Return candles of half an hour with these first prices."""
    return DataFrame({"date": date_range(START, periods=len(opens), freq="30min"), "open": opens, "close": 0.0})


def test_spot_mode_leaves_interest_to_freqtrade(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BitgetExchange, "combine_funding_and_mark", lambda *_: "combined")
    monkeypatch.setattr(BitgetExchange, "calculate_funding_fees", lambda *_: -7.0)
    spot = made(mode=TradingMode.SPOT)
    assert spot.combine_funding_and_mark(frame(), frame(1.0), None) == "combined"
    assert spot.calculate_funding_fees(frame(), 1.0, is_short=True, open_date=START, close_date=START) == -7.0
    assert spot.load_leverage_tiers() == {}
    assert leveraged_exchange.Leveraged.get_funding_fees(spot, "BTC/USDT") == 0.0


def test_a_trade_that_nobody_knows_pays_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bitget_margin.freqtrade.backtest_prices.Trade.get_trades_proxy", lambda **_: [])
    exchange = made()
    prices = exchange.combine_funding_and_mark(frame(), frame(1.0), None)
    later = START + timedelta(hours=1)
    assert exchange.calculate_funding_fees(prices, 1.0, is_short=True, open_date=START, close_date=later) == 0.0


def test_a_price_is_that_of_the_candle_of_its_time() -> None:
    prices = made().combine_funding_and_mark(frame(), frame(10.0, 11.0, 12.0), None)
    seconds = (-1, 0, 1, 1_799, 1_800, 9_999)
    found = [prices.at(START + timedelta(seconds=each)) for each in seconds]
    assert found == [None, 10.0, 10.0, 10.0, 11.0, 12.0]


@pytest.mark.parametrize(("leverage", "is_short", "price"), [(1.0, False, -100.0), (3.0, False, None), (1, True, None)])
def test_a_price_of_liquidation_is_below_zero_where_none_is(
    leverage: float, is_short: bool, price: float | None
) -> None:
    """A buffer that freqtrade adds to 0 would be a price."""
    stake, wallet = 1_000.0, 1_000.0
    amount = stake * leverage / 100
    found = made().dry_run_liquidation_price("BTC/USDT", 100.0, is_short, amount, stake, leverage, wallet, [])
    assert found == price if price is not None else found > 0
