"""Submit each new scan of a folder once.

    watch_folder.py FOLDER [--every SECONDS] [--state FILE] -- COMMAND…

A scan is complete when its size and date are the same in two looks and its header can be read. The command gets its
path as the last word; no shell reads it. The state file remembers what was submitted when the watcher is started again.
"""

import argparse
import fcntl
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2] / "workflow" / "scripts"))

from tomodenoise.common.errors import UserError
from tomodenoise.scans import header_timeout, opening

State = dict[str, dict[str, Any]]


def look(folder: Path, pattern: str, command: list[str], state: State, file: Path) -> None:
    """Look at each scan that was not submitted yet, and submit those that are complete."""
    for scan in sorted(folder.glob(pattern)):
        name = str(scan.relative_to(folder))
        known = state.get(name, {})
        if known.get("is") in {"submitting", "submitted"}:
            continue
        try:
            facts = [scan.stat().st_size, scan.stat().st_mtime_ns]
        except OSError:
            continue
        if known.get("facts") != facts:
            state[name] = {"is": "new", "facts": facts}
        elif known["is"] == "new":
            submit(name, scan.absolute(), command, state, file)
    save(state, file)


def submit(name: str, scan: Path, command: list[str], state: State, file: Path) -> None:
    """Submit a scan if it can be read; before that note it, so that none is submitted twice, whatever happens."""
    try:
        header_timeout.try_headers([(scan, {})])
        opening.open_scan(scan)
    except UserError as error:
        note(name, "refused", str(error), state)
        return
    note(name, "submitting", "", state)
    save(state, file)
    try:
        status = subprocess.run([*command, str(scan)], stdin=subprocess.DEVNULL, check=False).returncode
    except OSError as error:
        note(name, "new", "", state)
        save(state, file)
        sys.exit(f"watch_folder: {command[0]}: {error.strerror}: correct the command")
    note(name, "failed" if status else "submitted", f"status {status}" if status else "", state)
    save(state, file)


def note(name: str, word: str, reason: str, state: State) -> None:
    """Keep and print what became of a scan."""
    state[name] |= {"is": word, "reason": reason}
    print(f"{time.strftime('%H:%M:%S')} {name}: {word}{reason and ': '}{reason}", flush=True)


def save(state: State, file: Path) -> None:
    """Write the state to a file that is whole at any moment."""
    partial = file.with_name(f"{file.name}.partial")
    with partial.open("w") as stream:
        json.dump(state, stream, indent=1)
        stream.flush()
        os.fsync(stream.fileno())
    partial.replace(file)


def main() -> None:
    """Watch until interrupted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pattern", default="*.h5", help="of the names of scans")
    parser.add_argument("--every", type=float, default=30, help="seconds from one look to the next")
    parser.add_argument("--state", type=Path, default=Path("submitted.json"))
    parser.add_argument("command", nargs="+")
    asked = parser.parse_args()
    lock = asked.state.with_suffix(".lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        sys.exit(f"watch_folder: another watcher uses {asked.state}: end it, or name another file with --state")
    state: State = json.loads(asked.state.read_text()) if asked.state.exists() else {}
    for name, known in state.items():
        if known["is"] == "submitting":
            print(f"{name}: the watcher ended during its submission: if it does not run, take it from {asked.state}")
    try:
        while True:
            look(asked.folder, asked.pattern, asked.command, state, asked.state)
            time.sleep(asked.every)
    except KeyboardInterrupt:
        print("watch_folder: ended; start it again to go on")


if __name__ == "__main__":
    main()
