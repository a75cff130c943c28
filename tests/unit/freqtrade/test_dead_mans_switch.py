"""The venue's timer is started while the loop runs, never beside orders of others unless confirmed, and ended once."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import ccxt
import pytest

from bitget_margin.core.endpoints import Endpoint
from bitget_margin.freqtrade import dead_mans_switch, preflight
from bitget_margin.freqtrade.alerts import Alerts
from bitget_margin.freqtrade.compat import OperationalException
from bitget_margin.freqtrade.config import SwitchSettings
from bitget_margin.freqtrade.dead_mans_switch import DeadMansSwitch

KEY = "abcdef"
OURS = {"clientOrderId": "abcdef-12-a"}
LOST = ccxt.RequestTimeout("no answer")


@dataclass
class Api:
    """The exchange object: its timer, and its open orders."""

    unified: bool = True
    margin: list[Any] = field(default_factory=list)
    listed: dict[tuple[str, str], list[Any]] = field(default_factory=dict)
    """Open orders by list and category."""
    errors: list[Exception | None] = field(default_factory=list)
    """Errors of the next starts and ends; None for success."""
    down: bool = False
    sent: list[int] = field(default_factory=list)

    def handle_uta_and_params(self, _params: Any, _method: str) -> list[Any]:
        if self.down:
            raise LOST
        return [self.unified, {}]

    def fetch_open_orders(self, *_: Any) -> list[Any]:
        return self.margin

    def perform(self, wanted: tuple[str, str]) -> list[Any]:
        return self.listed.get(wanted, [])

    def cancel_all_orders_after(self, timeout_ms: int, _params: Any) -> None:
        self.sent.append(timeout_ms)
        error = self.errors.pop(0) if self.errors else None
        if error is not None:
            raise error


@dataclass
class Bot:
    """A switch on a clock of its own, whose thread waits for so long that only `tick` acts."""

    api: Api = field(default_factory=Api)
    settings: SwitchSettings | None = field(default_factory=lambda: SwitchSettings(60, 60))
    now: float = 100.0
    messages: list[str] = field(default_factory=list)
    switch: DeadMansSwitch = field(init=False)

    def __post_init__(self) -> None:
        self.switch = DeadMansSwitch(
            api=lambda: self.api,
            alerts=Alerts(send=self.messages.append),
            settings=self.settings,
            clock=lambda: self.now,
            sleep=lambda _: None,
        )


def wanted(_api: Any, endpoint: Endpoint, category: str) -> tuple[str, str]:
    """Return the list and the category that are read."""
    return endpoint.path.rsplit("/", 1)[-1], category


@pytest.fixture
def bot(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(dead_mans_switch, "open_rows", wanted)
    made: list[Bot] = []

    def make(**given: Any) -> Bot:
        made.append(Bot(**given))
        return made[-1]

    yield make
    for each in made:
        each.switch._over.set()


Make = Callable[..., Bot]


def test_it_is_off_unless_it_is_switched_on(bot: Make) -> None:
    off = bot(settings=None)
    off.switch.start(lambda: KEY)
    off.switch.tick()
    off.switch.loop_ran()
    off.switch.end()
    assert (off.api.sent, off.messages) == ([], [])


def test_it_is_started_anew_only_while_the_loop_runs(bot: Make) -> None:
    """A loop that hangs lets the time run out; one that runs again is started anew, with a warning."""
    one = bot(api=Api(margin=[OURS]))
    one.switch.start(lambda: KEY)
    one.now += 59
    one.switch.tick()
    one.switch.loop_ran()
    one.now += 61
    one.switch.tick()
    one.switch.tick()
    assert one.api.sent == [60_000, 60_000]
    assert one.messages == []
    one.switch.loop_ran()
    assert "the timer was not started anew for 61 s" in one.messages[0]
    one.switch.tick()
    assert one.api.sent == [60_000] * 3


@pytest.mark.parametrize("error", [LOST, ccxt.PermissionDenied("no"), RuntimeError("bug")])
def test_a_start_that_fails_is_tried_again(bot: Make, error: Exception) -> None:
    one = bot(api=Api(errors=[None, error]))
    one.switch.start(lambda: KEY)
    one.switch.tick()
    one.switch.tick()
    assert one.api.sent == [60_000] * 3


def test_the_first_start_may_be_lost_and_not_refused(bot: Make) -> None:
    lost, refused = bot(api=Api(errors=[LOST])), bot(api=Api(errors=[ccxt.PermissionDenied("25620 permission denied")]))
    lost.switch.start(lambda: KEY)
    lost.switch.tick()
    assert lost.api.sent == [60_000] * 2
    with pytest.raises(OperationalException, match=r"dead_mans_switch\" is on, and the venue refuses it: 25620"):
        refused.switch.start(lambda: KEY)


@pytest.mark.parametrize(
    ("api", "others"),
    [
        (Api(margin=[OURS, {"clientOrderId": None}]), "1 MARGIN"),
        (Api(margin=[{"clientOrderId": "abcdeg-1-a"}]), "1 MARGIN"),
        (Api(listed={("unfilled-orders", "SPOT"): [{}, {}]}), "2 SPOT"),
        (Api(listed={("unfilled-orders", "USDT-FUTURES"): [{}]}), "1 USDT-FUTURES"),
        (Api(listed={("unfilled-strategy-orders", "MARGIN"): [{}]}), "1 MARGIN strategy"),
    ],
    ids=["no name", "another bot", "spot", "futures", "strategy"],
)
def test_orders_of_others_have_to_be_confirmed(bot: Make, api: Api, others: str) -> None:
    refused = bot(api=api)
    with pytest.raises(OperationalException, match=rf"\({others}\): the timer would cancel them, too"):
        refused.switch.start(lambda: KEY)
    assert api.sent == []
    confirmed = bot(api=api, settings=SwitchSettings(60, 60, beside_other_orders=True))
    confirmed.switch.start(lambda: KEY)
    assert api.sent == [60_000]


def test_a_classic_account_has_no_timer(bot: Make) -> None:
    with pytest.raises(OperationalException, match="a classic account has no such timer; a unified account has it"):
        bot(api=Api(unified=False)).switch.start(lambda: KEY)


def test_a_bot_starts_without_it_where_the_orders_cannot_be_listed(bot: Make) -> None:
    """After a crash there are stop-losses to watch."""
    blind = bot(api=Api(down=True))
    blind.switch.start(lambda: KEY)
    blind.switch.end()
    assert (blind.api.sent, len(blind.messages)) == ([], 1)
    assert "nothing is started" in blind.messages[0]


def test_the_end_of_the_bot_ends_it(bot: Make) -> None:
    one = bot(api=Api(errors=[None, LOST]))
    one.switch.start(lambda: KEY)
    one.switch.end()
    assert (one.api.sent, one.messages) == ([60_000, 0, 0], [])
    one.switch.end()
    assert one.api.sent == [60_000, 0, 0]


def test_an_end_without_proof_warns(bot: Make) -> None:
    one = bot(api=Api(errors=[None, LOST, LOST, LOST]))
    one.switch.start(lambda: KEY)
    one.switch.end()
    assert "whether the timer does is not known" in one.messages[0]


def test_a_timer_of_others_is_left_alone(bot: Make) -> None:
    one = bot(settings=SwitchSettings(60, 60, others_use_it=True))
    one.switch.start(lambda: KEY)
    one.switch.end()
    assert one.api.sent == [60_000]
    assert "the timer runs on for other programs" in one.messages[0]


def test_the_thread_starts_it_by_itself(bot: Make) -> None:
    one = bot(settings=SwitchSettings(10, 60))
    one.switch._pause_seconds = lambda _: 0.01  # type: ignore[method-assign]
    one.switch.start(lambda: KEY)
    one.switch._over.wait(0.2)
    one.switch.end()
    assert one.api.sent[-1] == 0
    assert len(one.api.sent) > 3


@pytest.mark.parametrize(("stops", "switch"), [(True, True), (True, False), (False, True)])
def test_it_is_refused_together_with_stop_losses_on_the_exchange(*, stops: bool, switch: bool) -> None:
    order_types = {"stoploss_on_exchange": stops}
    if stops and switch:
        with pytest.raises(OperationalException, match="switch one of them off"):
            preflight.refuse_switch_beside_stops(order_types, switch=switch)
    else:
        preflight.refuse_switch_beside_stops(order_types, switch=switch)
