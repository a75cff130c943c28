"""Promise: a command that a document names exists, with the options and the files that it is given."""

import json
import re
import urllib.request
from pathlib import Path

import pytest
import rapidjson
from campaign.command import _parser as campaign_parser

from bitget_margin.cli.commands import main
from bitget_margin.emulator import Emulator
from bitget_margin.freqtrade import config
from support.documents import DOCS, ROOT, Command, commands, examples, rows

VENUE = "http://127.0.0.1:8787"
"""Where the documents' own venue listens."""
OURS = [command for command in commands() if Path(command.words[0]).name == "bitget-margin"]
CAMPAIGNS = [command for command in commands() if "tests/soak/campaign/run.py" in command.words]
CURLS = [command for command in commands() if command.words[0] == "curl"]


@pytest.mark.parametrize("command", OURS, ids=str)
def test_a_command_of_ours_is_understood(command: Command) -> None:
    """Parsed, and not run."""
    with main.make_context("bitget-margin", list(command.words[1:])) as context:
        arguments = [*context._protected_args, *context.args]
        name, found, rest = main.resolve_command(context, arguments)
        assert found is not None
        if name == "freqtrade":
            understood_by_freqtrade(rest)
        else:
            found.make_context(name, rest, parent=context)


def understood_by_freqtrade(arguments: list[str]) -> None:
    from freqtrade.commands.arguments import Arguments  # noqa: PLC0415 - seconds, and only these tests need it

    parsed = Arguments(arguments).get_parsed_arg()
    assert parsed["command"] == arguments[0]
    # The pages let `init` write a folder "bot", of which the repository shows the contents.
    shown = [re.sub("^bot/", "user_data/", path) for path in parsed.get("config") or ()]
    missing = [path for path in shown if not (ROOT / path).is_file()]
    assert missing == []


@pytest.mark.parametrize("command", CAMPAIGNS, ids=str)
def test_the_campaign_understands_its_options(command: Command) -> None:
    campaign_parser().parse_args(command.words[command.words.index("tests/soak/campaign/run.py") + 1 :])


@pytest.mark.parametrize("command", CURLS, ids=str)
def test_the_local_venue_answers(venue: Emulator, command: Command) -> None:
    url, *options = command.words[1:]
    assert url.startswith(VENUE)
    data = options[options.index("-d") + 1].encode() if "-d" in options else None
    with urllib.request.urlopen(url.replace(VENUE, venue.url), data, timeout=10) as answer:  # noqa: S310 - loopback
        json.load(answer)


def test_there_are_commands_of_each_kind() -> None:
    assert {word for command in OURS for word in command.words} >= {"demo", "emulator", "freqtrade"}
    assert CAMPAIGNS
    assert CURLS


def test_every_json_can_be_read_and_has_settings_that_exist() -> None:
    """Blocks, and what the local venue's owner may send."""
    bodies = re.findall(r"`(\{.*?\})`", str(rows(DOCS / "emulator.md", "## While it runs")))
    assert len(bodies) > 3
    for text in (*bodies, *(example.text for example in examples("json"))):
        read = rapidjson.loads(text, parse_mode=rapidjson.PM_COMMENTS | rapidjson.PM_TRAILING_COMMAS)
        if config.SECTION in read:
            config.parse_config(read)
