"""What is cancelled comes back as ccxt's structures, in the order of the request, and what is not raises."""

from typing import Any

import ccxt
import pytest

from bitget_margin.adapter import cancel
from bitget_margin.adapter.errors import CancelUnresolved, report_of
from bitget_margin.core.effects import Call, Fault
from bitget_margin.core.endpoints import Endpoint
from bitget_margin.core.outcome import CancelReport, Outcome
from support.calling import BTC, CROSS, Caller, exchange
from support.script import EPOCH_MS, START_MS, fault, in_turn, page, refused, row

CANCEL = Endpoint.BATCH_CANCEL
NEW = str(EPOCH_MS + 5_000)


def acknowledging(call: Call) -> object:
    """Take every cancel, and show every order as cancelled."""
    params: Any = call.params
    if call.endpoint is CANCEL:
        return {"successList": params["orderIdList"], "failureList": []}
    if call.endpoint is Endpoint.CANCEL:
        return {key: value for key, value in params.items() if key != "symbol"}
    if call.endpoint is Endpoint.OPEN_ORDERS:
        return page()
    ids = [params["orderId"]] if "orderId" in params else ["11", "12", "13"]
    return page(*(row(int(i), "cancelled", symbol=params["symbol"], uTime=NEW) for i in ids))


def sent(venue: Caller) -> list[Any]:
    """Return the parameters of every request."""
    return [call.params for call in venue.calls]


def test_ids_of_every_source_are_cancelled_and_proven_in_order() -> None:
    venue = Caller(acknowledging)
    params = {"clientOrderIds": ("c12",)}
    report = venue.call(cancel.batch_cancel(exchange(), ["11"], BTC, ["c13"], params))
    assert isinstance(report, CancelReport)
    assert [(r.id, r.client_order_id, r.outcome) for r in report.results] == [
        ("11", "c11", Outcome.CANCELED),
        ("13", "c13", Outcome.CANCELED),
        ("12", "c12", Outcome.CANCELED),
    ]
    assert {result.symbol for result in report.results} == {BTC}
    assert report.requests == len(venue.calls)
    assert report.elapsed_ms == venue.now_ms - START_MS
    assert report.ok


def test_an_acknowledgement_comes_back_without_a_status_after_one_request() -> None:
    venue = Caller(acknowledging)
    params = CROSS | {"clientOrderIds": ["a"]}
    first, second = venue.call(cancel.cancel_orders(exchange(), ["11"], BTC, params))
    assert (first["id"], first["status"], first["symbol"]) == ("11", None, BTC)
    assert (second["id"], second["clientOrderId"], second["status"]) == (None, "a", None)
    assert [call.endpoint for call in venue.calls] == [CANCEL, CANCEL]


def test_confirmation_can_be_asked_for_and_left_out() -> None:
    venue = Caller(acknowledging)
    (order,) = venue.call(cancel.cancel_orders(exchange(), ["11"], BTC, CROSS | {"confirm": True}))
    assert order["status"] == "canceled"
    venue = Caller(acknowledging)
    report = venue.call(cancel.batch_cancel(exchange(), ["11"], BTC, (), {"confirm": False}))
    assert report.results[0].outcome is Outcome.ACCEPTED


def test_an_empty_list_sends_nothing_and_loads_nothing() -> None:
    venue = Caller(acknowledging)
    assert venue.call(cancel.batch_cancel(exchange(markets=False), [], BTC, None, {})) == CancelReport(())
    assert venue.call(cancel.cancel_orders(exchange(markets=False), (), BTC, CROSS)) == []
    assert venue.call(cancel.cancel_orders_for_symbols(exchange(markets=False), [], CROSS)) == []
    assert (venue.calls, venue.loads) == ([], [])


def test_markets_are_tried_within_a_third_of_the_time_of_the_call() -> None:
    venue = Caller(acknowledging)
    venue.call(cancel.cancel_orders(exchange(markets=False), ["11"], BTC, CROSS | {"timeout": 2_000}))
    assert venue.loads == [START_MS + 570]
    assert sent(venue) == [{"symbol": "BTCUSDT", "orderIdList": [{"orderId": "11"}]}]


def test_orders_of_several_symbols_are_each_cancelled_under_their_own() -> None:
    venue = Caller(acknowledging)
    wanted = [
        {"id": "11", "symbol": BTC},
        {"clientOrderId": "a", "symbol": "ETH/USDT"},
        {"id": "11", "symbol": BTC},
        {"id": "11", "symbol": "ETH/USDT"},
    ]
    orders = venue.call(cancel.cancel_orders_for_symbols(exchange(), wanted, CROSS))
    assert [(order["id"], order["clientOrderId"], order["symbol"]) for order in orders] == [
        ("11", None, BTC),
        (None, "a", "ETH/USDT"),
        ("11", None, "ETH/USDT"),
    ]
    assert sent(venue) == [
        {"symbol": "BTCUSDT", "orderIdList": [{"orderId": "11"}]},
        {"symbol": "ETHUSDT", "orderIdList": [{"clientOid": "a"}]},
        {"symbol": "ETHUSDT", "orderIdList": [{"orderId": "11"}]},
    ]


@pytest.mark.parametrize(
    ("item", "said"),
    [
        (5, r"cancel_orders_for_symbols\(\): orders\[1\] is 5; give a dict with id and symbol"),
        ({"id": "1"}, r"requires a symbol such as 'BTC/USDT' in orders\[1\]"),
        ({"id": "1", "clientOrderId": "a", "symbol": BTC}, r"orders\[1\] has both id '1' and clientOrderId 'a'"),
        ({"id": "", "symbol": BTC}, r"orders\[1\] id is ''"),
        ({"clientOrderId": "a b", "symbol": BTC}, r"orders\[1\] clientOrderId is 'a b'"),
        ({"symbol": BTC}, r"orders\[1\] id is None"),
    ],
)
def test_a_request_that_names_no_order_is_told_by_its_place(item: object, said: str) -> None:
    wanted = [{"id": "11", "symbol": BTC}, item]
    with pytest.raises(ccxt.BaseError, match=said) as caught:
        Caller(acknowledging).call(cancel.cancel_orders_for_symbols(exchange(), wanted, CROSS))
    assert isinstance(caught.value, ccxt.BadRequest | ccxt.ArgumentsRequired)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((["1", ""], BTC, None, {}), r"bitget batch_cancel\(\): ids\[1\] is ''"),
        (("1", BTC, None, {}), r"batch_cancel\(\): ids is '1'; give a list"),
        ((["1"], BTC, "a", {}), r"batch_cancel\(\): client_order_ids is 'a'; give a list"),
        ((["1"], BTC, None, {"clientOrderIds": "a"}), r"batch_cancel\(\): clientOrderIds is 'a'; give a list"),
        ((["1"], BTC, ["a b"], {}), r"batch_cancel\(\): clientOrderIds\[0\] is 'a b'"),
        ((["1"], None, None, {}), r"batch_cancel\(\) requires a symbol"),
        ((["1"], BTC, None, {"timeOut": 5}), r"batch_cancel\(\): unknown parameter 'timeOut'"),
        ((["1"], BTC, None, {"timeout": 0}), r"batch_cancel\(\): timeout is 0"),
        ((["1"], BTC, None, {"marginMode": "isolated"}), r"batch_cancel\(\) is for cross margin.*'isolated'"),
    ],
)
def test_bad_input_is_refused_by_name_before_anything_is_sent(arguments: Any, said: str) -> None:
    venue = Caller(acknowledging)
    with pytest.raises(ccxt.BaseError, match=said):
        venue.call(cancel.batch_cancel(exchange(), *arguments))
    assert venue.calls == []


def test_known_parameters_are_told_to_who_misspells_one() -> None:
    known = r"known are batchSize, clientOrderIds, confirm, marginMode, timeout$"
    with pytest.raises(ccxt.BadRequest, match=known):
        Caller(acknowledging).call(cancel.cancel_orders(exchange(), ["1"], BTC, CROSS | {"x": 1}))


def test_an_order_that_nobody_knows_is_in_the_report_of_a_batch() -> None:
    venue = Caller(lambda call: refused(11, text="The order does not exist") if call.endpoint is CANCEL else page())
    report = venue.call(cancel.batch_cancel(exchange(), ["11"], BTC, (), {}))
    assert [result.outcome for result in report.results] == [Outcome.NOT_FOUND]


# -- one order --------------------------------------------------------------------------------------------------------


def single(say: Any, given_id: object = "11", params: Any = CROSS, **how: Any) -> Any:
    """Cancel one order."""
    venue = Caller(say)
    return venue, venue.call(cancel.cancel_order(exchange(**how), given_id, BTC, params))


@pytest.mark.parametrize(
    ("given_id", "params", "body"),
    [
        ("11", CROSS, {"symbol": "BTCUSDT", "orderId": "11"}),
        ("", CROSS | {"clientOrderId": "a"}, {"symbol": "BTCUSDT", "clientOid": "a"}),
        (None, CROSS | {"clientOid": "a"}, {"symbol": "BTCUSDT", "clientOid": "a"}),
    ],
)
def test_one_order_is_cancelled_at_its_own_endpoint(given_id: object, params: Any, body: object) -> None:
    venue, order = single(acknowledging, given_id, params)
    assert [(call.endpoint, call.params) for call in venue.calls] == [(Endpoint.CANCEL, body)]
    assert (order["symbol"], order["status"]) == (BTC, None)


def test_an_order_that_nobody_knows_raises_what_stock_ccxt_raises_with_the_report() -> None:
    unknown = ccxt.OrderNotFound("bitget 43001")
    gone = Fault(unknown, "43001", "The order does not exist", 400, body={"code": "43001"})
    with pytest.raises(ccxt.OrderNotFound) as caught:
        single(lambda call: gone if call.endpoint is Endpoint.CANCEL else page())
    assert caught.value is unknown
    report = report_of(caught.value)
    assert report is not None
    assert [result.outcome for result in report.results] == [Outcome.NOT_FOUND]


def test_where_stock_ccxt_knows_no_such_code_an_order_that_nobody_knows_is_not_found_all_the_same() -> None:
    gone = Fault(ccxt.ExchangeError("x"), "31054", "No order to cancel", 400, body={})
    said = r"bitget cancel_order\(\): 11 of BTC/USDT is not known to the venue \(No order to cancel\)"
    with pytest.raises(ccxt.OrderNotFound, match=said) as caught:
        single(lambda call: gone if call.endpoint is Endpoint.CANCEL else page())
    assert report_of(caught.value) is not None
    with pytest.raises(ccxt.OrderNotFound, match="a of BTC/USDT is not known"):
        single(lambda call: gone if call.endpoint is Endpoint.CANCEL else page(), None, CROSS | {"clientOrderId": "a"})


@pytest.mark.parametrize("code", ["43001", "50062"])
def test_an_order_that_lives_is_not_told_as_gone_whatever_the_venue_says(code: str) -> None:
    """Nor as open: the row may be older than the word that it has ended."""
    no = Fault(ccxt.OrderNotFound(code), code, "no", 400, body={})

    def say(call: Call) -> object:
        return {Endpoint.CANCEL: no, Endpoint.HISTORY_ORDERS: page()}.get(call.endpoint, page(row(11)))

    with pytest.raises(CancelUnresolved) as caught:
        single(say)
    (result,) = caught.value.report.results
    assert (result.outcome, result.order["status"]) == (Outcome.UNKNOWN, "open")


def test_an_order_that_lives_is_refused_in_words_that_do_not_say_it_is_gone() -> None:
    no = Fault(ccxt.OrderNotFound("45024"), "45024", "no", 400, body={})

    def say(call: Call) -> object:
        return {Endpoint.CANCEL: no, Endpoint.HISTORY_ORDERS: page()}.get(call.endpoint, page(row(11)))

    said = r"cancel_order\(\): 11 of BTC/USDT was refused twice and is open \(no\)"
    with pytest.raises(ccxt.ExchangeError, match=said) as caught:
        single(say)
    assert not isinstance(caught.value, ccxt.OrderNotFound)
    assert report_of(caught.value) is not None


def test_an_order_without_proof_is_unresolved() -> None:
    with pytest.raises(CancelUnresolved, match=r"bitget cancel_order\(\) is not resolved: 1 unknown"):
        single(in_turn(fault()))


def test_an_interrupt_carries_what_was_known_by_then() -> None:
    venue = Caller(acknowledging)
    with venue.clocked():
        flow = cancel.cancel_orders(exchange(), ["11", "12"], BTC, CROSS | {"batchSize": 1, "confirm": True})
        venue._do(next(flow))  # answered, and interrupted before the flow has read it
        with pytest.raises(KeyboardInterrupt) as caught:
            flow.throw(KeyboardInterrupt())
    report = report_of(caught.value)
    assert report is not None
    assert [(result.id, result.symbol, result.outcome) for result in report.results] == [
        ("11", BTC, Outcome.UNKNOWN),
        ("12", BTC, Outcome.UNKNOWN),
    ]
    assert report.elapsed_ms == venue.now_ms - START_MS
