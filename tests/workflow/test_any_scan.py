"""A scan with faults becomes a volume, and they are reported; one that cannot be used does not stop the others."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import odd_scans
import pytest
import yaml
import zarr
from odd_scans import ODD, parts, write
from projects import NETWORK, ROOT, SNAKEMAKE, TRAIN, Project

SETTINGS: dict[str, object] = {"network": NETWORK, "train": TRAIN}
REPORTED = {
    "shutter_closed": ["flats 0 differ from the others"],
    "bad_frames": [
        "darks 3 hold light",
        "flats 4 to 5 differ from the others",
        "projections 30 to 32, 77, 111 to 119 hold no light",
    ],
}


@pytest.fixture(scope="module")
def beamtime(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, str]:
    """Run odd scans, an unusable one, and an ordinary one, with one network; return what the run printed."""
    project = Project(tmp_path_factory.mktemp("beamtime"))
    for name, change in ODD.items():
        scan = parts()
        change(scan)
        write(project.folder / f"raw/{name}.h5", scan)
    useless = parts()
    useless["data_white"] = (odd_scans.DARK + (useless["data_white"] - odd_scans.DARK) // 20).astype(np.uint16)
    write(project.folder / "raw/useless.h5", useless)
    ordinary = parts()
    ordinary["data_white"] = ordinary["data_white"][1:]
    write(project.folder / "raw/ordinary.h5", ordinary)
    scans = {name: {"file": f"raw/{name}.h5", "model": "shared"} for name in [*ODD, "useless", "ordinary"]}
    project.configure(scans=scans, models={"shared": {"scans": [*ODD, "ordinary"]}}, **SETTINGS)
    run = project.snakemake("all", "--keep-going")
    assert run.status == 1, run.text
    return project, run.text


@pytest.mark.slow
@pytest.mark.parametrize("name", [*ODD, "ordinary"])
def test_each_odd_scan_becomes_a_volume_and_says_what_is_odd(beamtime: tuple[Project, str], name: str) -> None:
    project, _ = beamtime
    results = project.folder / "results" / name
    volume = zarr.open_array(results / "denoised.ome.zarr/0", mode="r")[:]
    assert np.isfinite(volume).all()
    assert volume[0, 0, 6].std() > 0.005
    center = json.loads((results / "center.json").read_text())
    assert center["center"] == pytest.approx(odd_scans.AXIS, abs=0.7)
    page = (results / "report.html").read_text()
    left_out = json.loads((results / "scan.json").read_text())["left_out"]
    assert bool(left_out) == (name in REPORTED)
    assert all(words in page for words in REPORTED.get(name, []))


@pytest.mark.slow
def test_a_run_ends_with_what_became_of_each_scan(beamtime: tuple[Project, str]) -> None:
    project, text = beamtime
    last = text[text.index("tomodenoise: 4 of 5 scans done, 1 failed") :].splitlines()
    assert "report: results/report.html" in last
    (failed,) = [line for line in last if "FAILED" in line]
    assert failed.split()[0] == "useless"
    assert "nearly all line integrals are below" in failed
    assert "logs/useless/describe.log" in failed
    assert sum("center 24." in line for line in last) == 4
    assert any("! " in line and "projections 30 to 32, 77, 111 to 119 hold no light" in line for line in last)
    page = (project.folder / "results/report.html").read_text()
    assert "useless" in page
    assert "nearly all line integrals are below" in page
    assert all(f'href="{name}/report.html"' in page for name in ODD)
    part = project.snakemake("center", "--keep-going")
    assert "4 of 5 scans done, 1 failed" in part.text


@pytest.mark.slow
def test_a_closed_shutter_changes_nothing_of_the_other_frames(beamtime: tuple[Project, str]) -> None:
    """The volume of a scan with a faulty flat equals that of the scan that never had it."""
    mine, theirs = (
        zarr.open_array(beamtime[0].folder / f"results/{name}/sections.zarr", mode="r")[:]
        for name in ("shutter_closed", "ordinary")
    )
    np.testing.assert_array_equal(mine, theirs)


@pytest.mark.slow
def test_a_scan_that_lost_frames_twice_says_so_in_log_and_report(beamtime: tuple[Project, str]) -> None:
    project, _ = beamtime
    results = project.folder / "results/harmless"
    split = json.loads((results / "split.json").read_text())
    assert len(split["gaps_degrees"]) == 2
    assert split["missing_wedge_degrees"] == pytest.approx(18)
    message = "no projections at 43.5 to 54.0, 118.5 to 129.0 degrees: 18.0 of 180 degrees are missing"
    assert message in (project.folder / "logs/harmless/split.log").read_text()
    assert message in (results / "report.html").read_text()
    verdicts = json.loads((results / "quality.json").read_text())["verdicts"]
    assert any("2 ranges of angles have no projections" in verdict["text"] for verdict in verdicts)


@pytest.mark.slow
def test_the_report_of_survivors_goes_once_all_is_well(beamtime: tuple[Project, str]) -> None:
    project, _ = beamtime
    shutil.copy(project.folder / "raw/ordinary.h5", project.folder / "raw/useless.h5")
    run = project.snakemake("all")
    assert run.status == 0, run.text
    assert "5 of 5 scans done" in run.text
    assert "nearly all line integrals" not in (project.folder / "results/report.html").read_text()


@pytest.mark.slow
def test_each_scan_has_its_page_and_one_more_scan_leaves_it_alone(beamtime: tuple[Project, str]) -> None:
    project, _ = beamtime
    config = (project.folder / "config.yaml").read_text()
    names = [*yaml.safe_load(config)["scans"]]
    overview = (project.folder / "results/report.html").read_text()
    rows = re.findall(r'<th scope="row"><a href="(.*?)">', overview)
    assert rows == [f"{name}/report.html" for name in sorted(names)]
    assert overview.count("<img") == len(names)  # a thumbnail each
    for name in names:
        page = (project.folder / "results" / name / "report.html").read_text()
        assert 'href="../report.html"' in page
        assert [other for other in names if f"results/{other}/" in page] == [name]
    more = yaml.safe_load(config)
    more["scans"]["later"] = {"file": "raw/ordinary.h5"}
    project.configure(**more)
    run = project.snakemake("--dry-run")
    (project.folder / "config.yaml").write_text(config)
    assert run.jobs["render_scan"] == run.jobs["find_center"] == run.jobs["train_model"] == 1, run.text


EXPORTED = {
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "WORLD_SIZE": "2",
    "RANK": "1",
    "ZARR_DEFAULT_ZARR_FORMAT": "2",
}


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Train on one of two scans of different settings, in a shell that exports what other programs need."""
    project = Project(tmp_path_factory.mktemp("own"))
    write(project.folder / "raw/counts.h5", parts())
    intensity = parts()
    light = (intensity.pop("data_white").astype(float) - odd_scans.DARK).mean(axis=0)
    intensity["data"] = (intensity["data"] - odd_scans.DARK) / light
    del intensity["data_dark"]
    write(project.folder / "raw/intensity.h5", intensity)
    (project.folder / "matplotlibrc").write_text("text.usetex: True\n")
    configure_own(project, sections=3)
    # Snakemake itself, which is started by hand, would not survive warnings that are errors.
    command = [*SNAKEMAKE, "--configfile", "config.yaml", "--cores", "2", "train", "correct"]
    done = subprocess.run(
        command, cwd=project.folder, env=os.environ | EXPORTED | {"MATPLOTLIBRC": str(project.folder)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return project


def configure_own(project: Project, sections: int) -> None:
    scans = {
        "counts": {"file": "raw/counts.h5"},
        "intensity": {"file": "raw/intensity.h5", "correct": {"input": "intensity"}, "split": {"sections": sections}},
    }
    scans = {name: {**scan, "model": "one"} for name, scan in scans.items()}
    project.configure(scans=scans, models={"one": {"scans": ["counts"]}}, **SETTINGS)


@pytest.mark.slow
def test_a_scan_has_settings_of_its_own(own: Project) -> None:
    """`input: intensity` for one scan leaves the flats of the other in use."""
    names, results = ("counts", "intensity"), own.folder / "results"
    a, b = (zarr.open_array(results / name / "projections.zarr", mode="r")[:] for name in names)
    assert np.abs(a - b).mean() < 0.03  # as flats are divided among sections, which intensities cannot be
    splits = [json.loads((results / name / "split.json").read_text()) for name in names]
    assert [len(split["sections"]) for split in splits] == [4, 3]
    configure_own(own, sections=2)
    run = own.snakemake("correct", "-n")
    assert "scan=intensity" in run.text
    assert "scan=counts" not in run.text


@pytest.mark.slow
def test_what_the_users_shell_exports_reaches_no_job(own: Project) -> None:
    assert (own.folder / "results/counts/center.png").stat().st_size > 10_000
    assert (own.folder / "results/models/one/model.safetensors").is_file()
    assert json.loads((own.folder / "results/counts/sections.zarr/zarr.json").read_text())["zarr_format"] == 3


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [3.0, pytest.param(6.0, marks=pytest.mark.nightly)])
def test_ctrl_c_ends_in_one_line(tmp_path: Path, seconds: float) -> None:
    project = Project(tmp_path)
    write(tmp_path / "raw/scan.h5", parts())
    project.configure(scans={"scan": {"file": "raw/scan.h5"}}, train={"pixels": 1e9})
    command = [*SNAKEMAKE, "--configfile", "config.yaml", "--cores", "2"]
    with (tmp_path / "out").open("w") as out:
        run = subprocess.Popen(
            command, cwd=tmp_path, stdout=out, stderr=out, start_new_session=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509
        )  # fmt: skip
        while "total" not in (tmp_path / "out").read_text():
            assert run.poll() is None
            time.sleep(0.1)
        time.sleep(seconds)
        os.killpg(run.pid, signal.SIGINT)
        assert run.wait(timeout=60) != 0
    last = [line for line in (tmp_path / "out").read_text().splitlines() if " jobs (" not in line][-1]
    assert last.startswith("tomodenoise: interrupted")
    assert "Traceback" not in (tmp_path / "out").read_text()


def test_a_module_with_a_prefix_is_refused_in_a_line(tmp_path: Path) -> None:
    write(tmp_path / "raw/scan.h5", parts())
    (tmp_path / "Snakefile").write_text(
        f'module td:\n    snakefile: "{ROOT}/Snakefile"\n'
        f'    config: {{"scans": {{"scan": {{"file": "{tmp_path}/raw/scan.h5"}}}}}}\n    prefix: "tomo"\n'
        "use rule * from td as td_*\n"
    )
    command = [sys.executable, "-m", "snakemake", "--cores", "1", "-n"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "used as a module, this workflow takes no prefix" in (done.stdout + done.stderr).strip().splitlines()[-1]


def test_the_revision_is_recorded_of_a_checkout_of_another_owner(tmp_path: Path) -> None:
    if os.getuid():
        pytest.skip("only root can give files away")
    if not (ROOT / ".git").exists():
        pytest.skip("no checkout, but a source archive")
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", "--depth", "1", f"file://{ROOT}", str(clone)], check=True)
    for path in [clone, *clone.rglob("*")]:
        os.chown(path, 12345, 12345, follow_symlinks=False)
    code = "from tomodenoise.common import provenance; print(provenance.collect({}, {})['revision'])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=clone / "workflow/scripts", capture_output=True, text=True, check=True
    )
    assert len(done.stdout.strip().removesuffix("-dirty")) >= 12
    assert h5py  # the library imports


def test_a_model_has_the_rights_of_the_umask(tmp_path: Path) -> None:
    code = (
        "import os, torch; os.umask(0o027)\n"
        "from pathlib import Path; from tomodenoise.networks import models, options, registry, specs\n"
        "spec = specs.complete(options.Network(name='unet', width=4, depth=2))\n"
        "model = models.Model(registry.build(spec), spec, models.Normalisation((0.0,), (1.0,)), {'source': {}})\n"
        "models.save(model, Path('model.safetensors'))"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT / "workflow/scripts")}
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=env, check=True)
    assert (tmp_path / "model.safetensors").stat().st_mode & 0o777 == 0o640
