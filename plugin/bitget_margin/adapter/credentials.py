"""Masking of credentials: ccxt prints and logs request headers in verbose mode and at level DEBUG."""

import re
from collections.abc import Iterable
from typing import Final

MASK: Final = "***"
_WORD_LENGTH: Final = 4
"""Length from which a secret is masked inside of words, too; no key, secret or passphrase of the venue is shorter."""
_SIGN: Final = re.compile(r"""(["']sign["']\s*:\s*["'])[^"']+""")


class Secret(str):
    """String that HTTP clients send unchanged and whose `repr` is masked."""

    __slots__ = ()

    def __repr__(self) -> str:
        """Return `'***'`, which a printed or logged dict of headers then contains."""
        return repr(MASK)


def mask(text: str, secrets: Iterable[object]) -> str:
    """Return the text with these secrets, and the signature of a websocket login, masked.

    A secret of a few letters is masked where it is a word of its own.
    """
    for secret in secrets:
        if not isinstance(secret, str) or not secret:
            continue
        if len(secret) < _WORD_LENGTH:  # such as the "a" of a test, which would mask every a
            text = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", MASK, text)
        else:
            text = text.replace(secret, MASK)
    return _SIGN.sub(rf"\g<1>{MASK}", text)
