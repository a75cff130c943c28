"""Promise: the Dockerfile and the two bots' services fit the package, freqtrade and each other."""

import configparser
import json
import os
import re
import shlex
from collections.abc import Iterator
from typing import Any
from unittest import mock
from urllib.parse import urlsplit

import click
import pytest
import yaml

from bitget_margin.cli.commands import main
from bitget_margin.freqtrade.config import parse_config
from bitget_margin.rate_limit.config import LimiterConfig
from support.documents import DOCS, ROOT, examples

IMAGE = "freqtradeorg/freqtrade:${FREQTRADE}"
TWO_BOTS: dict[str, Any] = yaml.safe_load((ROOT / "compose.two-bots.yaml").read_text("utf-8"))["services"]
BOTS = {name: service for name, service in TWO_BOTS.items() if "build" in service}
USER_DATA = "/freqtrade/user_data"
"""Where the image has freqtrade's user directory."""


def instructions() -> Iterator[tuple[str, str]]:
    """Return the Dockerfile's instructions with their arguments."""
    text = (ROOT / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
    for line in text.splitlines():
        if line and not line.startswith("#"):
            word, _, arguments = line.partition(" ")
            yield word, arguments


def settings() -> configparser.ConfigParser:
    metadata = configparser.ConfigParser()
    metadata.read(ROOT / "setup.cfg", "utf-8")
    return metadata


def of(word: str) -> list[str]:
    return [arguments for each, arguments in instructions() if each == word]


def understood(arguments: list[str]) -> dict[str, Any]:
    from freqtrade.commands.arguments import Arguments  # noqa: PLC0415 - seconds, and only these tests need it

    return dict(Arguments(arguments).get_parsed_arg())


def test_both_stages_are_freqtrade_s_image() -> None:
    """Its version is compared with the tested ones where those of the other documents are."""
    assert [line.partition(" AS ")[0] for line in of("FROM")] == [IMAGE, IMAGE]
    assert re.fullmatch(r"FREQTRADE=\d+\.\d+", of("ARG")[0])


def test_all_that_it_runs_is_a_script_that_the_check_runs_too() -> None:
    check = (ROOT / ".ci" / "docker").read_text("utf-8")
    runs = [shlex.split(line) for line in of("RUN")]
    assert runs
    for shell, script, *_ in runs:
        assert shell == "sh"
        assert script.startswith("/docker/")
        assert (ROOT / script.removeprefix("/")).is_file()
        assert f"sh {script.removeprefix('/')} " in check


def test_what_it_copies_is_there_and_not_ignored() -> None:
    ignore = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    allowed = {line.removeprefix("!") for line in ignore if line.startswith("!")}
    copied = {source for line in of("COPY") if not line.startswith("--") for source in line.split()[:-1]}
    assert copied == allowed
    assert {source for source in copied if not (ROOT / source).exists()} == set()


def test_the_build_has_all_that_the_metadata_read() -> None:
    metadata = settings()
    named = metadata["metadata"]
    files = {named["long_description"].removeprefix("file: "), named["license_files"], "pyproject.toml", "setup.cfg"}
    assert files <= {source for line in of("COPY") for source in line.split()[:-1]}


def test_it_starts_our_launcher() -> None:
    (entry,) = map(json.loads, of("ENTRYPOINT"))
    (default,) = map(json.loads, of("CMD"))
    metadata = settings()
    assert f"{entry[0]} = bitget_margin.cli:main" in metadata["options.entry_points"]["console_scripts"]
    assert entry[1] in main.list_commands(click.Context(main))
    assert understood(default)["command"] == "trade"


def services() -> list[tuple[str, dict[str, Any]]]:
    """Return each service that builds our image, of the file and of the page."""
    pages = [yaml.safe_load(example.text)["services"] for example in examples("yaml")]
    shown = [(name, service) for page in pages for name, service in page.items()]
    return [*shown, *BOTS.items()]


@pytest.mark.parametrize("service", [each for _, each in services()], ids=[name for name, _ in services()])
def test_a_bot_is_started_again_and_keeps_its_books(service: dict[str, Any]) -> None:
    parsed = understood(service["command"].split())
    assert parsed["command"] == "trade"
    assert service["build"] == "."
    assert service["restart"] == "unless-stopped"
    (volume,) = service["volumes"]
    assert volume.partition(":")[2] == USER_DATA
    # The configuration has that of the host, which is not there.
    assert parsed["user_data_dir"] == USER_DATA
    for path in (*parsed["config"], parsed["logfile"], parsed["db_url"].removeprefix("sqlite:///")):
        assert path.startswith(f"{USER_DATA}/")
    for path in parsed["config"]:
        assert (ROOT / "user_data" / path.removeprefix(f"{USER_DATA}/")).is_file()


def test_two_bots_share_neither_a_folder_nor_keys() -> None:
    assert len(BOTS) == 2
    for what in ("volumes", "env_file"):
        assert len({str(service[what]) for service in BOTS.values()}) == 2
    ignored = (ROOT / ".gitignore").read_text("utf-8").splitlines()
    assert "/bots/" in ignored
    assert all(service["env_file"].startswith("bots/") for service in BOTS.values())


def test_what_the_pages_let_a_reader_write_into_a_clone_is_not_committed() -> None:
    """Passwords of freqtrade's API server, and keys."""
    assert {"/bot/", "/bot.env", "venue.env"} <= set((ROOT / ".gitignore").read_text("utf-8").splitlines())


@pytest.mark.parametrize("bot", BOTS)
def test_their_window_is_in_the_redis_beside_them(bot: str) -> None:
    from freqtrade.configuration.environment_vars import environment_vars_to_dict  # noqa: PLC0415 - seconds

    with mock.patch.dict(os.environ, BOTS[bot]["environment"], clear=True):
        config = environment_vars_to_dict()
    limiter = LimiterConfig.parse(parse_config(config).rate_gate)
    parts = urlsplit(limiter.url)
    service = TWO_BOTS[parts.hostname]
    assert service["image"].startswith("redis:")
    assert parts.port == 6379  # the server's own, which its command does not change
    assert "--port" not in service["command"]
    assert "ports" not in service
    assert parts.hostname in BOTS[bot]["depends_on"]


def test_the_page_names_every_file() -> None:
    page = (DOCS / "docker.md").read_text("utf-8")
    for service in BOTS.values():
        assert service["env_file"] in page
        assert service["volumes"][0].partition(":")[0].removeprefix("./") in page
