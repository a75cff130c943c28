"""The database of a bot is found as freqtrade finds it."""

import json
from pathlib import Path
from typing import Any

import pytest

from bitget_margin.cli.operator.bot_config import database_url
from bitget_margin.cli.operator.errors import BadUsage

LIVE, DRY = "sqlite:///tradesv3.sqlite", "sqlite:///tradesv3.dryrun.sqlite"
OTHER = "sqlite:///other.sqlite"


@pytest.mark.parametrize(
    ("given", "config", "environment", "url"),
    [
        (None, {}, {}, LIVE),
        (None, {"dry_run": False}, {}, LIVE),
        (None, {"dry_run": True}, {}, DRY),
        (None, {"dry_run": True, "db_url": LIVE}, {}, DRY),
        (None, {"dry_run": True, "db_url": OTHER}, {}, OTHER),
        (None, {"db_url": OTHER}, {}, OTHER),
        (OTHER, {"db_url": DRY}, {}, OTHER),
        (LIVE, {"db_url": OTHER}, {}, OTHER),
        (LIVE, {"dry_run": True}, {}, DRY),
        (LIVE, None, {}, LIVE),
        (None, {"db_url": OTHER}, {"FREQTRADE__DB_URL": "sqlite:///env.sqlite"}, "sqlite:///env.sqlite"),
        (None, {"dry_run": True}, {"FREQTRADE__DRY_RUN": "false"}, LIVE),
        (None, {}, {"FREQTRADE__DRY_RUN": "True"}, DRY),
        (None, None, {"FREQTRADE__DB_URL": OTHER}, OTHER),
    ],
)
def test_freqtrades_rules_and_defaults_decide(
    tmp_path: Path, given: str | None, config: dict[str, Any] | None, environment: dict[str, str], url: str
) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(config))
    assert database_url(given, [] if config is None else [path], environment) == url


@pytest.mark.parametrize("config", [None, {"db_url": 5}])
def test_what_names_no_database_is_refused(tmp_path: Path, config: dict[str, Any] | None) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(config))
    with pytest.raises(BadUsage, match=r"db.url"):
        database_url(None, [] if config is None else [path], {})


def test_the_rules_are_freqtrades_own() -> None:
    constants = pytest.importorskip("freqtrade.constants")
    assert (constants.DEFAULT_DB_PROD_URL, constants.DEFAULT_DB_DRYRUN_URL) == (LIVE, DRY)
