"""Everything that a run says, to anybody: what it prints, logs, raises and shows of its objects."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import bitget_margin

OURS: Final = str(Path(bitget_margin.__file__).parent)


class Overheard:
    """What was said, and what must not be in it."""

    def __init__(self) -> None:
        self.said: dict[str, str] = {}
        self.secrets: set[str] = set()
        self.signatures: set[str] = set()
        self.errors: list[BaseException] = []

    def hear(self, where: str, text: str) -> None:
        """Take down what was said somewhere."""
        self.said[where] = self.said.get(where, "") + text + "\n"

    def show(self, where: str, *things: object) -> None:
        """Take down how objects show themselves."""
        for thing in things:
            self.hear(where, f"{thing!r}\n{thing}")

    def catch(self, error: BaseException) -> None:
        """Take down an exception as it is usually shown, as curious tools show it, and everything that it carries."""
        self.errors.append(error)
        kind = f"exception {len(self.errors)}: {type(error).__name__}"
        self.hear(kind, "".join(traceback.format_exception(error)))
        for link in linked(error):
            self.show(f"{kind}, of {type(link).__name__}", link, link.args, *vars(link).values())
            self.hear(f"{kind}, our locals", our_locals(link))

    def listen_to_signatures(self, exchange: Any) -> None:
        """Learn every signature that is sent."""
        sign = exchange.sign

        def listening(*args: Any, **named: Any) -> Any:
            request = sign(*args, **named)
            signature = (request["headers"] or {}).get("ACCESS-SIGN")
            if signature is not None:
                self.signatures.add(str.__str__(signature))
            return request

        exchange.sign = listening

    def leaks(self) -> dict[str, set[str]]:
        """Return where secrets were said, and which."""
        known = {secret for secret in self.secrets | self.signatures if secret}
        written = {form: secret for secret in known for form in (secret, quote(secret, safe=""))}
        found = {where: {written[form] for form in written if form in text} for where, text in self.said.items()}
        return {where: secrets for where, secrets in found.items() if secrets}


def linked(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception, and every other that hangs on it."""
    todo: list[Any] = [error]
    seen: set[int] = set()
    while todo:
        link = todo.pop()
        if isinstance(link, BaseException) and id(link) not in seen:
            seen.add(id(link))
            yield link
            todo += [link.__cause__, link.__context__, getattr(link, "reason", None), *link.args]


def our_locals(error: BaseException) -> str:
    """Return what the local variables of our own functions show."""
    shown = traceback.TracebackException.from_exception(error, capture_locals=True)
    frames = [frame for frame in shown.stack if frame.filename.startswith(OURS)]
    return "\n".join(
        f"{frame.name}: {name} = {value}" for frame in frames for name, value in (frame.locals or {}).items()
    )
