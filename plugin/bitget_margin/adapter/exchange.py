"""What the three flavours share: the overrides of ccxt's `bitget` that neither wait nor send."""

from __future__ import annotations

import reprlib
from collections.abc import Mapping
from typing import Any, Final

import ccxt
from ccxt.base.types import Entry

from bitget_margin.adapter import ccxt_errors, fills, rate_limits, rows, venue_clock
from bitget_margin.adapter.ccxt_types import CcxtExchange, MarginExchange, Params
from bitget_margin.adapter.credentials import Secret, mask
from bitget_margin.adapter.errors import documented
from bitget_margin.adapter.fees import Sign, read_fees, refuse_broken_text
from bitget_margin.adapter.params import CROSS, ISOLATED, KIND, market_cost, places_cross, refuse_conditional
from bitget_margin.adapter.rows import refuse_huge_exponents
from bitget_margin.adapter.transport import LIST
from bitget_margin.core import api_v3
from bitget_margin.core.api_v2 import BATCH_MAX
from bitget_margin.core.endpoints import AccountKind, Endpoint
from bitget_margin.core.responses import decimal

_MODES: Final = {"cross": CROSS, "crossed": CROSS, "isolated": ISOLATED}

_UNIFIED_ERRORS: Final = {"25202": ccxt.InsufficientFunds, "25204": ccxt.OrderNotFound}
"""https://www.bitget.com/api-doc/uta/error_code (December 2025); ccxt makes plain errors of them."""
_SECRET_HEADERS: Final = ("ACCESS-KEY", "ACCESS-SIGN", "ACCESS-PASSPHRASE")
_MARGIN_ORDER: Final = frozenset({"baseSize", "loanType"})
"""Fields that rows of margin orders alone have."""
_BATCH_CANCEL: Final[Any] = Entry(
    Endpoint.BATCH_CANCEL.path, ["private", "margin"], Endpoint.BATCH_CANCEL.method, {"cost": 2}
)


class CrossedMargin(MarginExchange):
    """Put before one of ccxt's `bitget` classes: crossed margin told truly, everything else as it is."""

    private_margin_post_v2_margin_crossed_batch_cancel_order: Any = _BATCH_CANCEL
    privateMarginPostV2MarginCrossedBatchCancelOrder: Any = _BATCH_CANCEL  # noqa: N815 - ccxt's name

    def describe(self) -> Any:
        """Return ccxt's description of the exchange, with what this class adds."""
        margin = {"marginMode": True}
        return self.deep_extend(
            super().describe(),
            {
                "has": {
                    "cancelOrdersForSymbols": True,
                    "cancelOrderWithClientOrderId": True,
                    "cancelOrdersWithClientOrderId": True,
                },
                "exceptions": {"exact": _UNIFIED_ERRORS},
                "features": {
                    "spot": {
                        "cancelOrder": {**margin, "symbolRequired": True},
                        # The most that one request names; longer lists of crossed margin orders are split.
                        "cancelOrders": {**margin, "max": BATCH_MAX, "symbolRequired": True},
                        "cancelOrdersForSymbols": {**margin, "max": None},
                        "cancelAllOrders": {**margin, "symbolRequired": False},
                        "fetchOrder": margin,
                    },
                },
            },
        )

    # -- one margin mode for every method -----------------------------------------------------------------------------

    def handle_margin_mode_and_params(
        self,
        methodName: str,  # noqa: N803 - ccxt's name
        params: Params = {},
        defaultValue: Any = None,  # noqa: N803 - ccxt's name
    ) -> Any:
        """Return ccxt's `[marginMode, params]`, with `crossed` read as `cross`, and anything unknown refused.

        Stock ccxt sends what it does not know to the isolated endpoint, to the spot wallet, or nowhere.
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
        """Return ccxt's request for an order; a conditional crossed one is refused, which ccxt would place at once."""
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
        """Return ccxt's request for an order of a unified account; a market buy of margin is sent as its cost.

        That is what the venue takes `qty` for there; stock ccxt sends the base amount.
        """
        request = super().create_uta_order_request(symbol, type, side, amount, price, params)
        if request.get("category") != api_v3.CATEGORY or (type, side) != ("market", "buy"):
            return request
        cost = market_cost(self, symbol, amount, price, params)
        request = self.omit(request, ["cost", "createMarketBuyOrderRequiresPrice"])
        return {**request, "qty": self.cost_to_precision(symbol, cost)}

    def is_sandbox(self) -> bool:
        """Whether requests would go to the venue's demo trading, which has no margin."""
        return bool(self.options.get("sandboxMode") or self.options.get("sandbox"))

    # -- the kind of account ------------------------------------------------------------------------------------------

    def learn_account_kind(self, kind: AccountKind) -> None:
        """Remember what the venue has said of the account; ccxt's own methods go by it too."""
        self.options[KIND] = kind is AccountKind.UNIFIED

    # -- the venue's clock --------------------------------------------------------------------------------------------

    venue_offset_ms: float | None = None
    """The venue's epoch less the clock that only goes forward, as its last answer shows it; None before the first."""

    def venue_milliseconds(self) -> int:
        """Return the venue's time in ms, and before its first answer the local one. Sends nothing."""
        return venue_clock.now(self)

    # -- what goes out ------------------------------------------------------------------------------------------------

    def sign(
        self,
        path: Any,
        api: Any = (),
        method: str = "GET",
        params: Any = {},
        *rest: Any,
    ) -> Any:
        """Return ccxt's signed request: times by the venue's clock, credentials that do not print, English texts."""
        if "private" in api and str(path).startswith("v2/margin/"):
            self.refuse_sandbox("sign")
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
        """Print what `verbose` prints, without credentials; no variable holds them where printing fails."""
        args = _masked(self, args)
        super().log(*args)

    # -- what comes in ------------------------------------------------------------------------------------------------

    def handle_errors(self, code: int, *rest: Any) -> Any:
        """Raise what ccxt raises, with the venue's answer tied to it: ccxt's class alone does not say what happened."""
        reason, url, method, headers, body, response, sent_headers = rest[:7]
        signed, request = ccxt_errors.is_signed(sent_headers), f"{self.id} {method} {url.partition('?')[0]}"
        if signed:
            with ccxt_errors.with_response(code, None):
                ccxt_errors.check_redirect(request, code, headers)
        rate_limits.learn_quota(self, code, url, headers)
        venue_clock.learn(self, headers, response)
        with ccxt_errors.with_response(code, response):
            handled = super().handle_errors(code, *rest)
        if handled or not signed:
            return handled
        # The body says nothing of an error. ccxt would ask for the status later, where nothing ties it to the
        # exception, and async would return a page under a status that it does not list as an answer.
        with ccxt_errors.with_response(code, None):
            super().handle_http_status_code(code, reason or "", url, method, body)
            ccxt_errors.check_status(request, code)
        return handled

    def parse_order_status(self, status: Any) -> Any:
        """Return ccxt's status; `reject` is what the venue calls an order that it refused at entry."""
        return "rejected" if status == "reject" else super().parse_order_status(status)

    def parse_order(self, order: Any, market: Any = None) -> Any:
        """Return ccxt's order structure; for margin rows `cost` is what was filled, and `side` is buy or sell."""
        refuse_huge_exponents(order)
        if isinstance(order, Mapping) and rows.is_margin(order):
            parsed = self.parse_order(rows.as_classic(order), market)
            return {**parsed, "info": order, **rows.fees(self, order)}
        margin = isinstance(order, Mapping) and not _MARGIN_ORDER.isdisjoint(order)
        try:
            parsed = super().parse_order(_for_ccxt(order) if margin else order, market)
        except Exception as error:
            raise documented(f"{self.id} parse_order()", error) from error
        if margin:
            parsed["info"] = order
            if "feeDetail" in order:
                refuse_broken_text(order["feeDetail"])
                parsed.update(read_fees(self, order["feeDetail"], Sign.CHANGE, fills.pair_of(parsed["symbol"])))
        return parsed

    def parse_trade(self, trade: Any, market: Any = None) -> Any:
        """Return ccxt's trade structure; for margin fills with what was paid as `fee`, and `side` is buy or sell."""
        if not isinstance(trade, Mapping):
            raise ccxt.BadResponse(f"{self.id}: a fill cannot be read: {reprlib.repr(trade)}")
        try:
            if not fills.is_margin(trade):
                return super().parse_trade(trade, market)
            refuse_huge_exponents(trade)
            parsed = super().parse_trade(fills.as_classic(self, trade), market)
            return {**parsed, "info": trade, **fills.fees_of(self, trade, parsed["symbol"])}
        except Exception as error:
            raise documented(f"{self.id} parse_trade()", error) from error

    def parse_balance(self, balance: Any) -> Any:
        """Return ccxt's balance structure; for crossed assets with `free` and `used`, which ccxt leaves out."""
        if not isinstance(balance, list):
            return super().parse_balance(balance)
        refuse_huge_exponents(balance)
        rows = [{**row, "transferable": row.get("available")} if _is_crossed_asset(row) else row for row in balance]
        parsed = super().parse_balance(rows)
        parsed["info"] = balance
        for row in balance:
            # ccxt takes what is neither free nor used for used: a trading bonus, or all where the total is missing.
            frozen = decimal(row.get("frozen")) if _is_crossed_asset(row) else None
            code = self.safe_currency_code(row.get("coin")) if frozen is not None else None
            if frozen is not None and code in parsed:
                parsed[code]["used"] = parsed["used"][code] = float(frozen)
        return parsed


def _masked(exchange: CcxtExchange, args: tuple[Any, ...]) -> tuple[str, ...]:
    secrets = (exchange.apiKey, exchange.secret, exchange.password)
    return tuple(mask(str(arg), secrets) for arg in args)


def _for_ccxt(order: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row of a margin order as ccxt reads it right.

    It takes what was ordered in quote coins for the cost, and without `baseSize` what was filled for the amount.
    """
    row = {**order, "quoteVolume": order.get("amount"), "side": fills.plain_side(order.get("side"))}
    for name in ("quoteSize", "feeDetail"):
        row.pop(name, None)
    if order.get("baseSize") in (None, ""):
        if (row["side"], order.get("orderType")) == ("buy", "market"):
            row["baseSize"] = "0"  # As the venue writes it for these; ccxt takes their amount from nowhere else.
        else:
            row["baseVolume"] = row.pop("size", None)
    return row


def _is_crossed_asset(row: object) -> bool:
    """Whether this is a row of crossed assets; isolated ones name their symbol."""
    return isinstance(row, Mapping) and "borrow" in row and "symbol" not in row and "transferable" not in row
