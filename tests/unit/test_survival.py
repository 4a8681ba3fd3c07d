"""Whatever is judged, each figure is a number or says why not, and noise alone gives no advice."""

import json
import warnings
from dataclasses import replace
from typing import Any

import judged_scans
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from tomodenoise.common.arrays import BoolArray, FloatArray
from tomodenoise.evaluation import (
    baselines,
    comparison,
    figures_of_merit,
    per_channel,
    record,
    section_groups,
    verdicts,
)
from tomodenoise.evaluation.acquisition import Acquisition
from tomodenoise.evaluation.evidence import Evidence
from tomodenoise.evaluation.held_out_slices import Slices
from tomodenoise.evaluation.profile import Profile
from tomodenoise.geometry import field_of_view

ACQUISITION = Acquisition(
    *(1.0, 20),
    divided=False,
    shared=True,
    window="ram-lak",
    filtered=True,
    fewest_photons=3.0,
    low_photons=5.0,
    afterglow=0.02,
)
ADVICE = verdicts.advice({}, trained=True)
SHOWN = ("sample", "air", "blank", "constant", "rings", "one bright pixel")
NETWORKS = ("identity", "blur", "blank", "noise", "not finite in a slice", "not finite")
MASKS = ("disc", "band", "few pixels", "empty")


def truth(kind: str, depth: int, size: int) -> FloatArray:
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    image = {
        "sample": (np.hypot(x - 2, y) < size / 4) + 0.5 * (np.abs(x) < size / 8),
        "rings": np.sin(np.hypot(x, y)),
        "constant": np.ones((size, size)),
        "one bright pixel": (x + y * 99 == x[size // 2, size // 2] + 99 * y[size // 2, size // 2]),
    }.get(kind, np.zeros((size, size)))
    return np.repeat(image[None].astype(np.float32), depth, axis=0)


def mask(kind: str, size: int) -> BoolArray:
    disc = field_of_view.mask(size, size / 2 - 1)
    if kind == "band":
        disc[: size // 2 - 2] = disc[size // 2 + 2 :] = False
    return disc if kind in {"disc", "band"} else field_of_view.mask(size, 1.5) & (kind != "empty")


def network(kind: str, image: FloatArray, rng: np.random.Generator) -> FloatArray:
    made = {
        "blur": lambda: np.stack([gaussian_filter(plane, 1.5) for plane in image]),
        "blank": lambda: 0 * image,
        "noise": lambda: rng.normal(size=image.shape).astype(np.float32),
    }.get(kind, image.copy)()
    if kind.startswith("not finite"):
        made[0 if kind.endswith("slice") else slice(None)] = np.nan
    return np.asarray(made, dtype=np.float32)


def judged(
    shown: str, by: str, masked: str, depth: int, size: int, sections: int, level: float, views: int, seed: int
) -> Evidence:
    rng = np.random.default_rng(seed)
    noise = level * (0.0 if shown in {"blank", "constant"} else 1.0)
    true = truth(shown, depth, size)
    quarters = [true + noise * rng.normal(size=true.shape).astype(np.float32) for _ in range(4)]
    scan = judged_scans.scan(np.arange(views), sections, depth, size)
    groups = section_groups.choose(scan)
    e = Evidence(
        scan,
        groups,
        ACQUISITION,
        mask(masked, size),
        judged_scans.stored(quarters, sections),
        *(true, true, true),
        truth=true if seed % 2 else None,
    )
    predicted = network(by, e.given, rng)
    pairs = ((quarters[0] - predicted, quarters[1] - predicted),)
    return replace(
        e,
        predicted=predicted,
        denoised=network(by, e.raw, rng),
        opposite=network(by, e.targets, rng),
        neighbours=pairs if groups.neighbours else (),
        apart=pairs if groups.apart else (),
    )


def to_json(e: Evidence, judgement: figures_of_merit.Judgement) -> dict[str, Any]:
    slices = Slices(((0, len(e.raw)),), e.mask, held_out=True, why="test")
    words = verdicts.verdicts(judgement.values, e.acquisition, ADVICE)
    values: dict[str, Any] = record.plain(record.to_json(judgement, slices, e.groups, "", words, None))
    return values


CASES = st.fixed_dictionaries(
    {
        "shown": st.sampled_from(SHOWN),
        "by": st.sampled_from(NETWORKS),
        "masked": st.sampled_from(MASKS),
        "depth": st.sampled_from([1, 2, 4]),
        "size": st.sampled_from([6, 10, 17, 40, 64]),
        "sections": st.sampled_from([2, 3, 4]),
        "level": st.sampled_from([0.0, 0.3]),
        "views": st.sampled_from([8, 60]),
        "seed": st.integers(0, 9),
    }
)


@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow])
@given(case=CASES, filters=st.sampled_from([[], ["median"]]))
def test_each_figure_is_a_number_or_says_why_not(case: dict[str, Any], filters: list[str]) -> None:
    e = judged(**case)
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        judgement = figures_of_merit.judge(e)
        comparison.compare(e, baselines.gather(filters, {}, None, e.finite))  # type: ignore[arg-type]
        written = to_json(e, judgement)
    assert judgement.figures.keys() | judgement.absent.keys() >= figures_of_merit.FIGURES.keys()
    assert all(judgement.absent.values())
    json.dumps(written, allow_nan=False)
    for verdict in written["verdicts"]:
        assert not {"nan", "inf", "-nan", "-inf"} & {*verdict["text"].replace(",", " ").split()}, verdict


@settings(max_examples=5)
@given(
    by=st.sampled_from(["identity", "blur", "noise"]),
    masked=st.sampled_from(["disc", "band", "few pixels"]),
    depth=st.sampled_from([1, 2, 4]),
    size=st.sampled_from([24, 48, 64]),
    sections=st.sampled_from([2, 3, 4]),
    seed=st.integers(0, 999),
)
def test_rows_of_air_give_no_advice_on_the_network(
    by: str, masked: str, depth: int, size: int, sections: int, seed: int
) -> None:
    e = judged("air", by, masked, depth, size, sections, 0.3, 60, 2 * seed)
    judgement = figures_of_merit.judge(e)
    texts = [verdict["text"] for verdict in to_json(e, judgement)["verdicts"]]
    assert not {"umse", "calibration", "contrast", "edges", "cross_frc"} & judgement.figures.keys()
    assert not [text for text in texts if ADVICE in text]
    assert any("hold no sample" in text for text in texts)


def test_slices_that_are_not_finite_are_left_out_and_reported() -> None:
    whole = judged("sample", "blur", "disc", 4, 48, 4, 0.3, 60, 0)
    broken = replace(whole, stored=whole.stored.copy())
    broken.stored[0, 2] = np.nan
    judgement = figures_of_merit.judge(broken)
    kept = figures_of_merit.judge(broken.finite)
    assert judgement.values["sample"]["left_out"] == 1
    assert judgement.values["calibration"] == kept.values["calibration"]
    assert "1 judged slices hold values that are not finite" in to_json(broken, judgement)["verdicts"][0]["text"]
    assert whole.finite is whole


@pytest.mark.parametrize("axis", ["channel", "step"])
@given(line=st.lists(st.sampled_from([None, -1.0, 0.5, 1.0, 40.0]), min_size=1, max_size=4), data=st.data())
def test_figures_along_an_axis_survive_what_is_absent(axis: str, line: list[float | None], data: st.DataObject) -> None:
    names = ["holds", "umse", "upsnr", "upsnr_given", "slope", "slope_error"]
    chosen = data.draw(st.lists(st.sampled_from(names), unique=True))
    labels = [str(number) for number in range(9)]
    profile = Profile(axis, range(len(line)), dict.fromkeys(chosen, line), {}, labels, (0, 2))
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        sentences = per_channel.verdicts(profile)
    assert not [verdict for verdict in sentences if "nan" in verdict.text]


def test_pictures_of_a_comparison_survive_an_empty_mask() -> None:
    e = judged("sample", "blur", "empty", 2, 17, 4, 0.3, 60, 0)
    y, x = comparison.region(e.opposite[0], e.mask)
    assert (y.stop - y.start, x.stop - x.start) == (17, 17)
