"""Measured scans of five kinds run whole: counts, attenuation, a full turn, uneven angles, NeXus with links."""

import json
from pathlib import Path

import numpy as np
import pytest
import zarr
from projects import NETWORK, ROOT, TRAIN, Project

from data import measured

SCANS: dict[str, dict[str, object]] = {
    "tooth": {"file": "tooth/tooth.h5"},
    "basalt": {"file": "basalt/basalt_dx.h5"},
    "wood": {"file": "wood360/wood360_dx.h5"},
    "needle": {"file": "haadf_needle/haadf_needle_aligned_dx.h5", "rows": [110, 134]},
    "k11": {"file": "k11_18014/k11-18014.nxs", "center": 12.5},
}
CENTERS = {"tooth": 295.5, "basalt": 312.25, "wood": 283.5, "needle": 128.0, "k11": 12.5}
EXAMPLES = {
    "dynamic": "gel_dynamic/gel_parallel_dx.h5",
    "xrdct": "rock_spectral/Sinogram_Rock_sample_2D_channels.nxs",
}


@pytest.mark.slow
@pytest.mark.parametrize("names", [["k11"], pytest.param([*SCANS], marks=pytest.mark.nightly)])
def test_every_measured_scan_runs_from_raw_to_report(tmp_path: Path, names: list[str]) -> None:
    project = Project(tmp_path)
    scans = {name: {**SCANS[name], "file": str(measured(str(SCANS[name]["file"])))} for name in names}
    split = {"sections": 2, "input": 1}
    project.configure(scans=scans, split=split, network=NETWORK, train={**TRAIN, "patch": 24})
    run = project.snakemake("all")
    assert run.status == 0, run.text
    for name in names:
        results = tmp_path / "results" / name
        assert json.loads((results / "center.json").read_text())["center"] == pytest.approx(CENTERS[name], abs=1)
        volume = zarr.open_array(results / "denoised.ome.zarr" / "0", mode="r")[:]
        assert np.isfinite(volume).all()
        assert volume.std() > 0
    pages = [file.read_text() for file in tmp_path.glob("results/**/report.html")]
    assert all(any(f"results/{name}/denoised.ome.zarr" in page for page in pages) for name in names)
    assert any("26.0 of 180 degrees are missing" in page for page in pages) == ("needle" in names)


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_plans_and_checks_the_scan_it_is_for(tmp_path: Path, name: str) -> None:
    file = measured(EXAMPLES[name])
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / file.name).symlink_to(file)
    (tmp_path / "config.yaml").write_text((ROOT / f"config/examples/{name}.yaml").read_text())
    project = Project(tmp_path)
    planned = project.snakemake("-n")
    assert planned.status == 0, planned.text
    stages = {job.removesuffix("_and_size").removesuffix("_slab").removesuffix("_channels") for job in planned.jobs}
    assert {"correct", "find_center"} <= stages
    checked = project.snakemake("check")
    assert checked.status == 0, checked.text
    assert "no problems found" in checked.text
