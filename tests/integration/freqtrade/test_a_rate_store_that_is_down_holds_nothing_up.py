"""Promise: while the store of a shared rate window is down, exits leave and loops are short; entries are refused."""

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from bitget_margin.emulator import AccountKind
from bitget_margin.rate_limit import config, open_limiter
from support.in_process_bot import CONTROLS
from support.measured_exits import HALF, kinds, measured_bot
from support.redis_server import MISSING, PROGRAM, RedisServer
from support.single_faults import LADDERS, SingleFaults

pytestmark = pytest.mark.filterwarnings("default")  # freqtrade's own

LOOP_S = 5.0
"""Longest loop: it takes 0.2 s and one try of the store, the rest is for a busy machine. One that waits takes 10 s."""
BACKOFF_S = 1.0


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    """Open new stores in every test."""
    with mock.patch.dict(config._limiters, clear=True):
        yield


class Store:
    """A store that can be broken and repaired."""

    def __init__(self, how: str, folder: Path, stack: ExitStack) -> None:
        self.how = how
        self.folder = folder / "store"
        self.folder.mkdir()
        self.file = self.folder / "windows.db"
        self.server: Any = None
        self.url = f"sqlite:///{self.file}"
        if how.startswith("redis"):
            if PROGRAM is None:
                pytest.skip(MISSING)
            self.server = stack.enter_context(RedisServer(self.folder))
            self.url = self.server.url

    @property
    def limiter(self) -> Any:
        """The limiter of the bot, which uses the store."""
        return open_limiter({"url": self.url, "whenDown": "fail"})

    def fail(self) -> None:
        """Break it."""
        if self.how == "redis gone":
            self.server.stop()
        elif self.how == "redis hangs":
            self.server.hang()
        else:
            self.limiter.store._close()
            self._drop()
            self.file.write_bytes(b"no database" * 1_000)

    def recover(self) -> None:
        """Repair it, and wait until it is tried again."""
        if self.how == "redis gone":
            self.server.start()
        elif self.how == "redis hangs":
            self.server.go_on()
        else:
            self._drop()
        time.sleep(BACKOFF_S)

    def _drop(self) -> None:
        for path in self.folder.glob("windows.db*"):
            path.unlink()


def longest_s(step: Callable[[], object], times: int = 3) -> float:
    """Return how long the longest of several runs takes."""
    took = []
    for _ in range(times):
        began = time.monotonic()
        step()
        took.append(time.monotonic() - began)
    return max(took)


@pytest.mark.parametrize("kind", kinds(AccountKind.UNIFIED))
@pytest.mark.parametrize("how", ["corrupt file", "redis gone", pytest.param("redis hangs", marks=pytest.mark.drill)])
@pytest.mark.parametrize("ladder", ["half", pytest.param("none", marks=pytest.mark.drill)])
def test_a_stop_loss_leaves_loops_are_short_and_the_outage_is_logged_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, how: str, kind: AccountKind, ladder: str
) -> None:
    with ExitStack() as stack:
        store = Store(how, tmp_path, stack)
        bot = stack.enter_context(measured_bot(tmp_path, kind, settings=sharing(store)))
        exits = SingleFaults(bot)
        exits.enter(LADDERS[ladder])
        assert "is down" not in caplog.text
        store.fail()
        assert longest_s(bot.loop) < LOOP_S
        bot.fall()
        assert longest_s(bot.loop) < LOOP_S
        bot.assert_exit_left()
        bot.loop_until(lambda: not bot.live() and bot.held() < bot.lot(), "all is sold")
        bot.assert_ends_well()
        store.recover()
        bot.running.exchange.api.fetch_balance({"marginMode": "cross"})
        logged = [record.getMessage() for record in caplog.records if record.name == "bitget_margin.gates"]
        assert [message.partition(" is ")[2][:4] for message in logged] == ["down", "up a"]
        exits.restart()


def test_an_entry_is_refused_at_once_and_made_when_the_store_is_back(tmp_path: Path) -> None:
    with ExitStack() as stack:
        store = Store("redis gone", tmp_path, stack)
        bot = stack.enter_context(measured_bot(tmp_path, AccountKind.CLASSIC, settings=sharing(store)))
        store.fail()
        CONTROLS.enter = True
        assert longest_s(bot.loop) < LOOP_S
        assert not bot.venue.orders()
        store.recover()
        bot.loop_until(bot.venue.orders, "the entry is made")


def test_a_bot_starts_without_the_folder_of_its_store_and_sells(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """After a reboot without that disk, nobody else would watch its stop-loss."""
    with ExitStack() as stack:
        store = Store("folder gone", tmp_path, stack)
        bot = stack.enter_context(measured_bot(tmp_path, AccountKind.CLASSIC, settings=sharing(store)))
        bot.running.enter(HALF)

        def lose_the_folder() -> None:
            store.limiter.store._close()
            config._limiters.clear()
            shutil.rmtree(store.folder)

        bot.running.restart(lose_the_folder)
        assert f"the folder {store.folder} does not exist" in caplog.text
        bot.fall()
        assert longest_s(bot.loop) < LOOP_S
        bot.assert_exit_left()
        bot.loop_until(lambda: not bot.live() and bot.held() < bot.lot(), "all is sold")
        bot.assert_sold_once()
        assert not store.folder.exists()


def sharing(store: Store) -> dict[str, Any]:
    """Return the settings of a bot that shares its rate window through a store."""
    return {"bitget_margin": {"rate_gate": store.url}}
