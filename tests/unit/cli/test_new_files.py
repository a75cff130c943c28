"""Promise: the files of `init` are readable, private where they have a password, and written all or none."""

import json
import os
import re
import shlex
import signal
import stat
from pathlib import Path
from typing import Any

import pytest
import rapidjson

from bitget_margin.cli.start import new_files
from bitget_margin.cli.start.new_files import (
    BITGET_CONFIG,
    EMULATOR_CONFIG,
    README,
    STRATEGY,
    FolderRefused,
    NewFile,
    check_folder,
    write_files,
)
from bitget_margin.emulator import ccxt_urls
from support.documents import ROOT

NAMES = (README, STRATEGY, EMULATOR_CONFIG, BITGET_CONFIG)
FOLDERS = ("user_data", "my bot", "/home/grün/my \"first\" 'bot'", "-x", "a/b/../user_data")


def texts(folder: str) -> dict[str, str]:
    return {file.name: file.text for file in new_files.new_files(Path(folder))}


def read(text: str) -> dict[str, Any]:
    """Read a configuration as freqtrade does."""
    parsed: dict[str, Any] = rapidjson.loads(text, parse_mode=rapidjson.PM_COMMENTS | rapidjson.PM_TRAILING_COMMAS)
    return parsed


@pytest.mark.parametrize("name", NAMES)
def test_the_repository_shows_the_templates_byte_by_byte(name: str) -> None:
    """Copy `plugin/bitget_margin/cli/start/user_data` to `user_data` after a change."""
    assert (ROOT / "user_data" / name).read_text("utf-8") == new_files.template(name)


@pytest.mark.parametrize("folder", FOLDERS)
@pytest.mark.parametrize("name", [EMULATOR_CONFIG, BITGET_CONFIG])
def test_a_configuration_is_its_template_with_the_folder_and_an_api_server(name: str, folder: str) -> None:
    text = texts(folder)[name]
    config, plain = read(text), read(new_files.template(name))
    assert text.isascii()
    server = config.pop("api_server")
    assert (server["enabled"], server["listen_ip_address"], server["username"]) == (True, "127.0.0.1", "freqtrader")
    expected = {**plain, "user_data_dir": str(Path(folder))}
    if name == EMULATOR_CONFIG:
        expected["db_url"] = f"sqlite:///{Path(folder)}/trades.emulator.sqlite"
    assert config == expected


def test_both_bots_can_run_at_the_same_time() -> None:
    found = texts("user_data")
    ports = [read(found[name])["api_server"]["listen_port"] for name in (EMULATOR_CONFIG, BITGET_CONFIG)]
    assert ports == [8080, 8081]


def test_every_secret_is_random_and_stands_once() -> None:
    found = [file.text for _ in range(2) for file in new_files.new_files(Path("user_data")) if file.is_private]
    servers = [read(text)["api_server"] for text in found]
    secrets = [server[name] for server in servers for name in ("password", "jwt_secret_key", "ws_token")]
    assert len(set(secrets)) == 12
    assert all(len(secret) >= 40 for secret in secrets)


def test_no_api_key_stands_in_a_file_and_a_real_account_begins_dry() -> None:
    found = texts("user_data")
    for name in (EMULATOR_CONFIG, BITGET_CONFIG):
        assert not {"key", "secret", "password"} & set(read(found[name])["exchange"])
    assert read(found[BITGET_CONFIG])["dry_run"] is True
    assert read(found[EMULATOR_CONFIG])["exchange"]["ccxt_config"]["urls"] == ccxt_urls("http://127.0.0.1:8787")


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_commands_of_the_readme_name_the_folder(folder: str) -> None:
    text = texts(folder)[README]
    commands = [shlex.split(line) for line in re.findall(r"^ *(bitget-margin .*)$", text, re.MULTILINE)]
    path = str(Path(folder)) if folder != "-x" else "./-x"
    assert ["bitget-margin", "up", path] in commands
    assert ["bitget-margin", "doctor", "--config", f"{path}/{BITGET_CONFIG}"] in commands
    assert ["bitget-margin", "freqtrade", "trade", "--config", f"{path}/{BITGET_CONFIG}"] in commands
    assert ("user_data" in text) == ("user_data" in folder)


def test_the_commands_of_the_readme_run_as_they_stand() -> None:
    plain, own = (
        {file.name: file.text for file in new_files.new_files(Path("bot"), command)}[README]
        for command in ("bitget-margin", "'my env/bin/bitget-margin'")
    )
    commands = re.findall(r"^ *(bitget-margin .*)$", plain, re.MULTILINE)
    assert len(commands) == 5
    assert re.findall(r"^ *'my env/bin/(bitget-margin)'( .*)$", own, re.MULTILINE) == [
        ("bitget-margin", command.removeprefix("bitget-margin")) for command in commands
    ]
    assert re.findall(r"^ *bitget-margin ", own, re.MULTILINE) == []


def written(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


FILES = (NewFile("a.md", "1"), NewFile("below/b.py", "2"), NewFile("c.json", "3", is_private=True))


def test_all_are_written_and_private_ones_are_the_owner_s(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "one"
    check_folder(folder, FILES)
    before = os.umask(0o022)
    try:
        write_files(folder, FILES)
    finally:
        os.umask(before)
    assert written(folder) == {"a.md": "1", "below/b.py": "2", "c.json": "3"}
    modes = {name: stat.S_IMODE((folder / name).stat().st_mode) for name in ("a.md", "c.json")}
    assert modes == {"a.md": 0o644, "c.json": 0o600}


def test_a_folder_with_other_files_takes_them(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "mine.txt").write_text("mine")
    check_folder(tmp_path, FILES)
    write_files(tmp_path, FILES)
    assert written(tmp_path) == {"a.md": "1", "below/b.py": "2", "c.json": "3", "mine.txt": "mine"}


@pytest.mark.parametrize("kind", ["file", "dangling link", "folder"])
def test_what_exists_is_named_and_kept(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "c.json"
    match kind:
        case "file":
            path.write_text("mine")
        case "dangling link":
            path.symlink_to(tmp_path / "nowhere")
        case _:
            path.mkdir()
    with pytest.raises(FolderRefused, match=re.escape(f"{path} exists")):
        check_folder(tmp_path, FILES)
    # And if it has appeared since.
    with pytest.raises(FileExistsError):
        write_files(tmp_path, FILES)
    assert names(tmp_path) == ["c.json"]


@pytest.mark.parametrize("below", ["", "below", "below/it"])
def test_a_file_where_a_folder_should_be_is_refused(tmp_path: Path, below: str) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(FolderRefused, match="file exists, and is no folder"):
        check_folder(tmp_path / "file" / below, FILES)
    assert written(tmp_path) == {"file": "mine"}


@pytest.mark.parametrize("name", ["what?", "two\nlines", "bell\x07", os.fsdecode(b"\xff")])
def test_a_name_that_a_configuration_cannot_have_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(FolderRefused, match="in its name"):
        check_folder(tmp_path / name, FILES)


def test_an_error_in_the_middle_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    fdopen = os.fdopen

    def full(descriptor: int, *args: Any, **named: Any) -> Any:
        if os.path.basename(os.readlink(f"/proc/self/fd/{descriptor}")) == "c.json":  # noqa: PTH115, PTH119
            os.close(descriptor)
            raise OSError(28, "No space left on device")
        return fdopen(descriptor, *args, **named)

    monkeypatch.setattr(os, "fdopen", full)
    with pytest.raises(OSError, match="No space left"):
        write_files(tmp_path, FILES)
    assert names(tmp_path) == ["mine.txt"]


def test_a_signal_in_the_middle_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fdopen = os.fdopen

    def interrupted(descriptor: int, *args: Any, **named: Any) -> Any:
        if os.readlink(f"/proc/self/fd/{descriptor}").endswith("b.py"):  # noqa: PTH115
            signal.raise_signal(signal.SIGINT)
        return fdopen(descriptor, *args, **named)

    monkeypatch.setattr(os, "fdopen", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_files(tmp_path / "new", FILES)
    assert names(tmp_path) == []


def test_a_folder_that_nobody_may_write_to_stays_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a failing mkdir: the tests may run as a user who may do everything."""

    def refused(path: Path, *_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "mkdir", refused)
    with pytest.raises(PermissionError):
        write_files(tmp_path, FILES)
    assert names(tmp_path) == []


def test_the_templates_say_where_the_api_server_comes_from() -> None:
    """The line that `init` replaces."""
    for name in (EMULATOR_CONFIG, BITGET_CONFIG):
        template = new_files.template(name)
        assert "api_server" not in read(template)
        assert json.dumps(template).count("bitget-margin init") == 1
