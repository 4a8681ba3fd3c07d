"""Scans that lost frames, or that are denser in places, are planned."""

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from projects import Project

VIEWS = 160


def without(raw: Path, file: Path, lost: list[int]) -> Path:
    """Copy a scan, but for some of its projections."""
    kept = np.setdiff1d(np.arange(VIEWS), lost)
    with h5py.File(raw) as whole, h5py.File(file, "w") as part:
        whole.copy("exchange", part)
        for name in ("data", "theta"):
            values, attributes = whole[f"exchange/{name}"][:][kept], dict(whole[f"exchange/{name}"].attrs)
            del part[f"exchange/{name}"]
            part[f"exchange/{name}"] = values
            part[f"exchange/{name}"].attrs.update(attributes)
    return file


LOST = {
    "twice": [*range(40, 48), *range(110, 118)],
    "five times": [number for first in (10, 40, 75, 110, 150) for number in range(first, first + 7)],
    "every other in a half": list(range(80, 160, 2)),
    "most of a half": [number for number in range(80, 160) if number % 10],
    "at the end": list(range(120, 160)),
}


@pytest.mark.slow
@pytest.mark.parametrize("sections", [2, 6, *(pytest.param(count, marks=pytest.mark.nightly) for count in (3, 4))])
def test_a_scan_that_lost_frames_anywhere_is_planned(
    tmp_path: Path, raw_scan: Callable[..., Path], sections: int
) -> None:
    raw = raw_scan("gaps.h5", angles=VIEWS, rows=4, columns=48)
    project = Project(tmp_path)
    names = {kind.replace(" ", "_"): lost for kind, lost in LOST.items()}
    scans = {name: {"file": str(without(raw, tmp_path / f"{name}.h5", lost))} for name, lost in names.items()}
    project.configure(scans=scans, split={"sections": sections})
    run = project.snakemake("--dry-run")
    assert run.status == 0, run.text
    assert run.jobs["split_scan"] == len(LOST)
