"""Cancel endpoints of a classic account."""

from bitget_margin.emulator.api.params import Params
from bitget_margin.emulator.api.request import PrivateRequest, Row
from bitget_margin.emulator.api.trading import Target, cancel_item, cancel_one, failure_text, read_target
from bitget_margin.emulator.api.v2.rows import batch_lists, failure_reason
from bitget_margin.emulator.behaviour.knobs import AllFailed
from bitget_margin.emulator.errors import Refusal, VenueError, in_language


def cancel_order(request: PrivateRequest) -> Row:
    """Cancel one order."""
    return cancel_one(request, _read_target(request, request.params, request.symbol().symbol))


def batch_cancel_orders(request: PrivateRequest) -> Row:
    """Cancel up to 50 orders of a symbol, one after the other."""
    symbol = request.symbol().symbol
    items = request.params.items("orderIdList")
    # All items are read before anything is canceled, so that a malformed batch changes nothing.
    for item in items:
        _read_target(request, item, symbol)
    knobs = request.knobs
    successes: list[Row] = []
    failures: list[Row] = []
    for item in items:
        target = _read_target(request, item, symbol)
        row = target.ids(knobs.echo_ids)
        for refusal in cancel_item(request, target):
            if refusal is None:
                successes.append(row)
            else:
                text = in_language(failure_text(knobs, refusal), knobs.language)
                failures.append(row | failure_reason(knobs, refusal.code, text))
    if failures and not successes and knobs.all_failed is AllFailed.ERROR:
        raise VenueError(Refusal.NO_SUCH_ORDER)
    return batch_lists(knobs, successes, failures)


def spot_cancel_order(_request: PrivateRequest) -> Row:
    """Refuse: margin orders are not spot orders."""
    raise VenueError(Refusal.NO_SUCH_ORDER)


def spot_batch_cancel_orders(request: PrivateRequest) -> Row:
    """Report every item as unknown: margin orders are not spot orders."""
    failures: list[Row] = [
        {
            "orderId": item.text_or_empty("orderId"),
            "clientOid": item.text_or_empty("clientOid"),
            "errorMsg": VenueError(Refusal.NO_SUCH_ORDER).text(request.knobs.language),
            "errorCode": Refusal.NO_SUCH_ORDER.code,
        }
        for item in request.params.items("orderList")
    ]
    return {"successList": [], "failureList": failures}


def _read_target(request: PrivateRequest, item: Params, symbol: str) -> Target:
    return read_target(request, item, symbol, VenueError(Refusal.NO_ORDER_ID))
