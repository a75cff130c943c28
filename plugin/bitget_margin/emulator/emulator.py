"""The emulator as one object: accounts, market, knobs, and an HTTP server on loopback."""

import signal
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from types import TracebackType
from typing import Self

from bitget_margin.emulator.api.router import Router
from bitget_margin.emulator.api.venue import Clock, Venue
from bitget_margin.emulator.behaviour.faults import check_duration_ms
from bitget_margin.emulator.behaviour.knobs import Knobs
from bitget_margin.emulator.control import Control, PathStep
from bitget_margin.emulator.market.loan_terms import LoanTerms
from bitget_margin.emulator.market.symbol import DEFAULT_SYMBOLS, Symbol
from bitget_margin.emulator.market.wallet import Account
from bitget_margin.emulator.messages import HttpRequest, HttpResponse
from bitget_margin.emulator.server.admin import ADMIN_PREFIX, handle_admin
from bitget_margin.emulator.server.http import Server
from bitget_margin.emulator.server.websocket import PRIVATE_SOCKETS, serve_websocket

LOOPBACK = "127.0.0.1"


class Emulator(Control):
    """Local venue that listens while its ``with`` block runs.

    :param accounts: by default one new account with a default wallet
    :param symbols: the pairs that can be traded
    :param knobs: the venue's behaviour at the start
    :param port: 0 for any free one
    :param host: address to listen on
    :param clock: returns the time in ms since the epoch; by default the system's clock
    :param path: future prices, as seconds since the start, symbol and price
    :param fault_seed: seed of the random numbers that decide which requests meet a fault with a probability
    :param loan_terms: rates, leverage and fees of loans
    """

    def __init__(
        self,
        *,
        accounts: Sequence[Account] | None = None,
        symbols: Sequence[Symbol] = DEFAULT_SYMBOLS,
        knobs: Knobs | None = None,
        port: int = 0,
        host: str = LOOPBACK,
        clock: Clock | None = None,
        path: Iterable[PathStep] = (),
        fault_seed: int = 0,
        loan_terms: LoanTerms | None = None,
    ) -> None:
        super().__init__(
            Venue(
                accounts=(Account(),) if accounts is None else accounts,
                symbols=symbols,
                knobs=knobs or Knobs(),
                clock=clock or _system_clock,
                fault_seed=fault_seed,
                loan_terms=loan_terms or LoanTerms(),
            )
        )
        self._router = Router(self._venue)
        self.schedule(path)
        sockets = {path: partial(serve_websocket, self._venue, kind) for path, kind in PRIVATE_SOCKETS.items()}
        self._server = Server(self._handle, sockets, host, port)

    @property
    def url(self) -> str:
        """URL of the emulator."""
        return f"http://{self._server.host}:{self._server.port}"

    def start(self) -> None:
        """Listen until ``stop``; a ``with`` block does both."""
        self._server.start()

    def stop(self) -> None:
        """Close all connections and free the port."""
        self._server.stop()

    def refuse_connections(self, duration_ms: int) -> None:
        """Reset all connections and refuse new ones for a while; returns once that is in effect."""
        check_duration_ms(duration_ms)
        self._server.refuse_connections(duration_ms)

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()

    def _handle(self, request: HttpRequest) -> HttpResponse:
        return handle_admin(self, request) if request.path.startswith(ADMIN_PREFIX) else self._router.handle(request)


def _system_clock() -> int:
    return time.time_ns() // 1_000_000


def run(
    *,
    accounts: Sequence[Account] | None = None,
    symbols: Sequence[Symbol] = DEFAULT_SYMBOLS,
    knobs: Knobs | None = None,
    port: int = 0,
    host: str = LOOPBACK,
    path: Iterable[PathStep] = (),
    loan_terms: LoanTerms | None = None,
    on_ready: Callable[[Emulator], object] | None = None,
) -> None:
    """Run a venue in the main thread until SIGINT or SIGTERM; the parameters are those of `Emulator`.

    :param on_ready: called once it listens
    """
    stopping = threading.Event()
    signals = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, lambda *_: stopping.set()) for number in signals}
    try:
        with Emulator(
            accounts=accounts, symbols=symbols, knobs=knobs, port=port, host=host, path=path, loan_terms=loan_terms
        ) as venue:
            if on_ready is not None:
                on_ready(venue)
            stopping.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
