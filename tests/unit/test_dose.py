"""Dose studies: parts of the counts are independent and unbiased, and what is left aside measures the true error."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from corrections import only
from scipy.ndimage import gaussian_filter

import judge_dose
from tomodenoise.common.arrays import FloatArray
from tomodenoise.common.errors import UserError
from tomodenoise.config import settings, thinned
from tomodenoise.config.dose import Dose, Limits
from tomodenoise.correction import counts as counts_
from tomodenoise.correction import measuring, photons, slabs
from tomodenoise.correction.measured import Measured
from tomodenoise.correction.photons import Splitter, Statistics
from tomodenoise.correction.stripe_choice import StripeChoice
from tomodenoise.evaluation import aside, dose_answer, dose_channels
from tomodenoise.evaluation.dose import common
from tomodenoise.evaluation.held_out_slices import Slices
from tomodenoise.geometry import field_of_view
from tomodenoise.geometry.rotation_axis import Geometry
from tomodenoise.metrics import blocks, independent, pieces
from tomodenoise.metrics.support import Unsupported
from tomodenoise.reconstruction import slices
from tomodenoise.reconstruction.options import Reconstruct
from tomodenoise.report import dose as report
from tomodenoise.report import words
from tomodenoise.scans.description import Scan, from_json, to_json
from tomodenoise.scans.opening import open_scan
from tomodenoise.scans.thinning import Part, Thinning
from tomodenoise.simulation import acquisition, files, phantom, projection
from tomodenoise.simulation.detector import Detector
from tomodenoise.splitting import by_angle, thinning

PARTS: tuple[Part, ...] = ("kept", "first", "second")
GAIN, DARK = 2.5, 100.0


def by_photons(fraction: float = 0.5) -> Thinning:
    return Thinning(fraction=fraction, by="photons", seed=3)


def counts(photons_: float, shape: tuple[int, ...] = (40, 8, 200)) -> FloatArray:
    """Draw raw frames of a detector with a gain and an offset."""
    return (DARK + GAIN * np.random.default_rng(1).poisson(photons_, shape)).astype(np.float32)


def parts(frames: FloatArray, thinned_by: Thinning, read_noise: float = 0.0) -> list[FloatArray]:
    """Split frames into the three parts."""
    made = []
    for part in PARTS:
        copy = frames.copy()
        dark = np.full(frames.shape[1:], DARK)
        photons.split(copy, np.arange(len(frames)), Splitter(thinned_by.of(part), GAIN, dark, 0, read_noise))
        made.append(copy)
    return made


@pytest.mark.parametrize("fraction", [0.5, 0.25, 0.125])
def test_parts_of_counts_are_independent_and_unbiased(fraction: float) -> None:
    frames = counts(60.0)
    split = parts(frames, by_photons(fraction))
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert abs(np.corrcoef(split[one].ravel(), split[other].ravel())[0, 1]) < 0.01
    for part, name in zip(split, PARTS, strict=True):
        share = by_photons(fraction).of(name).share
        light = (part - DARK) / GAIN
        assert light.mean() == pytest.approx(60, abs=4 * np.sqrt(60 / share / light.size))
        assert light.var() == pytest.approx(60 / share, rel=0.03)  # that of a shorter exposure, scaled


def test_parts_do_not_share_read_noise() -> None:
    random = np.random.default_rng(2)
    frames = counts(60.0) + random.normal(0, 3 * GAIN, (40, 8, 200)).astype(np.float32)
    shared = parts(frames, by_photons())
    assert np.corrcoef(shared[0].ravel(), shared[1].ravel())[0, 1] > 0.03
    split = parts(frames, by_photons(), read_noise=3 * GAIN)
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert abs(np.corrcoef(split[one].ravel(), split[other].ravel())[0, 1]) < 0.01
    total = sum(by_photons().of(name).share * part for name, part in zip(PARTS, split, strict=True))
    np.testing.assert_allclose(total, frames, atol=1e-3)


def test_the_gain_leaves_no_covariance_of_the_parts() -> None:
    """The correction takes the read noise for that of photons, which would make the parts covary."""
    random = np.random.default_rng(4)
    readout = 3 * GAIN

    def recorded(number: int) -> FloatArray:
        return np.asarray(
            DARK + GAIN * random.poisson(60, (number, 8, 200)) + random.normal(0, readout, (number, 8, 200))
        )

    groups, frames, dark = (recorded(30), recorded(30)), recorded(60), np.full((8, 200), DARK)
    rough = counts_.estimate_gain(groups[0], dark)
    precise, error = photons.precise_gain(groups, dark, readout**2)
    assert rough is not None
    assert precise is not None
    assert error == pytest.approx(0.009, abs=0.001)
    assert abs(precise / GAIN - 1) < 3 * error
    shared = []
    for gain in (precise, rough):
        splitters = [Splitter(by_photons().of(part), gain, dark, 0, readout) for part in PARTS]
        halves = [frames.astype(np.float32) for _ in PARTS]
        for half, splitter in zip(halves, splitters, strict=True):
            photons.split(half, np.arange(len(half)), splitter)
        shared.append(np.cov(halves[1].ravel(), halves[2].ravel())[0, 1] / (GAIN**2 * 60))
    assert abs(shared[0]) < 0.03
    assert shared[1] == pytest.approx(1 - rough / GAIN, abs=0.03)
    assert shared[1] < -0.1


@pytest.mark.parametrize("readout", [0.0, 4.0])
def test_the_standard_error_of_the_gain_is_that_of_repeated_flats(readout: float) -> None:
    random = np.random.default_rng(5)
    found = []
    for _ in range(60):
        flats = [random.poisson(60, (10, 8, 64)) + random.normal(0, readout, (10, 8, 64)) for _ in range(2)]
        gain, error = photons.precise_gain(flats, np.zeros((8, 64)), readout**2)
        assert gain is not None
        assert error is not None
        found.append((gain - 1) / (error * (1 + readout**2 / 60)))
    assert abs(np.mean(found)) < 3 / np.sqrt(60)
    assert 0.7 < np.std(found) < 1.2


def test_halves_of_the_flats_are_no_common_noise(foam: Scan) -> None:
    first, second = (aside.every_other_flat(foam, start).flats[0].indices for start in (0, 1))
    assert not set(first) & set(second)
    assert len(first) + len(second) == 200
    single = replace(foam, flats=(replace(foam.flats[0], indices=foam.flats[0].indices[:1]),))
    assert len(aside.every_other_flat(single, 1).flats[0].indices) == 1


def test_the_parts_add_up_to_the_counts() -> None:
    frames = counts(20.0)
    frames[0, 0, :3] = np.nan, 7.3, 0  # neither a dead pixel, nor a fraction of a photon, nor less than the dark level
    shares = [by_photons(0.25).of(part).share for part in PARTS]
    total = sum(share * part for share, part in zip(shares, parts(frames, by_photons(0.25)), strict=True))
    np.testing.assert_allclose(total, frames, rtol=1e-4)


def test_a_seed_decides_the_split() -> None:
    frames = counts(20.0, (2, 3, 50))
    one, other = (parts(frames, by_photons().model_copy(update={"seed": seed}))[0] for seed in (0, 1))
    assert (one != other).any()
    np.testing.assert_array_equal(one, parts(frames, by_photons().model_copy(update={"seed": 0}))[0])


SHAPE = (12, 64)


@dataclass(frozen=True)
class Simulated:
    """A small foam, and its line integrals (row, angle, column)."""

    scan: Scan
    lines: FloatArray


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Simulated:
    """Simulate with as many flats as make their noise small."""
    file = tmp_path_factory.mktemp("foam") / "foam.h5"
    shape = acquisition.Scan(columns=SHAPE[1], rows=SHAPE[0], angles=96, flats=200, center=31.5)
    random = np.random.default_rng(0)
    sample = projection.absorb(phantom.foam(SHAPE, (3, 6), 0.3, random), 2.0, 31.5, SHAPE)
    files.write_scan(file, "exchange", shape, acquisition.acquire(sample, shape, Detector(drift=0), random))
    scan = open_scan(file)
    return Simulated(scan, np.stack([projection.project(sample, angle, 31.5, SHAPE) for angle in scan.angles], axis=1))


@pytest.fixture
def foam(simulated: Simulated) -> Scan:
    return simulated.scan


def test_slabs_of_any_height_get_the_same_bits(foam: Scan) -> None:
    virtual = thinning.thin(foam, by_photons())
    measures = measuring.measure(foam)
    options = only(zingers=10)

    def corrected(start: int, stop: int) -> FloatArray:
        return slabs.correct_slab(virtual, (start, stop), None, options, measures)[0]

    whole = corrected(0, 6)
    np.testing.assert_array_equal(whole, np.concatenate([corrected(0, 1), corrected(1, 4), corrected(4, 6)], axis=1))
    assert (whole != slabs.correct_slab(foam, (0, 6), None, options, measures)[0]).mean() > 0.9


@pytest.mark.parametrize("fraction", [0.5, 0.25, 0.125])
def test_the_error_estimated_from_the_data_aside_is_the_true_error(simulated: Simulated, fraction: float) -> None:
    """The truth is the reconstruction without noise, which is the mean of the data left out."""
    known = Measured(measuring.measure(simulated.scan), StripeChoice("none", None, None, ""))
    process = aside.Process(simulated.scan, only(), known, Reconstruct(), Geometry(64, 31.5))
    rows = [(0, SHAPE[0])]
    truth = noise_free(process, simulated.lines)
    mask = field_of_view.mask(64, 28)
    kept = by_photons(fraction)
    image = np.stack([gaussian_filter(plane, 1.5) for plane in aside.reconstruct(process, kept, rows)[0]])
    found = independent.compare(image, *(half[0] for half in aside.halves(process, kept, rows)), mask)
    true = float(np.mean((image - truth)[:, mask] ** 2))
    assert abs(found.error - true) < 2.5 * found.error_error
    assert found.error_error < 0.25 * true


def noise_free(process: aside.Process, lines: FloatArray) -> FloatArray:
    """Reconstruct exact line integrals (row, angle, column)."""
    whole = by_angle.union(by_angle.split(process.scan.angles, 2, 1), (0, 1))
    plan = slices.prepare(whole, process.axis, process.reconstruct, "cpu")
    return plan(np.ascontiguousarray(lines, dtype=np.float32), process.axis.centers(np.arange(len(lines))))


def test_every_nth_projection_is_kept_and_the_others_are_halved(foam: Scan) -> None:
    chosen = Thinning(fraction=0.25, by="projections")
    after = replace(foam.flats[0], time=96.0)
    scans = [thinning.thin(replace(foam, flats=(after,)), chosen.of(part)) for part in PARTS]
    assert [len(scan.angles) for scan in scans] == [24, 36, 36]
    taken = np.concatenate([scan.projections[0].indices for scan in scans])
    np.testing.assert_array_equal(np.sort(taken), foam.projections[0].indices)
    np.testing.assert_allclose(np.diff(np.sort(scans[0].angles)), np.pi / 24)
    assert scans[0].flats[0].time >= 24  # still after the last projection
    assert from_json(to_json(scans[0])).thinning == chosen


@pytest.mark.parametrize(
    ("keys", "change", "message"),
    [
        ({"by": "photons"}, {"kind": "intensity"}, "holds no counts"),
        ({"by": "projections"}, {"steps": np.repeat(np.arange(8), 12)}, "0.5 of 12 projections are too few"),
        ({"by": "projections", "fractions": [0.3]}, {}, "0.3 is not one over a whole number.*: take 0.333, or"),
        ({"by": "projections", "fractions": [0.9]}, {}, "0.9 is not one over a whole number.*: take 0.5, or"),
        ({"by": "projections", "fractions": [0.05]}, {}, "are too few"),
    ],
)
def test_a_scan_that_cannot_be_thinned_is_refused(
    foam: Scan, keys: dict[str, object], change: dict[str, object], message: str
) -> None:
    part = Dose.model_validate(keys).thinnings[0]
    with pytest.raises(UserError, match=message):
        thinning.check(replace(foam, **change), part)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("statistics", "reason"),
    [
        (Statistics(2.0, 0.001, 0.7, 80.0, 0.01, 0.0, 9), None),
        (Statistics(*[None] * 6, 9), "flats do not show how many counts a photon gives"),
        (Statistics(2.0, 0.001, 6.0, 80.0, 0.01, 0.0, 9), "read noise of 6.0 photons is too strong for 80 photons"),
        (Statistics(2.0, 0.001, None, 80.0, 0.01, 0.0, 1), "fewer than two darks"),
        (Statistics(1.01, 0.001, None, 80.0, 0.01, 0.0, 0), None),
        (Statistics(2.0, 0.001, None, 80.0, 0.3, 0.0, 9), "neighbouring pixels is correlated by 0.30"),
        (Statistics(2.0, 0.001, None, 80.0, None, 0.2, 9), "20% of the light appears one frame later"),
        (Statistics(2.0, 0.001, None, 80.0, -0.1, None, 9), "neighbouring pixels is correlated by -0.10"),
    ],
)
def test_counts_that_are_no_photons_are_refused(statistics: Statistics, reason: str | None) -> None:
    found = photons.refusal(statistics)
    assert found == reason if reason is None else reason in (found or "")


def test_a_fraction_with_next_to_no_photons_is_refused() -> None:
    thinning.check_photons(None, by_photons(1e-5))
    thinning.check_photons(80.0, by_photons(0.01))
    thinning.check_photons(80.0, Thinning(fraction=1e-5, by="projections"))
    with pytest.raises(UserError, match=r"dose.fractions: 1e-05 of 80 photons is next to nothing: take 0.0014 or more"):
        thinning.check_photons(80.0, by_photons(1e-5))
    with pytest.raises(UserError, match=r"set dose.by: projections"):
        thinning.check_photons(-0.2, by_photons())


def test_a_blurred_detector_is_noticed() -> None:
    flats = np.random.default_rng(0).poisson(400.0, (20, 16, 128)).astype(float)
    assert abs(photons.neighbours(flats) or 0.0) < 0.02
    blurred = (flats + np.roll(flats, 1, axis=2)) / 2
    assert photons.neighbours(blurred) == pytest.approx(0.5, abs=0.05)


def test_the_noise_of_a_simulated_detector_passes(foam: Scan) -> None:
    found = photons.examine(foam, measuring.measure(foam))
    assert found.gain == pytest.approx(1, rel=0.02)
    assert photons.refusal(found) is None


def test_the_jackknife_gives_the_standard_error_of_a_mean() -> None:
    values = np.random.default_rng(0).normal(5, 2, (3, 160, 160))
    mask = np.ones((160, 160), dtype=bool)
    mean, error = blocks.jackknife(blocks.sums([values], mask), lambda s: s[..., 1] / s[..., 0])
    assert mean == pytest.approx(values.mean())
    assert error == pytest.approx(2 / np.sqrt(values.size), rel=0.2)
    few = independent.compare(values, values + 1, values - 1, mask & (np.arange(160) < 16))
    assert (few.error, few.correlated_to) == (pytest.approx(-1), None)  # too few pixels for rings of frequencies
    with pytest.raises(Unsupported):
        blocks.jackknife(np.ones((2, 2)), lambda s: s[..., 1] / s[..., 0])


def test_pieces_are_counted_and_measured() -> None:
    y, x = np.mgrid[:128, :128]
    image = np.ones((2, 128, 128))
    for row in range(16, 128, 24):
        for column in range(16, 128, 24):
            image[:, np.hypot(y - row, x - column) <= 5] = 0
    mask = field_of_view.mask(128, 70)
    assert not pieces.is_bright(image, mask)
    found = pieces.measure(image, mask, bright=False)
    assert found.number == 42  # in each slice 25, of which four touch the rim
    assert found.diameter == pytest.approx(10, rel=0.03)
    with pytest.raises(Unsupported):
        pieces.measure(image[:1, :40, :40], mask[:40, :40], bright=False)


def part(fraction: float, **changes: float | None) -> dict[str, object]:
    """Describe a part of the dose whose network's figures differ from the full dose."""
    full = {
        "volume": 0.2,
        "volume_error": 0.01,
        "number": 100,
        "number_error": 10,
        "diameter": 6,
        "diameter_error": 0.1,
    }
    full |= {"edges": 2.0, "edges_error": 0.1}
    return {"fraction": fraction, "full": full, "results": {dose_answer.NETWORK: full | changes}}


KEPT = (
    "Down to a quarter of the dose, the volume fraction, the number of pieces and their mean size change by less than"
    " their standard errors and edges widen by less than 10%; at an eighth of the dose, 38% of the pieces vanish and"
    " edges are 24% wider."
)


@pytest.mark.parametrize(
    ("parts_", "answer"),
    [
        (
            [part(0.5), part(0.25, edges=2.1), part(0.125, number=62, edges=2.48)],
            KEPT,
        ),
        ([part(0.5, volume=0.25)], "Already at half of the dose, the volume fraction rises by 5.0 standard errors."),
        (
            [part(0.9, diameter=6.2)],
            "Already at 90 % of the dose, the mean size of the pieces rises by 2.0 standard errors.",
        ),
        (
            [part(0.5, number=62, diameter=5)],
            "38% of the pieces vanish and their mean size falls by 10.0 standard errors.",
        ),
        ([part(0.5, number=250)], "Already at half of the dose, the number of pieces rises by 150%."),
        ([part(0.3)], "no smaller part was tried."),
        (
            [part(0.5), part(0.25, volume=None, number=None, diameter=None)],
            "at a quarter of the dose, too few pieces are left to measure.",
        ),
        ([part(0.5, edges=None, volume=0.25)], "by 5.0 standard errors and edges are too noisy to measure."),
        ([], "No part of the dose could be judged: no answer."),
    ],
)
def test_the_answer_says_what_holds_and_what_is_lost(parts_: list[dict[str, object]], answer: str) -> None:
    found = dose_answer.answer(parts_, Limits())
    assert found.endswith(answer)


def test_virtual_scans_are_added_and_removed() -> None:
    config = settings.load({"scans": {"a": {"file": "a.h5", "rows": [0, 4], "dose": {"fractions": [0.25, 0.5]}}}})
    more = thinned.add(config)
    assert list(more.scans) == ["a", "a/dose/0.5", "a/dose/0.25"]
    assert more.trained_on("a/dose/0.5") == ["a/dose/0.5"]
    assert more.scans["a/dose/0.5"].rows == (0, 4)
    assert more.scans["a/dose/0.5"].dose is None
    assert thinned.remove(more) == config


def test_only_slices_that_no_training_used_are_compared() -> None:
    mask = np.ones((4, 4), dtype=bool)
    whole = Slices(((2, 6),), mask, held_out=True, why="", trained=True)
    assert common(whole, replace(whole, runs=((4, 8),))).runs == ((4, 6),)
    assert common(replace(whole, trained=False), replace(whole, runs=((4, 8),))).runs == ((4, 8),)
    with pytest.raises(Unsupported, match="other slices"):
        common(whole, replace(whole, runs=((7, 8),)))


def measured_part(fraction: float, error: float) -> dict[str, object]:
    """Describe a part as `judge` does, with the same figures for all results."""
    against = {"error": error, "error_error": 1.2e-7, "slope": 0.98, "slope_error": 0.004}
    sizes = {"volume": 0.2, "volume_error": 0.01, "number": 100, "number_error": 10, "bright": False}
    width = {"edges": 2.0, "edges_error": 0.1, "diameter": 6.0, "diameter_error": 0.1, "contrast": 5.0}
    results = dict.fromkeys(("raw", "tv", dose_answer.NETWORK, dose_answer.REUSED), against | sizes | width)
    return {"fraction": fraction, "filter": "weight 0.8", "full": sizes | width, "results": results}


def test_the_report_has_a_row_for_each_part_of_the_dose() -> None:
    missing = {"fraction": 0.125, "absent": "other slices were held out"}
    parts_ = [measured_part(0.5, 4e-6), measured_part(0.25, -1e-8), missing]
    pictures = {f"{dose}/{name}": np.zeros((8, 8)) for dose in (0.5, 0.25) for name in ("raw", "network")}
    pictures["full"] = np.zeros((8, 8))
    study = report.of({"answer": "", "limits": {"sizes": 1, "resolution": 0.1}, "parts": parts_}, pictures)
    assert [dose for dose, _ in study.rows] == ["100 %", "50 %", "25 %"]
    assert study.rows[1][1][:2] == ["0.00200 ± 0.00003", "0.980 ± 0.004"]
    assert study.rows[2][1][0] == words.NOTHING  # an error below zero is too small to measure
    assert study.others[1][0] == "50 %, tv, weight 0.8"
    assert study.absent == {"12.5 %": "other slices were held out"}
    assert study.columns[7][2] == "of the dark phase"
    assert "within a standard error of the full dose" in study.terms
    assert [chart.title for chart in report.charts(study, "key")] == ["Error", "Resolution", "Line profile"]


def test_a_refused_study_is_recorded_with_its_reason(tmp_path: Path) -> None:
    (tmp_path / "check.json").write_text(json.dumps({"refused": "too much read noise", "gain": None}))
    job = SimpleNamespace(
        threads=1,
        params=SimpleNamespace(limits={}, labels=None, step=0),
        input=SimpleNamespace(check=tmp_path / "check.json"),
        output=SimpleNamespace(dose=tmp_path / "dose.json", pictures=tmp_path / "figures/dose.npz"),
    )
    judge_dose.main(job)
    values = json.loads((tmp_path / "dose.json").read_text())
    study = report.of(values, report.read_pictures(tmp_path / "figures/dose.npz"))
    assert study.answer == "No study: too much read noise; set dose.by: projections"
    assert (study.rows, report.charts(study, "key")) == ([], [])


def test_channels_are_compared_with_the_raw_ones_of_the_full_dose() -> None:
    random = np.random.default_rng(0)
    truth = random.standard_normal((2, 3, 96, 96))
    aside_ = tuple(truth + random.standard_normal(truth.shape) for _ in range(2))
    raw, network = (truth + strength * random.standard_normal(truth.shape) for strength in (1.0, 0.1))
    results = {dose_answer.RAW: raw, dose_answer.NETWORK: network}
    found = dose_channels.judge(results, aside_, np.ones((96, 96), dtype=bool), 0.25)
    assert found is not None
    np.testing.assert_allclose(found["raw"]["error"], 1, atol=0.1)
    np.testing.assert_allclose(found[dose_channels.FULL]["error"], 0.25, atol=0.03)
    answer = dose_channels.answer([{"fraction": 0.25, "channels": found}])
    assert answer.startswith("Denoised, a quarter of the dose has a smaller error than the raw slices of the full dose")
    assert "in 2 of 2 channels, by 1" in answer
    assert dose_channels.judge(results, (truth[:1], truth[:1]), np.ones((96, 96), dtype=bool), 0.25) is None
    assert dose_channels.answer([{"fraction": 0.25}]) == ""
