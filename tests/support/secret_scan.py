"""Search everything that a run prints, logs, raises or shows of its objects for secrets."""

import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import pytest

import bitget_margin

OURS: Final = str(Path(bitget_margin.__file__).parent)


class SecretScan:
    """Recorded outputs, and the secrets that must not be in them."""

    def __init__(self) -> None:
        self.outputs: dict[str, str] = {}
        self.secrets: set[str] = set()
        self.signatures: set[str] = set()
        self.errors: list[BaseException] = []

    def record(self, source: str, text: str) -> None:
        """Add a text of one source."""
        self.outputs[source] = self.outputs.get(source, "") + text + "\n"

    def record_objects(self, source: str, *objects: object) -> None:
        """Add the repr and the str of objects."""
        for item in objects:
            self.record(source, f"{item!r}\n{item}")

    def record_error(self, error: BaseException) -> None:
        """Add an exception: its traceback, its linked exceptions with their attributes, and local variables of ours."""
        self.errors.append(error)
        kind = f"exception {len(self.errors)}: {type(error).__name__}"
        self.record(kind, "".join(traceback.format_exception(error)))
        for link in linked(error):
            self.record_objects(f"{kind}, of {type(link).__name__}", link, link.args, *vars(link).values())
            self.record(f"{kind}, our locals", our_locals(link))

    def record_printed(self, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> str:
        """Add the captured output and log; return the standard output."""
        printed = capfd.readouterr()
        for source, text in (("stdout", printed.out), ("stderr", printed.err), ("log", caplog.text)):
            self.record(source, text)
        return printed.out

    def watch_signatures(self, exchange: Any) -> None:
        """Treat every signature that the exchange sends as a secret."""
        sign = exchange.sign

        def signed(*args: Any, **named: Any) -> Any:
            request = sign(*args, **named)
            signature = (request["headers"] or {}).get("ACCESS-SIGN")
            if signature is not None:
                self.signatures.add(str.__str__(signature))
            return request

        exchange.sign = signed

    def leaks(self) -> dict[str, set[str]]:
        """Return the secrets that were found, by source."""
        known = {secret for secret in self.secrets | self.signatures if secret}
        written = {form: secret for secret in known for form in (secret, quote(secret, safe=""))}
        found = {source: {written[form] for form in written if form in text} for source, text in self.outputs.items()}
        return {source: secrets for source, secrets in found.items() if secrets}


def linked(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and all exceptions that are linked to it."""
    todo: list[Any] = [error]
    seen: set[int] = set()
    while todo:
        link = todo.pop()
        if isinstance(link, BaseException) and id(link) not in seen:
            seen.add(id(link))
            yield link
            todo += [link.__cause__, link.__context__, getattr(link, "reason", None), *link.args]


def our_locals(error: BaseException) -> str:
    """Return the local variables of our own functions in a traceback."""
    shown = traceback.TracebackException.from_exception(error, capture_locals=True)
    frames = [frame for frame in shown.stack if frame.filename.startswith(OURS)]
    return "\n".join(
        f"{frame.name}: {name} = {value}" for frame in frames for name, value in (frame.locals or {}).items()
    )
