"""Cancelling one order or many, with every misbehaviour that the knobs allow."""

from __future__ import annotations

from dataclasses import dataclass

from bitget_margin.emulator.api.parameters import Params
from bitget_margin.emulator.api.request import PrivateRequest
from bitget_margin.emulator.api.v2.rows import Row
from bitget_margin.emulator.behaviour.knobs import AllFailed, EchoIds, EmptyLists
from bitget_margin.emulator.errors import Refusal, VenueError, in_language
from bitget_margin.emulator.market.order import Order


@dataclass(frozen=True, slots=True)
class Target:
    """One order that is to be cancelled: what was asked, and what is known by that id."""

    order_id: str | None
    client_oid: str | None
    order: Order | None

    def ids(self, echo: EchoIds) -> Row:
        """Return the ids of the item's row in an answer."""
        if echo is EchoIds.ASKED:
            asked = {"orderId": self.order_id, "clientOid": None if self.order_id else self.client_oid}
            return {name: value for name, value in asked.items() if value is not None}
        if self.order is not None:
            return {"orderId": self.order.order_id, "clientOid": self.order.client_oid}
        return {"orderId": self.order_id or "", "clientOid": self.client_oid or ""}


def cancel_order(call: PrivateRequest) -> Row:
    """Cancel one order."""
    symbol = call.symbol().symbol
    return cancel_one(call, _find(call, symbol, *_read_ids(call.params)))


def cancel_one(call: PrivateRequest, target: Target) -> Row:
    """Cancel one order, or refuse."""
    refusal = _cancel(call, target)
    if refusal is Refusal.ORDER_ENDED:
        # The real venue answers a single cancel of an ended order like that of an unknown one.
        refusal = Refusal.NO_SUCH_ORDER
    if refusal:
        raise VenueError(refusal)
    return target.ids(EchoIds.BOTH)


def batch_cancel_orders(call: PrivateRequest) -> Row:
    """Cancel up to 50 orders of a symbol, one after the other."""
    symbol = call.symbol().symbol
    # All ids are read before anything is done, so that a malformed batch changes nothing.
    named = [_read_ids(item) for item in call.params.items("orderIdList")]
    successes: list[Row] = []
    failures: list[Row] = []
    for ids in named:
        _cancel_item(call, _find(call, symbol, *ids), successes, failures)
    if failures and not successes and call.knobs.now.all_failed is AllFailed.ERROR:
        raise VenueError(Refusal.NO_SUCH_ORDER)
    return batch_answer(call, successes, failures)


def batch_answer(call: PrivateRequest, successes: list[Row], failures: list[Row]) -> Row:
    """Return the data of a batch answer."""
    null = call.knobs.now.empty_lists is EmptyLists.NULL
    return {
        "successList": None if null and not successes else successes,
        "failureList": None if null and not failures else failures,
    }


def failure_reason(call: PrivateRequest, code: str, text: str) -> Row:
    """Return what the row of a failed item says about why."""
    knobs = call.knobs.now
    reason: Row = {"errorMsg": in_language(text, knobs.language)}
    return reason | {"errorCode": code} if knobs.failure_code else reason


def cancel_item(call: PrivateRequest, target: Target) -> list[Refusal | None]:
    """Carry out an item of a batch, and return what the answer says of it: None stands for a success."""
    if call.knobs.take("omit_refused"):
        return []
    refusal = _cancel(call, target)
    if call.knobs.take("omit_ids"):
        return []
    if refusal is None and call.knobs.take("both_lists"):
        return [None, Refusal.ORDER_ENDED]
    return [refusal]


def _cancel_item(call: PrivateRequest, target: Target, successes: list[Row], failures: list[Row]) -> None:
    for refusal in cancel_item(call, target):
        row = target.ids(call.knobs.now.echo_ids)
        if refusal is None:
            successes.append(row)
        else:
            failures.append(row | failure_reason(call, refusal.code, _failure_text(call, refusal)))


def _failure_text(call: PrivateRequest, refusal: Refusal) -> str:
    own = {
        Refusal.NO_SUCH_ORDER: call.knobs.now.failure_text_unknown,
        Refusal.ORDER_ENDED: call.knobs.now.failure_text_ended,
    }
    return own.get(refusal, refusal.english)


def _read_ids(item: Params) -> tuple[str | None, str | None]:
    order_id, client_oid = item.optional_text("orderId"), item.optional_text("clientOid")
    if order_id is None and client_oid is None:
        raise VenueError(Refusal.NO_ORDER_ID)
    return order_id, client_oid


def _find(call: PrivateRequest, symbol: str, order_id: str | None, client_oid: str | None) -> Target:
    return Target(order_id, client_oid, call.engine.orders.find(call.account.uid, symbol, order_id, client_oid))


def _cancel(call: PrivateRequest, target: Target) -> Refusal | None:
    """Carry out a cancel, and return why it is refused or None when it is acknowledged."""
    order, engine, knobs = target.order, call.engine, call.knobs
    if order is None:
        return Refusal.NO_SUCH_ORDER
    order_id = order.order_id
    if knobs.now.cancel_once_per_second and not call.cancels.of(call.account.uid, order_id, 1).admit(call.now_ms):
        return Refusal.CANCEL_TOO_FREQUENT
    if not order.live:
        return Refusal.ORDER_ENDED
    if knobs.take("refuse_cancels"):
        return Refusal.CANCEL_FAILED
    if knobs.take("cancel_never_lands"):
        return None
    if knobs.take("fill_wins"):
        engine.fill(order_id, None, call.now_ms)
    elif knobs.now.ack_delay_ms:
        engine.at(call.now_ms + knobs.now.ack_delay_ms, lambda due_ms: engine.cancel(order_id, due_ms))
    else:
        engine.cancel(order_id, call.now_ms)
    return None
