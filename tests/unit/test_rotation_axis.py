"""The axis on the detector determines the slices; sections of half a view give the same as the whole of it."""

import json
from pathlib import Path

import numpy as np
import phantoms
import pytest

from tomodenoise.common.arrays import FloatArray
from tomodenoise.common.errors import UserError
from tomodenoise.geometry import directions, rotation_axis
from tomodenoise.geometry.rotation_axis import Geometry
from tomodenoise.reconstruction import slices as reconstruction_slices
from tomodenoise.reconstruction.options import Reconstruct
from tomodenoise.splitting import by_angle
from tomodenoise.splitting.model import Section

TURN = np.arange(360) * 2 * np.pi / 360
SETTINGS = Reconstruct()
SIZE = 128
MIDDLE = (SIZE - 1) / 2


def reconstruct(sinograms: FloatArray, section: Section, axis: Geometry) -> FloatArray:
    run = reconstruction_slices.prepare(section, axis, SETTINGS, "cpu")
    return run(sinograms[:, section.indices], axis.centers(np.arange(len(sinograms))))


def whole(angles: FloatArray) -> Section:
    return Section(np.arange(len(angles)), angles, directions.angular_weights(angles)[0], 1.0)


def test_the_field_is_extended_where_the_axis_is_off_the_middle_third() -> None:
    centers = (10, 98, 102, 197, 201, 290)
    chosen = [rotation_axis.is_extended("auto", center, 300, TURN) for center in centers]
    assert chosen == [True, True, False, False, True, True]
    assert not rotation_axis.is_extended("auto", 10, 300, TURN / 2)
    assert rotation_axis.is_extended("extended", 150, 300, TURN)
    assert not rotation_axis.is_extended("full", 10, 300, TURN)
    with pytest.raises(UserError, match="360 degrees"):
        rotation_axis.is_extended("extended", 150, 300, TURN / 2)


def test_center_json_gives_back_the_geometry(tmp_path: Path) -> None:
    axis = Geometry(100, 20.25, 0.01, 31.5, extended=True)
    (tmp_path / "center.json").write_text(json.dumps(rotation_axis.to_json(axis)))
    assert rotation_axis.read(tmp_path / "center.json") == axis
    assert axis.radius == 78.75
    assert 2 * axis.radius <= axis.size - 1 <= 2 * axis.radius + 1


def test_sections_of_a_half_acquisition_add_up_to_the_whole() -> None:
    sinograms = phantoms.sinogram(phantoms.random_ellipses(3), TURN, SIZE, MIDDLE)[None]
    full = reconstruct(sinograms, whole(TURN), Geometry(SIZE, MIDDLE))[0]
    half, axis = sinograms[:, :, 40:], Geometry(SIZE - 40, MIDDLE - 40, extended=True)
    assert axis.size == SIZE
    split = by_angle.split(TURN, 4, 3)
    parts = [part.share * reconstruct(half, part, axis)[0] for part in split.sections]
    assert phantoms.psnr(np.sum(parts, axis=0), full) > 80
    # Each section sees the sample from both sides: none of them is half empty.
    for part in parts:
        assert phantoms.psnr(4 * part, full) > 15


def test_every_row_of_a_tilted_axis_has_a_center_of_its_own() -> None:
    angles = np.arange(200) * np.pi / 200
    axis = Geometry(SIZE, MIDDLE + 1, tilt=0.5, row=2)
    rows = [phantoms.sinogram(phantoms.disc(0.6), angles, SIZE, MIDDLE + 1 + 0.5 * (row - 2)) for row in range(5)]
    slices = reconstruct(np.stack(rows), whole(angles), axis)
    upright = reconstruct(rows[2][None], whole(angles), Geometry(SIZE, MIDDLE + 1))[0]
    for row in (0, 1, 3, 4):
        assert phantoms.psnr(slices[row], upright) > 30
