"""What logs, provenance, concerns and overruling promise."""

import json
import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tomodenoise.centering import finding
from tomodenoise.centering.finding import Center
from tomodenoise.centering.stating import Estimate
from tomodenoise.common import logs, provenance
from tomodenoise.common.errors import UserError
from tomodenoise.correction import concerns as correction_concerns
from tomodenoise.correction.slabs import SlabStatistics
from tomodenoise.correction.stripe_choice import StripeChoice
from tomodenoise.scans.description import Frames, Scan

CLEAN = SlabStatistics(smallest_counts=80.0, low_counts=90.0, repaired=0, dead=0, empty_rows=0)


def scan(flats: tuple[int, ...] = (30, 30), darks: int = 10, kind: str = "counts") -> Scan:
    def frames(count: int) -> Frames:
        return Frames(Path("a.h5"), "data", np.arange(count), 0.0)

    groups = tuple(map(frames, flats))
    dark = (frames(darks),) if darks else ()
    angles = np.linspace(0, np.pi, 100)
    return Scan(
        Path("a.h5"), "nxtomo", kind, (0, 10), 50, angles, frames(100), groups, dark, None, {"fingerprint": "x"}
    )


def concerns(
    of: Scan,
    *,
    divided: bool = True,
    statistics: SlabStatistics = CLEAN,
    stripes: StripeChoice | None = None,
) -> str:
    return "\n".join(correction_concerns.concerns(of, [statistics], 4, divided=divided, stripes=stripes))


def test_a_good_scan_raises_no_concern() -> None:
    assert concerns(scan()) == ""
    assert concerns(scan(flats=(), darks=0, kind="attenuation")) == ""


def test_few_flats_that_all_sections_share_are_told() -> None:
    assert "only 20 flats are shared" in concerns(scan(flats=(10, 10)), divided=False)
    assert concerns(scan(flats=(100,)), divided=False) == ""
    assert "3 and 10 flats cannot be divided among 4 sections" in concerns(scan(flats=(3, 10)))


def test_missing_darks_few_photons_and_many_repairs_are_told() -> None:
    assert "no darks" in concerns(scan(darks=0))
    assert "one pixel in a thousand holds 2.0 photons or less" in concerns(
        scan(), statistics=replace(CLEAN, low_counts=2.0)
    )
    assert "2000 pixels (4.0%)" in concerns(scan(), statistics=replace(CLEAN, repaired=2000))
    assert "3 rows of projections" in concerns(scan(), statistics=replace(CLEAN, empty_rows=3))


def test_zingers_stripes_and_afterglow_are_told_from_where_they_matter() -> None:
    fine = replace(CLEAN, zingers=49, afterglow=0.009)
    assert concerns(scan(), statistics=fine) == ""
    assert "51 pixels (0.10%) were replaced as zingers" in concerns(scan(), statistics=replace(fine, zingers=51))
    assert concerns(scan(), stripes=StripeChoice("sorting", 4.24, 1.9)) == ""
    kept = concerns(scan(), stripes=StripeChoice("none", 4.24, 4.24))
    assert "stripes are 4.2 times the noise" in kept
    assert "set correct.stripes: auto" in kept
    assert "sorting did not remove them" in concerns(scan(), stripes=StripeChoice("sorting", 9.0, 4.24))
    hopeless = StripeChoice("none", 4.24, 4.24, "4.2 times the noise before; sorting 4.2 after")
    assert "no method lowers them" in concerns(scan(), stripes=hopeless)
    assert "afterglow: 2.3% of the light" in concerns(scan(), statistics=replace(fine, afterglow=0.023))


def test_a_number_overrules_what_was_found_with_a_warning_where_it_is_far_off() -> None:
    found = Center(100.2, "mirror", (Estimate("mirror", 100.2, 0.1),), None)
    near, far = finding.overrule(found, 100.5), finding.overrule(found, 104)
    assert (near.center, near.method, near.warning) == (100.5, "config", None)
    assert far.warning
    assert "mirror 100.20" in far.warning
    doubtful = replace(found, estimates=(Estimate("mirror", 100.2, None),))
    assert finding.overrule(doubtful, 120).warning is None


def test_a_users_mistake_is_one_line_in_the_log_and_on_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as caught, logs.to(tmp_path / "a.log"):
        raise UserError("raw.h5: no such file: correct scans.foam.file")
    assert caught.value.code == "tomodenoise: raw.h5: no such file: correct scans.foam.file"
    assert (tmp_path / "a.log").read_text().count("\n") == 1
    assert not logging.getLogger("tomodenoise").handlers


def test_a_bug_keeps_its_trace_in_the_log(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), logs.to(tmp_path / "a.log"):
        1 / 0  # noqa: B018
    assert "Traceback" in (tmp_path / "a.log").read_text()


def test_provenance_is_plain_and_without_a_time_stamp() -> None:
    described = provenance.collect({"split": {"sections": 4}}, {"fingerprint": "abc", "path": Path("raw.h5")})
    assert (
        described
        == json.loads(json.dumps(described))
        == provenance.collect({"split": {"sections": 4}}, {"fingerprint": "abc", "path": Path("raw.h5")})
    )
    assert described["config"]["split"]["sections"] == 4
    assert described["versions"]["numpy"] == np.__version__


@pytest.mark.parametrize(
    ("told", "age"), [({}, "an earlier"), ({"format": 0}, "an earlier"), ({"format": 99}, "a later")]
)
def test_products_of_another_format_are_refused(tmp_path: Path, told: dict[str, int], age: str) -> None:
    provenance.check_format(tmp_path)
    (tmp_path / "scan.json").write_text(json.dumps({"format": provenance.FORMAT}))
    provenance.check_format(tmp_path)
    (tmp_path / "scan.json").write_text(json.dumps(told))
    with pytest.raises(UserError, match=f"scan.json is of {age} version of tomodenoise.*move the folder away"):
        provenance.check_format(tmp_path)


def test_progress_is_told_with_the_time_that_is_left(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(range(0, 6000, 50))
    monkeypatch.setattr(logs.time, "monotonic", lambda: next(clock))
    with caplog.at_level(logging.INFO, "tomodenoise"):
        assert list(logs.progress("abcdef", 6, "slices")) == list("abcdef")
    assert caplog.messages == [
        "2 of 6 slices, about 3 min left",
        "4 of 6 slices, about 2 min left",
        "6 of 6 slices, about 0 min left",
    ]
