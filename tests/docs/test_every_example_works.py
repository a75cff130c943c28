"""Promise: what a document tells you to write works as it stands.

Each Python example runs alone, in an empty namespace. Only its placeholder keys are replaced: by the keys and the
address of a local venue on which three orders rest.
"""

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest
from pandas import DataFrame

import bitget_margin
from bitget_margin.emulator import Emulator
from support.client import close, config, rungs
from support.documents import Example, examples
from support.in_process_bot import CONTROLS, in_process_bot

CALL = re.compile(r"\bexchange\.(\w+)\(")
STRATEGY = re.compile(r"class (\w+)\(CrossedMarginMixin")
STRATEGIES = [example for example in examples("python") if STRATEGY.search(example.text)]
PROGRAMS = [example for example in examples("python") if example not in STRATEGIES]
(WATCHING,) = [example for example in PROGRAMS if "watch_orders(" in example.text]
(UNRESOLVED,) = [example for example in PROGRAMS if "except CancelUnresolved" in example.text]


SIGNALS = ("populate_indicators", "populate_entry_trend", "populate_exit_trend", "minimal_roi", "stoploss", "timeframe")
PLACEHOLDERS = '{"apiKey": "…", "secret": "…", "password": "…"}'


def run(example: Example, config: dict[str, Any]) -> dict[str, Any]:
    """Run an example and return its names; tracebacks show the lines of the document."""
    names = {"__name__": "__main__"}
    source = "\n" * (example.line - 1) + example.text.replace(PLACEHOLDERS, repr(config))
    exec(compile(source, example.page, "exec"), names)  # noqa: S102 - our own documents
    return names


def goes_short(example: Example) -> bool:
    """Whether a strategy sells short, for which freqtrade needs its futures mode."""
    return "can_short = True" in example.text


def live(venue: Emulator) -> list[str]:
    return [order.order_id for order in venue.orders(venue.accounts[0].uid, live_only=True)]


@pytest.mark.parametrize("example", PROGRAMS, ids=str)
def test_a_program_runs(venue: Emulator, example: Example, capsys: pytest.CaptureFixture[str]) -> None:
    """A warning is an error: every call of it names its margin mode."""
    ids = rungs(venue, 3)
    run(example, config(venue))
    assert venue.accounts[0].secret not in capsys.readouterr().out
    # An example without keys starts a venue of its own.
    called = CALL.findall(example.text) if PLACEHOLDERS in example.text else []
    assert any(record.uid for record in venue.requests) == bool(called)
    assert live(venue) == ([] if "batch_cancel" in called else ids)


@pytest.mark.classic
def test_the_program_for_what_is_not_resolved_names_what_to_ask_again(venue: Emulator) -> None:
    ids = rungs(venue, 3)
    venue.add_fault("reset-before", "/batch-cancel-order")
    names = run(UNRESOLVED, config(venue, options={"batchCancel": {"timeout": 400}}))
    assert sorted(names["again"][0]) == sorted(ids)
    assert names["again"][1] == []


@pytest.mark.classic
async def test_the_program_that_watches_orders_prints_what_changes(
    venue: Emulator, capsys: pytest.CaptureFixture[str]
) -> None:
    order_id = rungs(venue, 1)[0]
    exchange = bitget_margin.pro.bitget(config(venue))
    watching = asyncio.ensure_future(run(WATCHING, {})["watch"](exchange))
    try:
        printed = ""
        while order_id not in printed:
            venue.fill(order_id, "0.000001")
            await asyncio.sleep(0.05)
            printed += capsys.readouterr().out
            assert not watching.done()
    finally:
        watching.cancel()
        await asyncio.wait([watching])
        await close(exchange)


@pytest.mark.parametrize("example", STRATEGIES, ids=str)
def test_a_strategy_is_complete(tmp_path: Path, example: Example) -> None:
    """Freqtrade loads it as it stands in the document, and finds entries and exits in candles."""
    from freqtrade.resolvers import StrategyResolver  # noqa: PLC0415 - seconds, and only these tests need it

    (tmp_path / "shown.py").write_text(example.text)
    found = STRATEGY.search(example.text)
    assert found is not None
    mode = "futures" if goes_short(example) else "spot"
    config = {"strategy": found[1], "strategy_path": str(tmp_path), "user_data_dir": tmp_path, "stake_currency": "USDT"}
    config["trading_mode"] = mode
    strategy = StrategyResolver.load_strategy(config)
    closes = [100.0] * 30 + [90.0, 110.0]
    candles = DataFrame(dict.fromkeys(("open", "high", "low", "close"), closes))
    signals = strategy.advise_exit(strategy.advise_entry(strategy.advise_indicators(candles, {}), {}), {})
    for way in ("long", "short") if goes_short(example) else ("long",):
        assert signals[f"enter_{way}"].sum() > 0
        assert signals[f"exit_{way}"].sum() > 0


WAYS = [(example, way) for example in STRATEGIES for way in ("long", "short") if way == "long" or goes_short(example)]


@pytest.mark.slow
@pytest.mark.classic
@pytest.mark.filterwarnings("default")  # freqtrade's own
@pytest.mark.parametrize(("example", "way"), WAYS, ids=str)
def test_a_strategy_places_its_ladder_and_exits(tmp_path: Path, example: Example, way: str) -> None:
    """The strategy's own ladder and leverage, with the entries and exits, which a test can time."""
    found = STRATEGY.search(example.text)
    assert found is not None
    module, base = ("borrowing", "Borrowing") if goes_short(example) else ("controlled", "Controlled")
    signals = "\n".join(f"    {name} = {base}.{name}" for name in SIGNALS)
    imported = f"\n\nfrom support.strategies.{module} import {base}\n\n\n"
    below = f"{imported}class Shown({found[1]}, {base}):\n{signals}\n"
    (tmp_path / "shown.py").write_text(example.text + below)
    mode = {"trading_mode": "futures", "bitget_margin": {"leverage": {"max": 3}}} if goes_short(example) else {}
    with in_process_bot(tmp_path, strategy="Shown", strategy_path=str(tmp_path), settings=mode) as bot:
        CONTROLS.short = way == "short"
        trade = bot.enter()
        assert (trade.is_short, trade.leverage) == (way == "short", 2.0 if goes_short(example) else 1.0)
        assert {str(order.side) for order in bot.live()} == {"buy" if way == "short" else "sell"}
        CONTROLS.exit = True
        bot.loop(3)
        assert not bot.trade.is_open
        assert bot.live() == []
        assert bot.venue.debts() == {}


def test_there_are_examples_of_both() -> None:
    assert len(PROGRAMS) > 3
    assert len(STRATEGIES) > 1
