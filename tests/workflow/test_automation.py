"""Whole runs with the commands at their end, and the description of the results as an RO-Crate."""

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import odd_scans
import pytest
import yaml
from projects import NETWORK, ROOT, TRAIN, Project

pytestmark = pytest.mark.slow
EXAMPLES = ROOT / "examples/automation"
COUNT = ["sh", "-c", 'cat > "$1-$(ls | grep -c "^$1-").json"', "sh"]
"""Command that keeps each note that it gets under a new number."""


def notes(project: Project, kind: str) -> list[dict[str, object]]:
    return [json.loads(file.read_text()) for file in sorted(project.folder.glob(f"{kind}-*.json"))]


LICENSE = "https://creativecommons.org/licenses/by/4.0/"
CARBERRY = {"name": "Josiah Carberry", "orcid": "https://orcid.org/0000-0002-1825-0097"}
HAS_ROCRATE = importlib.util.find_spec("rocrate") is not None


def configure(project: Project, scan: Path, **notify: object) -> None:
    scans = {"foam": {"file": str(scan)}}
    crate = {"crate": {"license": LICENSE, "authors": [CARBERRY, {"name": "A. N. Other"}]}} if HAS_ROCRATE else {}
    project.configure(scans=scans, network=NETWORK, train=TRAIN, export=["tiff8"], notify=notify, **crate)


@pytest.fixture(scope="module")
def noted(tmp_path_factory: pytest.TempPathFactory, raw_scan: Callable[..., Path]) -> Project:
    """Run a scan with commands that keep what they read."""
    project = Project(tmp_path_factory.mktemp("noted"))
    configure(project, raw_scan("foam.h5"), done=[*COUNT, "done"], failed=[*COUNT, "failed"])
    run = project.snakemake()
    assert run.status == 0, run.text
    assert run.text.splitlines()[-1] == "report: results/report.html"
    return project


def test_the_command_runs_once_with_what_was_made(noted: Project) -> None:
    (note,) = notes(noted, "done")
    (scan,) = note["scans"]  # type: ignore[misc]
    assert (note["state"], note["report"], note["failed_jobs"]) == ("done", "results/report.html", [])
    assert scan["volume"] == "results/foam/denoised.ome.zarr"
    assert scan["exports"] == ["results/foam/denoised_tiff8/volume.json"]
    named = [scan[key] for key in ("volume", "quality", "model", "report", "logs")] + scan["exports"] + [note["log"]]
    assert all((noted.folder / name).exists() for name in named)
    assert notes(noted, "failed") == []


@pytest.mark.parametrize("options", [["-n"], [], ["--touch"], ["--unlock"], ["check"], ["verify"], ["--summary"]])
def test_nothing_to_report_runs_no_command(noted: Project, options: list[str]) -> None:
    before = len(notes(noted, "done"))
    run = noted.snakemake(*options)
    assert run.status == 0, run.text
    assert len(notes(noted, "done")) == before
    assert notes(noted, "failed") == []


def test_a_command_that_fails_changes_neither_status_nor_products(
    noted: Project, raw_scan: Callable[..., Path]
) -> None:
    before = noted.bits()
    configure(noted, raw_scan("foam.h5"), done="./nowhere")
    assert noted.snakemake("-n").jobs == {}
    run = noted.snakemake("-R", "report")
    assert run.status == 0, run.text
    (line,) = [line for line in run.text.splitlines() if "nowhere" in line]
    assert line == (
        "tomodenoise: notify.done: ./nowhere cannot be started: No such file or directory: correct the command;"
        " the results are not affected"
    )
    after = noted.bits()
    assert {name for name in before if before[name] != after[name]} <= {"results/report.html"}
    assert before.keys() == after.keys()


def test_a_failed_run_says_which_scan_and_why(tmp_path: Path, raw_scan: Callable[..., Path]) -> None:
    project = Project(tmp_path)
    useless = odd_scans.parts()
    useless["data_white"] = (odd_scans.DARK + (useless["data_white"] - odd_scans.DARK) // 20).astype("uint16")
    odd_scans.write(tmp_path / "it's $(useless).h5", useless)
    scans = {"foam": {"file": str(raw_scan("foam.h5"))}, "useless": {"file": "it's $(useless).h5"}}
    project.configure(scans=scans, notify={"failed": [*COUNT, "failed"]})
    assert project.snakemake("correct", "--keep-going").status == 1
    (note,) = notes(project, "failed")
    foam, bad = note["scans"]  # type: ignore[misc]
    assert (note["state"], note["targets"], note["report"]) == ("failed", ["correct"], None)
    assert (foam["state"], foam["failure"], bad["state"]) == ("done", None, "failed")
    assert "nearly all line integrals are below" in bad["failure"]["reason"]
    assert bad["failure"]["log"] == "logs/useless/describe.log"
    assert [job["rule"] for job in note["failed_jobs"]] == ["describe_scan"]  # type: ignore[union-attr]


@pytest.mark.skipif(not HAS_ROCRATE, reason="needs rocrate")
def test_the_crate_names_raw_file_products_software_and_the_way_between_them(noted: Project) -> None:
    from rocrate.rocrate import ROCrate

    crate = ROCrate(noted.folder / "results")
    assert crate.root_dataset["license"].id == LICENSE
    assert [author["name"] for author in crate.root_dataset["author"]] == ["Josiah Carberry", "A. N. Other"]
    action = crate.get("#denoise-foam")
    raw, model, settings = action["object"]
    scan = json.loads((noted.folder / "results/foam/scan.json").read_text())
    assert raw.id == (noted.folder / scan["file"]).absolute().as_uri()
    assert raw["identifier"]["value"] == scan["identity"]["fingerprint"]
    assert crate.get("#train-foam")["result"].id == model.id == "models/foam/model.safetensors"
    assert {"foam/denoised.ome.zarr/", "foam/denoised_tiff8/", "foam/center.png"} <= {
        made.id for made in action["result"]
    }
    assert action["instrument"]["name"] == "tomodenoise"
    own = [entity.id for entity in crate.data_entities if not entity.id.startswith("file:")]
    assert all((noted.folder / "results" / name).exists() for name in own)
    written = json.loads((noted.folder / "results" / settings.id).read_text())
    assert written["scans"]["foam"]["file"] == scan["file"]
    assert not {"notify", "crate"} & written.keys()


@pytest.mark.skipif(not HAS_ROCRATE, reason="needs rocrate")
def test_every_reference_in_the_crate_leads_somewhere(noted: Project) -> None:
    graph = json.loads((noted.folder / "results/ro-crate-metadata.json").read_text())["@graph"]
    ids = [entity["@id"] for entity in graph]
    assert len(set(ids)) == len(ids)
    values = [value for entity in graph for value in entity.values()]
    listed = [part for value in values for part in (value if isinstance(value, list) else [value])]
    named = {part["@id"] for part in listed if isinstance(part, dict)}
    assert named - {"https://w3id.org/ro/crate/1.1"} <= set(ids)


@pytest.mark.skipif(HAS_ROCRATE, reason="rocrate is there")
def test_a_crate_without_its_package_is_refused_before_any_job(tmp_path: Path, raw_scan: Callable[..., Path]) -> None:
    project = Project(tmp_path)
    project.configure(scans={"foam": {"file": str(raw_scan("foam.h5"))}}, crate={})
    run = project.snakemake("-n")
    assert (run.status, len(run.text.splitlines())) == (1, 1)
    assert "crate: the package rocrate is missing: pip install rocrate" in run.text


@pytest.mark.skipif(
    not Path(EXAMPLES.parents[1], ".venv/bin/snakemake").exists(), reason="needs the environment of make"
)
def test_a_scan_in_a_watched_folder_becomes_a_volume_and_a_sheet(tmp_path: Path, raw_scan: Callable[..., Path]) -> None:
    (tmp_path / "raw").mkdir()
    shutil.copy(raw_scan("first one.h5"), tmp_path / "raw")
    (tmp_path / "raw/broken.h5").write_text("no HDF5")
    sheets = [sys.executable, str(EXAMPLES / "jpeg_sheets.py"), str(tmp_path / "sheets")]
    settings = {"network": NETWORK, "train": TRAIN, "notify": {"done": sheets}}
    (tmp_path / "beamtime.yaml").write_text(yaml.safe_dump(settings))
    watcher = [
        sys.executable,
        str(EXAMPLES / "watch_folder.py"),
        "raw",
        "--every",
        "0.2",
        "--",
        str(EXAMPLES / "process_scan.sh"),
    ]
    with (tmp_path / "printed.txt").open("w") as printed:
        process = subprocess.Popen(watcher, cwd=tmp_path, stdout=printed, stderr=printed, start_new_session=True)
    became: dict[str, str] = {}
    deadline = time.monotonic() + 1200
    try:
        while len(became) < 2 or {"new", "submitting"} & set(became.values()):
            assert time.monotonic() < deadline, (tmp_path / "printed.txt").read_text()
            time.sleep(0.2)
            state = tmp_path / "submitted.json"
            known = json.loads(state.read_text()) if state.exists() else {}
            became = {name: values["is"] for name, values in known.items()}
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(60)
    assert became == {"broken.h5": "refused", "first one.h5": "submitted"}
    assert [file.name for file in (tmp_path / "sheets").iterdir()] == ["first_one.jpg"]
    assert len(list((tmp_path / "runs").glob("*/results/*/denoised.ome.zarr/zarr.json"))) == 1
    assert len(list((tmp_path / "runs").glob("*/logs/commands.log"))) == 1
