"""Mixin of all three flavours: overrides of ccxt's `bitget` that neither wait nor send."""

import reprlib
from collections.abc import Mapping
from typing import Any, Final

import ccxt
from ccxt.base.types import Entry

from bitget_margin.adapter import (
    ccxt_errors,
    fills,
    financial_records,
    market_data,
    rate_limits,
    rows,
    spot_guard,
    venue_clock,
)
from bitget_margin.adapter.ccxt_types import MarginExchange, Params
from bitget_margin.adapter.credentials import Secret, masked, unfit
from bitget_margin.adapter.errors import cause_of, documented
from bitget_margin.adapter.fees import Sign, read_fees, refuse_broken_text
from bitget_margin.adapter.params import (
    CROSS,
    ISOLATED,
    KIND,
    LEVEL,
    is_cross,
    market_cost,
    places_cross,
    refuse_conditional,
)
from bitget_margin.adapter.rows import refuse_huge_exponents
from bitget_margin.adapter.transport import LIST, PACED
from bitget_margin.core import api_v3
from bitget_margin.core.account_level import read_level
from bitget_margin.core.api_v2 import BATCH_MAX
from bitget_margin.core.endpoints import AccountKind, Endpoint
from bitget_margin.core.responses import decimal

_MODES: Final = {"cross": CROSS, "crossed": CROSS, "isolated": ISOLATED}

_UNIFIED_ERRORS: Final = {"25202": ccxt.InsufficientFunds, "25204": ccxt.OrderNotFound}
"""https://www.bitget.com/api-doc/uta/error_code (December 2025); ccxt raises ExchangeError for them."""
_ANY_AMOUNT: Final = 10**9
"""Amount of a market buy that is given by its cost alone: ccxt rounds the amount before the cost replaces it."""
_SPOT: Final = "SPOT"
"""Category of the public prices of margin pairs."""
_SECRET_HEADERS: Final = ("ACCESS-KEY", "ACCESS-SIGN", "ACCESS-PASSPHRASE")
_MARGIN_ORDER: Final = frozenset({"baseSize", "loanType"})
"""Fields that only rows of margin orders have."""
_HISTORY: Final = {"limit": None, "daysBack": 90, "untilDays": None, "trigger": False, "trailing": False}
"""Features of queries that read all pages and windows."""
_BATCH_CANCEL: Final[Any] = Entry(
    Endpoint.BATCH_CANCEL.path, ["private", "margin"], Endpoint.BATCH_CANCEL.method, {"cost": 2}
)


class CrossedMargin(MarginExchange):
    """Mixin for ccxt's `bitget` classes. Fixes cross margin behaviour; other calls are unchanged."""

    def __init_subclass__(cls) -> None:
        """Guard the methods of a class: see `spot_guard` and `market_data`."""
        super().__init_subclass__()
        spot_guard.guard_methods(cls)
        market_data.guard_methods(cls)

    private_margin_post_v2_margin_crossed_batch_cancel_order: Any = _BATCH_CANCEL
    privateMarginPostV2MarginCrossedBatchCancelOrder: Any = _BATCH_CANCEL  # noqa: N815 - ccxt's name

    def describe(self) -> Any:
        """Return ccxt's description of the exchange with the additions of this class."""
        margin = {"marginMode": True}
        return self.deep_extend(
            super().describe(),
            {
                "has": {
                    "cancelAllOrdersAfter": True,
                    "cancelOrdersForSymbols": True,
                    "cancelOrderWithClientOrderId": True,
                    "cancelOrdersWithClientOrderId": True,
                    "fetchOrders": True,
                    "fetchOrderTrades": True,
                },
                "exceptions": {"exact": _UNIFIED_ERRORS},
                "features": {
                    "spot": {
                        "cancelOrder": {**margin, "symbolRequired": True},
                        # The maximum of one request; longer lists of cross margin orders are split.
                        "cancelOrders": {**margin, "max": BATCH_MAX, "symbolRequired": True},
                        "cancelOrdersForSymbols": {**margin, "max": None},
                        "cancelAllOrders": {**margin, "symbolRequired": False},
                        "fetchOrder": margin,
                        "fetchOrders": {**margin, **_HISTORY},
                        "fetchClosedOrders": {**margin, **_HISTORY},
                        "fetchMyTrades": {**margin, **_HISTORY},
                    },
                },
            },
        )

    # -- one margin mode for every method -----------------------------------------------------------------------------

    has_warned_of_spot: bool = False
    """Whether a `SpotWalletWarning` of this object was shown."""

    def handle_margin_mode_and_params(
        self,
        methodName: str,  # noqa: N803 - ccxt's name
        params: Params = {},
        defaultValue: Any = None,  # noqa: N803 - ccxt's name
    ) -> Any:
        """Return ccxt's `[marginMode, params]` with `cross` for `crossed`; refuse an unknown mode.

        Stock ccxt sends an order with an unknown mode to the isolated endpoint, to the spot wallet, or nowhere.
        """
        mode, rest = super().handle_margin_mode_and_params(methodName, params, defaultValue)
        if mode is None:
            return [None, rest]
        known = _MODES.get(mode.lower()) if isinstance(mode, str) else None
        if known is None:
            raise ccxt.BadRequest(
                f"{self.id} {methodName}(): marginMode is {mode!r}; give 'cross' (or 'crossed') or 'isolated'",
            )
        return [known, rest]

    def create_order_request(
        self,
        symbol: Any,
        type: Any,  # noqa: A002 - ccxt's name
        side: Any,
        amount: Any,
        price: Any = None,
        params: Params = {},
    ) -> Any:
        """Return ccxt's order request; refuse a conditional cross order, which ccxt would place at once."""
        if places_cross(self, "createOrder", symbol, params):
            refuse_conditional(self, "create_order", params)
        return super().create_order_request(symbol, type, side, amount, price, params)

    def create_uta_order_request(
        self,
        symbol: Any,
        type: Any,  # noqa: A002 - ccxt's name
        side: Any,
        amount: Any,
        price: Any = None,
        params: Params = {},
    ) -> Any:
        """Return ccxt's order request for a unified account, with the cost as `qty` of a margin market buy.

        Stock ccxt sends the base amount, which the venue would take for the cost.
        """
        if (type, side) == ("market", "buy") and params.get("cost") is not None:
            amount = _ANY_AMOUNT
        request = super().create_uta_order_request(symbol, type, side, amount, price, params)
        if request.get("category") != api_v3.CATEGORY or (type, side) != ("market", "buy"):
            return request
        cost = market_cost(self, symbol, amount, price, params)
        request = self.omit(request, ["cost", "createMarketBuyOrderRequiresPrice"])
        return {**request, "qty": self.cost_to_precision(symbol, cost)}

    def fetch_tickers(self, symbols: Any = None, params: Params = {}) -> Any:
        """Return ccxt's tickers; for cross margin of all spot pairs, not of contracts as on a unified account."""
        market_type, _ = self.handle_market_type_and_params("fetchTickers", None, params)
        if symbols is None and market_type in {"spot", "margin"} and is_cross(self, "fetchTickers", None, params):
            params = {"category": _SPOT, **params}
        return super().fetch_tickers(symbols, params)

    def is_sandbox(self) -> bool:
        """Whether requests would go to the venue's demo trading, which has no margin account."""
        return bool(self.options.get("sandboxMode") or self.options.get("sandbox"))

    # -- the account kind ---------------------------------------------------------------------------------------------

    def learn_account_kind(self, kind: AccountKind) -> None:
        """Store the account kind that the venue has reported; ccxt's own methods use it too."""
        self.options[KIND] = kind is AccountKind.UNIFIED

    def learn_level(self, settings: Mapping[str, Any]) -> None:
        """Store the level that the settings of a unified account show."""
        level = read_level(settings)
        self.options[LEVEL] = "" if level is None else level.value

    # -- the venue's clock --------------------------------------------------------------------------------------------

    venue_offset_ms: float | None = None
    """Venue time minus `venue_clock.elapsed_ms`, from the last response; None before the first."""

    def venue_milliseconds(self) -> int:
        """Return the venue's time in ms, before its first response the local time. Sends nothing."""
        return venue_clock.now(self)

    # -- requests -----------------------------------------------------------------------------------------------------

    def check_required_credentials(self, error: bool = True) -> bool:
        """Return whether there are credentials that a request can carry; raise AuthenticationError if `error`."""
        found = unfit({"apiKey": self.apiKey, "secret": self.secret, "password": self.password})
        if found is not None and error:
            raise ccxt.AuthenticationError(f"{self.id}: {' '.join(found)}; nothing was sent")
        return bool(super().check_required_credentials(error)) and found is None

    def sign(
        self,
        path: Any,
        api: Any = (),
        method: str = "GET",
        params: Any = {},
        *rest: Any,
    ) -> Any:
        """Return ccxt's signed request: times by the venue's clock, masked credentials, messages in English."""
        if "private" in api and str(path).startswith("v2/margin/"):
            self.refuse_sandbox("sign")
        spot_guard.check(self, api, str(path), params)
        if isinstance(params, Mapping) and LIST in params:
            params = params[LIST]
        params = venue_clock.bounded(self, path, params)
        request = super().sign(path, api, method, params, *rest)
        signed = request["headers"]
        if signed is not None and "ACCESS-SIGN" in signed:
            signed.update({name: Secret(signed[name]) for name in _SECRET_HEADERS})
            signed.setdefault("locale", "en-US")
        return request

    def refuse_sandbox(self, method: str) -> None:
        """Raise NotSupported in sandbox mode."""
        if self.is_sandbox():
            raise ccxt.NotSupported(
                f"{self.id} {method}(): the venue's demo trading has no margin account; "
                "switch sandbox mode off, or use `bitget-margin emulator`",
            )

    def log(self, *args: Any) -> None:
        """Print the output of `verbose` without credentials, which no local variable holds if printing fails."""
        args = masked(args, (self.apiKey, self.secret, self.password))
        super().log(*args)

    # -- responses ----------------------------------------------------------------------------------------------------

    def handle_errors(self, code: int, *rest: Any) -> Any:
        """Raise ccxt's exception with the response attached: its class does not show what was executed."""
        reason, url, method, headers, body, response, sent_headers = rest[:7]
        signed, request = ccxt_errors.is_signed(sent_headers), f"{self.id} {method} {url.partition('?')[0]}"
        if signed:
            with ccxt_errors.with_response(code, None):
                ccxt_errors.check_redirect(request, code, headers)
        rate_limits.learn_quota(self, code, url, headers, counted=PACED.get())
        venue_clock.learn(self, headers, response)
        with ccxt_errors.with_response(code, response):
            handled = super().handle_errors(code, *rest)
        if handled or not signed:
            return handled
        # The body has no error. ccxt would check the status later, without the response attached, and its async class
        # would return the page of a status that it does not list.
        with ccxt_errors.with_response(code, None):
            super().handle_http_status_code(code, reason or "", url, method, body)
            ccxt_errors.check_status(request, code)
        return handled

    def parse_order_status(self, status: Any) -> Any:
        """Return ccxt's status; an order that the venue refused at entry has the status `reject` there."""
        return "rejected" if status == "reject" else super().parse_order_status(status)

    def parse_order(self, order: Any, market: Any = None) -> Any:
        """Return ccxt's order structure; for margin rows `cost` is of the fills, and `side` is buy or sell."""
        refuse_huge_exponents(order)
        if isinstance(order, Mapping) and rows.is_margin(order):
            parsed = self.parse_order(rows.as_classic(order), market)
            return {**parsed, "info": order, **rows.fees(self, order)}
        margin = isinstance(order, Mapping) and not _MARGIN_ORDER.isdisjoint(order)
        try:
            parsed = super().parse_order(_for_ccxt(order) if margin else order, market)
        except Exception as error:  # noqa: BLE001 - it is raised again
            raise documented(f"{self.id} parse_order()", error) from cause_of(error)
        if margin:
            parsed["info"] = order
            if "feeDetail" in order:
                refuse_broken_text(order["feeDetail"])
                parsed.update(read_fees(self, order["feeDetail"], Sign.CHANGE, fills.pair_of(parsed["symbol"])))
        return parsed

    def parse_trade(self, trade: Any, market: Any = None) -> Any:
        """Return ccxt's trade structure; for margin fills `fee` is a cost, and `side` is buy or sell."""
        if not isinstance(trade, Mapping):
            raise ccxt.BadResponse(f"{self.id}: a fill cannot be read: {reprlib.repr(trade)}")
        try:
            if not fills.is_margin(trade):
                return super().parse_trade(trade, market)
            refuse_huge_exponents(trade)
            parsed = super().parse_trade(fills.as_classic(self, trade), market)
            return {**parsed, "info": trade, **fills.fees_of(self, trade, parsed["symbol"])}
        except Exception as error:  # noqa: BLE001 - it is raised again
            raise documented(f"{self.id} parse_trade()", error) from cause_of(error)

    def parse_ledger_entry(self, item: Any, currency: Any = None) -> Any:
        """Return ccxt's structure of a change of the balance, also of the cross margin account."""
        if not financial_records.is_record(item):
            return super().parse_ledger_entry(item, currency)
        parse = super().parse_ledger_entry
        return financial_records.parse_record(self, item, lambda bill: parse(bill, currency))

    def parse_balance(self, balance: Any) -> Any:
        """Return ccxt's balance structure; for cross margin assets with `free` and `used`, which ccxt omits."""
        if not isinstance(balance, list):
            return super().parse_balance(balance)
        refuse_huge_exponents(balance)
        rows = [{**row, "transferable": row.get("available")} if _is_crossed_asset(row) else row for row in balance]
        parsed = super().parse_balance(rows)
        parsed["info"] = balance
        for row in balance:
            # ccxt counts everything but `free` as used: a trading bonus, or all where the total is missing.
            frozen = decimal(row.get("frozen")) if _is_crossed_asset(row) else None
            code = self.safe_currency_code(row.get("coin")) if frozen is not None else None
            if frozen is not None and code in parsed:
                parsed[code]["used"] = parsed["used"][code] = float(frozen)
        return parsed

    def parse_uta_balance(self, balance: Any, *rest: Any) -> Any:
        """Return ccxt's structure of a unified account's balance, whose `total` is less the debt in every version."""
        parsed = super().parse_uta_balance(balance, *rest)
        for row in balance:
            # ccxt 4.5.60 takes what is there; a coin without an equity is that of another account.
            equity = decimal(row.get("equity")) if isinstance(row, Mapping) else None
            code = self.safe_currency_code(row.get("coin")) if equity is not None else None
            if equity is not None and code in parsed:
                parsed[code]["total"] = parsed["total"][code] = float(equity)
        return parsed


def _for_ccxt(order: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row of a margin order, changed so that ccxt reads it correctly.

    ccxt takes the ordered quote amount for the cost, and without `baseSize` the filled amount for the ordered one.
    """
    row = {**order, "quoteVolume": order.get("amount"), "side": fills.plain_side(order.get("side"))}
    for name in ("quoteSize", "feeDetail"):
        row.pop(name, None)
    if order.get("baseSize") in (None, ""):
        if (row["side"], order.get("orderType")) == ("buy", "market"):
            row["baseSize"] = "0"  # The venue's value for market buys; ccxt reads the amount from no other field.
        else:
            row["baseVolume"] = row.pop("size", None)
    return row


def _is_crossed_asset(row: object) -> bool:
    """Whether this is a row of cross margin assets; isolated ones have a symbol."""
    return isinstance(row, Mapping) and "borrow" in row and "symbol" not in row and "transferable" not in row
