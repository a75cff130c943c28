"""Follow README.md as a newcomer does: `python .ci/readme.py FOLDER`, where the page's first command has run.

Each example is run as it stands, in the order of the page, without anything that the page does not name: no keys, no
fixtures, a HOME of its own. Left out are examples that talk to Bitget, and the commands that `.ci/run` itself runs.
"""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

EXAMPLE = re.compile(r"(?P<not_run><!-- not run: [^\n]+ -->\n)?```(?P<language>sh|python)\n(?P<text>.*?)```", re.DOTALL)
INSTALLS = "python3 -m venv"
"""Begin of the commands that install: `.ci/run` runs them before."""
STRATEGY = re.compile(r"class (\w+)\(CrossedMarginMixin")
FILLED = "the entry has filled"
SECONDS = 240.0
INTERRUPTED = 130


def main(folder: Path) -> None:
    """Run the examples of the page in the folder, and print the seconds of each."""
    home = folder / "home"
    home.mkdir()
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("BITGET", "FREQTRADE"))}
    environment |= {"HOME": str(home), "COLUMNS": "100", "PYTHONUNBUFFERED": "1"}
    for example in EXAMPLE.finditer((folder / "README.md").read_text("utf-8")):
        text = example["text"]
        if example["not_run"] or text.startswith(INSTALLS):
            continue
        if example["language"] == "sh":
            for line in text.splitlines():
                run_line(line, folder, environment)
        elif strategy := STRATEGY.search(text):
            (folder / "bot/strategies" / f"{strategy[1]}.py").write_text(text, "utf-8")
            listing = ".venv/bin/bitget-margin freqtrade list-strategies --userdir bot --no-color"
            listed = run_to_end(["bash", "-c", listing], folder, environment)
            if not re.search(rf"{strategy[1]}\W.*\bOK\b", listed):
                sys.exit(listed)
        else:
            run_to_end([".venv/bin/python", "-c", text], folder, environment)


def run_line(line: str, folder: Path, environment: dict[str, str]) -> None:
    """Run a line of a shell; `up` runs until its bot has traded, and is ended by Ctrl-C then."""
    if not re.search(r"bitget-margin up\b", line):
        run_to_end(["bash", "-c", line], folder, environment)
        return
    begun = time.monotonic()
    with started(["bash", "-c", f"exec {line}"], folder, environment) as process:
        shown = []
        for text in process.stdout or ():
            shown.append(text)
            if FILLED in text or time.monotonic() - begun > SECONDS:
                break
        print(f"{time.monotonic() - begun:6.1f} s  until the first order of `up` was filled")
        process.send_signal(signal.SIGINT)
        rest = end_of(process, 60)
    if FILLED not in shown[-1] or process.returncode != INTERRUPTED:
        sys.exit(f"{''.join(shown)}{rest}\nexit code {process.returncode}")


def run_to_end(command: list[str], folder: Path, environment: dict[str, str]) -> str:
    """Run a command, print its seconds, and return its output."""
    begun = time.monotonic()
    with started(command, folder, environment) as process:
        output = end_of(process, SECONDS)
    print(f"{time.monotonic() - begun:6.1f} s  {command[-1].strip().splitlines()[0]}")
    if process.returncode:
        sys.exit(output)
    return output


def end_of(process: subprocess.Popen[str], seconds: float) -> str:
    """Wait for the end of a process, and return the rest of its output; one that does not end is killed."""
    try:
        return process.communicate(timeout=seconds)[0]
    except subprocess.TimeoutExpired:
        process.kill()
        return process.communicate()[0]


def started(command: list[str], folder: Path, environment: dict[str, str]) -> subprocess.Popen[str]:
    """Start a command in the folder."""
    return subprocess.Popen(  # noqa: S603 - the commands of the page
        command, cwd=folder, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


if __name__ == "__main__":
    # A shell that runs this in the background has it ignored, and so would the processes started here.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    main(Path(sys.argv[1]).resolve())
