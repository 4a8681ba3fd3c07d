"""The examples of automation, started as a user starts them: a chat on loopback, SciCat's files, sheets, a beamtime."""

import base64
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hdf5_files import write_exchange
from image_on_disk import write_image
from PIL import Image

EXAMPLES = Path(__file__).parents[2] / "examples/automation"


def run(example: str, *arguments: object, note: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run an example with a note on standard input."""
    command = [sys.executable, str(EXAMPLES / example), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, input=json.dumps(note), cwd=cwd)


@pytest.fixture
def note(tmp_path: Path) -> dict[str, Any]:
    """Return the note of a run of two scans, of which one has a volume and one failed."""
    volume = tmp_path / "results/tooth/denoised.ome.zarr"
    z = np.linspace(0, 1, 20, dtype=np.float32)[:, None, None]
    ramp = np.linspace(0, 1, 64, dtype=np.float32)
    write_image(volume, (z + np.broadcast_to(ramp, (20, 64, 64)))[None, None])
    described = json.loads((volume / "zarr.json").read_text())
    described["attributes"]["provenance"] = {"revision": "abc", "versions": {"tomodenoise": "1.0"}, "config": {}}
    (volume / "zarr.json").write_text(json.dumps(described))
    done = {
        "name": "tooth",
        "state": "done",
        "failure": None,
        "raw": ["raw/tooth_00001.h5"],
        "warnings": ["Noise is left."],
    }
    done |= {"volume": "results/tooth/denoised.ome.zarr", "center": {"center": 31.5, "confidence": "high"}}
    failure = {"rule": "correct_slab", "reason": 'no "flats"; $(touch pwned)', "log": "logs/bad/correct/0-0.log"}
    bad = {"name": "bad", "state": "failed", "failure": failure, "raw": ["raw/bad.h5"], "warnings": []}
    bad |= {"volume": None, "center": None}
    return {"state": "failed", "folder": str(tmp_path), "report": "results/report.html", "scans": [done, bad]}


@pytest.fixture
def chat() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Return the address of a chat on this machine, and the messages that it got; it refuses any other path."""
    got: list[dict[str, Any]] = []

    class Chat(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path == "/hook" and self.headers["Content-Type"] == "application/json":
                got.append(json.loads(body))
            self.send_response(200 if self.path == "/hook" else 403)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Chat)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", got
    server.shutdown()
    server.server_close()


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_a_message_is_posted_to_a_chat(
    tmp_path: Path, note: dict[str, Any], chat: tuple[str, list[dict[str, Any]]]
) -> None:
    address, got = chat
    (tmp_path / "hook.curl").write_text(f'url = "{address}/hook"\n')
    posted = run("chat_message.py", tmp_path / "hook.curl", note=note, cwd=tmp_path)
    assert posted.returncode == 0, posted.stderr
    (message,) = got
    assert message["text"].splitlines() == [
        f"tomodenoise failed: 1 of 2 scans done in {tmp_path}",
        "tooth: Noise is left.",
        'bad failed in correct_slab: no "flats"; $(touch pwned)',
        "report: results/report.html",
    ]
    assert not (tmp_path / "pwned").exists()
    (tmp_path / "hook.curl").write_text(f'url = "{address}/other"\n')
    refused = run("chat_message.py", tmp_path / "hook.curl", note=note)
    assert refused.returncode == 22
    assert "403" in refused.stderr
    assert len(got) == 1


def test_each_finished_scan_has_a_sheet_of_slices(tmp_path: Path, note: dict[str, Any]) -> None:
    made = run("jpeg_sheets.py", tmp_path / "sheets", note=note)
    assert made.returncode == 0, made.stderr
    assert [file.name for file in (tmp_path / "sheets").iterdir()] == ["tooth.jpg"]
    page = np.asarray(Image.open(tmp_path / "sheets/tooth.jpg")).astype(int)
    assert page.shape == (3 * 64, 4 * 64)
    assert page[32, 60] > page[32, 4] + 50  # brighter to the right, as the volume
    assert page[2 * 64 + 32, 3 * 64 + 20] > page[32, 20] + 50  # and from the first slice to the last


def test_scicat_s_ingestor_gets_its_files(tmp_path: Path, note: dict[str, Any]) -> None:
    groups = {"ownerGroup": "99001234-dmgt", "accessGroups": ["p00staff"]}
    common = {"beamtimeId": "99001234", "owner": "Smith", "contactEmail": "smith@example.org", **groups}
    (tmp_path / "common.json").write_text(json.dumps(common))
    for _ in range(2):
        made = run("scicat_files.py", tmp_path / "scratch", tmp_path / "common.json", note=note)
        assert made.returncode == 0, made.stderr
    kinds = ("attachment", "origdatablock", "scan")
    names = {file.name for file in (tmp_path / "scratch").iterdir()}
    assert names == {"scicat-datasets-99001234.lst", *(f"tooth_denoised.{kind}.json" for kind in kinds)}
    listed = (tmp_path / "scratch/scicat-datasets-99001234.lst").read_text()
    assert listed == "tooth_denoised\n"
    picture, block, scan = (
        json.loads((tmp_path / f"scratch/tooth_denoised.{kind}.json").read_text()) for kind in kinds
    )
    assert scan["pid"] == picture["datasetId"] == block["datasetId"] == "99001234/tooth_denoised"
    assert (scan["type"], scan["inputDatasets"]) == ("derived", ["99001234/tooth_00001"])
    assert scan["contactEmail"] == "smith@example.org"
    assert scan["scientificMetadata"]["center"]["center"] == 31.5
    source = Path(scan["sourceFolder"])
    assert all((source / file["path"]).stat().st_size == file["size"] for file in block["dataFileList"])
    assert block["size"] == sum(file.stat().st_size for file in source.rglob("*") if file.is_file())
    kind, _, content = picture["thumbnail"].partition(";base64,")
    assert kind == "data:image/jpeg"
    assert Image.open(io.BytesIO(base64.b64decode(content))).size == (256, 192)


# A beamtime

SUBMIT = ["sh", "-c", 'echo "$3" >> "$1"; sleep "$2"', "sh"]
"""Stand-in for sbatch: add the path of the scan to a file, and take some seconds."""


def scan(file: Path) -> bytes:
    """Write a small scan; return its bytes."""
    frames = np.full((24, 6, 32), 200, np.uint16)
    flats = {"data_white": np.full((5, 6, 32), 400, np.uint16), "data_dark": np.full((5, 6, 32), 10, np.uint16)}
    write_exchange(file, frames, **flats)
    return file.read_bytes()


class Watched:
    """A folder, and a watcher that submits by adding a line to a file."""

    def __init__(self, folder: Path, seconds: float) -> None:
        self.raw = folder / "raw"
        self.raw.mkdir()
        self.log, self.state = folder / "submissions.txt", folder / "state.json"
        watcher = [sys.executable, str(EXAMPLES / "watch_folder.py"), str(self.raw), "--every", "0.1"]
        self.command = [*watcher, "--state", str(self.state), "--", *SUBMIT, str(self.log), str(seconds)]
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> subprocess.Popen[str]:
        """Start the watcher."""
        self.process = subprocess.Popen(
            self.command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
        )
        return self.process

    def submitted(self) -> list[str]:
        """Return the names of scans, in the order in which they were submitted."""
        return [Path(line).name for line in self.log.read_text().splitlines()] if self.log.exists() else []

    def wait(self, name: str, word: str) -> None:
        """Wait until this became of a scan."""
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            known = json.loads(self.state.read_text()) if self.state.exists() else {}
            if known.get(name, {}).get("is") == word:
                return
            time.sleep(0.02)
        pytest.fail(f"{name} is not {word}: {known}")

    def end(self) -> str:
        """End the watcher; return what it printed."""
        assert self.process
        self.process.terminate()
        return self.process.communicate(timeout=30)[0]


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    made = Watched(tmp_path, 0.02)
    yield made
    if made.process and made.process.poll() is None:
        made.process.kill()
        made.process.communicate()


@pytest.mark.slow
def test_a_beamtime_of_twelve_scans_is_submitted_once_each_across_kills(watched: Watched) -> None:
    """Two are broken, one is half copied at first; the watcher is killed at five moments and started again."""
    good = [f"scan {number:02}.h5" for number in range(9)]
    watched.start()
    for number, name in enumerate(good):
        content = scan(watched.raw / ".next")
        (watched.raw / ".next").rename(watched.raw / name)
        if number == 2:
            (watched.raw / "half.h5").write_bytes(content[: len(content) // 2])
            (watched.raw / "text.h5").write_text("no HDF5")
            (watched.raw / "cut.h5").write_bytes(content[:-100])
        if number % 2:
            time.sleep(0.15 * number)
            assert watched.process
            os.kill(watched.process.pid, signal.SIGKILL)
            watched.process.communicate()
            watched.start()
    for name in ("half.h5", "text.h5", "cut.h5"):
        watched.wait(name, "refused")
    (watched.raw / "half.h5").write_bytes(content)
    watched.wait("half.h5", "submitted")
    deadline = time.monotonic() + 30
    while len(watched.submitted()) < 10 and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.5)
    watched.end()
    assert sorted(watched.submitted()) == ["half.h5", *good]
    reasons = {name: known["reason"] for name, known in json.loads(watched.state.read_text()).items()}
    assert "text.h5" in reasons["text.h5"]
    assert "cut.h5" in reasons["cut.h5"]


@pytest.mark.slow
def test_a_watcher_killed_during_a_submission_says_so_and_submits_no_second_time(tmp_path: Path) -> None:
    watched = Watched(tmp_path, 1)
    scan(watched.raw / "a.h5")
    process = watched.start()
    watched.wait("a.h5", "submitting")
    while not watched.submitted():
        time.sleep(0.02)
    process.kill()
    process.communicate()
    watched.start()
    scan(watched.raw / "b.h5")
    watched.wait("b.h5", "submitted")
    text = watched.end()
    assert "a.h5: the watcher ended during its submission: if it is not running, delete it from" in text
    assert watched.submitted() == ["a.h5", "b.h5"]


@pytest.mark.slow
def test_a_second_watcher_is_refused_and_a_missing_or_invalid_command_named(watched: Watched) -> None:
    scan(watched.raw / "a.h5")
    watched.start()
    watched.wait("a.h5", "submitted")
    second = subprocess.run(watched.command, capture_output=True, text=True, check=False)
    assert second.returncode == 1
    assert second.stderr.startswith("watch_folder: another watcher uses ")
    watched.end()
    scan(watched.raw / "b.h5")
    command = [*watched.command[: watched.command.index("--") + 1], "./nowhere"]
    missing = subprocess.run(command, capture_output=True, text=True, check=False)
    assert missing.returncode == 1
    assert missing.stderr == "watch_folder: ./nowhere: no such command: correct it\n"
    text = watched.raw.parent / "text"
    text.write_text("no program")
    text.chmod(0o755)
    invalid = subprocess.run([*command[:-1], str(text)], capture_output=True, text=True, check=False)
    assert invalid.returncode == 1
    assert invalid.stderr == f"watch_folder: {text}: Exec format error: correct the command\n"
    watched.start()
    watched.wait("b.h5", "submitted")


# Workflow managers, each in an environment of its own

STAND_IN = """#!/bin/sh
case "$1" in *bad*) exit 1;; esac
name=$(basename "${1%.*}")
mkdir -p "runs/$name/results/$name/denoised.ome.zarr"
"""
"""For process_scan.sh."""


@pytest.fixture
def process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    script = tmp_path / "process_scan.sh"
    script.write_text(STAND_IN)
    script.chmod(0o755)
    return script


def test_a_task_of_ewoks_hands_on_volume_and_report(process: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ewokscore = pytest.importorskip("ewokscore")
    import ewoks_task

    monkeypatch.setattr(ewoks_task, "PROCESS", process)
    asked = {"id": "denoise", "name": "scan", "value": "raw/it's 1.h5"}
    made = ewokscore.execute_graph(ewoks_task.GRAPH, inputs=[asked], outputs=[{"all": True}])
    results = process.parent / "runs/it's 1/results"
    assert made == {"volume": str(results / "it's 1/denoised.ome.zarr"), "report": str(results / "report.html")}


@pytest.mark.slow
def test_a_flow_of_prefect_goes_on_after_a_bad_scan(process: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("prefect")
    from prefect.testing.utilities import prefect_test_harness

    import prefect_flow

    monkeypatch.setattr(prefect_flow, "PROCESS", process)
    with prefect_test_harness(server_startup_timeout=300), pytest.raises(RuntimeError, match=r"not denoised: bad\.h5"):
        prefect_flow.beamtime(["bad.h5", "raw/it's 1.h5"])
    assert (process.parent / "runs/it's 1/results/it's 1/denoised.ome.zarr").is_dir()


def test_without_settings_nothing_is_started(tmp_path: Path) -> None:
    scan(tmp_path / "a.h5")
    (tmp_path / "beamtime.yaml").touch()
    command = [str(EXAMPLES / "process_scan.sh"), "a.h5"]
    refused = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert refused.stderr == (
        f"process_scan: no settings in {tmp_path}/beamtime.yaml: write some there, such as effort: quick\n"
    )
    assert not (tmp_path / "runs").exists()


def test_two_scans_of_one_name_do_not_share_a_folder(tmp_path: Path) -> None:
    (tmp_path / "beamtime.yaml").write_text("effort: quick")
    (tmp_path / "runs/a").mkdir(parents=True)
    (tmp_path / "runs/a/raw.txt").write_text("/elsewhere/a.h5\n")
    scan(tmp_path / "a.h5")
    command = [str(EXAMPLES / "process_scan.sh"), "a.h5"]
    refused = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert refused.stderr == f"process_scan: runs/a is of /elsewhere/a.h5, not of {tmp_path}/a.h5: rename one of them\n"
