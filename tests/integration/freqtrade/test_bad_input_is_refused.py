"""Promise: what cannot work is refused before anything is traded, in one line that says what to change."""

from __future__ import annotations

import asyncio
import gc
import importlib
import logging
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ccxt
import ccxt.async_support
import ccxt.pro
import freqtrade.exchange
import pytest
from freqtrade.enums import CandleType, MarginMode, RunMode, TradingMode
from freqtrade.exceptions import OperationalException
from freqtrade.exchange import Exchange
from freqtrade.resolvers import ExchangeResolver
from freqtrade.strategy import IStrategy

import bitget_margin
from bitget_margin.emulator import Account, AccountKind, Emulator
from bitget_margin.freqtrade import CrossedMarginMixin, preflight, register, unregister
from bitget_margin.freqtrade import exchange as bot_exchange
from bitget_margin.freqtrade.exchange import Bitgetcross
from bitget_margin.freqtrade.resting_orders import RestingOrders
from support import bot as support
from support.bot import signed_requests
from support.client import close
from support.console import other_exchange

OLD_CCXT = ccxt.__version__ == "4.5.60"
MODULES = (ccxt, ccxt.async_support, ccxt.pro)


@pytest.fixture(scope="module")
def shop() -> Iterator[Emulator]:
    """Run a venue for all tests here that leave no trace on it."""
    with Emulator(accounts=(Account(),)) as running:
        yield running
    assert running.errors == ()


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Register, and take everything back; freqtrade closes no exchange that refused to start."""
    made: list[Any] = []
    start = Exchange.__init__

    def started(exchange: Any, *args: Any, **named: Any) -> None:
        made.append(exchange)
        start(exchange, *args, **named)

    monkeypatch.setattr(Exchange, "__init__", started)
    register()
    yield
    unregister()
    for exchange in made:
        if hasattr(exchange, "_api_async"):
            exchange.loop.run_until_complete(close(exchange._api_async))
        exchange.loop.close()
    # freqtrade set it, and nobody else shall find it.
    asyncio.set_event_loop(None)


def config(venue: Emulator, **changes: Any) -> dict[str, Any]:
    """Return the configuration of a live bot as freqtrade has it once it has read it."""
    made = support.config(venue, ["BTC/USDT"], Path(), **changes)
    made["exchange"]["ccxt_config"]["enableRateLimit"] = False
    made["trading_mode"] = TradingMode(made["trading_mode"])
    made["margin_mode"] = made["margin_mode"] and MarginMode(made["margin_mode"])
    return {"runmode": RunMode.LIVE, "candle_type_def": CandleType.SPOT, **made}


def load(venue: Emulator, **changes: Any) -> Any:
    """Load the exchange as a live bot does."""
    return ExchangeResolver.load_exchange(config(venue, **changes), validate=True)


def refusal(venue: Emulator, **changes: Any) -> str:
    """Return the one line with which a live bot does not start; nothing but a look at the account was sent."""
    since = len(signed_requests(venue))
    with pytest.raises(OperationalException) as refused:
        load(venue, **changes)
    said = str(refused.value)
    assert "\n" not in said
    assert not any(secret in said for secret in secrets_of(venue, changes))
    assert {record.path for record in signed_requests(venue)[since:]} <= {
        "/api/v3/account/settings",
        "/api/v2/spot/account/info",
    }
    return said


def secrets_of(venue: Emulator, changes: dict[str, Any]) -> list[str]:
    """Return what no message may show: the account's own secrets, and those that were typed wrong."""
    own = [secret for each in venue.accounts for secret in (each.secret, each.password)]
    typed = changes.get("exchange", {})
    return [*own, *(typed[name] for name in ("secret", "password") if typed.get(name))]


@pytest.mark.usefixtures("registered")
class TestTheAccount:
    @pytest.mark.parametrize(
        ("wrong", "code"),
        [({"key": "bg_wrong"}, "40006"), ({"secret": "wrong-secret"}, "40009"), ({"password": "wrong-pass"}, "40012")],
        ids=["key", "secret", "passphrase"],
    )
    def test_wrong_credentials_are_named(self, shop: Emulator, wrong: dict[str, str], code: str) -> None:
        said = refusal(shop, exchange=wrong)
        assert said.startswith("bitgetcross: the venue refuses the API key (bitget {")
        assert f'"code":"{code}"' in said
        assert "check exchange.key, exchange.secret and exchange.password (the key's passphrase)" in said

    @pytest.mark.parametrize("missing", [("key", "secret", "password"), ("password",)], ids=",".join)
    @pytest.mark.parametrize("nothing", ["", None], ids=["empty", "null"])
    def test_missing_credentials_are_named_with_their_variables(
        self, shop: Emulator, missing: tuple[str, ...], nothing: str | None
    ) -> None:
        since = len(shop.requests)
        said = refusal(shop, exchange=dict.fromkeys(missing, nothing))
        assert said.startswith(f"bitgetcross: {', '.join(f'exchange.{name}' for name in missing)} not set: give the ")
        assert said.endswith(f"as {', '.join(f'FREQTRADE__EXCHANGE__{name.upper()}' for name in missing)}.")
        # Not even refused by the venue: it was not asked.
        assert not any("account" in record.path for record in shop.requests[since:])

    @pytest.mark.parametrize("kind", list(AccountKind))
    def test_the_kind_of_the_account_is_told(self, caplog: pytest.LogCaptureFixture, kind: AccountKind) -> None:
        caplog.set_level(logging.INFO)
        with Emulator(accounts=(Account(kind=kind),)) as venue:
            exchange = load(venue)
        assert exchange.batch_max == {AccountKind.CLASSIC: 50, AccountKind.UNIFIED: 20}[kind]
        (said,) = bot_records(caplog, logging.INFO)
        assert f"account: a {kind.value} account, UID {venue.accounts[0].uid}, wallet 100000 USDT" in said

    def test_a_wrong_clock_is_named(self) -> None:
        with Emulator(clock=lambda: time.time_ns() // 1_000_000 + 60_000) as venue:
            said = refusal(venue)
        assert said.startswith('bitgetcross: the venue refuses this machine\'s clock (bitget {"code":"40008"')
        assert said.endswith("set it right, for example with NTP.")

    def test_what_else_the_venue_says_is_told_in_one_line(
        self, shop: Emulator, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken(*_: object) -> None:
            raise ccxt.ExchangeNotAvailable("bitget <html>\n  <b>Bad gateway</b>\n</html>")

        monkeypatch.setattr(ccxt.bitgetcross, "fetch_balance", broken)
        assert refusal(shop) == (
            "bitgetcross: the account could not be looked at (bitget <html> <b>Bad gateway</b> </html>): start again "
            "once the venue answers."
        )

    def test_loans_are_warned_of(self, caplog: pytest.LogCaptureFixture) -> None:
        with Emulator(accounts=(Account(debts={"USDT": "100.5", "ADA": "3"}),)) as venue:
            load(venue)
        (warning,) = bot_records(caplog, logging.WARNING)
        assert warning == (
            "The crossed account carries loans: 100.5 USDT, 3 ADA. Interest runs, freqtrade does not count it, and a "
            "liquidation would sell this bot's coins too. Repay, or use an account without loans."
        )

    def test_a_good_account_is_introduced_without_a_warning(
        self, shop: Emulator, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO)
        assert type(load(shop)) is Bitgetcross
        assert bot_records(caplog, logging.WARNING) == []
        (said,) = bot_records(caplog, logging.INFO)
        assert said.startswith(
            "Trading on Bitget's CROSSED MARGIN account: a classic account, "
            f"UID {shop.accounts[0].uid}, wallet 100000 USDT, 2 BTC, 20 ETH, 500 SOL; "
        )
        assert not any(secret in caplog.text for secret in secrets_of(shop, {}))


@pytest.mark.usefixtures("registered")
class TestTheConfiguration:
    @pytest.mark.skipif(OLD_CCXT, reason="this ccxt takes every pair with margin for one with crossed margin")
    def test_a_pair_without_crossed_margin_is_named(self, shop: Emulator) -> None:
        said = refusal(shop, exchange={"pair_whitelist": ["BTC/USDT", "XRP/USDT"]})
        assert said == (
            'bitgetcross: XRP/USDT cannot be traded on crossed margin: take it out of "exchange.pair_whitelist".'
        )

    def test_several_pairs_are_named_at_once_and_unknown_ones_are_left_to_freqtrade(self) -> None:
        markets = {
            "A/USDT": {"marginModes": {"cross": False, "isolated": True}, "margin": True},
            "B/USDT": {"marginModes": {"cross": True, "isolated": False}, "margin": True},
            "C/USDT": {"marginModes": None, "margin": False},
            "D/USDT": {"marginModes": None, "margin": True},
        }
        listed = {"exchange": {"pair_whitelist": [*markets, "E/USDT", ".*/USDT"]}}
        with pytest.raises(OperationalException) as refused:
            preflight.refuse_pairs(listed, markets)
        assert str(refused.value) == (
            "bitgetcross: A/USDT, C/USDT cannot be traded on crossed margin: "
            'take them out of "exchange.pair_whitelist".'
        )
        preflight.refuse_pairs({}, markets)

    @pytest.mark.parametrize("mode", ["margin", "futures"])
    def test_other_trading_modes_are_refused(self, shop: Emulator, mode: str) -> None:
        assert refusal(shop, trading_mode=mode) == (
            f'bitgetcross: "trading_mode" is \'{mode}\'; only "spot" is supported (longs without leverage): set '
            '"trading_mode": "spot" and "margin_mode": "cross".'
        )

    @pytest.mark.parametrize(("mode", "shown"), [("isolated", "'isolated'"), ("", "not set"), (None, "not set")])
    def test_other_margin_modes_are_refused(self, shop: Emulator, mode: str | None, shown: str) -> None:
        assert refusal(shop, margin_mode=mode) == (
            f'bitgetcross: "margin_mode" is {shown}; it trades the crossed account: set "margin_mode": "cross".'
        )

    def test_a_dry_run_has_to_name_the_margin_mode_too(self, shop: Emulator) -> None:
        """Or the same configuration would be refused on the day that it goes live."""
        assert '"margin_mode" is not set' in refusal(shop, runmode=RunMode.DRY_RUN, dry_run=True, margin_mode=None)

    def test_a_stop_loss_on_the_exchange_is_refused(self, shop: Emulator) -> None:
        assert refusal(shop, order_types={"stoploss_on_exchange": True}) == (
            'bitgetcross: "stoploss_on_exchange" is true, and the crossed account has no trigger orders: set '
            '"stoploss_on_exchange": false; freqtrade then watches the stop-loss itself.'
        )

    @pytest.mark.parametrize(
        ("section", "said"),
        [
            ([], '"bitget_margin" in the configuration is []; give an object'),
            (None, '"bitget_margin" in the configuration is None; give an object'),
            (
                {"scope": "trade", "a": 1},
                (
                    '"bitget_margin" in the configuration has a, scope; known are cancel_scope, partial_exits, '
                    "wait_ms, rate_gate"
                ),
            ),
            ({"cancel_scope": "all"}, "\"bitget_margin.cancel_scope\" is 'all'; give one of 'trade', 'pair'"),
            ({"cancel_scope": ["pair"]}, "\"bitget_margin.cancel_scope\" is ['pair']; give one of 'trade', 'pair'"),
            (
                {"rate_gate": "file:///windows"},
                (
                    '"bitget_margin.rate_gate": its URL does not begin with one of sqlite, redis, rediss, unix; '
                    "give sqlite:///path, redis://host:port/0, rediss:// or unix://"
                ),
            ),
            ({"partial_exits": True}, "\"bitget_margin.partial_exits\" is True; give one of 'leave', 'cancel'"),
            *(
                ({"wait_ms": value}, f'"bitget_margin.wait_ms" is {value!r}; give milliseconds from 100 to 30000')
                for value in (99, 30_001, -1, 3_000.0, "3000", True, None)
            ),
        ],
        ids=repr,
    )
    def test_the_plugin_s_own_section_is_checked(self, shop: Emulator, section: object, said: str) -> None:
        assert refusal(shop, bitget_margin=section) == said


@pytest.mark.usefixtures("registered")
class TestNoOtherClass:
    """freqtrade takes an AttributeError for a missing class, and would go on with one that trades the spot wallet."""

    @pytest.mark.parametrize(
        ("holder", "name"),
        [
            (preflight, "refuse_modes"),
            (bot_exchange, "parse_config"),
            (RestingOrders, "__init__"),
            (preflight, "refuse_pairs"),
            (preflight, "check_account"),
            (Bitgetcross, "additional_exchange_init"),
            (Exchange, "validate_config"),
        ],
        ids=lambda value: value if isinstance(value, str) else value.__name__.rsplit(".", 1)[-1],
    )
    def test_an_attribute_error_at_the_start_stops_the_bot(
        self, shop: Emulator, monkeypatch: pytest.MonkeyPatch, holder: object, name: str
    ) -> None:
        def missing(*_: object, **__: object) -> None:
            raise AttributeError("no attribute of that name")

        monkeypatch.setattr(holder, name, missing)
        assert refusal(shop) == ("bitgetcross could not be started: AttributeError('no attribute of that name')")

    def test_a_refused_start_leaves_nothing_that_shouts_when_it_is_collected(self, shop: Emulator) -> None:
        ignored: list[Any] = []
        hook, sys.unraisablehook = sys.unraisablehook, ignored.append
        try:
            refusal(shop, margin_mode="isolated")
            gc.collect()
        finally:
            sys.unraisablehook = hook
        assert [unraisable.exc_value for unraisable in ignored] == []


class TestRegistration:
    def test_it_can_be_done_twice_and_taken_back_twice(self) -> None:
        before = names()
        register()
        once = names()
        register()
        assert names() == once != before
        assert [module.bitgetcross for module in MODULES] == [
            bitget_margin.bitget,
            bitget_margin.async_support.bitget,
            bitget_margin.pro.bitget,
        ]
        assert [module.exchanges.count("bitgetcross") for module in MODULES] == [1, 1, 1]
        assert freqtrade.exchange.Bitgetcross is Bitgetcross
        unregister()
        assert names() == before
        unregister()
        assert names() == before

    def test_importing_registers_nothing(self) -> None:
        before = names()
        importlib.reload(importlib.import_module("bitget_margin.freqtrade"))
        assert names() == before


def names() -> list[Any]:
    """Return what registering changes: the names of ccxt's modules and lists, and of freqtrade's exchanges."""
    return [*((list(module.exchanges), set(dir(module))) for module in MODULES), set(dir(freqtrade.exchange))]


class TestTheStrategy:
    def test_the_mixin_after_istrategy_is_refused_by_python(self) -> None:
        with pytest.raises(TypeError, match="method resolution"):
            type("Wrong", (IStrategy, CrossedMarginMixin), {})
        type("Right", (CrossedMarginMixin, IStrategy), {})
        type("Short", (CrossedMarginMixin,), {})

    @pytest.mark.parametrize("dry", [True, False], ids=["dry-run", "live"])
    def test_another_exchange_is_warned_of_in_a_dry_run_and_refused_live(
        self, caplog: pytest.LogCaptureFixture, *, dry: bool
    ) -> None:
        strategy = support_strategy({"runmode": RunMode.DRY_RUN if dry else RunMode.LIVE, "dry_run": dry})
        said = other_exchange("Mine")
        if dry:
            strategy.ft_bot_start()
            assert bot_records(caplog, logging.WARNING) == [said]
        else:
            with pytest.raises(OperationalException) as refused:
                strategy.ft_bot_start()
            assert str(refused.value) == said

    def test_backtesting_on_another_exchange_is_nobody_s_business(self, caplog: pytest.LogCaptureFixture) -> None:
        support_strategy({"runmode": RunMode.BACKTEST, "dry_run": True}).ft_bot_start()
        assert bot_records(caplog, logging.WARNING) == []


def support_strategy(config: dict[str, Any]) -> Any:
    """Return a strategy with the mixin, on stock bitget."""
    made = type("Mine", (CrossedMarginMixin, IStrategy), {"populate_indicators": lambda *args: args[1]})
    return made({"exchange": {"name": "bitget"}, **config})


def bot_records(caplog: pytest.LogCaptureFixture, level: int) -> list[str]:
    """Return what the plugin logged at a level."""
    ours = [record for record in caplog.records if record.name == "bitget_margin" and record.levelno == level]
    return [record.getMessage() for record in ours]
