"""`bitget-margin init`: write the files of a first bot."""

from pathlib import Path
from typing import Final

import click

from bitget_margin.cli.freqtrade import INSTALL_COMMAND, is_installed
from bitget_margin.cli.operator.errors import BadUsage
from bitget_margin.cli.start.new_files import (
    API_USER,
    BITGET_CONFIG,
    DEFAULT_FOLDER,
    EMULATOR_CONFIG,
    README,
    STRATEGY,
    FolderRefused,
    check_folder,
    new_files,
    shell_path,
    write_files,
)
from bitget_margin.own_command import own_command

_CONTENTS: Final = {
    README: "what each file is, and the next commands",
    STRATEGY: "a strategy with a ladder of three take-profits",
    EMULATOR_CONFIG: "for the local venue, with paper money",
    BITGET_CONFIG: "for a real account; a dry run as it stands",
}


@click.command()
@click.argument("folder", default=DEFAULT_FOLDER)
def init(folder: str) -> None:
    """Write a strategy and its configurations into a new user directory of freqtrade.

    FOLDER is user_data by default. One configuration is for the local venue, which `bitget-margin up` runs, and one
    for a real account, as a dry run. Each has a random password for freqtrade's API server, and only you can read it.
    API keys stand in no file: freqtrade takes them from the environment.

    Nothing is overwritten: if one of the files exists, none is written, and the exit code is 2.
    """
    path = folder_of(folder)
    files = new_files(path, own_command())
    try:
        check_folder(path, files)
        write_files(path, files)
    except FolderRefused as error:
        raise BadUsage(str(error)) from error
    except OSError as error:
        where = error.filename or path
        raise click.ClickException(f"{where}: {error.strerror or error}; nothing was written") from error
    click.echo(_report(path))


def folder_of(argument: str) -> Path:
    """Return the path of a folder, with a ~ that no shell has replaced; a relative one stays relative."""
    if not argument:
        raise BadUsage("FOLDER is an empty text")
    try:
        return Path(argument).expanduser()
    except RuntimeError:
        return Path(argument)


def _report(folder: Path) -> str:
    """Return what was written and what to do next; it has no secret."""
    command, config = own_command(), folder / BITGET_CONFIG
    paths = [str(folder / name) for name in _CONTENTS]
    width = max(map(len, paths))
    missing = "" if is_installed() else f"\nfreqtrade is not installed yet: {INSTALL_COMMAND}\n"
    listed = "\n".join(f"  {path:<{width}}  {content}" for path, content in zip(paths, _CONTENTS.values(), strict=True))
    return f"""\
Written:
{listed}
{missing}
Next, a bot on the local venue, with paper money; Ctrl-C ends it:

  {command} up {shell_path(folder)}

For a real account, {config.parent / README} has the steps. With the keys in the environment, check them, and start a
dry run:

  {command} doctor --config {shell_path(config)}
  {command} freqtrade trade --config {shell_path(config)}

GOING LIVE is one edit of that file, "dry_run": false. From the next start on, the bot trades your money, and can lose
it. Nothing here was ever run against the real venue, and the entry rule of the strategy is no advice.

freqtrade's API server, for FreqUI, listens on this machine only. Its user is {API_USER}, its password is in each
configuration under "api_server"."""
