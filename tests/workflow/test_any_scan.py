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
    "bad_references": ["darks 3 hold light", "flats 4 to 5 differ from the others"],
    "no_light": ["projections 30 to 32, 77, 111 to 119 hold no light"],
}


@pytest.fixture(scope="module")
def beamtime(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, str]:
    """Run odd scans, an unusable one, and an ordinary one; return what the run printed."""
    project = Project(tmp_path_factory.mktemp("beamtime"))
    for name, change in ODD.items():
        scan = parts()
        change(scan)
        write(project.folder / f"raw/{name}.h5", scan)
    useless = parts()
    useless["data_white"] = (odd_scans.DARK + (useless["data_white"] - odd_scans.DARK) // 20).astype(np.uint16)
    write(project.folder / "raw/useless.h5", useless)
    write(project.folder / "raw/ordinary.h5", parts())
    scans = {name: {"file": f"raw/{name}.h5"} for name in [*ODD, "useless", "ordinary"]}
    project.configure(scans=scans, **SETTINGS)
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
    last = text[text.index("tomodenoise: 5 of 6 scans done, 1 failed") :].splitlines()
    assert "report: results/report.html" in last
    (failed,) = [line for line in last if "FAILED" in line]
    assert failed.split()[0] == "useless"
    assert "nearly all line integrals are below" in failed
    assert "logs/useless/describe.log" in failed
    assert sum("center 24." in line for line in last) == 5
    assert any("! " in line and "projections 30 to 32, 77, 111 to 119 hold no light" in line for line in last)
    page = (project.folder / "results/report.html").read_text()
    assert "useless" in page
    assert "nearly all line integrals are below" in page
    assert all(f'href="{name}/report.html"' in page for name in ODD)
    part = project.snakemake("center", "--keep-going")
    assert "5 of 6 scans done, 1 failed" in part.text


@pytest.mark.slow
def test_a_closed_shutter_changes_nothing_of_the_other_frames(beamtime: tuple[Project, str], tmp_path: Path) -> None:
    """The volume of a scan with a faulty flat equals that of the scan that never had it."""
    project, _ = beamtime
    clean = parts()
    clean["data_white"] = clean["data_white"][1:]
    other = Project(tmp_path)
    write(tmp_path / "raw/scan.h5", clean)
    other.configure(scans={"scan": {"file": "raw/scan.h5"}}, **SETTINGS)
    assert other.snakemake("reconstruct").status == 0
    mine, theirs = (
        zarr.open_array(folder / "sections.zarr", mode="r")[:]
        for folder in (project.folder / "results/shutter_closed", tmp_path / "results/scan")
    )
    np.testing.assert_array_equal(mine, theirs)


@pytest.mark.slow
def test_the_report_of_survivors_goes_once_all_is_well(beamtime: tuple[Project, str]) -> None:
    project, _ = beamtime
    shutil.copy(project.folder / "raw/ordinary.h5", project.folder / "raw/useless.h5")
    run = project.snakemake("all")
    assert run.status == 0, run.text
    assert "6 of 6 scans done" in run.text
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
    more = config.replace("scans:\n", "scans:\n  later: {file: raw/ordinary.h5}\n")
    (project.folder / "config.yaml").write_text(more)
    run = project.snakemake("--dry-run")
    (project.folder / "config.yaml").write_text(config)
    assert run.jobs["render_scan"] == run.jobs["find_center"] == run.jobs["train_model"] == 1, run.text


@pytest.mark.slow
def test_a_scan_has_settings_of_its_own(tmp_path: Path) -> None:
    """`input: intensity` for one scan leaves the flats of the other in use."""
    project = Project(tmp_path)
    write(tmp_path / "raw/counts.h5", parts())
    intensity = parts()
    light = (intensity.pop("data_white").astype(float) - odd_scans.DARK).mean(axis=0)
    intensity["data"] = (intensity["data"] - odd_scans.DARK) / light
    del intensity["data_dark"]
    write(tmp_path / "raw/intensity.h5", intensity)
    scans = {
        "counts": {"file": "raw/counts.h5"},
        "intensity": {"file": "raw/intensity.h5", "correct": {"input": "intensity"}, "split": {"sections": 3}},
    }
    project.configure(scans=scans, **SETTINGS)
    assert project.snakemake("reconstruct").status == 0
    a, b = (zarr.open_array(tmp_path / f"results/{name}/projections.zarr", mode="r")[:] for name in scans)
    assert np.abs(a - b).mean() < 0.03  # as flats are divided among sections, which intensities cannot be
    assert [zarr.open_array(tmp_path / f"results/{n}/sections.zarr", mode="r").shape[0] for n in scans] == [4, 3]
    scans["intensity"]["split"] = {"sections": 2}
    project.configure(scans=scans, **SETTINGS)
    run = project.snakemake("reconstruct", "-n")
    assert "scan=intensity" in run.text
    assert "scan=counts" not in run.text


@pytest.mark.slow
def test_what_the_users_shell_exports_reaches_no_job(tmp_path: Path) -> None:
    project = Project(tmp_path)
    write(tmp_path / "raw/scan.h5", parts())
    project.configure(scans={"scan": {"file": "raw/scan.h5"}}, **SETTINGS)
    (tmp_path / "matplotlibrc").write_text("text.usetex: True\n")
    odd = {
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "MATPLOTLIBRC": str(tmp_path),
        "PYTHONWARNINGS": "error",
        "WORLD_SIZE": "2",
        "RANK": "1",
        "ZARR_DEFAULT_ZARR_FORMAT": "2",
    }
    command = [*SNAKEMAKE, "--configfile", "config.yaml", "--cores", "2", "train", "center"]
    # Snakemake itself, which is started by hand, would not survive these warnings.
    done = subprocess.run(
        ["env", *(f"{key}={value}" for key, value in odd.items() if key != "PYTHONWARNINGS"), *command],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "results/scan/center.png").stat().st_size > 10_000


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
    last = [line for line in (tmp_path / "out").read_text().splitlines() if "steps (" not in line][-1]
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
    assert "as a module takes no prefix" in (done.stdout + done.stderr).strip().splitlines()[-1]


def test_the_revision_is_recorded_of_a_checkout_of_another_owner(tmp_path: Path) -> None:
    if os.getuid():
        pytest.skip("only root can give files away")
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
