"""The async flavour: `bitget_margin.async_support.bitget`."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import ccxt
import ccxt.async_support

from bitget_margin.adapter import departures, driver, faults, fetching, operations, placing, transport
from bitget_margin.adapter.asking import is_cross, places_cross
from bitget_margin.adapter.base import AsyncExchange, Order, Params
from bitget_margin.adapter.clock import now_ms
from bitget_margin.adapter.context import PACED
from bitget_margin.adapter.departures import Knock, Pause, Step
from bitget_margin.adapter.errors import documented
from bitget_margin.adapter.margin import CrossedMargin
from bitget_margin.adapter.transport import Sessions
from bitget_margin.core.effects import Answer, Effect, Fault, Flow, LoadMarkets, Reply, Resync, Send, SendAll, T, Wait
from bitget_margin.core.outcome import CancelReport
from bitget_margin.gates import GateDown


class _Driver:
    """Runs a flow with coroutines; requests that do not depend on each other run side by side."""

    def __init__(self, exchange: Any) -> None:
        self._exchange = exchange

    async def run(self, flow: Flow[T]) -> T:
        """Return what the flow returns; a cancellation goes through the flow, so that it carries the report."""
        value, error = None, None
        try:
            while True:
                effect = driver.advance(flow, value, error)
                value, error = None, None
                try:
                    value = await self._perform(effect)
                except BaseException as raised:  # noqa: BLE001 - raised again by the flow
                    error = raised
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return]  # the flow's own return value

    async def _perform(self, effect: Effect) -> object:
        match effect:
            case SendAll(sends):
                return tuple(await asyncio.gather(*(self._send(send) for send in sends)))
            case Wait(until_ms):
                await asyncio.sleep(max(0.0, until_ms - now_ms()) / 1_000)
            case LoadMarkets(deadline_ms):
                await self._load_markets(deadline_ms)
            case Resync(deadline_ms):
                await self._resync(deadline_ms)
        return None

    async def _send(self, send: Send) -> Reply:
        unsent = await self._depart(send)
        if unsent is not None:
            return unsent
        allowed_ms = driver.allowed_ms(send)
        try:
            send.reply = await _paced(lambda: driver.request(self._exchange, send), allowed_ms)
            departures.answered(self._exchange, send, send.reply)
        except TimeoutError:
            send.reply = driver.timed_out(self._exchange, send, allowed_ms)
        return send.reply

    async def _depart(self, send: Send) -> Fault | None:
        with contextlib.closing(departures.depart(self._exchange, send)) as steps:
            answer: object = None
            while True:
                try:
                    step = steps.send(answer)
                except StopIteration as stop:
                    return stop.value  # type: ignore[no-any-return]  # what the steps return
                answer = await _step(step)

    async def _load_markets(self, deadline_ms: float) -> None:
        # ccxt shares one loading between all callers: it is left to them, not cancelled, when our time is up.
        loading = asyncio.ensure_future(self._exchange.load_markets())
        loading.add_done_callback(_forget)
        try:
            await asyncio.wait_for(asyncio.shield(loading), max(0.0, deadline_ms - now_ms()) / 1_000)
        except TimeoutError:
            raise driver.no_markets(self._exchange) from None
        except Exception as error:
            raise documented(f"{self._exchange.id} load_markets()", error) from error

    async def _resync(self, deadline_ms: float) -> None:
        # Where this fails, the repeated request is refused again and tells why.
        with contextlib.suppress(Exception):
            left_ms = max(0.0, deadline_ms - now_ms())
            await asyncio.wait_for(self._exchange.load_time_difference(), left_ms / 1_000)


async def _step(step: Step) -> object:
    match step:
        case Pause(ms):
            await asyncio.sleep(max(0.0, ms) / 1_000)
            return None
        case Knock(ask, allowed_ms):
            try:
                return await asyncio.wait_for(_in_thread(ask), allowed_ms / 1_000)
            except TimeoutError:
                return GateDown(f"no answer within {allowed_ms:.0f} ms")
            except Exception as error:  # noqa: BLE001 - a store that fails must not cost an order its cancel
                return error


async def _in_thread(work: Callable[[], object]) -> object:
    """Return what comes of work that blocks, in a thread of its own.

    Not one of the loop's: it has few, host names are looked up with them, and one that hangs keeps a program alive.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[object] = loop.create_future()

    def tell(value: object, error: Exception | None) -> None:
        if not done.done():
            done.set_result(value) if error is None else done.set_exception(error)

    def run() -> None:
        value, error = None, None
        try:
            value = work()
        except Exception as raised:  # noqa: BLE001 - handed to the coroutine that waits
            error = raised
        with contextlib.suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(tell, value, error)

    threading.Thread(target=run, daemon=True).start()
    return await done


async def _paced(work: Callable[[], Awaitable[object]], allowed_ms: float) -> Reply:
    """Run what has waited for its own window: ccxt's pacing is skipped."""
    paced = PACED.set(True)
    try:
        return await _reply(asyncio.wait_for(work(), max(0.0, allowed_ms) / 1_000))
    finally:
        PACED.reset(paced)


def _forget(loading: asyncio.Future[object]) -> None:
    """Read the outcome of a loading that nobody waits for any more, so that asyncio does not complain."""
    if not loading.cancelled():
        loading.exception()


async def _reply(work: Awaitable[object]) -> Reply:
    try:
        return Answer(await work)
    except TimeoutError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever went wrong, the request may have been executed
        return faults.reply(error)


class AsyncCrossedMargin(CrossedMargin, Sessions, AsyncExchange):
    """The methods of `bitget_margin.bitget`, as coroutines; see there for what each takes, returns and raises."""

    async def batch_cancel(
        self,
        ids: Iterable[str] = (),
        symbol: str | None = None,
        client_order_ids: Iterable[str] = (),
        params: Params = {},
    ) -> CancelReport:
        """Cancel crossed margin orders of one symbol, and prove the end of each."""
        return await self.perform(operations.batch_cancel(self, ids, symbol, client_order_ids, params))

    async def cancel_orders(self, ids: list[str], symbol: str | None = None, params: Params = {}) -> list[Order]:
        """Cancel orders of one symbol; on crossed margin with one order structure per distinct id."""
        if not is_cross(self, "cancelOrders", symbol, params):
            return await super().cancel_orders(ids, symbol, params)
        return await self.perform(operations.cancel_orders(self, ids, symbol, params))

    async def cancel_order(self, id: str, symbol: str | None = None, params: Params = {}) -> Order:  # noqa: A002
        """Cancel one order, by id or by `params['clientOrderId']`."""
        if not is_cross(self, "cancelOrder", symbol, params):
            return await super().cancel_order(id, symbol, params)
        return await self.perform(operations.cancel_order(self, id, symbol, params))

    async def cancel_orders_for_symbols(self, orders: list[Any], params: Params = {}) -> list[Order]:
        """Cancel crossed margin orders of several symbols."""
        if not is_cross(self, "cancelOrdersForSymbols", None, params):
            return await super().cancel_orders_for_symbols(orders, params)
        return await self.perform(operations.cancel_orders_for_symbols(self, orders, params))

    async def cancel_all_orders(self, symbol: str | None = None, params: Params = {}) -> list[Order]:
        """Cancel every open order of a symbol, or with None of the crossed account, proven by the balance."""
        if not is_cross(self, "cancelAllOrders", symbol, params):
            return await super().cancel_all_orders(symbol, params)
        return await self.perform(operations.cancel_all_orders(self, symbol, params))

    async def create_order(
        self,
        symbol: str,
        type: Any,  # noqa: A002
        side: Any,
        amount: float,
        price: Any = None,
        params: Params = {},
    ) -> Order:
        """Place an order; a crossed one at most once, whatever becomes of the answer."""
        if not places_cross(self, "createOrder", symbol, params):
            return await super().create_order(symbol, type, side, amount, price, params)
        order = (type, side, amount, price)
        return await self.perform(placing.create_order(self, symbol, order, params))

    async def create_orders(self, orders: list[Any], params: Params = {}) -> list[Order]:
        """Place up to 50 orders of one symbol with one request; crossed ones at most once each."""
        if not placing.batch_is_cross(self, orders, params):
            return await super().create_orders(orders, params)
        return await self.perform(placing.create_orders(self, orders, params))

    async def edit_order(
        self,
        id: str,  # noqa: A002
        symbol: str,
        type: Any,  # noqa: A002
        side: Any,
        amount: Any = None,
        price: Any = None,
        params: Params = {},
    ) -> Order:
        """Edit an order; a crossed one is refused, which stock ccxt would send to the spot wallet."""
        if places_cross(self, "editOrder", symbol, params):
            operations.refuse_edit(self)
        return await super().edit_order(id, symbol, type, side, amount, price, params)

    async def fetch_order(self, id: str, symbol: str | None = None, params: Params = {}) -> Order:  # noqa: A002
        """Fetch one order; a crossed one from open-orders, then history-orders."""
        if not is_cross(self, "fetchOrder", symbol, params):
            return await super().fetch_order(id, symbol, params)
        return await self.perform(fetching.fetch_order(self, id, symbol, params))

    async def fetch_open_orders(
        self,
        symbol: str | None = None,
        since: int | None = None,
        limit: int | None = None,
        params: Params = {},
    ) -> list[Order]:
        """Fetch open orders; crossed ones over all pages, or the newest `limit`."""
        if not is_cross(self, "fetchOpenOrders", symbol, params):
            return await super().fetch_open_orders(symbol, since, limit, params)
        return await self.perform(fetching.fetch_open_orders(self, symbol, since, limit, params))

    async def fetch_my_trades(
        self,
        symbol: str | None = None,
        since: int | None = None,
        limit: int | None = None,
        params: Params = {},
    ) -> list[Any]:
        """Fetch fills; of a unified account, crossed ones of this symbol alone.

        https://www.bitget.com/api-doc/uta/trade/Get-Order-Fills
        """
        if is_cross(self, "fetchMyTrades", symbol, params):
            await self.load_markets()
            params = fetching.unified_fills(self, symbol, params)
        return await super().fetch_my_trades(symbol, since, limit, params)

    async def fetch_balance(self, params: Params = {}) -> Any:
        """Fetch the balance; the crossed one with `free`, `used` and `debt`."""
        if not fetching.balance_is_cross(self, params):
            return await super().fetch_balance(params)
        return await self.perform(fetching.fetch_balance(self, params))

    async def handle_uta_and_params(
        self,
        params: Params,
        methodName: str | None,  # noqa: N803 - ccxt's name
        defaultValue: bool = False,  # noqa: N803 - ccxt's form
    ) -> list[Any]:
        """Return ccxt's `[uta, params]`, and whether this is a unified account only by what the venue says."""
        return await self.perform(fetching.ask_account_kind(self, methodName, params, defaultValue))

    async def fetch(self, url: str, method: str = "GET", headers: Any = None, body: Any = None) -> Any:
        """Send a request as ccxt does; a signed one follows no redirect."""
        with transport.sending(headers):
            return await super().fetch(url, method, headers, body)

    def get_socks_proxy_session(self, socksProxy: str) -> Any:  # noqa: N803 - ccxt's name
        """Return the session of a proxy, as ccxt does; for a signed request, without redirects."""
        return transport.to_send(super().get_socks_proxy_session(socksProxy))

    async def throttle(self, cost: float | None = None) -> None:
        """Wait as ccxt does, except for requests that have waited for their own window."""
        if not PACED.get():
            await super().throttle(cost)

    async def perform(self, flow: Flow[T]) -> T:
        """Run one of the adapter's flows, and return what it returns."""
        return await _Driver(self).run(flow)


class bitget(AsyncCrossedMargin, ccxt.async_support.bitget):  # type: ignore[misc]  # noqa: N801 - ccxt's name; its own types differ
    """ccxt's async `bitget`, whose crossed margin orders can be cancelled in batches, with one true answer each."""
