"""Warnings about the flats, the darks and the counts of a scan."""

from collections.abc import Iterator, Sequence

import numpy as np

from tomodenoise.correction.references import is_shared
from tomodenoise.correction.screening import spans
from tomodenoise.correction.slabs import SlabStatistics
from tomodenoise.correction.stripe_choice import StripeChoice
from tomodenoise.scans.description import Scan

# With fewer shared flats the noise of their mean correlates the sections visibly, by 0.16 or more near the axis
ENOUGH_FLATS = 50

FEW_PHOTONS = 10
MANY_REPAIRS = 0.01
MANY_ZINGERS = 0.001
MANY_SATURATED = 0.01
STRONG_STRIPES = 2.5
MUCH_AFTERGLOW = 0.01
BELOW_ZERO = -0.1  # mean line integral of the lowest pixels; air is 0, up to noise and beam drift
ABOVE_ZERO = 0.05  # mean line integral on both sides of the detector


def concerns(
    scan: Scan, slabs: Sequence[SlabStatistics], sections: int, *, divided: bool, stripes: StripeChoice | None = None
) -> Iterator[str]:
    """Yield one line for each defect that a network would not fix.

    Parameters
    ----------
    slabs : the statistics of one slab or of all of them.
    sections : number of sections K.
    divided : whether each section was meant to have its own flats.
    stripes : how stripes were removed, and the measured strengths.
    """
    if scan.kind == "counts":
        yield from _flats([len(group.indices) for group in scan.flats], sections, divided)
        if not scan.darks:
            yield "there are no darks: the dark level is taken as 0, which changes the attenuation"
    yield from _light(slabs)
    yield from _replaced(scan, slabs)
    if stripes is not None:
        yield from rings(stripes)
    yield from _afterglow([slab.afterglow for slab in slabs])


def _replaced(scan: Scan, slabs: Sequence[SlabStatistics]) -> Iterator[str]:
    """Report pixels that were dead, not finite or hit by zingers."""
    pixels = len(scan.angles) * scan.channel_count * scan.depth * scan.columns
    repaired = sum(slab.repaired for slab in slabs)
    empty = sum(slab.empty_rows for slab in slabs)
    if repaired > MANY_REPAIRS * pixels:
        yield f"{repaired} pixels ({repaired / pixels:.1%}) were dead or not finite and were interpolated"
    blind = sorted(set.intersection(*(set(slab.blind) for slab in slabs))) if slabs else []
    if blind:
        yield f"columns {spans(np.array(blind))} of the detector are dead in all rows: arcs remain in the volume"
    if void := sorted({row for slab in slabs for row in slab.void}):
        yield f"rows {spans(np.array(void))} hold no valid pixel in any projection: these slices are 0"
    elif empty:
        yield f"{empty} rows of projections hold no valid pixel and were set to 0"
    zingers = sum(slab.zingers or 0 for slab in slabs)
    if zingers > MANY_ZINGERS * pixels:
        yield (
            f"{zingers} pixels ({zingers / pixels:.2%}) were replaced as zingers: if the sample itself has such bright"
            " spots, set correct.zingers higher or to none"
        )


def _light(slabs: Sequence[SlabStatistics]) -> Iterator[str]:
    """Report too little light, or too much."""
    fewest = [slab.low_counts for slab in slabs if slab.low_counts is not None]
    if fewest and min(fewest) < FEW_PHOTONS:
        photons = f"{min(fewest):.1f} photons or less" if min(fewest) >= 1 else "less than one photon"
        yield f"one pixel in a thousand holds {photons}: streaks may remain, and the attenuation there is too low"
    lowest = min((slab.lowest for slab in slabs if slab.lowest is not None), default=0.0)
    if lowest < BELOW_ZERO:
        yield (
            f"line integrals fall below zero, to {lowest:.2f} on average: projections are brighter than the flats"
            " there; check the flats, or set correct.air"
        )
    sides = min((slab.sides for slab in slabs if slab.sides is not None), default=0.0)
    if all(slab.sides is not None for slab in slabs) and sides > ABOVE_ZERO:
        yield (
            f"line integrals are {sides:.2f} along both sides of the detector: if that is air, the beam was weaker than"
            " in the flats and grey values are too high; set correct.air"
        )
    full = max((slab.saturated for slab in slabs if slab.saturated is not None), default=0.0)
    if full > MANY_SATURATED:
        yield f"flats are saturated: {full:.0%} of their pixels hold the largest value, so attenuation is wrong there"


def rings(stripes: StripeChoice) -> Iterator[str]:
    """Report remaining rings: all sections share them, so a network takes them for the sample."""
    if stripes.after is None or stripes.after <= STRONG_STRIPES:
        return
    if stripes.method == "none" and stripes.why:
        yield (
            f"apparent stripes are {stripes.after:.1f} times the noise and no method lowers them by much: rings, or the"
            " sample itself; check the slices"
        )
        return
    left = f"{stripes.method} did not remove them: check the slices, or set correct.stripes to another method"
    remedy = left if stripes.method != "none" else "set correct.stripes: auto"
    yield f"stripes are {stripes.after:.1f} times the noise, so rings remain in the volume; {remedy}"


def _afterglow(shares: Sequence[float | None]) -> Iterator[str]:
    share = max((share for share in shares if share is not None), default=0.0)
    if share >= MUCH_AFTERGLOW:
        yield (
            f"afterglow: {share:.1%} of the light appears one frame later, which correlates the noise of neighbouring"
            " projections, and thus of sections: the network keeps some noise near the axis"
        )


def _flats(sizes: Sequence[int], sections: int, divided: bool) -> Iterator[str]:
    if divided and is_shared(sizes, sections):
        yield (
            f"{' and '.join(map(str, sizes))} flats cannot be divided among {sections} sections:"
            " all sections share them, and the noise of their mean remains in the volume as rings"
        )
    elif not divided and sum(sizes) < ENOUGH_FLATS:
        yield (
            f"only {sum(sizes)} flats are shared by all sections: the noise of their mean remains in the volume as"
            " rings; set correct.flats: divided"
        )
