"""Files of a new user directory: their text, and writing all of them or none."""

import importlib.resources
import json
import os
import re
import secrets
import shlex
import signal
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bitget_margin.cli.signals import signal_handlers
from bitget_margin.own_command import SCRIPT

DEFAULT_FOLDER: Final = "user_data"
"""Folder that the templates name, which is freqtrade's default."""
EMULATOR_CONFIG: Final = "config.emulator.json"
BITGET_CONFIG: Final = "config.bitget.json"
README: Final = "README.md"
STRATEGY: Final = "strategies/LadderExample.py"
API_PORTS: Final = {EMULATOR_CONFIG: 8080, BITGET_CONFIG: 8081}
"""Ports of freqtrade's API server: two, so that both bots can run at the same time."""
API_USER: Final = "freqtrader"
_TEMPLATES: Final = importlib.resources.files("bitget_margin.cli.start") / DEFAULT_FOLDER
_API_LINE: Final = (
    "    // freqtrade's API server and FreqUI: `bitget-margin init` writes them here, with a password of its own.\n"
)
_SECRET_BYTES: Final = 32
_PRIVATE: Final = 0o600
_PUBLIC: Final = 0o666
"""Mode from which the umask of the user takes."""
_END_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class FolderRefused(Exception):
    """A folder in which the files cannot be written as they should; nothing was written."""


class _Interrupted(Exception):
    """Signal that ends the command before all files are written."""


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file to be written: its path below the folder, its text, and whether only its owner may read it."""

    name: str
    text: str
    is_private: bool = False


def new_files(folder: Path, command: str = SCRIPT) -> tuple[NewFile, ...]:
    """Return the files of a user directory, with paths by this folder and with new passwords.

    :param folder: as commands name it that run in the working directory of today
    :param command: words that start this program in a shell
    """
    configs = (NewFile(name, _config(name, port, folder), is_private=True) for name, port in API_PORTS.items())
    return (NewFile(README, _readme(folder, command)), NewFile(STRATEGY, template(STRATEGY)), *configs)


def template(name: str) -> str:
    """Return the text of a template."""
    return (_TEMPLATES / name).read_text("utf-8")


def shell_path(path: Path) -> str:
    """Return a path as an argument of a shell's command."""
    text = str(path)
    return shlex.quote(f"./{text}" if text.startswith("-") else text)


def check_name(folder: Path) -> None:
    """Check that the path of a folder can stand in a configuration.

    :raises FolderRefused: it cannot
    """
    # SQLAlchemy ends the path of a database at a question mark; a README in which a line breaks off misleads.
    wrong = [character for character in str(folder) if character == "?" or not character.isprintable()]
    if wrong:
        raise FolderRefused(f"{str(folder)!r} has {wrong[0]!r} in its name, which the path of a database cannot have")


def check_folder(folder: Path, files: Sequence[NewFile]) -> None:
    """Check that files can be new in a folder.

    :raises FolderRefused: one of them exists, the folder is no folder, or its name cannot stand in a configuration
    """
    check_name(folder)
    for path in (folder, *folder.parents):
        if os.path.lexists(path):
            if not path.is_dir():
                raise FolderRefused(f"{path} exists, and is no folder: name another one, or move it away")
            break
    found = [str(folder / file.name) for file in files if os.path.lexists(folder / file.name)]
    if found:
        raise FolderRefused(
            f"{', '.join(found)} {'exist' if len(found) > 1 else 'exists'}, and nothing is overwritten: name another "
            "folder, or move them away"
        )


def write_files(folder: Path, files: Sequence[NewFile]) -> None:
    """Write all files, or none: what an error or a signal has left is removed again.

    :raises OSError: a file cannot be written, or exists by now
    """
    made: list[Path] = []
    received: list[signal.Signals] = []
    # A signal must not end the command between a new file and the note of it.
    handlers = {
        number: lambda number, _frame: received.append(signal.Signals(number))
        for number in _END_SIGNALS
        if signal.getsignal(number) is not signal.SIG_IGN
    }
    with signal_handlers(handlers):
        try:
            for file in files:
                _make_folders((folder / file.name).parent, made)
                _write_new(folder / file.name, file, made)
                if received:
                    raise _Interrupted
        except BaseException as error:
            _remove(made)
            if not isinstance(error, _Interrupted):
                raise
    if received:
        signal.raise_signal(received[0])


def _make_folders(folder: Path, made: list[Path]) -> None:
    for path in (*reversed(folder.parents), folder):
        if not path.is_dir():
            path.mkdir()
            made.append(path)


def _write_new(path: Path, file: NewFile, made: list[Path]) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    descriptor = os.open(path, flags, _PRIVATE if file.is_private else _PUBLIC)
    made.append(path)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(file.text)


def _remove(made: Sequence[Path]) -> None:
    for path in reversed(made):
        with suppress(OSError):
            path.rmdir() if path.is_dir() else path.unlink()


def _readme(folder: Path, command: str) -> str:
    """Return the README, whose commands run as they stand: by their path, with every path quoted for a shell."""
    text = re.sub(rf"\b{DEFAULT_FOLDER}\b(/[\w.]+)?", lambda found: _in_shell(folder, found), template(README))
    return re.sub(rf"^( *){SCRIPT} ", lambda found: f"{found[1]}{command} ", text, flags=re.MULTILINE)


def _in_shell(folder: Path, found: re.Match[str]) -> str:
    return shell_path(folder / (found[1] or "").lstrip("/"))


def _config(name: str, port: int, folder: Path) -> str:
    """Return a configuration; escapes keep it readable whatever encoding freqtrade opens it with."""
    text = re.sub(
        rf'"(sqlite:///)?{DEFAULT_FOLDER}(/[\w.]+)?"',
        lambda found: json.dumps((found[1] or "") + str(folder / (found[2] or "").lstrip("/"))),
        template(name),
    )
    api = {
        "enabled": True,
        "listen_ip_address": "127.0.0.1",
        "listen_port": port,
        "username": API_USER,
        "password": secrets.token_urlsafe(_SECRET_BYTES),
        "jwt_secret_key": secrets.token_urlsafe(_SECRET_BYTES),
        "ws_token": secrets.token_urlsafe(_SECRET_BYTES),
    }
    block = json.dumps({"api_server": api}, indent=4).removeprefix("{\n").removesuffix("\n}")
    before, line, after = text.partition(_API_LINE)
    if not line:
        raise AssertionError(f"{name} has no line for the API server")
    return (
        f"{before}    // freqtrade's API server and FreqUI, on this machine only. Whoever has the password can trade "
        f"with this bot.\n{block},\n{after}"
    )
