"""TCP port that stays reserved while connections are refused."""

import asyncio
import contextlib
import errno
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

_Protocols = Callable[[], asyncio.BaseProtocol]

_ABSENT = frozenset({errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT})
"""Errors of an address that this machine does not have, as is common for IPv6."""


@dataclass(frozen=True, slots=True)
class _Address:
    """Address to listen on, in the form of its address family."""

    family: socket.AddressFamily
    parts: tuple[Any, ...]

    def bound(self) -> socket.socket:
        """Return a new socket bound to this address, which other sockets that do not listen can share."""
        bound = socket.socket(self.family, socket.SOCK_STREAM)
        try:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if self.family is socket.AF_INET6:
                bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            bound.setblocking(False)
            bound.bind(self.parts)
        except BaseException:
            bound.close()
            raise
        return bound


class Port:
    """Port of a host, on all addresses of its name; to be used inside a running loop.

    Once it was open, sockets that never listen reserve it: while it is shut, connections are refused, and no other
    program can get it.

    :param number: 0 for any free one
    :param protocols: creates the protocol of each connection
    """

    def __init__(self, host: str, number: int, protocols: _Protocols) -> None:
        self.number = number
        self._host = host
        self._protocols = protocols
        self._addresses: list[_Address] = []
        self._reserving: list[socket.socket] = []
        self._listeners: list[socket.socket] = []
        self._connecting: set[asyncio.Task[object]] = set()

    def open(self) -> None:
        """Listen, or raise the OSError that prevents it."""
        loop = asyncio.get_running_loop()
        try:
            if self._addresses:
                self._listeners = [address.bound() for address in self._addresses]
            else:
                self._bind()
            for listener in self._listeners:
                listener.listen()
                loop.add_reader(listener, self._accept, listener)
        except OSError as error:
            self._close()
            raise OSError(error.errno, str(error.strerror).lower(), f"{self._host}:{self.number}") from error

    async def shut(self) -> None:
        """Stop listening; connections not yet accepted are reset, and accepted ones have a protocol afterwards."""
        self._close()
        # Closing an asyncio.Server instead would drop connections that it has just accepted, and leave them hanging.
        await asyncio.gather(*self._connecting, return_exceptions=True)

    async def release(self) -> None:
        """Stop listening, and release the port."""
        for reserving in self._reserving:
            reserving.close()
        self._reserving.clear()
        self._addresses.clear()
        await self.shut()

    def _bind(self) -> None:
        """Bind to all addresses of the host for the first time, and reserve them."""
        absent: OSError | None = None
        found = socket.getaddrinfo(self._host or None, self.number, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, _, _, _, (ip, _, *more) in dict.fromkeys(found):
            address = _Address(family, (ip, self.number, *more))
            try:
                listener = address.bound()
            except OSError as error:
                if error.errno not in _ABSENT:
                    raise
                absent = error
                continue
            self._listeners.append(listener)
            self.number = listener.getsockname()[1]
            address = _Address(family, (ip, self.number, *more))
            self._addresses.append(address)
            # Two sockets can have one address only as long as neither listens, and not on every system.
            with contextlib.suppress(OSError):
                self._reserving.append(address.bound())
        if absent is not None and not self._listeners:
            raise absent

    def _accept(self, listener: socket.socket) -> None:
        try:
            connection, _ = listener.accept()
        except OSError:  # it has disconnected already
            return
        connection.setblocking(False)
        loop = asyncio.get_running_loop()
        connecting: asyncio.Task[object] = loop.create_task(self._connect(connection))
        self._connecting.add(connecting)
        connecting.add_done_callback(self._connecting.discard)

    async def _connect(self, connection: socket.socket) -> None:
        await asyncio.get_running_loop().connect_accepted_socket(self._protocols, connection)

    def _close(self) -> None:
        for listener in self._listeners:
            asyncio.get_running_loop().remove_reader(listener)
            listener.close()
        self._listeners.clear()
