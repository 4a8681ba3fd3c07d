"""Sinograms of many channels: any order of axes, any unit of angles, and one line for what does not fit."""

from itertools import permutations
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from corrections import only
from hypothesis import given
from hypothesis import strategies as st

from data import measured
from tomodenoise.common.errors import UserError
from tomodenoise.config import settings
from tomodenoise.correction import channels, options
from tomodenoise.correction.options import Phase
from tomodenoise.planning import scan_table
from tomodenoise.scans import description, opening, reading, xrdct
from tomodenoise.scans.description import Scan
from tomodenoise.scans.options import ChannelNames, RawScan
from tomodenoise.splitting import by_angle
from tomodenoise.storage import layout

SIZES = {"z": 3, "c": 4, "a": 6, "t": 5}
VALUES = np.random.default_rng(0).normal(size=(3, 4, 6, 5)).astype(np.float32)  # z, c, a, t
ORDERS = ["".join(order) for kept in ("zcat", "cat", "zat", "at") for order in permutations(kept)]
ASKED: dict[str, Any] = {"dataset": "/entry/sinograms", "axes": "zcat", "angles": "/entry/angles"}


def write(file: Path, axes: str = "zcat", **parts: Any) -> Path:  # noqa: ANN401 - whatever a file may hold
    """Write the sinograms in some order of axes; of an axis that is missing the first entry."""
    angles = parts.get("angles", np.arange(6) * 30.0)
    kept = VALUES[tuple(slice(None) if axis in axes else 0 for axis in "zcat")]
    stored = [axis for axis in "zcat" if axis in axes]
    with h5py.File(file, "w") as handle:
        handle["entry/sinograms"] = parts.get("data", kept.transpose([stored.index(axis) for axis in axes]))
        handle["entry/angles"] = angles
        if unit := parts.get("unit", "deg"):
            handle["entry/angles"].attrs["units"] = unit
        handle["entry/tth"] = parts.get("tth", np.linspace(2.0, 5.0, 4))
        handle["entry/tth"].attrs["units"] = "deg"
    return file


def opened(file: Path, **asked: Any) -> Scan:  # noqa: ANN401 - whatever a person may ask
    return opening.open_scan(file, channels={**ASKED, **asked})


@given(axes=st.sampled_from(ORDERS), data=st.data())
def test_any_order_of_axes_reads_alike(
    tmp_path_factory: pytest.TempPathFactory, axes: str, data: st.DataObject
) -> None:
    file = write(tmp_path_factory.mktemp("axes") / "scan.h5", axes)
    scan = opened(file, axes=axes)
    start = data.draw(st.integers(0, scan.depth - 1))
    stop = data.draw(st.integers(start + 1, scan.depth))
    expected = VALUES[: scan.depth, : scan.channel_count][start:stop].transpose(2, 1, 0, 3)
    np.testing.assert_array_equal(reading.read_channels(scan, (start, stop)), expected)
    assert (scan.depth, scan.channel_count) == (3 if "z" in axes else 1, 4 if "c" in axes else 1)
    assert scan.kind == "attenuation"


def test_a_crop_counts_slices_of_the_file(tmp_path: Path) -> None:
    scan = opening.open_scan(write(tmp_path / "scan.h5"), channels=ASKED, rows=(1, 3))
    np.testing.assert_array_equal(reading.read_channels(scan, (1, 2))[:, :, 0], VALUES[2].transpose(1, 0, 2))


@pytest.mark.parametrize(
    ("angles", "unit", "asked", "degrees", "doubts"),
    [
        (np.arange(6) * 30.0, "degrees", None, 150, 0),
        (np.arange(6) * 0.5, "rad", None, np.degrees(2.5), 0),
        (np.arange(6) * 0.5, "deg", "radians", np.degrees(2.5), 0),
        (np.arange(6) * 30.0, "", "degrees", 150, 0),
        (np.arange(6) * 30.0, "", None, 150, 1),
        (np.arange(6) * 0.5, "", None, np.degrees(2.5), 1),
        (np.arange(6) * 2 * np.pi / 5, "", None, 360, 1),
    ],
)
def test_angles_have_the_given_unit_or_the_one_that_fits_their_span(
    tmp_path: Path, angles: np.ndarray, unit: str, asked: str | None, degrees: float, doubts: int
) -> None:
    file = write(tmp_path / "scan.h5", angles=angles, unit=unit)
    scan = opened(file, **({"angle_unit": asked} if asked else {}))
    assert np.degrees(np.ptp(scan.angles)) == pytest.approx(degrees)
    assert len(scan.doubts) == doubts
    assert description.from_json(description.to_json(scan)).doubts == scan.doubts


@pytest.mark.parametrize(
    ("parts", "asked", "words"),
    [
        ({}, {"dataset": "/entry/sinos"}, ["no dataset /entry/sinos", "candidates are /entry/sinograms (3, 4, 6, 5)"]),
        ({}, {"dataset": None, "axes": None}, ["no dataset names its axes", "set dataset and axes"]),
        ({}, {"axes": None}, ["does not name its axes", "set axes, such as zcat"]),
        ({}, {"axes": "zcxt"}, ["axes: 'zcxt'", "a (angle), t (translation)"]),
        ({}, {"axes": "zzat"}, ["axes: 'zzat'", "once"]),
        ({}, {"axes": "cat"}, ["has 4 axes", "axes: cat names 3"]),
        ({}, {"axes": "zact"}, ["6 angles", "axis a", "has 4 entries", "correct axes or angles"]),
        ({}, {"angles": "/entry/theta"}, ["no dataset /entry/theta", "set angles"]),
        ({}, {"angles": None}, ["no rotation_angle next to /entry/sinograms", "set angles"]),
        ({"unit": "parsec"}, {}, ["unknown unit 'parsec'"]),
        ({"unit": "", "angles": np.arange(6) * 2.0}, {}, ["spans 10 and has no unit", "set angle_unit"]),
        ({"angles": np.arange(6) * 0.5}, {}, ["spans only 2.5 degrees", "angle_unit: radians"]),
        ({"angles": np.arange(6) * 900.0, "unit": "rad"}, {}, ["turns", "angle_unit: degrees"]),
        ({"angles": np.array([0, 1, 2, np.nan, 4, 5])}, {}, ["angle 3 is nan"]),
        ({"data": np.full((3, 4, 6, 5), b"x")}, {}, ["which is not numeric"]),
        ({"data": np.empty((0, 4, 6, 5))}, {}, ["is empty"]),
        ({}, {"channels": {"values": "/entry/q"}}, ["/entry/q is missing", "path of 4 numbers"]),
        ({"tth": np.arange(3.0)}, {"channels": {"values": "/entry/tth"}}, ["shape (3,)", "path of 4 numbers"]),
        ({"tth": np.array([1, 2, np.inf, 3])}, {"channels": {"values": "/entry/tth"}}, ["values that are not finite"]),
    ],
)
def test_what_does_not_fit_is_reported_in_one_line(
    tmp_path: Path, parts: dict[str, Any], asked: dict[str, Any], words: list[str]
) -> None:
    file = write(tmp_path / "scan.h5", **parts)
    with pytest.raises(UserError) as caught:
        opened(file, **asked)
    assert "\n" not in str(caught.value)
    assert all(word in str(caught.value) for word in words), str(caught.value)


@pytest.mark.parametrize("kind", ["counts", "intensity"])
def test_what_would_need_flats_or_a_logarithm_is_refused(tmp_path: Path, kind: str) -> None:
    with pytest.raises(UserError, match=rf"leave out correct\.input: {kind}"):
        opening.open_scan(write(tmp_path / "scan.h5"), channels=ASKED, input=kind)
    phase = only(phase=Phase(delta_beta=9, energy=20, distance=0.1))
    with pytest.raises(UserError, match=r"leave correct\.phase out"):
        options.check(opened(write(tmp_path / "scan.h5")), phase)


def test_keys_of_channels_are_refused_for_another_mode() -> None:
    with pytest.raises(UserError, match="axes: this key is for mode: xrdct only"):
        xrdct.unnamed(RawScan(file="x", axes="zcat"))
    assert xrdct.unnamed(RawScan(file="x")) is None
    named = RawScan(file="x", mode="xrdct", axes="zcat", channels=ChannelNames(name="q"))
    assert xrdct.unnamed(named) == {"axes": "zcat"}, "what names channels shapes no pixel"


def test_channels_are_named_by_the_user_or_the_file(tmp_path: Path) -> None:
    file = write(tmp_path / "scan.h5")
    named = opened(file, channels={"values": "/entry/tth", "name": "2theta"}).channels
    assert named is not None
    assert named.labels == ("2theta 2 deg", "2theta 3 deg", "2theta 4 deg", "2theta 5 deg")
    result = opened(file, channels={"values": "/entry/tth", "unit": "mrad"}).channels
    assert result is not None
    assert (result.name, result.unit) == ("tth", "mrad")
    counted = opened(file).channels
    assert counted is not None
    assert counted.labels[3] == "channel 3"
    back = description.from_json(description.to_json(opened(file))).channels
    assert isinstance(back, description.Channels)
    assert (back.name, back.unit, back.values.tolist(), back.axes) == ("channel", "", [0, 1, 2, 3], "zcat")


def test_a_file_that_names_its_axes_needs_no_words(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "own.nxs", "w") as file:
        stack = file.create_dataset("a/data", data=VALUES[0])
        file["a/rotation_angle"] = np.arange(6) * 30.0
        for axis, name in enumerate(("channel", "angle", "horizontal")):
            stack.attrs[f"dim{axis}"] = name
    scan = opening.open_scan(tmp_path / "own.nxs", channels={})
    assert (scan.depth, scan.channel_count, len(scan.angles), scan.columns) == (1, 4, 6, 5)
    with h5py.File(tmp_path / "own.nxs", "a") as file:
        file["a/image_key"] = np.zeros(4)
    with pytest.raises(UserError, match="set mode: xrdct"):
        opening.open_scan(tmp_path / "own.nxs")


def test_each_channel_is_repaired_by_itself(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    data = rng.normal(size=(2, 3, 60, 50))
    data[:, 1] += np.where(np.arange(50) % 10 == 5, 4.0, 0.0)
    data[0, 2, 7, 9] = np.nan
    file = write(tmp_path / "scan.h5", data=data, angles=np.arange(60) * 3.0)
    scan = opened(file)
    plain, found = channels.correct_channels(scan, (0, 2), only())
    assert (found.repaired, found.empty_rows) == (1, 0)
    assert plain[7, 2, 0, 9] == pytest.approx((data[0, 2, 7, 8] + data[0, 2, 7, 10]) / 2, rel=1e-5)
    repaired, _ = channels.correct_channels(scan, (0, 2), only(stripes="sorting"))
    columns = np.abs(repaired[:, 1].mean(axis=(0, 1)))
    assert columns.max() < 0.5 < np.abs(plain[:, 1].mean(axis=(0, 1))).max()
    alone, _ = channels.correct_channels(scan, (1, 2), only(stripes="sorting"))
    np.testing.assert_array_equal(alone[:, :, 0], repaired[:, :, 1])


def test_shards_hold_all_channels_of_their_rows() -> None:
    shape = layout.Layout(90, 20, 100, 100, 3, slab_bytes=2**23, channels=11)
    assert shape.projections.shape == (90, 11, 20, 100)
    assert shape.volumes.shape == (3, 11, 20, 100, 100)
    assert [level.shape[:2] for level in shape.levels] == [(1, 11)] * len(shape.levels)
    for extent in (shape.projections, shape.volumes):
        assert np.prod(extent.shard) * 4 <= 2**23
        assert extent.shard[1] == 11
    assert layout.Layout(90, 20, 100, 100, 3, slab_bytes=2**23).projections.shape == (90, 20, 100)


def test_channels_are_split_in_three_unless_the_user_says_otherwise() -> None:
    choice = by_angle.choose("auto", "auto", 120, 400, channels=True)
    assert (choice.sections, choice.inputs) == (3, 2)
    assert by_angle.choose(2, "auto", 120, 400, channels=True).sections == 2


def test_the_measured_rock_is_recognised_and_its_doubts_are_reported() -> None:
    file = measured("rock_spectral/Sinogram_Rock_sample_2D_channels.nxs")
    scan = opening.open_scan(file, channels={})
    assert (scan.depth, scan.channel_count, len(scan.angles), scan.columns) == (1, 5, 120, 400)
    assert np.degrees([scan.angles.min(), scan.angles.max()]) == pytest.approx([-45, 312], abs=0.01)
    assert [word for doubt in scan.doubts for word in ("radians", "cone") if word in doubt] == ["radians", "cone"]
    with h5py.File(file) as raw:
        expected = raw["entry1/tomo_entry/data/data"][()].swapaxes(0, 1)
    np.testing.assert_array_equal(reading.read_channels(scan, (0, 1))[:, :, 0], expected)


def test_scans_of_one_model_have_as_many_channels(tmp_path: Path) -> None:
    entry = {"mode": "xrdct", "model": "both", **ASKED}
    named = {"a": entry | {"file": str(write(tmp_path / "a.h5"))}, "b": entry | {"file": str(write(tmp_path / "b.h5"))}}
    assert scan_table.open_all(settings.load({"scans": named}))["a"].layout.channels == 4
    named["b"] |= {"file": str(write(tmp_path / "c.h5", "zat")), "axes": "zat"}
    with pytest.raises(UserError, match=r"models\.both: its scans differ in the number of channels \(a 4, b 1\)"):
        scan_table.open_all(settings.load({"scans": named}))
    own = {name: entry | {"model": name} for name, entry in named.items()}
    assert len(scan_table.open_all(settings.load({"scans": own}))) == 2
    with pytest.raises(UserError, match=r"compare: 'a' is applied to all scans, .* \(a 4, b 1\): leave it out"):
        scan_table.open_all(settings.load({"scans": own, "compare": ["a"]}))
