"""Submit each new scan of a folder once.

    watch_folder.py FOLDER [--every SECONDS] [--state FILE] -- COMMAND…

A scan is complete when its size and date are unchanged between two checks and its header can be read. The command gets
its path as the last word; no shell reads it. The state file records what was submitted, for when the watcher restarts.
"""

import argparse
import fcntl
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2] / "workflow" / "scripts"))

from tomodenoise.common import files
from tomodenoise.common.errors import UserError
from tomodenoise.scans import header_timeout, opening

State = dict[str, dict[str, Any]]


def look(asked: argparse.Namespace, state: State) -> None:
    """Submit the new scans that have not changed since the last check."""
    for scan in sorted(asked.folder.glob(asked.pattern)):
        name = str(scan.relative_to(asked.folder))
        try:
            facts = [scan.stat().st_size, scan.stat().st_mtime_ns]
        except OSError:
            continue
        known = state.setdefault(name, {"is": "new"})
        if known["is"] not in {"submitting", "submitted"} and known.get("facts") != facts:
            state[name] = {"is": "new", "facts": facts}
        elif known["is"] == "new":
            submit(name, scan.absolute(), asked, state)


def submit(name: str, scan: Path, asked: argparse.Namespace, state: State) -> None:
    """Submit a scan if it can be read; it is recorded first, so that none is ever submitted twice."""
    try:
        header_timeout.try_headers([(scan, {})])
        opening.open_scan(scan)
    except UserError as error:
        note(name, "refused", str(error), asked.state, state)
        return
    note(name, "submitting", "", asked.state, state)
    try:
        status = subprocess.run([*asked.command, str(scan)], stdin=subprocess.DEVNULL, check=False).returncode
    except OSError as error:
        note(name, "new", "", asked.state, state)
        sys.exit(f"watch_folder: {asked.command[0]}: {error.strerror}: correct the command")
    note(name, "failed" if status else "submitted", f"status {status}" if status else "", asked.state, state)


def note(name: str, word: str, reason: str, file: Path, state: State) -> None:
    """Print the state of a scan, and store it in a file that is complete at any moment."""
    state[name] |= {"is": word, "reason": reason}
    with files.replacing(file) as partial, partial.open("w") as stream:
        json.dump(state, stream, indent=1)
        stream.flush()
        os.fsync(stream.fileno())
    print(f"{time.strftime('%H:%M:%S')} {name}: {word}{reason and ': '}{reason}", flush=True)


def main() -> None:
    """Watch until interrupted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pattern", default="*.h5", help="pattern of the names of scans")
    parser.add_argument("--every", type=float, default=30, help="seconds between two checks")
    parser.add_argument("--state", type=Path, default=Path("submitted.json"))
    parser.add_argument("command", nargs="+")
    asked = parser.parse_args()
    if not shutil.which(asked.command[0]):
        sys.exit(f"watch_folder: {asked.command[0]}: no such command: correct it")
    lock = asked.state.with_suffix(".lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        sys.exit(f"watch_folder: another watcher uses {asked.state}: stop it, or choose another file with --state")
    state: State = json.loads(asked.state.read_text()) if asked.state.exists() else {}
    for name, known in state.items():
        if known["is"] == "submitting":
            print(
                f"{name}: the watcher ended during its submission: if it is not running, delete it from {asked.state}"
            )
    while True:
        look(asked, state)
        time.sleep(asked.every)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("watch_folder: stopped; start it again to continue")
