"""Credentials: masked, since ccxt prints and logs request headers; refused where no request can carry them."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
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


_FOREIGN: Final = re.compile(r"[^ -~]|\A | \Z")
"""Character that no key, secret or passphrase has there; headers carry few of them, and none as it is."""


def unfit(credentials: Mapping[str, object]) -> tuple[str, str] | None:
    """Return the name of a credential that no request can carry, and why; of its text, only that character is named.

    Line breaks of a file, and invisible or shortened characters of a web page, are such. HTTP clients fail with them in
    ways that look like a response that cannot be read.

    :returns: None where they may be right; what is no string is not examined
    """
    for name, value in credentials.items():
        text = value if isinstance(value, str) else ""
        found = _FOREIGN.search(text)
        if found is not None:
            what = unicodedata.name(found[0], f"U+{ord(found[0]):04X}").lower()
            return name, f"has a character that no key has there ({what}, position {found.start() + 1} of {len(text)})"
    return None


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


def masked(values: Iterable[object], secrets: Sequence[object]) -> tuple[str, ...]:
    """Return the values as texts, each masked."""
    return tuple(mask(str(value), secrets) for value in values)
