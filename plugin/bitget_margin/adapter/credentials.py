"""Masking of credentials: ccxt prints and logs request headers in verbose mode and at level DEBUG."""

import re
from collections.abc import Iterable
from typing import Final

MASK: Final = "***"
_SIGN: Final = re.compile(r"""(["']sign["']\s*:\s*["'])[^"']+""")


class Secret(str):
    """String that HTTP clients send unchanged and whose `repr` is masked."""

    __slots__ = ()

    def __repr__(self) -> str:
        """Return `'***'`, which a printed or logged dict of headers then contains."""
        return repr(MASK)


def mask(text: str, secrets: Iterable[object]) -> str:
    """Return the text with these secrets, and the signature of a websocket login, masked."""
    for secret in secrets:
        if isinstance(secret, str) and secret:
            text = text.replace(secret, MASK)
    return _SIGN.sub(rf"\g<1>{MASK}", text)
