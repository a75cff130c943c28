"""Direct control of the venue: prices, orders, knobs and faults, without HTTP."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from functools import partial
from operator import itemgetter
from random import Random

from bitget_margin.emulator.account_control import AccountControl, Number, read_number
from bitget_margin.emulator.api.params import Params
from bitget_margin.emulator.api.router import PATHS
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
from bitget_margin.emulator.market.decimals import floor_to
from bitget_margin.emulator.market.orders import Force, LoanType, Order, OrderType
from bitget_margin.emulator.market.strategies import StrategyOrder, StrategyTicket
from bitget_margin.emulator.market.symbol import PairStatus, Symbol
from bitget_margin.emulator.messages import RequestRecord

PathStep = tuple[float, str, Number]
"""Price: seconds since the start of the run, below zero for the past; symbol; price."""
_WALK_SECONDS = 1.0
_WALK_STEP = 0.0004
"""Standard deviation of a step of a random walk, as a share of the price."""
_WALK_PULL = 0.0002
"""Share of its distance from the start by which a walk returns in each step."""

_SPOT = "SPOT"
_PLACE_DEFAULTS = {"orderType": OrderType.LIMIT, "force": Force.GTC, "loanType": LoanType.NORMAL}


class Control(AccountControl):
    """Direct access to a venue, without signatures and rate limits; safe to use from any thread."""

    @property
    def requests(self) -> tuple[RequestRecord, ...]:
        """The requests that arrived, oldest first."""
        with self._opened():
            return self._venue.requests.all()

    def requests_of(self, uid: str) -> tuple[RequestRecord, ...]:
        """Return the requests of one account, oldest first, without reading those of others."""
        with self._opened(uid):
            return self._venue.requests.of(uid)

    @property
    def errors(self) -> tuple[Exception, ...]:
        """Unexpected exceptions; each is a bug of the emulator."""
        return tuple(self._venue.errors)

    def reset_requests(self) -> None:
        """Remove the recorded requests."""
        with self._opened():
            self._venue.requests.clear()

    def knobs(self, uid: str | None = None, **changes: object) -> Knobs:
        """Change some knobs by name, and return all of them.

        :param uid: change the knobs of this account only, which has its own from the first change on
        """
        with self._opened(uid):
            return self._venue.knobs.change(uid, **changes)

    def reset_knobs(self, uid: str) -> None:
        """Remove the own knobs of an account, so that the general ones apply to it."""
        with self._opened(uid):
            self._venue.knobs.reset(uid)

    @property
    def faults(self) -> tuple[FaultRule, ...]:
        """The faults that requests can still meet, with the remaining counts."""
        with self._opened():
            return self._venue.faults.rules

    def faults_of(self, uid: str) -> tuple[FaultRule, ...]:
        """Return the faults that requests of one account can still meet: its own, and those for all."""
        with self._opened(uid):
            return tuple(rule for rule in self._venue.faults.rules if rule.uid in {"", uid})

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
        """Add a fault that next requests meet, unless they meet one that was added before; see `FaultRule`."""
        rule = FaultRule(read_fault_kind(kind), path, count, probability, uid, duration_ms, code, text, status, items)
        with self._opened(rule.uid or None):
            if not any(known.endswith(rule.path) for known in PATHS):
                raise ValueError(f"no path ends with {rule.path!r}; there are {', '.join(PATHS)}")
            self._venue.faults.add(rule)
            return rule

    def clear_faults(self, uid: str | None = None) -> None:
        """Remove all faults, or only those for one account."""
        with self._opened(uid):
            self._venue.faults.clear(uid)

    def set_price(self, symbol: str, price: Number, liquidity: Number | None = None) -> None:
        """Move the price of a symbol and fill the resting orders that it reaches.

        :param price: in quote coins
        :param liquidity: most base coins that trade at this move, None for no limit
        """
        with self._opened() as now_ms:
            new_price = self._price(symbol, price)
            most = None if liquidity is None else self._size(symbol, "liquidity", liquidity, or_zero=True)
            self._venue.engine.set_price(symbol, new_price, most, now_ms)

    def change_pair(
        self, symbol: str, *, status: PairStatus | str | None = None, cross_borrowable: bool | None = None
    ) -> None:
        """Change whether a pair trades, or whether it has cross margin; its open orders stay as they are."""
        with self._opened():
            pair = self._symbol(symbol)
            changed = replace(
                pair,
                status=pair.status if status is None else PairStatus(status),
                cross_borrowable=pair.cross_borrowable if cross_borrowable is None else cross_borrowable,
            )
            self._venue.engine.market.symbols[symbol] = changed

    def schedule(self, path: Iterable[PathStep]) -> None:
        """Schedule price moves, at seconds from now, and set the prices of the past; those come before any move."""
        with self._opened() as now_ms:
            steps = [(round(seconds * 1000), symbol, self._price(symbol, price)) for seconds, symbol, price in path]
            past: dict[str, list[tuple[int, Decimal]]] = {}
            for after_ms, symbol, price in sorted(steps, key=itemgetter(0)):
                if after_ms < 0:
                    past.setdefault(symbol, []).append((now_ms + after_ms, price))
            for symbol, prices in past.items():
                self._venue.engine.market.recall(symbol, prices)
            for after_ms, symbol, price in steps:
                if after_ms >= 0:
                    self._venue.engine.at(now_ms + after_ms, partial(self._venue.engine.set_price, symbol, price, None))

    def walk(self, seed: int, symbols: Iterable[str] | None = None) -> None:
        """Let prices walk at random, a step each second, around those of now.

        :param symbols: by default all; one that walks already gets a second step each second
        """
        with self._opened() as now_ms:
            names = self._venue.engine.market.symbols if symbols is None else symbols
            for symbol in map(self._symbol, names):
                dice = Random(f"{seed}-{symbol.symbol}")  # noqa: S311 - repeatable, not secret
                self._step(symbol, dice, float(self._venue.engine.market.price(symbol.symbol)), now_ms)

    def _step(self, symbol: Symbol, dice: Random, center: float, due_ms: int) -> None:
        """Move a price by one step of its walk, and schedule the next one."""
        engine = self._venue.engine
        now = float(engine.market.price(symbol.symbol))
        moved = now * (1 + dice.gauss(0, _WALK_STEP) + _WALK_PULL * (center / now - 1))
        price = max(floor_to(Decimal(repr(moved)), symbol.price_precision), symbol.tick)
        engine.set_price(symbol.symbol, price, None, due_ms)
        engine.at(due_ms + round(_WALK_SECONDS * 1_000), partial(self._step, symbol, dice, center))

    def fill(self, order_id: str, amount: Number | None = None) -> Order:
        """Fill a live order at its own price.

        :param amount: base coins, None for the remaining amount
        """
        with self._opened() as now_ms:
            size = None if amount is None else self._size(self.order(order_id).symbol, "amount", amount)
            return self._venue.engine.fill(order_id, size, now_ms)

    def cancel(self, order_id: str) -> Order:
        """Cancel a live order."""
        with self._opened() as now_ms:
            self._venue.engine.orders.get_live(order_id)
            return self._venue.engine.cancel(order_id, now_ms)

    def forget(self, order_id: str) -> None:
        """Let no request find an ended order any more, as the venue's history drops old orders."""
        with self._opened():
            if self.order(order_id).live:
                raise ValueError(f"order {order_id} is live; only ended orders are forgotten")
            self._venue.engine.orders.forget(order_id)

    def hide(self, order_id: str) -> None:
        """Let no request find an order, live or ended, until it is shown again."""
        with self._opened():
            self._venue.engine.orders.forget(self.order(order_id).order_id)

    def show(self, order_id: str) -> None:
        """Let requests find an order again that was hidden or forgotten."""
        with self._opened():
            self._venue.engine.orders.show(self.order(order_id).order_id)

    def backdate(self, order_id: str, ms: int) -> None:
        """Move the time at which an order was placed into the past, by `ms`."""
        with self._opened():
            self._venue.engine.orders.backdate(order_id, ms)

    def place(self, uid: str, fields: Mapping[str, object]) -> str:
        """Place an order for an account and return its id; a refusal raises `VenueError`.

        :param fields: those of place-order; by default a limit order, gtc and without a loan. With `category` SPOT, a
            spot order, which shares the wallet of a unified account
        """
        with self._opened(uid) as now_ms:
            params = Params({**_PLACE_DEFAULTS, **fields})
            symbol = self._symbol(params.text("symbol"))
            is_spot = params.optional_text("category") == _SPOT
            if is_spot:
                symbol = replace(symbol.on_spot, cross_borrowable=True)
            ticket = read_ticket(params, symbol, self._venue.engine.market.price(symbol.symbol))
            ticket = replace(ticket, is_spot=is_spot)
            return self._venue.engine.place(uid, ticket, now_ms).order_id

    def place_strategy_order(self, uid: str, ticket: StrategyTicket) -> str:
        """Place a strategy order for an account and return its id; a refusal raises `VenueError`."""
        with self._opened(uid) as now_ms:
            self._symbol(ticket.symbol)
            return self._venue.engine.strategies.place(uid, ticket, now_ms).order_id

    def order(self, order_id: str) -> Order:
        """Return the current state of an order."""
        with self._opened():
            return self._venue.engine.orders.get(order_id)

    def orders(self, uid: str | None = None, *, live_only: bool = False) -> list[Order]:
        """Return the orders of one account, or of all, oldest first."""
        with self._opened(uid):
            orders = self._venue.engine.orders.all()
            return [order for order in orders if uid in (None, order.uid) and (order.live or not live_only)]

    def strategy_orders(self, uid: str | None = None, *, live_only: bool = False) -> list[StrategyOrder]:
        """Return the strategy orders of one account, or of all, oldest first."""
        with self._opened(uid):
            orders = self._venue.engine.strategies.all()
            return [order for order in orders if uid in (None, order.uid) and (order.live or not live_only)]

    def _symbol(self, name: str) -> Symbol:
        symbol = self._venue.engine.market.symbols.get(name)
        if symbol is None:
            raise ValueError(f"there is no symbol {name}; there are {', '.join(self._venue.engine.market.symbols)}")
        return symbol

    def _price(self, symbol: str, price: Number) -> Decimal:
        return read_number("price", price, self._symbol(symbol).price_precision)

    def _size(self, symbol: str, name: str, size: Number, *, or_zero: bool = False) -> Decimal:
        return read_number(name, size, self._symbol(symbol).quantity_precision, or_zero=or_zero)
