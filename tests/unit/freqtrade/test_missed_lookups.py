"""Promise: an order counts as missed from the first answered lookup that misses it to the last."""

from bitget_margin.freqtrade.missed_lookups import MissedLookups
from support.botless import own


def test_the_time_that_an_order_is_missed_is_that_between_the_first_miss_and_the_last() -> None:
    now = [100.0]
    missed, order = MissedLookups(lambda: now[0]), own()
    assert (missed.seconds(order), missed.has(order)) == (0, False)
    missed.note(order)
    assert (missed.seconds(order), missed.has(order)) == (0, True)
    now[0] += 2
    assert missed.seconds(order) == 0, "a miss is no more than its lookup"
    assert missed.age_seconds(order) == 2
    missed.note(order, 100)
    assert (missed.seconds(order), missed.age_seconds(order)) == (2, 0)
    assert (missed.seconds(own("k-o2")), missed.has(own("k-o2"))) == (0, False)
    missed.clear(order)
    missed.clear(order)
    assert (missed.seconds(order), missed.has(order)) == (0, False)


def test_the_first_note_may_stand_for_lookups_that_came_earlier() -> None:
    missed, order = MissedLookups(lambda: 100.0), own()
    missed.note(order, 5)
    assert missed.seconds(order) == 5
