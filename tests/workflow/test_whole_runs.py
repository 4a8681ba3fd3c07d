"""One command from raw HDF5 to OME-Zarr and report; every stage runs again at will, and nothing else does."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import zarr
from projects import NETWORK, ROOT, SNAKEMAKE, TRAIN, Project

pytestmark = pytest.mark.slow
AWKWARD = "it's $HOME; & späte Probe.h5"
SHARD = "results/foam/sections.zarr/c/0/0/1/0/0"


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, raw_scan: Callable[..., Path]) -> Project:
    """Run two scans that share a model, one of them cropped, in small slabs, so that there are several."""
    project = Project(tmp_path_factory.mktemp("project"))
    shutil.copy(raw_scan("foam.h5", columns=300, rows=6), project.folder / AWKWARD)
    shutil.copy(raw_scan("other.nxs", "--layout", "nxtomo", "--seed", "3"), project.folder / "other.nxs")
    project.configure(
        scans={
            "foam": {"file": AWKWARD, "model": "both", "pixel_size": 1.5},
            "other": {"file": "other.nxs", "model": "both", "rows": [2, 11]},
        },
        network=NETWORK,
        split={"sections": 4},
        train=TRAIN,
        slab_megabytes=3,
    )
    run = project.snakemake()
    assert run.status == 0, run.text
    (project.folder / "printed.txt").write_text(run.text)
    return project


def unchanged(project: Project, *arguments: str) -> dict[str, int]:
    """Jobs that Snakemake would run."""
    run = project.snakemake("--dry-run", *arguments)
    assert run.status == 0, run.text
    return run.jobs


def test_every_product_of_the_contract_is_there(finished: Project) -> None:
    products = [
        "results/foam/scan.json",
        "results/foam/projections.zarr/zarr.json",
        "results/foam/center.json",
        "results/foam/center.png",
        "results/foam/split.json",
        "results/foam/sections.zarr/zarr.json",
        "results/models/both/model.safetensors",
        "results/models/both/history.jsonl",
        "results/models/both/training.html",
        "results/foam/denoised.ome.zarr/zarr.json",
        "results/report.html",
        "logs/foam/correct/0-0.log",
        "benchmarks/foam/correct/0-0.tsv",
    ]
    assert [name for name in products if not (finished.folder / name).is_file()] == []
    assert (finished.folder / SHARD).is_file()


def test_the_volume_is_whole_scaled_and_of_the_cropped_rows(finished: Project) -> None:
    foam = zarr.open_group(finished.folder / "results/foam/denoised.ome.zarr", mode="r")
    assert foam["0"].shape == (1, 1, 6, 300, 300)
    assert foam["1"].shape == (1, 1, 3, 150, 150)
    assert np.isfinite(foam["0"][:]).all()
    np.testing.assert_allclose(foam["1"][0, 0, 1, 70, 70], foam["0"][0, 0, 2:4, 140:142, 140:142].mean(), rtol=1e-5)
    scale = foam.attrs["ome"]["multiscales"][0]["datasets"][0]["coordinateTransformations"][0]["scale"]
    assert scale == [1, 1, 1.5, 1.5, 1.5]
    assert foam.attrs["provenance"]["config"]["split"]["sections"] == 4
    other = zarr.open_group(finished.folder / "results/other/denoised.ome.zarr", mode="r")
    assert other["0"].shape == (1, 1, 9, 64, 64)


def test_a_healthy_run_prints_little_and_ends_with_center_and_report(finished: Project) -> None:
    text = (finished.folder / "printed.txt").read_text()
    assert len(text.splitlines()) < 80
    assert text.splitlines()[-1] == "report: results/report.html"
    assert len(re.findall(r"center \d+\.\d", text)) == 2
    assert "rule correct_slab" in next((finished.folder / ".snakemake/log").glob("*.log")).read_text()


def test_the_report_is_one_file_that_names_both_scans(finished: Project) -> None:
    page = (finished.folder / "results/report.html").read_text()
    assert "foam" in page
    assert "other" in page
    assert 'src="http' not in page


def test_run_again_there_is_nothing_to_do(finished: Project) -> None:
    assert unchanged(finished) == {}


@pytest.mark.parametrize(("asked", "passes"), [([], 0), (["--max-jobs-per-timespan", "7/5s"], 1)])
def test_the_scheduler_waits_for_jobs_unless_a_user_limits_them(
    finished: Project, asked: list[str], passes: int
) -> None:
    own = finished.folder / "own.smk"
    own.write_text(
        f"""include: {SNAKEMAKE[-1]!r}
import threading
rule own:
    output: "own{passes}.txt"
    shell: "touch {{output}}"
onsuccess:
    print("timers", sum(isinstance(thread, threading.Timer) for thread in threading.enumerate()))
"""
    )
    run = finished.snakemake("--snakefile", str(own), *asked, "--", f"own{passes}.txt")
    assert run.status == 0, run.text
    assert re.findall(r"timers (\d+)", run.text) == [str(passes)]


def test_a_raw_file_that_was_only_touched_is_no_surprise(finished: Project) -> None:
    os.utime(finished.folder / AWKWARD)
    assert unchanged(finished) == {}


def test_a_deleted_shard_is_made_again_alone_and_with_the_same_bits(finished: Project) -> None:
    before = finished.bits()
    (finished.folder / SHARD).unlink()
    run = finished.snakemake(SHARD)
    assert run.status == 0, run.text
    assert run.jobs == {"reconstruct_slab": 1}
    assert finished.bits() == before
    # Newer than what was made of it, though equal: what follows would run again.
    assert set(unchanged(finished)) == {
        "train_model",
        "denoise_slab",
        "halve_slab",
        "describe_image",
        "judge_scan",
        "render_report",
    }
    os.utime(finished.folder / SHARD, (0, (finished.folder / "results/foam/center.json").stat().st_mtime + 1))
    assert unchanged(finished) == {}


def test_a_stage_named_with_minus_r_runs_again_with_what_follows(finished: Project) -> None:
    jobs = unchanged(finished, "-R", "train")
    assert jobs["train_model"] == 1
    assert jobs["denoise_slab"] >= 2
    assert "reconstruct_slab" not in jobs
    assert "correct_slab" not in jobs
    assert "train_model" not in unchanged(finished, "-R", "denoise")
    assert unchanged(finished, "-R", "reconstruct")["train_model"] == 1


def test_other_settings_run_only_what_they_shape(finished: Project) -> None:
    config = (finished.folder / "config.yaml").read_text()
    stages = {
        "denoise": (
            {"denoise_slab", "halve_slab", "describe_image", "judge_scan", "render_report"},
            "denoise: {input: sections}\n",
        ),
        "train": ({"train_model"}, "seed: 7"),
    }
    try:
        (finished.folder / "config.yaml").write_text(config + stages["denoise"][1])
        assert set(unchanged(finished)) == stages["denoise"][0]
        (finished.folder / "config.yaml").write_text(config.replace("train:\n", "train:\n  seed: 7\n"))
        jobs = set(unchanged(finished))
        assert "train_model" in jobs
        assert not jobs & {"correct_slab", "reconstruct_slab", "find_center", "split_scan", "describe_scan"}
    finally:
        (finished.folder / "config.yaml").write_text(config)


def test_a_raw_file_of_other_content_runs_again_from_the_start(finished: Project) -> None:
    file = finished.folder / "other.nxs"
    original = file.read_bytes()
    try:
        with h5py.File(file, "r+") as content:
            content["entry/instrument/detector/data"][:] += 1
        jobs = unchanged(finished)
        assert jobs["describe_scan"] == 1
        assert jobs["train_model"] == 1
    finally:
        file.write_bytes(original)
    assert unchanged(finished) == {}


@pytest.mark.parametrize("target", ["split", "correct", "center", "reconstruct"])
def test_each_target_stops_at_its_stage(tmp_path: Path, raw_scan: Callable[..., Path], target: str) -> None:
    project = Project(tmp_path)
    project.configure(scans={"foam": {"file": str(raw_scan("foam64.h5"))}})
    jobs = unchanged(project, target)
    last = {
        "split": "split_scan",
        "correct": "correct_slab",
        "center": "find_center",
        "reconstruct": "reconstruct_slab",
    }
    assert last[target] in jobs
    assert "find_center_and_size" not in jobs
    assert "train_model" not in jobs


def test_a_plan_for_a_cluster_prints_no_warning(tmp_path: Path, raw_scan: Callable[..., Path]) -> None:
    project = Project(tmp_path)
    project.configure(scans={"foam": {"file": str(raw_scan("foam.h5"))}})
    command = [*SNAKEMAKE, "-n", "--quiet", "rules", "--profile", str(ROOT / "profiles/slurm")]
    done = subprocess.run(
        [*command, "--configfile", "config.yaml"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr
