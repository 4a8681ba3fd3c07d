"""What a person must be told about the flats, the darks and the counts of a scan."""

from collections.abc import Iterator, Sequence

from tomodenoise.correction.references import is_shared
from tomodenoise.correction.slabs import SlabStatistics
from tomodenoise.scans import Scan

ENOUGH_FLATS = 50
"""With fewer shared by all sections the noise of their mean correlates visibly, by 0.16 and more near the axis."""

FEW_PHOTONS = 10
MANY_REPAIRS = 0.01
MANY_ZINGERS = 0.001
MANY_SATURATED = 0.01
STRONG_STRIPES = 2.0
MUCH_AFTERGLOW = 0.01


def concerns(
    scan: Scan, slabs: Sequence[SlabStatistics], sections: int, *, divided: bool, removed: str = "none"
) -> Iterator[str]:
    """One line for each weakness that a network would not mend.

    Parameters
    ----------
    slabs : the statistics of one slab or of all of them.
    sections : number of sections K.
    divided : whether sections were to have flats of their own.
    removed : how stripes were removed.
    """
    if scan.kind == "counts":
        yield from _flats([len(group.indices) for group in scan.flats], sections, divided)
        if not scan.darks:
            yield "there are no darks: the dark level is taken as 0, which changes the attenuation"
    yield from _light(scan, slabs)
    pixels = len(scan.angles) * scan.channel_count * scan.depth * scan.columns
    repaired, empty = sum(slab.repaired for slab in slabs), sum(slab.empty_rows for slab in slabs)
    if repaired > MANY_REPAIRS * pixels:
        yield f"{repaired} pixels ({repaired / pixels:.1%}) were dead or not finite and were interpolated"
    if empty:
        yield f"{empty} rows of projections hold no valid pixel and were set to 0"
    zingers = sum(slab.zingers or 0 for slab in slabs)
    if zingers > MANY_ZINGERS * pixels:
        yield (
            f"{zingers} pixels ({zingers / pixels:.2%}) were replaced as zingers: see whether the sample has such"
            " bright spots, and set correct.zingers higher or to none"
        )
    yield from _common([slab.stripes for slab in slabs], [slab.afterglow for slab in slabs], removed)


def _light(scan: Scan, slabs: Sequence[SlabStatistics]) -> Iterator[str]:
    """Say where there was too little of it, or too much."""
    fewest = [slab.low_counts for slab in slabs if slab.low_counts is not None]
    if fewest and min(fewest) < FEW_PHOTONS:
        yield f"darkest pixels hold {min(fewest):.1f} photons (0.1 % of them fewer): streaks may remain"
    blank = min((slab.blank for slab in slabs), default=0)
    if blank:
        yield f"{blank} of {len(scan.angles)} projections hold no light: a lost frame or beam makes streaks"
    full = max((slab.saturated for slab in slabs if slab.saturated is not None), default=0.0)
    if full > MANY_SATURATED:
        yield f"flats are saturated: {full:.0%} of their pixels hold the largest value, and attenuation is wrong there"


def _common(stripes: Sequence[float | None], afterglow: Sequence[float | None], removed: str) -> Iterator[str]:
    """Say what all sections share, so that a network takes it for the sample."""
    strongest = max((strength for strength in stripes if strength is not None), default=0.0)
    if strongest > STRONG_STRIPES:
        mend = "set correct.stripes: sorting" if removed == "none" else f"correct.stripes: {removed} left them"
        yield f"stripes {strongest:.1f} times the noise: rings will be kept or enhanced by the network; {mend}"
    share = max((share for share in afterglow if share is not None), default=0.0)
    if share >= MUCH_AFTERGLOW:
        yield (
            f"afterglow: {share:.1%} of the light appears one frame later, which correlates the noise of neighbouring"
            " projections and so of sections: the network keeps some noise near the axis"
        )


def _flats(sizes: Sequence[int], sections: int, divided: bool) -> Iterator[str]:
    if divided and is_shared(sizes, sections):
        yield (
            f"groups of {' and '.join(map(str, sizes))} flats cannot be divided among {sections} sections:"
            " all sections share them, and the noise of their mean remains in the volume as rings"
        )
    elif not divided and sum(sizes) < ENOUGH_FLATS:
        yield (
            f"only {sum(sizes)} flats are shared by all sections: the noise of their mean remains in the volume as"
            " rings; set correct.flats: divided"
        )
