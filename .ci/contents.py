"""Whether the wheel has the package and nothing else, and the source archive what it should: `contents.py FOLDER`.

An index shows the wheel's description without the repository, so no link or picture of it may be relative.
"""

import re
import sys
import tarfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDERS = ("docker", "docs", "plugin", "tests")
BESIDES = {
    ".dockerignore",
    "CHANGELOG.md",
    "DESCRIPTION.md",
    "Dockerfile",
    "LICENSE",
    "MANIFEST.in",
    "PKG-INFO",
    "README.md",
    "SECURITY.md",
    "CONTRIBUTING.md",
    "compose.two-bots.yaml",
    "pyproject.toml",
    "setup.cfg",
    "user_data/README.md",
    "user_data/config.bitget.json",
    "user_data/config.emulator.json",
    "user_data/strategies/LadderExample.py",
}
MADE = ("__pycache__", ".egg-info", "_cache/", ".hypothesis")
"""Part of the path of what tools leave beside the sources."""
LINKS = re.compile(r"\]\(([^)\s]+)|(?:src|href)=[\"']([^\"']+)")


def main() -> int:
    """Say what is missing and what is too much; return 1 if there is any."""
    (wheel,) = Path(sys.argv[1]).glob("*.whl")
    (source,) = Path(sys.argv[1]).glob("*.tar.gz")
    package = {name.removeprefix("plugin/") for name in _files("plugin")}
    in_wheel = set(zipfile.ZipFile(wheel).namelist())
    information = {name for name in in_wheel if name.split("/")[0].endswith(".dist-info")}
    with tarfile.open(source) as archive:
        names = {name.partition("/")[2] for name in archive.getnames() if archive.getmember(name).isfile()}
    in_source = {name for name in names if not _is_made(name)}
    faults = [
        *_differences("the wheel", in_wheel - information, package),
        *_differences("the source archive", in_source, BESIDES.union(*map(_files, FOLDERS))),
    ]
    if "bitget_margin/py.typed" not in in_wheel:
        faults.append("the wheel has no py.typed")
    if not any(name.endswith("licenses/LICENSE") for name in information):
        faults.append("the wheel has no license")
    faults += _relative_links(next(name for name in information if name.endswith("/METADATA")), wheel)
    print("\n".join(faults) or f"{wheel.name} and {source.name} have what they should, and nothing else")
    return 1 if faults else 0


def _relative_links(metadata: str, wheel: Path) -> list[str]:
    _, _, description = zipfile.ZipFile(wheel).read(metadata).decode("utf-8").partition("\n\n")
    if not description:
        return ["the wheel has no description"]
    found = [link or other for link, other in LINKS.findall(description)]
    return [f"the description leads to {link}, which an index page lacks" for link in found if "://" not in link]


def _files(folder: str) -> set[str]:
    names = {str(path.relative_to(ROOT)) for path in (ROOT / folder).rglob("*") if path.is_file()}
    return {name for name in names if not _is_made(name)}


def _is_made(name: str) -> bool:
    return any(part in name for part in MADE) or name.endswith(".pyc")


def _differences(where: str, there: set[str], wanted: set[str]) -> list[str]:
    missing = [f"{where} lacks {name}" for name in sorted(wanted - there)]
    return missing + [f"{where} has {name}, which is nothing of it" for name in sorted(there - wanted)]


if __name__ == "__main__":
    sys.exit(main())
