"""Post the outcome of a run to a chat: chat_message.py CURL_CONFIG < NOTE, as a command of `notify`.

CURL_CONFIG is a file for `curl --config` with the line `url = "https://…"`, the address of the chat's incoming webhook.
So the address, which is a secret, appears neither in a configuration nor in a process list. Mattermost, Slack and
Rocket.Chat take {"text": …}.
"""

import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

CURL = ["curl", "--fail", "--silent", "--show-error", "--max-time", "30", "--header", "Content-Type: application/json"]


def text(note: Mapping[str, Any]) -> str:
    """Write a line for the run, and one for each scan that is not done or has warnings."""
    scans = note["scans"]
    done = sum(scan["state"] == "done" for scan in scans)
    lines = [f"tomodenoise {note['state']}: {done} of {len(scans)} scans done in {note['folder']}"]
    for scan in scans:
        if scan["failure"]:
            lines.append(f"{scan['name']} failed in {scan['failure']['rule']}: {scan['failure']['reason']}")
        lines += [f"{scan['name']}: {warning}" for warning in scan["warnings"]]
    return "\n".join([*lines, *([f"report: {note['report']}"] if note["report"] else [])])


def main(config: str) -> int:
    """Send the message; return the exit status of curl."""
    message = json.dumps({"text": text(json.load(sys.stdin))})
    command = [*CURL, "--config", config, "--data-binary", "@-"]
    return subprocess.run(command, input=message, text=True, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
