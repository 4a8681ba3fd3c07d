"""A model is judged on the slices that its file lists as held out, whatever the current rule."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scans_on_disk
from torch import nn

from tomodenoise.evaluation import held_out_slices
from tomodenoise.networks import held_out, specs
from tomodenoise.networks.models import Model, Normalisation
from tomodenoise.networks.options import Network
from tomodenoise.storage.sections import Sections
from tomodenoise.training import sampling

SPEC = specs.complete(Network(name="unet", slices=3, width=4, depth=2))
HERE, ELSEWHERE = {"fingerprint": "x"}, {"fingerprint": "y"}
NOTE = "they were worked out from its settings"


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> Sections:
    return scans_on_disk.write(tmp_path_factory.mktemp("scan"), scans_on_disk.blobs(24, 48))


def model(parts: dict[str, held_out.HeldOut] | None = None, mask: str = "sample", **facts: Any) -> Model:  # noqa: ANN401
    config = {"scans": {"foam": {}}, "train": {"mask": mask, "held_out": 0.2}}
    stored = {name: held_out.to_json(part) for name, part in (parts or {}).items()}
    described = {"source": {"foam": "x"}, "config": config, **facts}
    return Model(nn.Identity(), SPEC, Normalisation((0.0,), (1.0,)), described, stored)


def divided(scan: Sections, mask: np.ndarray) -> held_out.HeldOut:
    """Hold out data by the current rule of training."""
    _, part = sampling.divide(scan, mask, 1, 0.2)
    (first, *_), last = part.rows, part.rows[-1]
    return held_out.HeldOut(((int(first), int(last) + 1),), part.mask, band=False)


@pytest.mark.parametrize("band", [False, True])
def test_stored_rows_count_although_the_rule_has_changed(
    scan: Sections, monkeypatch: pytest.MonkeyPatch, band: bool
) -> None:
    mask = scan.visible & (np.arange(48) % 7 > 2)
    trained = model({"foam": held_out.HeldOut(((4, 6), (15, 16)), mask, band)})
    for rule in ("divide", "bands", "sample"):
        monkeypatch.setattr(sampling, rule, lambda *_: pytest.fail("the model's file says what was held out"))
    chosen = held_out_slices.choose(scan, trained, HERE, None)
    assert (chosen.runs, chosen.held_out, chosen.trained, chosen.note) == (((4, 6), (15, 16)), True, True, "")
    assert ("band" in chosen.why) == band
    np.testing.assert_array_equal(chosen.mask, mask)


@pytest.mark.parametrize("kept", ["nothing", "rows without a mask"])
@pytest.mark.parametrize("mask", ["sample", "field_of_view"])
def test_an_older_model_is_judged_by_its_settings_with_a_note(scan: Sections, kept: str, mask: str) -> None:
    pixels = sampling.sample(scan) if mask == "sample" else scan.visible
    new = divided(scan, pixels)
    rows = {"foam": {"rows": [list(run) for run in new.rows], "band": False}}
    old = model(mask=mask) if kept == "nothing" else model(mask=mask, held_out=rows)
    chosen = held_out_slices.choose(scan, old, HERE, None)
    expected = held_out_slices.choose(scan, model({"foam": new}), HERE, None)
    assert (chosen.runs, chosen.trained, NOTE in chosen.note) == (expected.runs, True, True)
    np.testing.assert_array_equal(chosen.mask, expected.mask)


def test_what_was_held_out_of_slices_of_another_size_is_not_used(scan: Sections) -> None:
    small = np.ones((32, 32), bool)
    chosen = held_out_slices.choose(scan, model({"foam": held_out.HeldOut(((0, 1),), small, band=False)}), HERE, None)
    assert NOTE in chosen.note
    assert chosen.mask.shape == (48, 48)


def test_a_smaller_field_of_view_is_respected(scan: Sections) -> None:
    stored = held_out.HeldOut(((4, 6),), scan.visible, band=False)
    narrow = replace(scan, radius=10.0)
    chosen = held_out_slices.choose(narrow, model({"foam": stored}), HERE, None)
    np.testing.assert_array_equal(chosen.mask, narrow.visible)


def test_a_scan_that_the_model_never_saw_is_judged_where_it_holds_sample(tmp_path: Path) -> None:
    clean = scans_on_disk.blobs(40, 48)
    clean[:20] = 0
    half_air = scans_on_disk.write(tmp_path, clean)
    unseen = held_out_slices.choose(half_air, model(), ELSEWHERE, None)
    assert (unseen.held_out, unseen.trained, unseen.note) == (True, False, "")
    assert unseen.rows.min() >= 19
    assert "rows that hold sample" in unseen.why
    assert not held_out_slices.choose(half_air, model(), HERE, [0, 40]).held_out, "other rows of the same file"


def test_eight_large_slices_are_spread_over_the_height(scan: Sections) -> None:
    tall = replace(scan, size=2048, depth=100, split=replace(scan.split, sections=scan.split.sections[:1]))
    unseen = held_out_slices.choose(tall, model(), ELSEWHERE, None)
    assert len(unseen.rows) == 8
    assert unseen.rows.min() > 5
