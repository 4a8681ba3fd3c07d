"""The pixel size at the sample, whatever sizes a file holds, and the report of the choice."""

from pathlib import Path

import h5py
import numpy as np
import pytest
from hdf5_files import write_exchange, write_nxtomo

from tomodenoise.scans import description, opening

FRAMES = np.ones((6, 4, 5), np.uint16)
DETECTOR = "entry/instrument/detector"
CAMERA = "measurement/instrument/detector"
OBJECTIVE = "measurement/instrument/detection_system/objective"

Held = dict[str, object]


def write(file: Path, layout: str, held: Held) -> Path:
    """Write a file with numbers at some paths: a value, or a value and its unit."""
    if layout == "nxtomo":
        write_nxtomo(file, FRAMES, [1, 0, 0, 0, 0, 2])
    else:
        write_exchange(file, FRAMES, data_white=FRAMES)
    with h5py.File(file, "a") as content:
        for path, value in held.items():
            number, unit = value if isinstance(value, tuple) else (value, None)
            content[path] = number
            if unit is not None:
                content[path].attrs["units"] = unit
    return file


def opened(file: Path) -> tuple[float | None, str]:
    scan = opening.open_scan(file)
    assert all(doubt.startswith("pixel size: ") for doubt in scan.doubts)
    assert all("\n" not in doubt for doubt in scan.doubts)
    return scan.pixel_size, " | ".join(scan.doubts)


SURE: list[tuple[str, Held, float]] = [
    ("nxtomo", {f"{DETECTOR}/x_pixel_size": (6.5e-6, "m"), f"{DETECTOR}/x_magnified_pixel_size": (0.65e-6, "m")}, 0.65),
    ("nxtomo", {f"{DETECTOR}/x_pixel_size": (6.5, "um"), "entry/sample/x_pixel_size": (0.65, "um")}, 0.65),
    ("nxtomo", {f"{DETECTOR}/x_pixel_size": (6.5, "um"), f"{DETECTOR}/x_sample_pixel_size": (0.65, "um")}, 0.65),
    ("nxtomo", {f"{DETECTOR}/pixel_size_x_effective": (650, "nm"), f"{DETECTOR}/pixel_size_x": (6.5, "um")}, 0.65),
    ("nxtomo", {f"{DETECTOR}/x_pixel_size": (1.43, "um"), f"{DETECTOR}/y_pixel_size": (1.4301, "um")}, 1.43),
    ("nxtomo", {f"{DETECTOR}/x_pixel_size": ([1.43, 1.43], "um")}, 1.43),
    ("nxtomo", {f"{DETECTOR}/pixel_size": ([1.43, 1.43], "um")}, 1.43),
    ("nxtomo", {f"{DETECTOR}/x_pixel_size": (55, "um")}, 55),
    ("nxtomo", {f"{DETECTOR}/y_pixel_size": (1.43, "um")}, 1.43),
    ("nxtomo", {f"{DETECTOR}/x_pixel_size": (1.43, "um/pixel")}, 1.43),
    ("nxtomo", {f"{DETECTOR}/x_pixel_size": (1.43, np.bytes_("µm".encode("latin-1")))}, 1.43),
    ("exchange", {f"{CAMERA}/x_actual_pixel_size": (0.65, "um"), f"{CAMERA}/x_pixel_size": (6.5, "um")}, 0.65),
    ("exchange", {f"{OBJECTIVE}/resolution": (0.65, "um"), f"{CAMERA}/x_pixel_size": (6.5, "um")}, 0.65),
    ("exchange", {f"{OBJECTIVE}/magnification": 1.0, f"{CAMERA}/x_pixel_size": (6.5, "um")}, 6.5),
    (
        "exchange",
        {
            f"{CAMERA}/x_pixel_size": (6.5, "um"),
            f"{CAMERA}/x_actual_pixel_size": (0.63, "um"),
            f"{OBJECTIVE}/magnification": "10x",
        },
        0.63,
    ),
]


@pytest.mark.parametrize(("layout", "held", "expected"), SURE)
def test_a_size_at_the_sample_is_taken_without_a_doubt(
    tmp_path: Path, layout: str, held: Held, expected: float
) -> None:
    size, doubts = opened(write(tmp_path / "s.h5", layout, held))
    assert size == pytest.approx(expected)
    assert doubts == ""


DOUBTED: list[tuple[str, Held, float | None, list[str]]] = [
    (
        "exchange",
        {f"{CAMERA}/x_pixel_size": (6.5, "um"), f"{OBJECTIVE}/magnification": 10.0},
        0.65,
        [
            "0.65 um is 6.5 um of /measurement/instrument/detector/x_pixel_size",
            "magnification 10",
            "set pixel_size",
        ],
    ),
    (
        "exchange",
        {f"{CAMERA}/x_pixel_size": (6.5, "um"), "measurement/instrument/objective/magnification": "5X"},
        1.3,
        ["magnification 5 of /measurement/instrument/objective/magnification"],
    ),
    (
        "nxtomo",
        {f"{DETECTOR}/x_pixel_size": (11e-6, "m"), f"{DETECTOR}/magnification": [20.0]},
        0.55,
        ["magnification 20"],
    ),
    (
        "nxtomo",
        {f"{DETECTOR}/x_pixel_size": (5.5, "um"), "entry/instrument/microscope/lens/optical_magnification": 2.5},
        2.2,
        ["magnification 2.5"],
    ),
    (
        "nxtomo",
        {f"{DETECTOR}/x_pixel_size": (0.65, "um"), f"{DETECTOR}/magnification": 10.0},
        0.65,
        ["0.65 um", "too small for a camera", "magnification 10"],
    ),
    (
        "nxtomo",
        {
            f"{DETECTOR}/x_pixel_size": (6.5, "um"),
            "entry/instrument/a/magnification": 5,
            "entry/instrument/b/magnification": 10,
        },
        6.5,
        ["several magnifications (5 of", "10 of"],
    ),
    ("nxtomo", {f"{DETECTOR}/x_pixel_size": (6.5, "um")}, 6.5, ["6.5 um", "that of the camera", "set pixel_size"]),
    ("exchange", {f"{CAMERA}/pixel_size_x": (3.45, "um")}, 3.45, ["that of the camera"]),
    (
        "nxtomo",
        {f"{DETECTOR}/x_pixel_size": (1.0, "um"), f"{DETECTOR}/y_pixel_size": (2.0, "um")},
        1.0,
        ["x_pixel_size is 1 um", "y_pixel_size is 2 um", "with the edge x"],
    ),
    (
        "exchange",
        {f"{CAMERA}/pixel_size": ([0.65, 0.7], "um")},
        0.65,
        ["0.65 um", "0.7 um", "with the edge x"],
    ),
    (
        "nxtomo",
        {"entry/sample/x_pixel_size": (0.65, "um"), f"{DETECTOR}/x_magnified_pixel_size": (0.72, "um")},
        0.65,
        ["0.65 um of /entry/sample/x_pixel_size is used", "x_magnified_pixel_size is 0.72 um"],
    ),
    (
        "nxtomo",
        {"entry/sample/x_pixel_size": (0.65, "um"), f"{DETECTOR}/x_pixel_size": (0.72, "um")},
        0.65,
        ["/entry/instrument/detector/x_pixel_size is 0.72 um"],
    ),
    (
        "nxtomo",
        {
            "entry/sample/x_pixel_size": (0.65, "um"),
            f"{DETECTOR}/x_pixel_size": (6.5, "um"),
            f"{DETECTOR}/magnification": 4,
        },
        0.65,
        ["/entry/instrument/detector/x_pixel_size is 6.5 um"],
    ),
    ("nxtomo", {f"{DETECTOR}/x_pixel_size": (6.5, "m")}, 6.5e6, ["6.5e+06 um of", "is implausible for a detector"]),
    (
        "nxtomo",
        {f"{DETECTOR}/x_pixel_size": 1.43},
        None,
        ["x_pixel_size holds 1.43", "a unit of length", "set pixel_size"],
    ),
    ("nxtomo", {f"{DETECTOR}/x_pixel_size": (1.43, "pixel")}, None, ["holds 1.43 pixel"]),
    ("nxtomo", {f"{DETECTOR}/x_pixel_size": ("1.43", "um")}, None, ["holds 1.43 um"]),
    ("nxtomo", {f"{DETECTOR}/x_pixel_size": (0.0, "um")}, None, ["holds 0.0 um", "not a positive number"]),
    ("nxtomo", {f"{DETECTOR}/x_pixel_size": ([1.0, 1.1, 1.2], "um")}, None, ["is not one length"]),
    (
        "nxtomo",
        {f"{DETECTOR}/x_magnified_pixel_size": 0.65, f"{DETECTOR}/x_pixel_size": (6.5, "um")},
        6.5,
        ["x_magnified_pixel_size holds 0.65", "that of the camera"],
    ),
]


@pytest.mark.parametrize(("layout", "held", "expected", "words"), DOUBTED)
def test_what_is_doubtful_about_a_size_is_reported(
    tmp_path: Path, layout: str, held: Held, expected: float | None, words: list[str]
) -> None:
    file = write(tmp_path / "s.h5", layout, held)
    size, doubts = opened(file)
    assert size == pytest.approx(expected)
    assert all(word in doubts for word in words), doubts


def test_a_size_of_the_user_settles_all_doubts_about_it(tmp_path: Path) -> None:
    file = write(tmp_path / "s.h5", *DOUBTED[0][:2])
    scan = opening.open_scan(file, pixel_size=0.7)
    assert (scan.pixel_size, scan.doubts) == (0.7, ())
    stored = description.from_json(description.to_json(opening.open_scan(file)))
    assert stored.doubts
    assert description.sized(stored, 0.7).doubts == ()
    assert description.sized(stored, None) == stored
