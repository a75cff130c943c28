"""Each call that cancels leaves one line in the log, with what became of every order."""

import contextlib
import json
import logging
from typing import Any

import ccxt
import pytest

from bitget_margin import CancelUnresolved
from bitget_margin.adapter import cancel
from bitget_margin.core.endpoints import Endpoint
from support.calling import BTC, CROSS, Caller, exchange
from support.script import fault, in_turn, page, row

SHORT = CROSS | {"timeout": 500}


def logged(caplog: pytest.LogCaptureFixture, venue: Caller, flow: Any) -> dict[str, Any]:
    """Return what the one line of a call says."""
    caplog.clear()
    # Whatever it ends in, the line is there.
    with caplog.at_level(logging.INFO, "bitget_margin.cancels"), contextlib.suppress(Exception):
        venue.call(flow)
    (record,) = [record for record in caplog.records if record.name == "bitget_margin.cancels"]
    fields = json.loads(record.getMessage())
    assert vars(record)["cancel"] == fields
    return dict(fields)


def accepting(call: Any) -> Any:
    """Acknowledge every cancel, and show one of the orders as filled."""
    if call.endpoint is Endpoint.BATCH_CANCEL:
        return {"successList": [dict(item) for item in call.params["orderIdList"]], "failureList": []}
    return page(row(1, "cancelled"), row(2, "filled")) if call.endpoint is Endpoint.HISTORY_ORDERS else page()


def test_what_was_resolved_is_logged_by_outcome(caplog: pytest.LogCaptureFixture) -> None:
    venue = Caller(accepting)
    fields = logged(caplog, venue, cancel.batch_cancel(exchange(), ["1", "2"], BTC, (), {}))
    assert {key: value for key, value in fields.items() if key != "ms"} == {
        "call": "batch_cancel",
        "symbols": [BTC],
        "outcomes": {"canceled": ["1"], "filled": ["2"]},
        "requests": len(venue.calls),
        "unasked": 0,
        "unexamined": [],
        "error": None,
    }
    assert isinstance(fields["ms"], int)


def test_what_was_not_is_logged_with_what_it_ended_in(caplog: pytest.LogCaptureFixture) -> None:
    made = exchange()
    lost = cancel.cancel_orders(made, ["1"], BTC, SHORT)
    fields = logged(caplog, Caller(in_turn(fault())), lost)
    assert (fields["call"], fields["outcomes"]) == ("cancel_orders", {"unknown": ["1"]})
    assert fields["error"] == CancelUnresolved.__name__
    refused = cancel.cancel_orders(made, ["1"], BTC, SHORT)
    fields = logged(caplog, Caller(in_turn(fault("40009"))), refused)
    assert (fields["outcomes"], fields["error"]) == ({"not_sent": ["1"]}, "OSError")


def test_what_the_venue_refused_is_logged_with_what_is_raised(caplog: pytest.LogCaptureFixture) -> None:
    flow = cancel.cancel_order(exchange(), "1", BTC, CROSS)
    fields = logged(caplog, Caller(in_turn(fault("43001"), page())), flow)
    assert (fields["call"], fields["outcomes"], fields["error"]) == (
        "cancel_order",
        {"not_found": ["1"]},
        "OrderNotFound",
    )


def test_what_was_interrupted_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    running = cancel.cancel_orders(exchange(), ["1"], BTC, SHORT)
    next(running)
    with caplog.at_level(logging.INFO, "bitget_margin.cancels"), pytest.raises(KeyboardInterrupt):
        running.throw(KeyboardInterrupt())
    assert '"call": "cancel_orders"' in caplog.text
    assert '"error": "KeyboardInterrupt"' in caplog.text


def test_what_was_swept_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    fields = logged(caplog, Caller(in_turn(fault("40009"))), cancel.cancel_all_orders(exchange(), BTC, SHORT))
    assert (fields["call"], fields["unexamined"], fields["outcomes"]) == ("cancel_all_orders", [BTC], {})


def test_bad_input_leaves_no_line(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "bitget_margin"), pytest.raises(ccxt.BadRequest):
        Caller(in_turn(page())).call(cancel.cancel_orders(exchange(), [7.0], BTC, CROSS))
    assert [record for record in caplog.records if record.name.startswith("bitget_margin")] == []
