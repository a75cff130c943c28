"""A strategy order is placed once; without its client order id it is recognised only where it is certain."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from bitget_margin.core.change import ChangeOutcome, ChangeResult
from bitget_margin.core.effects import Call
from bitget_margin.core.endpoints import AccountKind, Endpoint
from bitget_margin.core.strategy_place import PlacedStrategy, StrategyPlacement
from support.script import EPOCH_MS, START_MS, Script, fault
from unit.core.test_strategy_row import RAW, STOP

DONE, REFUSED, UNRESOLVED = ChangeOutcome.DONE, ChangeOutcome.REFUSED, ChangeOutcome.UNRESOLVED


@dataclass
class Venue:
    """Answers the placing as told, and lists rows."""

    answer: object
    waiting: list[dict[str, Any]] = field(default_factory=list)
    ended: list[dict[str, Any]] = field(default_factory=list)
    sent: list[Any] = field(default_factory=list)
    script: Script = field(init=False)

    def __post_init__(self) -> None:
        self.script = Script(self._respond)

    def _respond(self, call: Call) -> object:
        if call.endpoint is Endpoint.UNIFIED_PLACE_STRATEGY:
            self.sent.append(call.params)
            return self.answer
        return self.waiting if call.endpoint is Endpoint.UNIFIED_STRATEGY_ORDERS else {"list": self.ended}

    def place(self, *, is_unique: bool = True, **settings: Any) -> ChangeResult[PlacedStrategy]:
        """Place the order `mine`."""
        ctx = self.script.ctx(kind=AccountKind.UNIFIED, **settings)
        return self.script.run(StrategyPlacement(ctx, STOP, "mine", is_unique, frozenset({"4"})).place())


def row(order_id: str, client_id: str = "123", age_ms: int = 0, **more: Any) -> dict[str, Any]:
    """Return a row of the same terms, placed as the call began or earlier."""
    return {**RAW, "orderId": order_id, "clientOid": client_id, "createdTime": str(EPOCH_MS - age_ms), **more}


def test_an_acknowledgement_under_its_name_is_enough() -> None:
    venue = Venue({"orderId": "9", "clientOid": "mine"})
    result = venue.place()
    assert (result.outcome, result.found) == (DONE, PlacedStrategy("9", "mine"))
    assert venue.sent == [
        {"category": "MARGIN", "symbol": "BTCUSDT", "clientOid": "mine", "type": "tpsl", "tpslMode": "partial"}
        | {"side": "sell", "qty": "0.5", "stopLoss": "55000", "slTriggerBy": "market", "slOrderType": "market"}
    ]
    assert len(venue.script.calls) == 1


@pytest.mark.parametrize(
    "rows",
    [
        [row("9", "mine")],
        [row("9", "mine"), row("8"), row("7", "theirs")],
        [row("9")],
        [row("9"), row("8", "theirs")],
        [row("9"), row("8", age_ms=600_000)],
        [row("9"), row("4")],
        [row("9"), row("8", qty="0.4")],
    ],
)
def test_it_is_found_behind_a_lost_answer(rows: list[dict[str, Any]]) -> None:
    for venue in (Venue(fault(), waiting=rows), Venue(fault(), ended=[{**each, "status": "success"} for each in rows])):
        result = venue.place()
        assert result.found is not None
        assert (result.outcome, result.found.order_id, len(venue.sent)) == (DONE, "9", 1)


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [row("9"), row("8")],
        [row("9", "theirs")],
        [row("9", age_ms=5_000)],
        [row("9", age_ms=500)],
        [row("9", side="buy")],
        [row("9", "mine", age_ms=5_000)],
        [row("4")],
        [{**row("9"), "createdTime": ""}],
    ],
)
def test_what_is_not_certain_is_not_claimed(rows: list[dict[str, Any]]) -> None:
    venue = Venue(fault(), waiting=rows)
    assert venue.place(is_unique=False, timeout_ms=5_000).outcome is UNRESOLVED
    assert len(venue.sent) == 1


def test_an_answer_without_its_name_binds_only_an_order_of_its_terms() -> None:
    placed = Venue({"orderId": "9", "clientOid": "55"}, waiting=[row("9", "55", age_ms=500), row("8", "56")])
    result = placed.place()
    assert (result.outcome, result.found and result.found.order_id) == (DONE, "9")
    other = Venue({"orderId": "9", "clientOid": "55"}, waiting=[row("9", "55", qty="1")])
    assert other.place(timeout_ms=4_000).outcome is UNRESOLVED


def test_a_refusal_that_proves_nothing_takes_two_lookups_without_it() -> None:
    venue = Venue(fault("25202", "Insufficient balance"))
    assert venue.place().outcome is REFUSED
    assert venue.script.now_ms - START_MS >= 1_500
    unclear = Venue(fault("25202", "Insufficient balance"), waiting=[row("9"), row("8")])
    assert unclear.place(timeout_ms=6_000).outcome is UNRESOLVED
    assert Venue(fault("25240", "no")).place().outcome is REFUSED
