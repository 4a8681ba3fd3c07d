"""The slices that the report shows: collected slab by slab, joined, averaged; and gathered scan by scan."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from tomodenoise.common.arrays import FloatArray
from tomodenoise.common.blocks import block_mean
from tomodenoise.common.errors import UserError
from tomodenoise.config import settings
from tomodenoise.denoising import previews
from tomodenoise.report import collect
from tomodenoise.report.content import Failed


def views_of(volume: FloatArray, slabs: Sequence[tuple[int, int]], folder: Path) -> previews.Views:
    """Collect the views of a volume, and of its negative after denoising, as jobs do; the last one has no rows."""
    depth, size, _ = volume.shape
    for number, (start, stop) in enumerate([*slabs, (0, 0)]):
        planes = previews.Planes.empty((start, stop), depth, size)
        for row in range(start, stop):
            planes.add(row - start, volume[row, None], -volume[row, None])
        planes.save(folder / f"{number}.npz", 0)
    return previews.join([previews.load(folder / f"{number}.npz") for number in range(len(slabs) + 1)])


def noise(depth: int, size: int) -> FloatArray:
    return np.random.default_rng(0).normal(size=(depth, size, size)).astype(np.float32)


def test_planes_of_slabs_join_to_those_of_the_volume(tmp_path: Path) -> None:
    volume = noise(11, 9)
    views = views_of(volume, [(0, 4), (4, 8), (8, 11)], tmp_path)
    assert [(plane.axis, plane.index) for plane in views.planes] == [("z", 5), ("y", 4), ("x", 4)]
    for plane, expected in zip(views.planes, (volume[5], volume[:, 4], volume[:, :, 4]), strict=True):
        np.testing.assert_array_equal(plane.before, expected)
        np.testing.assert_array_equal(plane.after, -expected)
    assert [view.index for view in views.slices] == list(range(11))
    np.testing.assert_array_equal([view.before for view in views.slices], volume)
    np.testing.assert_array_equal([view.after for view in views.slices], -volume)


def test_slices_of_a_large_volume_are_spread_and_averaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(previews.reduction, "__defaults__", (3,))
    volume = noise(100, 8)
    views = views_of(volume, [(0, 64), (64, 100)], tmp_path)
    rows = [view.index for view in views.slices]
    assert len(rows) == previews.SLICES
    assert set(np.diff(rows)) == {4, 5}
    for view in views.slices:
        assert (view.factor, view.before.shape) == (3, (3, 3))
        assert view.before[0, 0] == pytest.approx(volume[view.index, :3, :3].mean(), abs=1e-6)
        assert view.before[2, 2] == pytest.approx(volume[view.index, 6:, 6:].mean(), abs=1e-6)


@pytest.mark.parametrize("depth", [1, 2, 20, 21, 22, 25, 128, 1001, 2048])
def test_heights_follow_from_the_depth_and_hold_the_middle(depth: int) -> None:
    rows = previews.heights(depth)
    assert depth // 2 in rows
    assert len(rows) == len(set(rows)) == min(depth, previews.SLICES)
    assert 0 <= rows[0] <= depth // 20
    assert depth - 1 - depth // 20 <= rows[-1] < depth


def test_a_slab_of_a_huge_volume_keeps_few_bytes(tmp_path: Path) -> None:
    planes, image = previews.Planes.empty((128, 160), 2048, 2048), np.zeros((1, 2048, 2048), np.float32)
    for number in (0, 1, 18, 19):
        planes.add(number, image, image)
    assert sum(pair.nbytes for pair in planes.slices.values()) == 2 * 4 * previews.EDGE**2
    assert planes.axial.size == 0


def test_planes_without_the_middle_slice_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no file in figures/planes holds the middle slice"):
        views_of(noise(4, 3), [(0, 1)], tmp_path)


def test_block_mean_weighs_the_border_right() -> None:
    image = np.array([[1.0, 2.0, 6.0], [3.0, 4.0, 8.0], [5.0, 7.0, 9.0]])
    assert block_mean(image, 2).tolist() == [[2.5, 7], [6, 9]]


def test_the_report_takes_slabs_in_order_and_no_stale_ones(tmp_path: Path) -> None:
    for name in ("0-10.npz", "0-9.npz", "1-0.npz", "0.npz"):
        (tmp_path / name).touch()
    made = [tmp_path / "1-0.npz", tmp_path / "0-10.npz", tmp_path / "0-9.npz", tmp_path / "other/0-0.npz"]
    assert [file.name for file in collect.numbered(tmp_path, made)] == ["0-9.npz", "0-10.npz", "1-0.npz"]


CONFIG = settings.load({"scans": {name: {"file": "raw.h5", "model": f"of-{name}"} for name in ("a", "b", "c")}})


def gather(monkeypatch: pytest.MonkeyPatch, broken: dict[str, Exception]) -> collect.Gathered:
    """Gather scans of which some raise errors; their sections are their names."""

    def section(name: str, **_: object) -> str:
        if name in broken:
            raise broken[name]
        return name

    monkeypatch.setattr(collect, "of_scan", section)
    monkeypatch.setattr(collect, "of_model", section)
    return collect.of_all(CONFIG, Path("results"), Path("benchmarks"), [])


def test_scans_and_their_models_are_gathered_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    assert gather(monkeypatch, {}) == (["a", "b", "c"], ["of-a", "of-b", "of-c"], [])


def test_a_scan_that_cannot_be_gathered_costs_the_others_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    broken: dict[str, Exception] = {
        "a": UserError("x.json is damaged"),
        "b": KeyError("center"),
        "of-c": FileNotFoundError(2, "No such file", "model.safetensors"),
    }
    scans, models, failed = gather(monkeypatch, broken)
    assert (scans, models) == (["c"], ["of-a", "of-b"])
    assert failed == [
        Failed("a", "x.json is damaged", ""),
        Failed("b", "KeyError: 'center'", ""),
        Failed("model of-c", "model.safetensors is missing; run snakemake verify", ""),
    ]


def load_json(file: Path) -> object:
    return json.loads(file.read_text())


def test_voxels_far_outside_the_range_of_the_reconstruction_are_counted() -> None:
    before = np.random.default_rng(0).normal(size=(2, 40, 40)).astype(np.float32)
    low, high = before.min(axis=(1, 2)), before.max(axis=(1, 2))
    scale = before.std(axis=(1, 2)).tolist()
    assert previews.strays(before, before, scale) == previews.strays(before, 0.3 * before, scale) == 0
    after = before.copy()
    after[0, 0, :2] = high[0] + 0.6 * (high[0] - low[0])
    after[1, 3, 3] = low[1] - 0.6 * (high[1] - low[1])
    after[1, 5, 5] = high[1] + 0.4 * (high[1] - low[1])
    assert previews.strays(before, after, scale) == 3
    assert previews.concerns(0) == []
    assert "3 voxels" in previews.concerns(3)[0]


def test_a_small_offset_of_slices_of_air_is_not_far_outside() -> None:
    air = np.random.default_rng(0).normal(0, 1e-3, (1, 40, 40)).astype(np.float32)
    assert previews.strays(air, air - 0.05, [1.0]) == 0
    assert previews.strays(air, air - 0.6, [1.0]) == 1600


@pytest.mark.parametrize(("content", "read"), [(b'{"cut', load_json), (b"", previews.load), (b"PK cut", previews.load)])
def test_a_damaged_product_is_named(tmp_path: Path, content: bytes, read: Callable[[Path], object]) -> None:
    file = tmp_path / "product"
    file.write_bytes(content)
    with pytest.raises(UserError, match=r"product is damaged"):
        collect.checked(file, read)
