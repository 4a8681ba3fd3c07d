"""Concerns about a correction: nothing of a good scan, and a line for each fault that matters."""

from dataclasses import replace
from pathlib import Path

import numpy as np

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


def test_few_flats_that_all_sections_share_are_reported() -> None:
    assert "only 20 flats are shared" in concerns(scan(flats=(10, 10)), divided=False)
    assert concerns(scan(flats=(100,)), divided=False) == ""
    assert "3 and 10 flats cannot be divided among 4 sections" in concerns(scan(flats=(3, 10)))


def test_missing_darks_few_photons_and_many_repairs_are_reported() -> None:
    assert "no darks" in concerns(scan(darks=0))
    assert "one pixel in a thousand holds 2.0 photons or less" in concerns(
        scan(), statistics=replace(CLEAN, low_counts=2.0)
    )
    assert "2000 pixels (4.0%)" in concerns(scan(), statistics=replace(CLEAN, repaired=2000))
    assert "3 rows of projections" in concerns(scan(), statistics=replace(CLEAN, empty_rows=3))


def test_zingers_stripes_and_afterglow_are_reported_where_they_matter() -> None:
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
