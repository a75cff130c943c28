"""Backtests in the process of the test, on candles of its own."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from bitget_margin.emulator import DEFAULT_SYMBOLS, Account, Emulator, Symbol
from support.bot import STRATEGIES, config

PAIR = "BTC/USDT"
MINUTE = "1min"


class Bar(NamedTuple):
    """The prices of one candle."""

    open: float
    high: float
    low: float
    close: float


def flat(price: float) -> Bar:
    """Return a candle in which the price stays where it is."""
    return Bar(price, price, price, price)


@dataclass
class Plan:
    """Instructions for the strategy `Planned`, by the number of a candle."""

    enter: Mapping[str, Sequence[int]] = field(default_factory=dict)
    """Candles, by pair, at whose open it enters."""
    leave: Mapping[str, Sequence[int]] = field(default_factory=dict)
    """Candles, by pair, at whose open its exit signal acts."""
    enter_short: Mapping[str, Sequence[int]] = field(default_factory=dict)
    """Candles, by pair, at whose open it enters a short; of `PlannedBoth`, as the next one."""
    leave_short: Mapping[str, Sequence[int]] = field(default_factory=dict)
    leverage: Callable[[Mapping[str, Any]], float] = lambda _request: 1.0
    """Called with freqtrade's arguments of `leverage`."""
    ladder: Callable[[Any], list[dict[str, Any]]] | None = None
    refuse: Callable[[str], bool] = lambda _reason: False
    adjust: Callable[[Any, int], Any] = lambda _trade, _candle: None
    filled: Callable[[Any, Any, Any], object] = lambda _strategy, _trade, _order: None
    """Called with the strategy, the trade and each filled order, after the ladder."""
    stop: Callable[[Any, bool], float | None] | None = None
    """Returns the custom stop-loss of a trade, at each candle and after each fill."""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    """Attributes of the strategy, such as its stop-loss."""


PLAN = Plan()


@dataclass
class Backtest:
    """freqtrade's backtesting with `Planned`, on a venue that only has the markets."""

    backtesting: Any

    def run(
        self,
        bars: Mapping[str, Sequence[Bar]] | Sequence[Bar],
        *,
        detail: Mapping[str, Sequence[Bar]] | None = None,
        **plan: Any,
    ) -> list[Any]:
        """Run a backtest of these candles; return its trades, in the order of their ends.

        :param detail: candles of a minute, while the others are of five
        """
        PLAN.__init__(**plan)  # type: ignore[misc]
        by_pair = bars if isinstance(bars, Mapping) else {PAIR: bars}
        strategy = self.backtesting.strategylist[0]
        before = dict(vars(strategy))
        for name, value in PLAN.attributes.items():
            setattr(strategy, name, value)
        try:
            return self._run(strategy, by_pair, detail or {})
        finally:
            vars(strategy).clear()
            vars(strategy).update(before)

    def _run(
        self, strategy: Any, by_pair: Mapping[str, Sequence[Bar]], detail: Mapping[str, Sequence[Bar]]
    ) -> list[Any]:
        self.backtesting._set_strategy(strategy)
        self.backtesting.detail_data = {pair: frame_of(each, MINUTE) for pair, each in detail.items()}
        frames = {pair: frame_of(each, self.backtesting.timeframe) for pair, each in by_pair.items()}
        if self.backtesting.trading_mode == "futures":
            self._prepare_futures(frames)
        processed = strategy.advise_all_indicators(frames)
        self.processed = {
            pair: strategy.ft_advise_signals(frame.copy(), {"pair": pair}) for pair, frame in processed.items()
        }
        dates = next(iter(frames.values()))["date"]
        self.result = self.backtesting.backtest(
            processed=processed, start_date=dates.iloc[0].to_pydatetime(), end_date=dates.iloc[-1].to_pydatetime()
        )
        from freqtrade.persistence import LocalTrade  # noqa: PLC0415 - seconds, and only these tests need it

        return list(LocalTrade.bt_trades)

    def _prepare_futures(self, frames: Mapping[str, Any]) -> None:
        """Prepare what freqtrade has beside the candles of a futures backtest; there are no funding rates."""
        exchange, none = self.backtesting.exchange, frame_of((), self.backtesting.timeframe)
        self.backtesting.funding_fee_timeframe_secs = 3_600
        self.backtesting.futures_data = {
            pair: exchange.combine_funding_and_mark(none, frame.copy(), None) for pair, frame in frames.items()
        }

    @property
    def final(self) -> float:
        """The stake at the end."""
        return float(self.result["final_balance"])

    @property
    def free(self) -> float:
        """The free stake at the end."""
        return float(self.backtesting.wallets.get_free("USDT"))


def frame_of(bars: Sequence[Bar], timeframe: str) -> Any:
    """Return candles as freqtrade has them, from a day on."""
    import pandas as pd  # noqa: PLC0415

    frame = pd.DataFrame(bars, columns=["open", "high", "low", "close"], dtype=float)
    step = timeframe.replace("m", "min") if timeframe[-1] == "m" else timeframe
    frame.insert(0, "date", pd.date_range("2026-01-05", periods=len(bars), freq=step, tz="UTC"))
    frame["volume"] = 1.0
    return frame


@contextmanager
def backtest(
    folder: Path,
    pairs: Sequence[str] = (PAIR,),
    symbols: Sequence[Symbol] = DEFAULT_SYMBOLS,
    timeframe: str = "1m",
    leverage: Mapping[str, Any] | None = None,
    **settings: Any,
) -> Iterator[Backtest]:
    """Prepare backtests; the venue is asked for its markets only.

    :param leverage: settings of leverage, for the futures mode with the strategy `PlannedBoth`
    """
    from freqtrade.enums import CandleType, RunMode  # noqa: PLC0415 - seconds, and only these tests need it
    from freqtrade.optimize.backtesting import Backtesting  # noqa: PLC0415

    from bitget_margin.freqtrade import register, unregister  # noqa: PLC0415

    with Emulator(accounts=(Account(),), symbols=symbols) as venue:
        register()
        try:
            (folder / "user_data").mkdir(exist_ok=True)
            futures = {"trading_mode": "futures", "bitget_margin": {"leverage": leverage}}
            whole = {
                **config(venue, pairs, folder),
                "strategy": "Planned" if leverage is None else "PlannedBoth",
                "strategy_path": str(STRATEGIES),
                "runmode": RunMode.BACKTEST,
                "dry_run": True,
                "dry_run_wallet": 10_000,
                "fee": 0.001,
                "timeframe": timeframe,
                "candle_type_def": CandleType.SPOT if leverage is None else CandleType.FUTURES,
                "user_data_dir": folder / "user_data",
                "datadir": folder,
                "exchange": {**config(venue, pairs, folder)["exchange"], "key": "", "secret": "", "password": ""},
                "original_config": {},
                "dataformat_ohlcv": "feather",
                **({} if leverage is None else futures),
                **settings,
            }
            from freqtrade.optimize.backtesting import LocalTrade  # noqa: PLC0415

            backtesting = Backtesting(whole)
            backtesting.progress = None
            try:
                yield Backtest(backtesting)
            finally:
                LocalTrade.reset_trades()
                Backtesting.cleanup()
                backtesting.exchange.close()
        finally:
            unregister()
