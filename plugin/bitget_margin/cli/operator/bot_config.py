"""Database of a freqtrade bot, by its configuration, its environment and the options of a command."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from bitget_margin.cli.operator.api_keys import read_config
from bitget_margin.cli.operator.errors import BadUsage

_LIVE_URL: Final = "sqlite:///tradesv3.sqlite"
"""freqtrade's database without a setting, in the folder in which it was started."""
_DRY_RUN_URL: Final = "sqlite:///tradesv3.dryrun.sqlite"


def database_url(given: str | None, paths: Sequence[Path], environment: Mapping[str, str]) -> str:
    """Return the URL of a bot's database, with freqtrade's rules and defaults.

    :param given: value of --db-url
    :param paths: files of a freqtrade configuration
    :raises BadUsage: nothing names a database, or a file cannot be read
    """
    if given and given != _LIVE_URL:  # freqtrade takes its default as not given
        return given
    config = read_config(paths)
    url = environment.get("FREQTRADE__DB_URL") or config.get("db_url")
    if is_dry_run(config, environment) and url in {None, "", _LIVE_URL}:
        return _DRY_RUN_URL
    if url is not None and not isinstance(url, str):
        raise BadUsage('"db_url" is no text')
    if not (url or given or paths):
        raise BadUsage("no database: name the configuration of the bot with --config, or its database with --db-url")
    return url or _LIVE_URL


def is_dry_run(config: Mapping[str, Any], environment: Mapping[str, str]) -> bool:
    """Whether a bot is a dry run, by its environment or its configuration."""
    return environment.get("FREQTRADE__DRY_RUN", str(config.get("dry_run", ""))).lower() in {"t", "true", "1"}
