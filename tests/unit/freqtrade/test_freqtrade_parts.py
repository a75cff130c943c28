"""Promise: a bot does not start with a freqtrade in which a used part has moved, and starts with any other."""

import importlib
import logging
import sys
from functools import partial
from types import SimpleNamespace
from typing import Any

import ccxt
import ccxt.async_support
import ccxt.pro
import freqtrade
import pytest

import bitget_margin
from bitget_margin.adapter import tested_versions
from bitget_margin.adapter.tested_versions import CCXT, FREQTRADE
from bitget_margin.freqtrade import compat, freqtrade_parts, launcher, runtime, simulation_compat
from bitget_margin.freqtrade.compat import BitgetExchange, IStrategy, OperationalException
from bitget_margin.freqtrade.config import NAME
from bitget_margin.freqtrade.exchange import Bitgetcross
from bitget_margin.freqtrade.freqtrade_parts import check_parts, refuse_moved_parts
from bitget_margin.freqtrade.pushes import OrderPushes

LIVE = {"runmode": "live", "dry_run": False}
DRY_RUN = {"runmode": "dry_run", "dry_run": True}
BACKTEST = {"runmode": "backtest"}
bot: Any = importlib.import_module("freqtrade.freqtradebot").FreqtradeBot
backtesting: Any = importlib.import_module("freqtrade.optimize.backtesting").Backtesting


@pytest.mark.parametrize(("trades", "simulates", "least"), [(False, False, 140), (True, True, 155)])
def test_nothing_has_moved_in_the_installed_freqtrade(trades: bool, simulates: bool, least: int) -> None:
    found = check_parts(trades=trades, simulates=simulates)
    assert found.moved == []
    assert found.checked >= least


def test_every_call_that_is_compared_is_one_of_freqtrade() -> None:
    for path in (*compat.CALLS, *simulation_compat.CALLS):
        module, cls, method = path.rsplit(".", 2)
        assert callable(getattr(getattr(importlib.import_module(f"freqtrade.{module}"), cls), method))
    assert compat.EXIT in compat.CALLS


@pytest.mark.parametrize(
    ("owner", "name", "text", "stopped"),
    [
        (
            BitgetExchange,
            "_order_needs_price",
            "BitgetExchange._order_needs_price is missing",
            (LIVE, DRY_RUN, BACKTEST),
        ),
        (bot, "execute_trade_exit", "FreqtradeBot.execute_trade_exit is missing", (LIVE, DRY_RUN)),
        (IStrategy, "min_roi_reached_entry", "BacktestStrategy.min_roi_reached_entry is missing", (DRY_RUN, BACKTEST)),
        (backtesting, "_run_funding_fees", "Backtesting._run_funding_fees is missing", (DRY_RUN, BACKTEST)),
    ],
)
def test_what_is_missing_stops_what_uses_it(
    monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, text: str, stopped: tuple[dict[str, Any], ...]
) -> None:
    owner = next(base for base in owner.__mro__ if name in vars(base))
    monkeypatch.delattr(owner, name)
    for config in (LIVE, DRY_RUN, BACKTEST):
        if config in stopped:
            with pytest.raises(OperationalException) as refused:
                refuse_moved_parts(config)
            assert f"freqtrade {freqtrade.__version__}" in str(refused.value)
            assert text in str(refused.value)
            assert "pip install 'freqtrade==" in str(refused.value)
        else:
            refuse_moved_parts(config)


def test_an_exit_that_asks_for_its_amount_first_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def execute_trade_exit(self: Any) -> None:
        self._safe_exit_amount()
        self.exchange.get_funding_fees()
        self.confirm_trade_exit()
        self.exchange.create_order()

    execute_trade_exit.__module__ = "freqtrade.freqtradebot"
    monkeypatch.setattr(bot, "execute_trade_exit", execute_trade_exit)
    with pytest.raises(OperationalException, match="execute_trade_exit no longer uses get_funding_fees, _safe_exit"):
        refuse_moved_parts(LIVE)


def test_other_parameters_are_named_before_anything_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    def market_is_future(self: Any) -> None: ...

    market_is_future.__module__ = "freqtrade.exchange.bitget"
    monkeypatch.setattr(BitgetExchange, "market_is_future", market_is_future)
    with pytest.raises(OperationalException, match=r"market_is_future takes \(\), and no longer \(market\)"):
        Bitgetcross({**LIVE, "margin_mode": "isolated"})


def test_a_newer_pair_is_one_warning(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(tested_versions, "_warned", set())
    monkeypatch.setattr(freqtrade, "__version__", "2099.10")
    monkeypatch.setattr(freqtrade_parts.ccxt_parts, "version", lambda: "4.99.1")
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            refuse_moved_parts(LIVE)
            freqtrade_parts.ccxt_parts.warn_of_untested_ccxt()
    (text,) = caplog.messages
    assert text.startswith(f"ccxt 4.99.1 is newer than {CCXT.newest}")
    assert f"freqtrade 2099.10 is newer than {FREQTRADE.newest}" in text


def test_without_its_websocket_parts_a_bot_has_the_other_flavours(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Freqtrade takes the async flavour then, and the thread of the pushes ends with the reason in the log."""
    was_registered = hasattr(ccxt, NAME)
    launcher.unregister()
    with monkeypatch.context() as patch:
        patch.setattr(runtime, "_warned", set())
        patch.delitem(sys.modules, "bitget_margin.pro", raising=False)
        patch.delattr(bitget_margin, "pro", raising=False)
        patch.delattr(ccxt.pro.bitget, "watch_private")
        importlib.reload(launcher)
        launcher.register()
        assert [hasattr(module, NAME) for module in (ccxt, ccxt.async_support, ccxt.pro)] == [True, True, False]
        pushes = OrderPushes(make=partial(Bitgetcross._make_websocket, SimpleNamespace()), lists_all=lambda: True)
        pushes._run()
        assert pushes.quiet_since("BTC/USDT") is None
        launcher.unregister()
    importlib.reload(launcher)
    if was_registered:
        launcher.register()
    first, second = caplog.messages
    assert first.startswith("Without websockets: bitget-margin ")
    assert "ccxt.pro.bitget.watch_private is missing" in first
    assert second == "Pushes of orders are not available; pairs are looked up in every loop"
