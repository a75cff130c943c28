"""Credentials that do not show: ccxt prints and logs request headers when it is verbose or at debug level."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

MASK: Final = "***"
_SIGN: Final = re.compile(r"""(["']sign["']\s*:\s*["'])[^"']+""")


class Secret(str):
    """A string that HTTP clients send as it is, and that shows itself as `***` inside whatever prints it."""

    __slots__ = ()

    def __repr__(self) -> str:
        """Hide the value: this is what a printed or logged dict of headers shows."""
        return repr(MASK)


def mask(text: str, secrets: Iterable[object]) -> str:
    """Return the text without these secrets, and without the signature of a websocket login."""
    for secret in secrets:
        if isinstance(secret, str) and secret:
            text = text.replace(secret, MASK)
    return _SIGN.sub(rf"\g<1>{MASK}", text)
