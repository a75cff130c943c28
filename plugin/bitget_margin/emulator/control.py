"""What the owner of the venue can do behind its customers' backs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import partial

from bitget_margin.emulator.api.parameters import Params
from bitget_margin.emulator.api.router import Venue
from bitget_margin.emulator.api.v2.place import read_ticket
from bitget_margin.emulator.behaviour.faults import (
    FAULT_DURATION_MS,
    FAULT_STATUS,
    FAULT_TEXT,
    FaultKind,
    FaultRule,
    read_fault_kind,
)
from bitget_margin.emulator.behaviour.knobs import Knobs
from bitget_margin.emulator.market.decimals import ZERO, fits, read_decimal
from bitget_margin.emulator.market.order import Force, LoanType, Order, OrderType
from bitget_margin.emulator.market.symbol import Symbol
from bitget_margin.emulator.market.wallet import Account, AccountKind, Balance
from bitget_margin.emulator.messages import RequestRecord

#: A price or amount: a Decimal, a whole number, or plain decimal text. Never a float.
Number = Decimal | int | str
#: A coming price: seconds since the start of the run, symbol, price.
PathStep = tuple[float, str, Number]

_PLACE_DEFAULTS = {"orderType": OrderType.LIMIT, "force": Force.GTC, "loanType": LoanType.NORMAL}


class Control:
    """Direct access to a venue: no HTTP, no signature, no rate window; safe to use from any thread."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue

    @property
    def accounts(self) -> tuple[Account, ...]:
        """The accounts, with their credentials."""
        return self._venue.accounts

    @property
    def requests(self) -> tuple[RequestRecord, ...]:
        """The requests that arrived, oldest first."""
        with self._venue.opened():
            return self._venue.records.everything()

    def requests_of(self, uid: str) -> tuple[RequestRecord, ...]:
        """Return the requests of one account, oldest first, at no cost for those of others."""
        with self._venue.opened():
            self._check_uid(uid)
            return self._venue.records.of(uid)

    @property
    def errors(self) -> tuple[Exception, ...]:
        """Exceptions that nobody foresaw; anything here is a bug of the emulator."""
        return tuple(self._venue.errors)

    def turn(self, uid: str, kind: AccountKind) -> None:
        """Make an account one of the other kind, with all that it has: from now on, other endpoints serve it."""
        with self._venue.opened():
            self._check_uid(uid)
            self._venue.turn(uid, kind)

    def reset_requests(self) -> None:
        """Forget the requests that arrived."""
        with self._venue.opened():
            self._venue.records.clear()

    def knobs(self, uid: str | None = None, **changes: object) -> Knobs:
        """Change some knobs by name, and return all of them as they are now.

        :param uid: have the changes hold for this account only; from the first one on, its knobs are its own
        """
        with self._venue.opened():
            if uid is not None:
                self._check_uid(uid)
            return self._venue.knobs.change(uid, **changes)

    def reset_knobs(self, uid: str) -> None:
        """Have the knobs of all accounts hold for an account that had its own."""
        with self._venue.opened():
            self._check_uid(uid)
            self._venue.knobs.reset(uid)

    @property
    def faults(self) -> tuple[FaultRule, ...]:
        """The faults that requests can still meet, with the counts that are left."""
        with self._venue.opened():
            return self._venue.faults.rules

    def add_fault(
        self,
        kind: FaultKind | str,
        path: str = "",
        *,
        count: int | None = None,
        probability: float = 1.0,
        uid: str = "",
        duration_ms: int = FAULT_DURATION_MS,
        code: str | None = None,
        text: str = FAULT_TEXT,
        status: int = FAULT_STATUS,
        items: int | None = None,
    ) -> FaultRule:
        """Have coming requests meet a fault, unless they meet one that was added before; see FaultRule."""
        rule = FaultRule(read_fault_kind(kind), path, count, probability, uid, duration_ms, code, text, status, items)
        with self._venue.opened():
            if rule.uid:
                self._check_uid(rule.uid)
            if not any(route.endswith(rule.path) for route in self._venue.paths):
                raise ValueError(f"no path ends with {rule.path!r}; there are {', '.join(self._venue.paths)}")
            self._venue.faults.add(rule)
            return rule

    def clear_faults(self, uid: str | None = None) -> None:
        """Have no more faults, or none of those for one account only."""
        with self._venue.opened():
            if uid is not None:
                self._check_uid(uid)
            self._venue.faults.clear(uid)

    def set_price(self, symbol: str, price: Number, liquidity: Number | None = None) -> None:
        """Move the price of a symbol and fill the resting orders that it reaches.

        :param price: in quote coins
        :param liquidity: most base coins that trade at this move, None for no limit
        """
        with self._venue.opened() as now_ms:
            new_price = self._price(symbol, price)
            most = None if liquidity is None else self._size(symbol, "liquidity", liquidity, or_zero=True)
            self._venue.engine.set_price(symbol, new_price, most, now_ms)

    def schedule(self, path: Iterable[PathStep]) -> None:
        """Have prices move later, at seconds counted from now."""
        with self._venue.opened() as now_ms:
            steps = [(seconds, symbol, self._price(symbol, price)) for seconds, symbol, price in path]
            for seconds, symbol, price in steps:
                move = partial(self._venue.engine.set_price, symbol, price, None)
                self._venue.engine.at(now_ms + round(seconds * 1000), move)

    def fill(self, order_id: str, amount: Number | None = None) -> Order:
        """Fill a live order at its own price.

        :param amount: base coins, None for all that is left
        """
        with self._venue.opened() as now_ms:
            size = None if amount is None else self._size(self.order(order_id).symbol, "amount", amount)
            return self._venue.engine.fill(order_id, size, now_ms)

    def cancel(self, order_id: str) -> Order:
        """End a live order."""
        with self._venue.opened() as now_ms:
            order = self.order(order_id)
            if not order.live:
                raise ValueError(f"order {order_id} has ended, it is {order.status}")
            return self._venue.engine.cancel(order_id, now_ms)

    def place(self, uid: str, fields: Mapping[str, object]) -> str:
        """Place an order for an account and return its id; a refusal raises VenueError.

        :param fields: those of place-order; a limit order, gtc and without a loan unless told otherwise
        """
        with self._venue.opened() as now_ms:
            self._check_uid(uid)
            params = Params({**_PLACE_DEFAULTS, **fields})
            symbol = self._symbol(params.text("symbol"))
            ticket = read_ticket(params, symbol, self._venue.engine.market.price(symbol.symbol))
            return self._venue.engine.place(uid, ticket, now_ms).order_id

    def order(self, order_id: str) -> Order:
        """Return an order as it is now."""
        with self._venue.opened():
            order = self._venue.engine.orders.get(order_id)
            if order is None:
                raise ValueError(f"there is no order {order_id}")
            return order

    def orders(self, uid: str | None = None, *, live_only: bool = False) -> list[Order]:
        """Return the orders of one account, or of all, oldest first."""
        with self._venue.opened():
            return [
                order
                for order in self._venue.engine.orders.everything()
                if uid in (None, order.uid) and (order.live or not live_only)
            ]

    def balances(self, uid: str) -> dict[str, Balance]:
        """Return what an account has, by coin: available and frozen."""
        with self._venue.opened():
            self._check_uid(uid)
            return self._venue.engine.wallets[uid].balances()

    def _check_uid(self, uid: str) -> None:
        if uid not in self._venue.engine.wallets:
            known = ", ".join(self._venue.engine.wallets)
            raise ValueError(f"there is no account {uid}; there are {known}")

    def _symbol(self, name: str) -> Symbol:
        symbol = self._venue.engine.market.symbols.get(name)
        if symbol is None:
            raise ValueError(f"there is no symbol {name}; there are {', '.join(self._venue.engine.market.symbols)}")
        return symbol

    def _price(self, symbol: str, price: Number) -> Decimal:
        return _number("price", price, self._symbol(symbol).price_precision)

    def _size(self, symbol: str, name: str, size: Number, *, or_zero: bool = False) -> Decimal:
        return _number(name, size, self._symbol(symbol).quantity_precision, or_zero=or_zero)


def _number(name: str, value: Number, decimals: int, *, or_zero: bool = False) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, Decimal | int | str):
        raise ValueError(f"{name} must be a Decimal, a whole number or text like '12.5', not {value!r}")  # noqa: TRY004
    number = read_decimal(format(value, "f") if isinstance(value, Decimal) else str(value))
    if number is None or (number == ZERO and not or_zero):
        raise ValueError(f"{name} must be a positive plain number like '12.5', not {value!r}")
    if not fits(number, decimals):
        raise ValueError(f"{name} {value} has more than {decimals} decimals")
    return number
