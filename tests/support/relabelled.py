"""Installed packages under another version, in a folder that precedes them on the path."""

import os
import re
import sysconfig
from pathlib import Path

PLUGIN = Path(__file__).parents[2] / "plugin"
SITE = Path(sysconfig.get_path("purelib"))


def relabel(folder: Path, package: str, version: str) -> None:
    """Make a package of another version in a folder, of the files of the installed one.

    Its cache is the installed one, too: processes that use it must not write bytecode.
    """
    (folder / package).mkdir(parents=True)
    for path in (SITE / package).iterdir():
        if path.name == "__init__.py":
            text, changes = re.subn(r"(?m)^(__version__ = ).*$", rf'\g<1>"{version}"', path.read_text("utf-8"))
            assert changes == 1
            (folder / package / path.name).write_text(text, "utf-8")
        else:
            (folder / package / path.name).symlink_to(path)
    information = folder / f"{package}-{version}.dist-info"
    information.mkdir()
    (metadata,) = SITE.glob(f"{package}-*.dist-info/METADATA")
    text, changes = re.subn(r"(?m)^Version: .*$", f"Version: {version}", metadata.read_text("utf-8"), count=1)
    assert changes == 1
    (information / "METADATA").write_text(text, "utf-8")


def next_patch(version: str) -> str:
    """Return the version one patch above."""
    *first, last = version.split(".")
    return ".".join([*first, str(int(last) + 1)])


def relabelled_path(folder: Path) -> dict[str, str]:
    """Return the environment variables of a process that uses the packages of a folder, and this package."""
    return {"PYTHONPATH": os.pathsep.join([str(folder), str(PLUGIN)]), "PYTHONDONTWRITEBYTECODE": "1"}
