"""The endpoints of a classic account."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from bitget_margin.emulator.api.request import PrivateEndpoint, PrivateRequest
from bitget_margin.emulator.api.v2.cancel import batch_answer, batch_cancel_orders, cancel_order, failure_reason
from bitget_margin.emulator.api.v2.listing import fills, history_orders, open_orders
from bitget_margin.emulator.api.v2.place import read_ticket
from bitget_margin.emulator.api.v2.rows import Row, asset_row
from bitget_margin.emulator.errors import Refusal, VenueError
from bitget_margin.emulator.market.decimals import write_decimal
from bitget_margin.emulator.market.wallet import NOTHING


def _place_order(call: PrivateRequest) -> Row:
    symbol = call.symbol()
    ticket = read_ticket(call.params, symbol, call.engine.market.price(symbol.symbol))
    order = call.engine.place(call.account.uid, ticket, call.now_ms)
    return {"orderId": order.order_id, "clientOid": order.client_oid}


def _batch_place_order(call: PrivateRequest) -> Row:
    symbol = call.symbol()
    successes: list[Row] = []
    failures: list[Row] = []
    for item in call.params.items("orderList"):
        try:
            ticket = read_ticket(item, symbol, call.engine.market.price(symbol.symbol))
            order = call.engine.place(call.account.uid, ticket, call.now_ms)
        except VenueError as error:
            client_oid = item.text_or_empty("clientOid")
            reason = failure_reason(call, error.refusal.code, error.text(call.knobs.now.language))
            failures.append({"orderId": "", "clientOid": client_oid} | reason)
        else:
            successes.append({"orderId": order.order_id, "clientOid": order.client_oid})
    return batch_answer(call, successes, failures)


def _assets(call: PrivateRequest) -> list[Row]:
    wallet, debts = call.engine.wallets[call.account.uid], call.account.debts
    balances, wanted = wallet.balances(), call.params.optional_text("coin")
    return [
        asset_row(coin, balances.get(coin, NOTHING), Decimal(debts.get(coin, "0")), wallet.created_ms, call.now_ms)
        for coin in dict.fromkeys((*balances, *debts))
        if wanted in (None, coin)
    ]


def _risk_rate(_call: PrivateRequest) -> Row:
    return {"riskRateRatio": "0"}  # nothing is ever liquidated


def _spot_nothing(_call: PrivateRequest) -> list[Row]:
    return []  # margin orders are not spot orders


def _spot_assets(call: PrivateRequest) -> list[Row]:
    wanted = call.params.optional_text("coin")
    return [
        {"coin": coin, "available": "0", "frozen": "0", "locked": "0", "limitAvailable": "0", "uTime": str(call.now_ms)}
        for coin in call.engine.wallets[call.account.uid].balances()
        if wanted in (None, coin)
    ]


def _spot_account_info(call: PrivateRequest) -> Row:
    created_ms = call.engine.wallets[call.account.uid].created_ms
    return {"userId": call.account.uid, "inviterId": "", "ips": "", "parentId": "0", "regisTime": str(created_ms)}


def _spot_cancel_order(_call: PrivateRequest) -> Row:
    raise VenueError(Refusal.NO_SUCH_ORDER)


def _spot_batch_cancel_order(call: PrivateRequest) -> Row:
    failures: list[Row] = [
        {
            "orderId": item.text_or_empty("orderId"),
            "clientOid": item.text_or_empty("clientOid"),
            "errorMsg": VenueError(Refusal.NO_SUCH_ORDER).text(call.knobs.now.language),
            "errorCode": Refusal.NO_SUCH_ORDER.code,
        }
        for item in call.params.items("orderList")
    ]
    return {"successList": [], "failureList": failures}


def _trade_rate(call: PrivateRequest) -> Row:
    symbol = call.symbol()
    return {"makerFeeRate": write_decimal(symbol.maker_fee_rate), "takerFeeRate": write_decimal(symbol.taker_fee_rate)}


_CROSSED = "/api/v2/margin/crossed"
_SPOT = "/api/v2/spot"

PRIVATE_ENDPOINTS: Mapping[tuple[str, str], PrivateEndpoint] = {
    ("POST", f"{_CROSSED}/place-order"): _place_order,
    ("POST", f"{_CROSSED}/batch-place-order"): _batch_place_order,
    ("POST", f"{_CROSSED}/cancel-order"): cancel_order,
    ("POST", f"{_CROSSED}/batch-cancel-order"): batch_cancel_orders,
    ("GET", f"{_CROSSED}/open-orders"): open_orders,
    ("GET", f"{_CROSSED}/history-orders"): history_orders,
    ("GET", f"{_CROSSED}/fills"): fills,
    ("GET", f"{_CROSSED}/account/assets"): _assets,
    ("GET", f"{_CROSSED}/account/risk-rate"): _risk_rate,
    ("GET", f"{_SPOT}/trade/orderInfo"): _spot_nothing,
    ("GET", f"{_SPOT}/trade/unfilled-orders"): _spot_nothing,
    ("GET", f"{_SPOT}/account/assets"): _spot_assets,
    ("GET", f"{_SPOT}/account/info"): _spot_account_info,
    ("POST", f"{_SPOT}/trade/cancel-order"): _spot_cancel_order,
    ("POST", f"{_SPOT}/trade/batch-cancel-order"): _spot_batch_cancel_order,
    ("GET", "/api/v2/common/trade-rate"): _trade_rate,
}
