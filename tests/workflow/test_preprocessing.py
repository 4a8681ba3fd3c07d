"""Options of correction, center and reconstruction, through the command line."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from projects import NETWORK, TRAIN, Project

from tomodenoise.common import disk_usage
from tomodenoise.storage import sections, zarr_arrays

HALF = ("--span", "360", "--center", "14.2", "--cylinder", "0.7", "--photons", "20000")


pytestmark = pytest.mark.slow


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def stored(project: Project, scan: str) -> sections.Sections:
    return sections.describe(project.folder / "results" / scan)


def test_half_acquisition_is_found_and_its_field_extended(project: Project, raw_scan: Callable[..., Path]) -> None:
    """The size of the volume is known only when the center is: the plan goes on from there, once."""
    half = str(raw_scan("half.h5", *HALF, columns=64, rows=6, angles=240))
    usual = str(raw_scan("usual.h5", "--span", "360", rows=6))
    config = {"half": {"file": half}, "usual": {"file": usual}}

    def configure() -> None:
        project.configure(scans=config, slab_megabytes=1, network=NETWORK, train=TRAIN)

    configure()
    # Known by its header, and so planned without a checkpoint, is the size of slices of half a turn only.
    assert project.snakemake("--dry-run").jobs["find_center_and_size"] == 2
    products = ["results/half/denoised.ome.zarr/zarr.json", "results/half/quality.json"]
    run = project.snakemake("reconstruct", *products)
    assert run.status == 0, run.text
    center = json.loads((project.folder / "results/half/center.json").read_text())
    assert center["center"] == pytest.approx(14.2, abs=0.5)
    assert center["extended"]
    assert stored(project, "half").size == center["size"] == pytest.approx(2 * (63 - 14.2), abs=2)
    assert stored(project, "usual").size == 64
    assert not project.snakemake("--dry-run", "reconstruct").jobs
    forced = project.snakemake("--dry-run", "-R", "reconstruct").jobs
    assert forced["reconstruct_slab"] > 1
    assert "find_center_and_size" not in forced

    config["half"]["field"] = "full"
    configure()
    run = project.snakemake("reconstruct")
    assert run.status == 0, run.text
    assert stored(project, "half").size == 64


def test_the_pixel_size_shapes_projections_where_phase_is_retrieved(
    project: Project, raw_scan: Callable[..., Path]
) -> None:
    file = str(raw_scan("phase.h5", "--distance", "0.02", "--delta-beta", "50", "--stripes", "4", rows=6))

    def configure(pixel_size: float, **correct: object) -> None:
        project.configure(
            scans={"foam": {"file": file, "pixel_size": pixel_size}},
            correct={"stripes": "sorting", "air": 3, **correct},
        )

    phase = {"phase": {"delta_beta": 50, "energy": 20, "distance": 0.02}}
    configure(1.0)
    assert project.snakemake("correct").status == 0
    configure(2.0)
    assert not project.snakemake("--dry-run", "correct").jobs
    configure(2.0, **phase)
    run = project.snakemake("correct")
    assert run.status == 0, run.text
    configure(1.0, **phase)
    assert "correct_slab" in project.snakemake("--dry-run", "correct").jobs
    counts = json.loads((project.folder / "results/foam/corrections/0-0.json").read_text())
    assert counts["zingers"] is not None


def test_sections_in_16_bits_take_half_the_disk_and_give_the_same_volume(
    project: Project, raw_scan: Callable[..., Path]
) -> None:
    file = str(raw_scan("noisy.h5", "--photons", "300", columns=64, rows=8))
    entry = {"file": file, "center": 31.5, "model": "noisy"}
    scans = {"whole": entry, "half": {**entry, "reconstruct": {"bits": 16}}}
    project.configure(scans=scans, models={"noisy": {"scans": ["whole"]}}, network=NETWORK, train=TRAIN)
    for target in ("all", "verify"):
        run = project.snakemake(target)
        assert run.status == 0, run.text
    whole, half = (stored(project, scan) for scan in scans)
    parts = whole.read(0, 8)
    np.testing.assert_array_equal(half.read(0, 8), sections.rounded(parts))
    sizes = [disk_usage.of(found.array).size for found in (whole, half)]
    assert sizes[1] < 0.6 * sizes[0]
    images = [zarr_arrays.read(found.array.parent / "denoised.ome.zarr/0", (0, 0)) for found in (whole, half)]
    assert not np.array_equal(*images)
    assert np.abs(images[1] - images[0]).max() < 0.002 * np.ptp(images[0])
