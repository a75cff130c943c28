"""Emulator in a process of its own, so that its work does not count as the client's."""

import contextlib
import multiprocessing
from collections.abc import Iterator
from multiprocessing.connection import Connection
from typing import Any, Final

from bitget_margin.emulator import Account, AccountKind, Emulator, ccxt_urls, synthetic_symbols

MARKET: Final = "BTCUSDT"
SYMBOL: Final = "BTC/USDT"
CROSS: Final = {"marginMode": "cross"}
_BALANCES: Final = {"USDT": "1000000000", "BTC": "10000"}
_LOWEST_PRICE: Final = 10_000


class VenueProcess:
    """Connection to an emulator in another process."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self.url, self.account = pipe.recv()

    def __call__(self, method: str, *args: Any, **named: Any) -> Any:
        self._pipe.send((method, args, named))
        result = self._pipe.recv()
        if isinstance(result, Exception):
            raise result
        return result

    def config(self, **options: Any) -> dict[str, Any]:
        """Return the configuration of a client."""
        account = self.account
        return {
            "apiKey": account.api_key,
            "secret": account.secret,
            "password": account.password,
            "urls": ccxt_urls(self.url),
            "enableRateLimit": True,
            "options": {"fetchMarkets": {"types": ["spot"]}, "uta": False, "uid": account.uid, **options},
        }


@contextlib.contextmanager
def start_venue(kind: AccountKind = AccountKind.CLASSIC, symbols: int = 0) -> Iterator[VenueProcess]:
    """Run an emulator in another process, with an account of this kind.

    :param symbols: number of synthetic symbols; 0 for those that an emulator has by itself
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, kind, symbols), daemon=True)
    process.start()
    try:
        yield VenueProcess(ours)
    finally:
        ours.send(None)
        process.join(10)
        process.kill()


def _serve(pipe: Connection, kind: AccountKind, symbols: int) -> None:
    account = Account(balances=_BALANCES, kind=kind)
    listed = {"symbols": synthetic_symbols(symbols)} if symbols else {}
    with Emulator(accounts=(account,), **listed) as venue:
        pipe.send((venue.url, account))
        while (request := pipe.recv()) is not None:
            method, args, named = request
            try:
                local = _LOCAL_METHODS.get(method)
                pipe.send(local(venue, *args) if local else getattr(venue, method)(*args, **named))
            except Exception as error:  # noqa: BLE001 - raised again in the other process
                pipe.send(error)


def _place(venue: Emulator, count: int) -> list[str]:
    """Place resting buy orders; return their ids."""
    uid = venue.accounts[0].uid
    order = {"symbol": MARKET, "side": "buy", "baseSize": "0.001"}
    return [venue.place(uid, order | {"price": str(_LOWEST_PRICE + i % 10_000)}) for i in range(count)]


def _spread(venue: Emulator, count: int, symbols: int) -> None:
    """Place resting buy orders, the same number on each synthetic symbol."""
    for i in range(count):
        order = {"symbol": f"C{i % symbols + 1:03}USDT", "side": "buy", "baseSize": "1"}
        venue.place(venue.accounts[0].uid, order | {"price": str(50 + i // symbols % 400 / 10)})


def _live(venue: Emulator) -> int:
    return len(venue.orders(live_only=True))


def _clear(venue: Emulator) -> int:
    """Cancel all live orders; return their number."""
    left = venue.orders(live_only=True)
    for order in left:
        venue.cancel(order.order_id)
    return len(left)


def _counts(venue: Emulator) -> dict[int, int]:
    """Return the number of requests by HTTP status, and clear the log."""
    counts: dict[int, int] = {}
    for record in venue.requests:
        if record.uid:
            counts[record.status] = counts.get(record.status, 0) + 1
    venue.reset_requests()
    return counts


_LOCAL_METHODS: Final = {
    "place": _place,
    "spread": _spread,
    "live": _live,
    "clear": _clear,
    "counts": _counts,
}
