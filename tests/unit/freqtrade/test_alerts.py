"""A warning is always logged, and sent unless a similar one was sent in the last ten minutes."""

import logging

import pytest

from bitget_margin.freqtrade.alerts import Alerts


@pytest.fixture
def now() -> list[float]:
    return [0.0]


@pytest.fixture
def sent() -> list[str]:
    return []


@pytest.fixture
def alerts(now: list[float], sent: list[str]) -> Alerts:
    return Alerts(lambda: now[0], sent.append)


def test_a_warning_is_sent_again_after_ten_minutes_only(
    alerts: Alerts, now: list[float], sent: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    for now[0] in (0.0, 599.9, 600.0, 1_199.9):
        alerts.warn(f"at {now[0]}", "a pair")
    assert sent == ["at 0.0", "at 600.0"]
    assert [(record.levelno, record.name) for record in caplog.records] == [(logging.WARNING, "bitget_margin")] * 4
    assert caplog.messages[1] == "at 599.9"


def test_warnings_about_something_else_are_sent(alerts: Alerts, sent: list[str]) -> None:
    for text, about in (("a", "x"), ("a", "y"), ("a", None), ("b", None), ("b", None)):
        alerts.warn(text, about)
    assert sent == ["a", "a", "a", "b"]


def test_times_in_a_text_make_no_other_message_of_it(alerts: Alerts, sent: list[str]) -> None:
    """As those of a venue's answer do, in each loop."""
    for number in range(3):
        alerts.warn(f'no answer to order 1: {{"requestTime":176441778512{number}}}')
    alerts.warn('no answer to order 2: {"requestTime":1764417785120}')
    assert len(sent) == 2


def test_what_is_cleared_is_sent_at_once(alerts: Alerts, sent: list[str]) -> None:
    alerts.clear("x")
    for _ in range(2):
        alerts.warn("a", "x")
        alerts.clear("x")
    assert sent == ["a", "a"]


def test_a_warning_that_could_not_be_sent_does_not_keep_the_next_one_back(alerts: Alerts, sent: list[str]) -> None:
    send, alerts.send = alerts.send, None
    alerts.warn("a", "x")
    alerts.send = send
    alerts.warn("a", "x")
    assert sent == ["a"]


def test_what_went_as_it_should_is_logged_only(
    alerts: Alerts, sent: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "bitget_margin"):
        alerts.info("placed")
    assert (caplog.messages, sent) == (["placed"], [])


def test_what_went_well_is_logged_and_sent(alerts: Alerts, sent: list[str], caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    alerts.send_info("placed")
    alerts.send = None
    alerts.send_info("placed again")
    assert (caplog.messages, sent) == (["placed", "placed again"], ["placed"])
