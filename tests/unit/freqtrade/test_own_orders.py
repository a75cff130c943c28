"""Open orders with the bot's key that its records do not have are taken in, as what they are."""

from types import SimpleNamespace
from typing import Any

import pytest

from bitget_margin.freqtrade.own_orders import LADDER
from bitget_margin.freqtrade.tracked_order import Origin, Phase, TrackedOrder
from support.botless import KEY, PAIR, Stand, own, rung, structure

RUNG = "k3x9ab12-1-0a1b2c3d-2"
OWN = "k3x9ab12-o0123456789abcdef"
YOUNG_MS = 10_000


def row(name: str, **more: Any) -> dict[str, Any]:
    """Return ccxt's structure of an open order on the venue."""
    found = {**structure("open", "77"), "clientOrderId": name, "side": "sell", "price": 61_000.0, "amount": 0.25}
    return {**found, "timestamp": 4_000_000, **more}


def take_in(stand: Stand, *rows: dict[str, Any]) -> list[TrackedOrder]:
    """Take these orders in; return all that is stored."""
    stand.own.take_in(PAIR, rows)
    return list(stand.store.rows.values())


# -- orders of ladders ------------------------------------------------------------------------------------------------


def test_an_order_of_an_open_trade_rests_for_it_again(stand: Stand) -> None:
    (found,) = take_in(stand, row(RUNG, filled=0.1, average=61_500.0))
    assert found == TrackedOrder(
        client_id=RUNG,
        origin=Origin.LADDER,
        trade_id=1,
        opened_ms=KEY.opened_ms,
        pair=PAIR,
        side="sell",
        ladder=LADDER,
        number=2,
        price=61_000.0,
        amount=0.25,
        intended_ms=4_000_000,
        phase=Phase.LIVE,
        order_id="77",
        filled=0.1,
        average=61_500.0,
    )
    text = f"Resting sell 77 on {PAIR} is not in the database: it belongs to trade 1."
    assert stand.alerts.warnings[0] == (text, None)
    assert stand.adopted == []


def test_what_the_row_does_not_show_is_nothing_or_now(stand: Stand) -> None:
    (found,) = take_in(stand, row(RUNG, price=None, amount=None, filled=None, timestamp=None))
    assert (found.price, found.amount, found.filled, found.intended_ms) == (0.0, 0.0, 0.0, stand.ms)


@pytest.mark.parametrize("trade", ["none", "another one", "closed"])
def test_an_order_of_no_open_trade_is_canceled_by_the_next_loop(stand: Stand, trade: str) -> None:
    stand.trades.clear()
    if trade != "none":
        stand.trade(2 if trade == "another one" else 1, is_open=trade != "closed")
    (found,) = take_in(stand, row(RUNG))
    assert found.trade not in {key for key, open_ in stand.trades.items() if open_.is_open}
    assert (found.trade_id, found.opened_ms) == (1, 0), "no trade was opened then"
    assert "has no open trade, and is canceled" in stand.alerts.texts
    stand.venue.shown[RUNG] = found
    stand.maintenance.process_loop((), stand.budget())
    assert stand.venue.canceled == [([RUNG], [])]


def test_what_is_taken_in_is_known_from_then_on(stand: Stand) -> None:
    take_in(stand, row(RUNG))
    before = take_in(stand, row(RUNG, filled=0.2))
    assert before == take_in(stand)
    assert len(stand.alerts.warnings) == 2


@pytest.mark.parametrize("name", ["k3x9ab12-", "k3x9ab12-x", "k3x9ab12-1-0a1b2c3d-"])
def test_a_name_that_the_bot_does_not_give_is_left_alone(stand: Stand, name: str) -> None:
    assert take_in(stand, row(name)) == []
    assert stand.adopted == []


@pytest.mark.parametrize("name", [RUNG, OWN])
def test_an_order_that_freqtrade_has_is_left_to_it(stand: Stand, name: str) -> None:
    stand.order_rows["77"] = SimpleNamespace()
    stand.ms += 60_000
    assert take_in(stand, row(name)) == []
    stand.ms += 60_000
    assert take_in(stand, row(name)) == []


# -- orders of freqtrade itself ---------------------------------------------------------------------------------------


def test_an_own_order_that_is_seen_twice_and_old_enough_is_handed_to_freqtrade(stand: Stand) -> None:
    stand.ms = 5_000_000
    for age_ms in (0, YOUNG_MS - 1):
        stand.ms = 5_000_000 + age_ms
        assert take_in(stand, row(OWN)) == []
    stand.ms = 5_000_000 + YOUNG_MS
    (found,) = take_in(stand, row(OWN))
    assert (found.origin, found.trade, found.ladder, found.phase) == (Origin.FREQTRADE, KEY, "", Phase.LIVE)
    assert found.number == 0, "its name does not show it"
    assert stand.adopted == [found]


def test_an_own_order_that_is_being_stored_or_has_just_ended_is_not_taken_for_an_unknown_one(stand: Stand) -> None:
    for _ in range(3):
        assert take_in(stand, row(OWN, timestamp=stand.ms)) == []
        stand.ms += 3_000
    stand.ms += 2_000
    assert len(take_in(stand, row(OWN, timestamp=stand.ms - 9_999))) == 0
    assert len(take_in(stand, row(OWN, timestamp=stand.ms - 10_000))) == 1


def test_an_entry_without_a_trade_is_handed_over_without_one(stand: Stand) -> None:
    stand.trades.clear()
    take_in(stand, row(OWN, side="buy"))
    stand.ms += YOUNG_MS
    (found,) = take_in(stand, row(OWN, side="buy"))
    assert (found.trade_id, found.opened_ms) == (None, None)
    assert stand.adopted == [found]


# -- a copy of the database -------------------------------------------------------------------------------------------


def test_orders_with_the_key_that_the_database_does_not_know_warn_of_a_second_bot(stand: Stand) -> None:
    rungs = [row(f"{RUNG[:-1]}{n}", id=f"7{n}") for n in range(4)]
    take_in(stand, *rungs)
    text, about = stand.alerts.warnings[-1]
    assert text.startswith(
        "4 open orders carry this bot's key and are not in its database: 70, 71, 72 and others. Either"
    )
    assert "another bot runs on a copy" in text
    assert about == "unknown orders"


def test_an_own_order_warns_of_a_second_bot_once_it_is_no_longer_being_stored(stand: Stand) -> None:
    take_in(stand, row(OWN))
    assert stand.alerts.warnings == []
    stand.ms += YOUNG_MS
    take_in(stand, row(OWN))
    ((text, _),) = stand.alerts.warnings
    assert text.startswith("1 open orders carry this bot's key and are not in its database: 77. Either")


# -- orders that were taken as not placed -----------------------------------------------------------------------------


@pytest.mark.parametrize("phase", [Phase.WAITING, Phase.REFUSED, Phase.LOST])
@pytest.mark.parametrize("known", [rung("a"), own("a")], ids=["ladder", "own"])
def test_an_order_that_was_taken_as_not_placed_and_is_there_is_taken_in(
    stand: Stand, known: TrackedOrder, phase: Phase
) -> None:
    stand.store.add([TrackedOrder(**{**fields(known), "phase": phase, "reason": "no"})])
    (found,) = take_in(stand, row("a"))
    assert found == TrackedOrder(**{**fields(known), "phase": Phase.LIVE, "order_id": "77"})
    ((text, about),) = stand.alerts.warnings
    assert text == f"The sell order 77 on {PAIR} was taken as not placed, and is there: it is taken in."
    assert about == "own a"
    assert stand.adopted == ([found] if known.origin is Origin.FREQTRADE else [])


@pytest.mark.parametrize("phase", [Phase.INTENDED, Phase.LIVE, Phase.ENDED])
def test_an_order_that_is_looked_up_by_its_name_or_has_ended_is_left_as_it_is(stand: Stand, phase: Phase) -> None:
    stand.store.add([rung("a", phase=phase)])
    assert take_in(stand, row("a")) == [rung("a", phase=phase)]
    assert stand.alerts.warnings == []


def test_a_row_without_a_known_status_shows_nothing(stand: Stand) -> None:
    stand.store.add([rung("a", phase=Phase.LOST)])
    assert take_in(stand, row("a", status=None)) == [rung("a", phase=Phase.LOST)]


def fields(order: TrackedOrder) -> dict[str, Any]:
    """Return the fields of an order."""
    return {name: getattr(order, name) for name in TrackedOrder.__dataclass_fields__}


# -- shorts -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_open", [True, False])
def test_a_cover_is_taken_in_in_coins_of_the_position_also_of_a_trade_that_has_ended(
    stand: Stand, is_open: bool
) -> None:
    """What fills of it later is no late buy."""
    stand.short(is_open=is_open)
    (found,) = take_in(stand, row(RUNG, side="buy", amount=0.251, filled=0.1255, average=6e4))
    assert (found.amount, found.sent, found.filled, found.closes) == (0.25, 0.251, 0.125, True)
    assert ("belongs to trade 1" in stand.alerts.texts) is is_open


def test_the_own_cover_of_an_open_short_is_handed_to_freqtrade_in_coins_of_the_position(stand: Stand) -> None:
    stand.short()
    asked = row(OWN, side="buy", amount=0.251)
    take_in(stand, asked)
    stand.ms += YOUNG_MS
    take_in(stand, asked)
    (found,) = stand.adopted
    assert (found.amount, found.sent, found.trade) == (0.25, 0.251, KEY)
