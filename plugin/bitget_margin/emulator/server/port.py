"""A port that stays taken while nobody listens on it."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

_Protocols = Callable[[], asyncio.BaseProtocol]

#: What a name stands for, but this machine does not have, as an address of IPv6 often is.
_ABSENT = frozenset({errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT})


@dataclass(frozen=True, slots=True)
class _Address:
    """Where to listen, in the form that the family of the address wants."""

    family: socket.AddressFamily
    parts: tuple[Any, ...]

    def bound(self) -> socket.socket:
        """Return a socket that has this address, together with others that do not listen."""
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
    """A port of a host, on all addresses of its name; to be used inside a running loop.

    Once it was open, a socket that never listens keeps it: while it is shut, connections are refused, and no other
    program is given it.

    :param number: 0 for any free one
    :param protocols: makes the protocol of each connection
    """

    def __init__(self, host: str, number: int, protocols: _Protocols) -> None:
        self.number = number
        self._host = host
        self._protocols = protocols
        self._addresses: list[_Address] = []
        self._keepers: list[socket.socket] = []
        self._listeners: list[socket.socket] = []
        self._arriving: set[asyncio.Task[object]] = set()

    def open(self) -> None:
        """Listen, or raise the OSError that prevents it."""
        loop = asyncio.get_running_loop()
        try:
            if self._addresses:
                self._listeners = [address.bound() for address in self._addresses]
            else:
                self._find()
            for listener in self._listeners:
                listener.listen()
                loop.add_reader(listener, self._accept, listener)
        except OSError as error:
            self._close()
            raise OSError(error.errno, str(error.strerror).lower(), f"{self._host}:{self.number}") from error

    async def shut(self) -> None:
        """Listen no more; whoever was not accepted yet is reset, and whoever was has a protocol afterwards."""
        self._close()
        # Closing an asyncio.Server instead would forget those that it has just accepted, and leave them to hang.
        await asyncio.gather(*self._arriving, return_exceptions=True)

    async def release(self) -> None:
        """Listen no more, and leave the port to others."""
        for resting in self._keepers:
            resting.close()
        self._keepers.clear()
        self._addresses.clear()
        await self.shut()

    def _find(self) -> None:
        """Bind to all addresses of the host for the first time, and keep them."""
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
                self._keepers.append(address.bound())
        if absent is not None and not self._listeners:
            raise absent

    def _accept(self, listener: socket.socket) -> None:
        try:
            connection, _ = listener.accept()
        except OSError:  # it has left already
            return
        connection.setblocking(False)
        loop = asyncio.get_running_loop()
        arrival: asyncio.Task[object] = loop.create_task(self._welcome(connection))
        self._arriving.add(arrival)
        arrival.add_done_callback(self._arriving.discard)

    async def _welcome(self, connection: socket.socket) -> None:
        await asyncio.get_running_loop().connect_accepted_socket(self._protocols, connection)

    def _close(self) -> None:
        for listener in self._listeners:
            asyncio.get_running_loop().remove_reader(listener)
            listener.close()
        self._listeners.clear()
