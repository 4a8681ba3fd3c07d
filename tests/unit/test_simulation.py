"""The simulated scan is what it claims: exact shadows, declared noise and faults, declared files."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tomodenoise.common.errors import UserError
from tomodenoise.simulation.acquisition import DARK, FLAT, PROJECTION, Scan, acquire, image_keys, rotation_angles
from tomodenoise.simulation.detector import PIXEL_SPREAD, STRIPE_ERROR, Detector, expose, flatfield
from tomodenoise.simulation.files import write_scan, write_truth
from tomodenoise.simulation.phantom import Foam, foam, truth
from tomodenoise.simulation.projection import absorb, project
from tomodenoise.simulation.propagation import propagate, spread

SMALL = Scan(columns=24, rows=6, angles=8, flats=5, darks=3)
QUIET = Detector(photons=1e4, read_noise=0, drift=0)


def spheres(*places: tuple[float, float, float], radius: float = 2.7, matrix: float = 0.01) -> Foam:
    count = len(places)
    return Foam(11.0, matrix, np.array(places), np.full(count, radius), np.linspace(0.02, 0.05, count))


def attenuation(sample: Foam, z: np.ndarray, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    value = np.where(np.hypot(x, y) < sample.cylinder, sample.matrix, 0)
    for center, radius, inside in zip(sample.centers, sample.radii, sample.attenuations, strict=True):
        distance = (z - center[0]) ** 2 + (y - center[1]) ** 2 + (x - center[2]) ** 2
        value = np.where(distance < radius**2, inside, value)
    return value


def records(detector: Detector, scan: Scan = SMALL, sample: Foam | None = None) -> np.ndarray:
    sample = sample or spheres((2, 1, 3))
    return np.stack(list(acquire(sample, scan, detector, np.random.default_rng(1))))


@pytest.mark.parametrize(("row", "column"), [(2, 15), (1, 13), (3, 17), (0, 22)])
def test_a_pixel_holds_the_mean_of_the_integrals_along_its_rays(row: int, column: int) -> None:
    sample, angle, center = spheres((1.8, 3, 4), (3, -5, 2)), 0.6, 12.3
    offsets = (np.arange(12) + 0.5) / 12 - 0.5
    step = 0.02
    along = np.arange(-12, 12, step)
    z, t, s = np.meshgrid(row + offsets, column + offsets - center, along, indexing="ij")
    x, y = t * np.cos(angle) - s * np.sin(angle), t * np.sin(angle) + s * np.cos(angle)
    brute = attenuation(sample, z, y, x).sum(axis=2).mean() * step
    assert project(sample, angle, center, (6, 24))[row, column] == pytest.approx(brute, abs=4e-4)


@given(angle=st.floats(-7, 7), center=st.floats(11, 13))
@settings(max_examples=30)
def test_every_projection_holds_the_whole_mass(angle: float, center: float) -> None:
    sample = spheres((7, 3, 4), (9, -5, 2), (6, -4, -5))
    balls = 4 / 3 * np.pi * 2.7**3 * (sample.attenuations - sample.matrix).sum()
    mass = sample.matrix * np.pi * 11**2 * 16 + balls
    assert project(sample, angle, center, (16, 26)).sum() == pytest.approx(mass, rel=1e-12)


@pytest.mark.parametrize("tilt", [0.05, -0.3])
def test_a_tilted_axis_turns_the_whole_shadow_about_the_middle_of_its_row(tilt: float) -> None:
    sample, lean = spheres((3, 4, -3), (10, -5, 2), (4, 1, 6), matrix=0.0), np.arctan(tilt)
    for number in range(3):
        single = Foam(11, 0, sample.centers[[number]], sample.radii[[number]], sample.attenuations[[number]])
        places = []
        for used in (0.0, tilt):
            shadow = project(single, 0.7, 15.3, (14, 31), used)
            places.append([np.average(index, weights=shadow) for index in np.indices(shadow.shape)])
        (row, column), turned = np.array(places[0]) - [6.5, 15.3], np.array(places[1]) - [6.5, 15.3]
        expected = row * np.cos(lean) - column * np.sin(lean), column * np.cos(lean) + row * np.sin(lean)
        np.testing.assert_allclose(turned, expected, atol=2e-3)


def test_the_middle_of_a_tilted_cylinder_moves_with_the_row() -> None:
    sample = Foam(8.0, 0.1, np.empty((0, 3)), np.empty(0), np.empty(0))
    shadow = project(sample, 0.3, 15.2, (11, 41), 0.4)
    np.testing.assert_allclose(shadow @ np.arange(41) / shadow.sum(axis=1), 15.2 + 0.4 * (np.arange(11) - 5), atol=1e-3)
    np.testing.assert_allclose(shadow.sum(axis=1), 0.1 * np.pi * 8**2 * np.hypot(1, 0.4))


def test_a_detector_sees_its_part_of_a_larger_one() -> None:
    sample = spheres((0.4, 3, 4), (5.2, -5, 2), (11, 8, -1))
    whole = project(sample, 1.1, 20, (12, 40))
    part = project(
        Foam(11, sample.matrix, sample.centers - [3, 0, 0], sample.radii, sample.attenuations), 1.1, 7, (6, 20)
    )
    np.testing.assert_allclose(part, whole[3:9, 13:33], atol=1e-12)


@given(angle=st.floats(-7, 7), y=st.floats(-8, 8), x=st.floats(-8, 8))
@settings(max_examples=10)
def test_a_sphere_falls_where_the_geometry_says(angle: float, y: float, x: float) -> None:
    sample = spheres((4.3, y, x), matrix=0.0)
    shadow, volume = project(sample, angle, 17.2, (9, 40)), truth(sample, 31, range(9))
    column = (shadow.sum(axis=0) @ np.arange(40)) / shadow.sum()
    assert column == pytest.approx(17.2 + x * np.cos(angle) + y * np.sin(angle), abs=3e-3)
    assert (shadow.sum(axis=1) @ np.arange(9)) / shadow.sum() == pytest.approx(4.3, abs=3e-3)
    centroid = [np.average(index, weights=volume) for index in np.indices(volume.shape)]
    np.testing.assert_allclose(centroid, [4.3, 15 - y, 15 + x], atol=0.05)


def test_the_truth_holds_the_volumes_and_values_of_the_spheres() -> None:
    sample = spheres((5, 3.3, 4.1), (5.5, -5, 2))
    volume = truth(sample, 26, range(11))
    balls = 4 / 3 * np.pi * 2.7**3 * (sample.attenuations - sample.matrix).sum()
    assert volume.sum(dtype=float) == pytest.approx(sample.matrix * np.pi * 11**2 * 11 + balls, rel=2e-3)
    assert volume[5, round(12.5 - 3.3), round(12.5 + 4.1)] == np.float32(0.02)
    assert volume.dtype == np.float32


def test_the_truth_is_the_same_in_blocks(tmp_path: Path) -> None:
    sample = foam((70, 32), (1, 3), 0.1, np.random.default_rng(0))
    write_truth(tmp_path / "new" / "truth.npy", sample, 32, 70)
    np.testing.assert_array_equal(np.load(tmp_path / "new" / "truth.npy"), truth(sample, 32, range(70)))


def test_a_foam_is_packed_without_overlap_inside_its_cylinder() -> None:
    sample = foam((20, 96), (1.3, 4.5), 0.3, np.random.default_rng(4))
    gaps = np.linalg.norm(sample.centers[:, None] - sample.centers, axis=2) - sample.radii[:, None] - sample.radii
    assert gaps[~np.eye(len(gaps), dtype=bool)].min() > 0
    assert (np.hypot(sample.centers[:, 1], sample.centers[:, 2]) + sample.radii).max() < sample.cylinder
    filled = (4 / 3 * np.pi * sample.radii**3).sum() / (np.pi * sample.cylinder**2 * 20)
    assert filled == pytest.approx(0.3, rel=0.05)


def test_a_seed_fixes_the_foam() -> None:
    first, same, other = (foam((8, 64), (2, 3), 0.2, np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.centers, same.centers)
    assert not np.array_equal(first.centers, other.centers)


def test_a_foam_may_be_wider_than_the_detector() -> None:
    sample = foam((4, 32), (1, 3), 0.1, np.random.default_rng(0), 0.8)
    assert sample.cylinder == pytest.approx(0.8 * 32)
    assert project(sample, 0.4, 15.5, (4, 32)).min() > 0
    np.testing.assert_array_equal(truth(sample, 56, range(4))[:, 12:44, 12:44], truth(sample, 32, range(4)))


def test_too_many_spheres_are_refused() -> None:
    with pytest.raises(UserError, match="lower the fill"):
        foam((12, 32), (2, 3), 0.9, np.random.default_rng(0))


def test_absorption_is_the_largest_line_integral() -> None:
    sample = absorb(foam((4, 64), (1, 3), 0.2, np.random.default_rng(0)), 2, 31.5, (4, 64))
    largest = max(project(sample, angle, 31.5, (4, 64)).max() for angle in np.linspace(0, np.pi, 50))
    assert largest == pytest.approx(2, rel=0.05)


def test_a_flat_is_poisson_light_and_read_noise() -> None:
    detector = Detector(photons=300, conversion=2.5, offset=80, read_noise=4, drift=0)
    frame, _ = expose(detector, np.full((300, 300), 300.0), np.zeros(1), np.ones(1), np.random.default_rng(0))
    assert frame.mean() == pytest.approx(80 + 2.5 * 300, rel=1e-3)
    assert frame.var() == pytest.approx(2.5**2 * 300 + 4**2, rel=0.02)


def test_the_open_beam_is_uneven_but_one_on_average() -> None:
    pattern = flatfield((200, 100), np.random.default_rng(0))
    assert pattern.mean() == pytest.approx(1)
    assert pattern[:, 45:55].mean() > 1.1 * pattern[:, [0, -1]].mean()
    assert np.std(pattern / pattern.mean(axis=0)) == pytest.approx(PIXEL_SPREAD, rel=0.05)


def test_counts_are_clipped_not_wrapped() -> None:
    assert records(Detector(photons=1e6)).max() == 65535


def test_frames_follow_the_law_of_absorption() -> None:
    frames, keys = records(QUIET).astype(float), image_keys(SMALL)
    expected = project(spheres((2, 1, 3)), np.deg2rad(22.5), SMALL.axis, (6, 24))
    flat = frames[keys == FLAT].mean(axis=0) - 100
    measured = -np.log((frames[keys == PROJECTION][1] - 100) / flat)
    np.testing.assert_allclose(measured, expected, atol=0.08)
    assert np.all(frames[keys == DARK] == 100)


def test_the_beam_drifts_from_the_first_flat_to_the_last() -> None:
    frames, keys = records(Detector(photons=1e4, drift=-0.3)).astype(float) - 100, image_keys(SMALL)
    flats = frames[keys == FLAT].mean(axis=(1, 2))
    assert flats[-1] / flats[0] == pytest.approx(0.7, rel=0.01)
    assert flats[1] / flats[0] == pytest.approx(1 - 0.3 / 12, rel=0.01)


def test_stripes_change_whole_columns_of_projections_only() -> None:
    clean, striped = records(QUIET).astype(float), records(Detector(1e4, 1, 100, 0, 0, stripes=4)).astype(float)
    keys = image_keys(SMALL)
    np.testing.assert_array_equal(striped[keys != PROJECTION], clean[keys != PROJECTION])
    ratio = (striped[keys == PROJECTION] - 100) / (clean[keys == PROJECTION] - 100)
    changed = np.abs(ratio.mean(axis=(0, 1)) - 1) > 5e-4
    assert 1 <= changed.sum() <= 4
    assert np.abs(ratio - 1).max() < STRIPE_ERROR + 1e-3
    assert ratio.std(axis=(0, 1)).max() < 1e-3


def test_zingers_are_small_bright_spots_of_single_frames() -> None:
    clean, struck = records(QUIET).astype(int), records(Detector(1e4, 1, 100, 0, 0, zingers=2)).astype(int)
    rise = (struck - clean)[struck != clean]
    assert 16 * 2 <= rise.size <= 16 * 2 * 9  # 16 frames, 2 each, of 1 to 9 pixels
    assert rise.min() > 1e4
    assert all((struck[keys] != clean[keys]).any() for keys in (image_keys(SMALL) == kind for kind in range(3)))


def test_zingers_have_one_to_nine_pixels() -> None:
    frames = np.zeros((4000, 9, 9))
    frames, _ = expose(Detector(zingers=400, read_noise=0), frames, frames, np.ones(1), np.random.default_rng(2))
    sizes = Counter((frame > 1000).sum() for frame in frames if len(np.unique(frame)) == 2)
    assert set(sizes) == {1, 2, 3, 4, 6, 9}


def test_dead_columns_are_stuck_in_projections_and_look_right_in_flats() -> None:
    clean, dead = records(QUIET), records(Detector(1e4, 1, 100, 0, 0, dead=3))
    keys = image_keys(SMALL)
    np.testing.assert_array_equal(dead[keys != PROJECTION], clean[keys != PROJECTION])
    stuck = np.ptp(dead[keys == PROJECTION], axis=(0, 1)) == 0
    assert stuck.sum() == 3
    np.testing.assert_array_equal(dead[..., ~stuck], clean[..., ~stuck])
    assert np.all((dead[keys == PROJECTION][..., stuck] > 3000) & (dead[keys == PROJECTION][..., stuck] < 9200))


def test_flicker_and_sway_add_a_straight_line_to_each_projection() -> None:
    restless = Detector(1e9, 5e-5, 0, 0, 0, flicker=0.02, sway=0.03)
    scan = replace(SMALL, angles=400, flats=0, darks=0)
    air = Foam(1.0, 0.0, np.empty((0, 3)), np.empty(0), np.empty(0))
    changes = np.log(records(restless, scan, air).astype(float)).mean(axis=1)
    slopes, levels = np.polyfit(np.linspace(-1, 1, 24), (changes - changes.mean(axis=0)).T, 1)
    assert levels.std() == pytest.approx(0.02, rel=0.1)
    assert slopes.std() == pytest.approx(0.03, rel=0.1)
    straight = np.outer(slopes, np.linspace(-1, 1, 24)) + levels[:, None]
    np.testing.assert_allclose(changes - changes.mean(axis=0), straight, atol=1e-4)


def test_afterglow_moves_light_to_the_next_frame() -> None:
    scan = Scan(columns=24, rows=6, angles=2, flats=300, darks=1)
    frames = records(Detector(1e4, 1, 0, 0, 0, afterglow=0.2), scan).astype(float)
    before = frames[image_keys(scan) == FLAT][:150]
    assert before[0].mean() / before[1].mean() == pytest.approx(0.8, rel=0.01)
    noise = before[2:] - before[2:].mean(axis=0)
    correlation = (noise[1:] * noise[:-1]).mean() / (noise**2).mean()
    assert correlation == pytest.approx(0.2 * 0.8 / (0.2**2 + 0.8**2), abs=0.03)


def test_a_seed_fixes_the_frames() -> None:
    np.testing.assert_array_equal(records(Detector()), records(Detector()))
    first, second = (
        next(acquire(spheres((2, 1, 3)), SMALL, Detector(), np.random.default_rng(seed))) for seed in (1, 2)
    )
    assert not np.array_equal(first, second)


@given(count=st.integers(10, 400))
def test_golden_angles_leave_no_large_gap(count: int) -> None:
    angles = np.sort(rotation_angles(Scan(angles=count, order="golden")))
    gaps = np.diff([*angles, angles[0] + 180])
    assert gaps.max() < 2.7 * 180 / count  # the three-gap theorem: largest gap below golden ratio squared of the mean


def test_an_unknown_order_is_refused() -> None:
    with pytest.raises(UserError):
        rotation_angles(Scan(order="random"))


def test_the_object_fits_the_field_of_view_by_default() -> None:
    scan = Scan()
    reach = foam((1, scan.columns), (2, 3), 0.1, np.random.default_rng(0)).cylinder
    assert scan.axis == pytest.approx(130.9)
    assert scan.axis + reach < scan.columns - 0.5


def test_data_exchange_holds_what_was_recorded(tmp_path: Path) -> None:
    frames, keys = records(Detector()), image_keys(SMALL)
    write_scan(tmp_path / "raw" / "scan.h5", "exchange", replace(SMALL, pixel_size=1.43), iter(frames))
    with h5py.File(tmp_path / "raw" / "scan.h5") as file:
        exchange = file["exchange"]
        np.testing.assert_array_equal(exchange["data"], frames[keys == PROJECTION])
        np.testing.assert_array_equal(exchange["data_white"], frames[keys == FLAT])
        np.testing.assert_array_equal(exchange["data_dark"], frames[keys == DARK])
        np.testing.assert_allclose(exchange["theta"], np.arange(8) * 22.5)
        assert exchange["theta"].attrs["units"] == "degrees"
        size = file["measurement/instrument/detector/x_pixel_size"]
        assert (size[()], size.attrs["units"]) == (1.43, "um")
        assert exchange["data"].chunks == (1, 6, 24)
    assert [path.name for path in (tmp_path / "raw").iterdir()] == ["scan.h5"]


def test_nxtomo_holds_what_was_recorded(tmp_path: Path) -> None:
    frames, keys = records(Detector()), image_keys(SMALL)
    write_scan(tmp_path / "scan.nxs", "nxtomo", replace(SMALL, pixel_size=1.43), iter(frames))
    with h5py.File(tmp_path / "scan.nxs") as file:
        entry = file["entry"]
        detector, rotation = entry["instrument/detector"], entry["sample/rotation_angle"]
        assert entry.attrs["NX_class"] == "NXentry"
        assert entry["definition"].asstr()[()] == "NXtomo"
        np.testing.assert_array_equal(detector["data"], frames)
        np.testing.assert_array_equal(detector["image_key"], [2] * 3 + [1] * 2 + [0] * 8 + [1] * 3)
        np.testing.assert_allclose(rotation[:][keys == PROJECTION], np.arange(8) * 22.5)
        assert (rotation.attrs["units"], detector["x_pixel_size"].attrs["units"]) == ("degrees", "um")
        assert entry["data/data"] == detector["data"]


def test_a_broken_off_scan_leaves_no_file_under_its_name(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="shorter"):
        write_scan(tmp_path / "scan.h5", "exchange", SMALL, iter(records(Detector())[:4]))
    assert not (tmp_path / "scan.h5").exists()


def test_a_slowly_changing_sample_shows_the_transport_of_intensity() -> None:
    y, x = np.meshgrid(*2 * [np.arange(64) * 2 * np.pi / 64], indexing="ij")
    integrals = 0.3 + 0.04 * np.cos(2 * x) * np.sin(y)
    behind = np.exp(-integrals)
    squared = spread(energy=25, distance=0.005, pixel_size=2.0) * 300 / (4 * np.pi)
    wavenumbers = np.fft.fftfreq(64)[:, None] ** 2 + np.fft.fftfreq(64) ** 2
    laplacian = np.fft.ifft2(np.fft.fft2(behind) * -4 * np.pi**2 * wavenumbers).real
    image = propagate(integrals, 300, spread(energy=25, distance=0.005, pixel_size=2.0))
    np.testing.assert_allclose(image - behind, -squared * laplacian, atol=0.03 * squared * abs(laplacian).max())
    assert squared == pytest.approx(1.239841984e-9 / 25 * 0.005 * 300 / (4 * np.pi) / (2e-6) ** 2)


@given(delta_beta=st.floats(0, 300), distance=st.floats(0, 0.2))
@settings(max_examples=20)
def test_free_space_keeps_the_light(delta_beta: float, distance: float) -> None:
    integrals = np.random.default_rng(0).random((12, 16))
    image = propagate(integrals, delta_beta, spread(energy=20, distance=distance, pixel_size=1.0))
    assert image.sum() == pytest.approx(np.exp(-integrals).sum())


def test_a_scan_at_a_distance_has_bright_and_dark_edges() -> None:
    calm = replace(SMALL, rows=12, columns=40, center=19.5)
    sample = Foam(10.0, 1e-3, np.empty((0, 3)), np.empty(0), np.empty(0))
    near, far = (
        records(Detector(1e9, 2e-5, 0, 0, 0), replace(calm, distance=z, delta_beta=200.0), sample) for z in (0, 0.02)
    )
    keys = image_keys(calm)
    profiles = [(frames[keys == PROJECTION] / near[keys == FLAT][0]).mean(axis=(0, 1)) for frames in (near, far)]
    assert profiles[0][:4] == pytest.approx(1, abs=1e-3)
    assert profiles[0].max() == pytest.approx(1, abs=1e-3)
    assert profiles[1].max() > 1.02  # the bright fringe outside
    assert profiles[1][9:12].min() < profiles[0][9:12].min() - 0.02  # the dark one inside
