"""A beamtime on the cluster: each scan that appears is submitted once, and models of the first serve the later ones."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from clusters import wait_for
from projects import NETWORK, ROOT, TRAIN, simulated

from tomodenoise.networks import model_file

EXAMPLES = ROOT / "examples/automation"
# One after the other, since each looks for the models of the ones before.
SUBMIT = ["sbatch", "--job-name=beamtime", "--dependency=singleton", "--account=tomo", "--cpus-per-task=2", "--time=60"]
HOOK = f"""#!/bin/sh
echo "$PWD" >> '%s/ended.txt'
exec '{sys.executable}' '{EXAMPLES}/jpeg_sheets.py' '%s/sheets'
"""


class Beamtime:
    """A folder that fills, and the watcher that submits its scans."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.raw = folder, folder / "raw"
        self.raw.mkdir()
        shelf = str(folder / "shelf")
        (folder / "hook.sh").write_text(HOOK % (folder, folder))
        (folder / "hook.sh").chmod(0o755)
        # Trainings as short as these do worse than a blur.
        settings = {"network": NETWORK, "train": TRAIN, "shelf": {"default": shelf, "to": shelf, "least": -50}}
        settings |= {"crate": {}, "notify": {"done": [str(folder / "hook.sh")]}}
        (folder / "beamtime.yaml").write_text(yaml.safe_dump(settings))

    def watch(self) -> subprocess.Popen[bytes]:
        """Start the watcher, as a person does at the cluster's front end."""
        watcher = [sys.executable, str(EXAMPLES / "watch_folder.py"), "raw", "--every", "0.5", "--", *SUBMIT]
        environment = os.environ | {"TOMODENOISE": str(ROOT), "TARGETS": "all shelve"}
        with (self.folder / "printed.txt").open("a") as printed:
            return subprocess.Popen(
                [*watcher, str(EXAMPLES / "process_scan.sh")],
                cwd=self.folder,
                stdout=printed,
                stderr=printed,
                env=environment,
            )

    def known(self) -> dict[str, str]:
        """Return what became of the scans."""
        state = self.folder / "submitted.json"
        known = json.loads(state.read_text()) if state.exists() else {}
        return {name: values["is"] for name, values in known.items()}


def appear(beamtime: Beamtime, names: list[str], copied: dict[str, bytes], became: dict[str, str]) -> None:
    """Copy scans into the folder one by one; what becomes of each is known before the next one comes."""
    for name in names:
        (beamtime.raw / name).write_bytes(copied[name])
        wait_for(lambda name=name: beamtime.known().get(name) == became.get(name, "submitted"))


@pytest.mark.nightly
def test_twelve_scans_are_submitted_once_each_and_the_shelf_serves_from_the_fourth_on(
    cluster: Callable[..., None], tmp_path: Path
) -> None:
    names = [f"scan{number:02}.h5" for number in range(12)]
    whole = {name: simulated(tmp_path / "made" / name, "--seed", str(n)).read_bytes() for n, name in enumerate(names)}
    half, broken, cut = names[2], names[4], names[7]
    refused = dict.fromkeys([half, broken, cut], "refused")
    first = whole | {half: whole[half][: len(whole[half]) // 2], broken: b"no HDF5", cut: whole[cut][:-100]}
    beamtime = Beamtime(tmp_path)
    watcher = beamtime.watch()
    try:
        appear(beamtime, names[:6], first, refused)
        watcher.send_signal(signal.SIGKILL)
        watcher.wait()
        watcher = beamtime.watch()
        appear(beamtime, names[6:], first, refused)
        appear(beamtime, [half], whole, {})
    finally:
        watcher.terminate()
    good = [name for name in names if name not in refused] + [half]
    wait_for(lambda: not {"PENDING", "RUNNING", "COMPLETING"} & {job["JobState"] for job in submitted(tmp_path)}, 3000)
    jobs = submitted(tmp_path)
    assert [job["JobState"] for job in jobs] == ["COMPLETED"] * len(good)
    assert [Path(job["scan"]).name for job in jobs] == good

    runs = [tmp_path / "runs" / Path(name).stem for name in good]
    assert sorted((tmp_path / "runs").iterdir()) == sorted(runs)
    assert (tmp_path / "ended.txt").read_text().split() == [str(run) for run in runs]
    assert {file.stem for file in (tmp_path / "sheets").iterdir()} == {run.name for run in runs}
    for run in runs:
        for made in ("report.html", "ro-crate-metadata.json"):
            assert (run / "results" / made).is_file(), run
    found = [model_file.describe(next(run.glob("results/models/*/model.safetensors"))).facts["shelf"] for run in runs]
    assert found[0]["course"] == "trained"
    assert {each["course"] for each in found[3:]} <= {"used", "tuned"}


def submitted(folder: Path) -> list[dict[str, str]]:
    """Return SLURM's records of the scans' jobs, in the order of their submission."""
    shown = subprocess.run(["scontrol", "--oneliner", "show", "job"], capture_output=True, text=True, check=True)
    lines = [line for line in shown.stdout.splitlines() if f"WorkDir={folder} " in line]
    found = [dict(re.findall(r"([\w/]+)=(\S*)", line)) for line in lines]
    scans = [re.findall(r"process_scan\.sh (\S+)", line)[0] for line in lines]
    records = [job | {"scan": scan} for job, scan in zip(found, scans, strict=True)]
    return sorted(records, key=lambda job: int(job["JobId"]))
