"""A series is read from one file or from many, and later stages see no difference."""

from pathlib import Path

import h5py
import numpy as np
import pytest
from corrections import only

import simulate_series
from tomodenoise.common.errors import UserError
from tomodenoise.correction import measuring, slabs
from tomodenoise.correction.measuring import Measures
from tomodenoise.scans import description, file_names, reading
from tomodenoise.scans.description import Scan
from tomodenoise.splitting import of_scan
from tomodenoise.splitting.options import SteppedScan, Steps

TINY = [
    "--columns",
    "32",
    "--rows",
    "3",
    "--steps",
    "4",
    "--projections",
    "9.9",
    "--flats",
    "6",
    "--darks",
    "2",
    "--center",
    "16",
]


def simulated(folder: Path, layout: str, *options: str) -> Path:
    simulate_series.main([str(folder / f"{layout}.h5"), "--layout", layout, *TINY, *options])
    return folder / f"{layout}.h5"


def opened(*files: Path, projections: float | None = None) -> Scan:
    steps = Steps() if projections is None else Steps(projections=projections)
    return of_scan.read(files, SteppedScan(file="x", mode="dynamic", steps=steps), "auto")


def test_all_three_ways_of_a_series_give_the_same_line_integrals(tmp_path: Path) -> None:
    whole = opened(simulated(tmp_path, "continuous"), projections=9.9)
    numbered = opened(simulated(tmp_path, "numbered"))
    simulated(tmp_path, "files")
    separate = opened(*file_names.expand(str(tmp_path / "files*.h5")))
    options = only()
    first, *others = (
        slabs.correct_slab(scan, (0, 3), None, options, Measures())[0] for scan in (whole, numbered, separate)
    )
    for scan, other in zip((numbered, separate), others, strict=True):
        np.testing.assert_array_equal(scan.steps, whole.steps)
        np.testing.assert_allclose(scan.angles, whole.angles)
        np.testing.assert_array_equal(other, first)
        assert of_scan.step_seconds(scan, None) == pytest.approx(0.1, rel=0.05)


def test_blocks_of_projections_come_out_as_the_whole_does(tmp_path: Path) -> None:
    simulated(tmp_path, "files")
    scan = opened(*file_names.expand(str(tmp_path / "files*.h5")))
    measures, options = measuring.measure(scan), only()
    whole = slabs.correct_slab(scan, (0, 3), None, options, measures)[0]
    parts = [
        slabs.correct_slab(scan, (0, 3), None, options, measures, slice(start, start + 15))[0] for start in (0, 15, 30)
    ]
    np.testing.assert_allclose(np.concatenate(parts), whole, rtol=1e-6)


def test_files_are_read_in_natural_order_and_all_described(tmp_path: Path) -> None:
    simulated(tmp_path, "files", "--steps", "11")
    files = file_names.expand(str(tmp_path / "files*.h5"))
    assert [file.stem for file in files] == [f"files{number}" for number in range(11)]
    scan = opened(*files)
    again = description.from_json(description.to_json(scan))
    assert [part.file for part in again.projections] == list(files)
    np.testing.assert_array_equal(again.steps, scan.steps)
    np.testing.assert_array_equal(
        reading.read(again.projections, (0, 3), slice(5, 25)), reading.read(scan.projections, (0, 3))[5:25]
    )


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"mode": "dynamic", "steps": {}}, "does not label its time steps: set steps.projections .* 9.9 for 180"),
        ({"mode": "dynamic", "steps": {"projections": 400}}, "form a single time step: set mode: static"),
        ({"mode": "static", "steps": {}}, "steps is for scans that change in time: set mode: dynamic"),
    ],
)
def test_what_makes_no_series_is_reported(tmp_path: Path, entry: dict[str, object], message: str) -> None:
    file = simulated(tmp_path, "continuous")
    with pytest.raises(UserError, match=message):
        of_scan.read([file], SteppedScan.model_validate({"file": "x", **entry}), "auto")


def test_a_file_with_steps_is_not_taken_for_a_static_scan(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds 4 time steps: set mode: dynamic"):
        of_scan.read([simulated(tmp_path, "numbered")], SteppedScan(file="x"), "auto")


def test_files_that_differ_are_refused(tmp_path: Path) -> None:
    simulated(tmp_path, "files")
    files = file_names.expand(str(tmp_path / "files*.h5"))
    with pytest.raises(UserError, match="set mode: dynamic"):
        of_scan.read(files, SteppedScan(file="x"), "auto")
    with h5py.File(files[2], "r+") as content:
        kept = content["exchange/data"][:, :, :20]
        for name in ("data", "data_white", "data_dark"):
            frames = content[f"exchange/{name}"][:, :, :20] if name != "data" else kept
            del content[f"exchange/{name}"]
            content[f"exchange/{name}"] = frames
    with pytest.raises(UserError, match=r"files2.h5 holds counts of 3 x 20 pixels, but .*files0.h5 holds .* 3 x 32"):
        opened(*files)
    with pytest.raises(UserError, match="remove the key"):
        opened(*files, projections=9.9)


def test_a_pattern_that_fits_nothing_and_a_file_named_twice_are_reported(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no file matches"):
        file_names.expand(str(tmp_path / "step_*.h5"))
    with pytest.raises(UserError, match="named twice"):
        file_names.expand(["a.h5", "a.h5"])


def test_steps_that_descend_are_refused(tmp_path: Path) -> None:
    file = simulated(tmp_path, "numbered")
    with h5py.File(file, "r+") as content:
        content["exchange/time_step"][0] = 9
    with pytest.raises(UserError, match="time_step is not in ascending order"):
        opened(file)


def test_steps_that_are_missing_are_reported(tmp_path: Path) -> None:
    numbered = simulated(tmp_path, "numbered", "--steps", "6")
    assert not opened(numbered).doubts
    with h5py.File(numbered, "r+") as file:
        kept = file["exchange/time_step"][()] != 3
        for name in ("data", "theta", "time", "time_step"):
            values = file[f"exchange/{name}"][()][kept]
            del file[f"exchange/{name}"]
            file[f"exchange/{name}"] = values
    (doubt,) = opened(numbered).doubts
    assert "/exchange/time_step lacks steps between 2 and 4" in doubt
    simulated(tmp_path, "files", "--steps", "6")
    files = file_names.expand(str(tmp_path / "files*.h5"))
    assert not opened(*files).doubts
    (doubt,) = opened(*files[:2], *files[3:]).doubts
    assert "the series of files lacks steps between" in doubt
