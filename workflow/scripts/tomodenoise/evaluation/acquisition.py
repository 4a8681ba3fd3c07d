"""Acquisition facts that the metrics and the verdicts use."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tomodenoise.correction.references import is_shared
from tomodenoise.reconstruction.options import Reconstruct
from tomodenoise.scans.description import Scan


@dataclass(frozen=True)
class Acquisition:
    """Measurement, correction and reconstruction of a scan."""

    pixel_size: float | None
    """Micrometres; None if unknown."""
    flats: int
    """Number of flat fields."""
    divided: bool
    """Whether the configuration assigns separate flats to each section."""
    shared: bool
    """Whether all sections are corrected with the same mean flat and so share its noise."""
    window: str
    """Window on the ramp filter."""
    filtered: bool
    """Whether the reconstruction is a filtered backprojection."""
    fewest_photons: float | None = None
    """Smallest number behind the sample in any pixel; None if the file holds no counts."""
    low_photons: float | None = None
    """0.1 % quantile of the same."""
    afterglow: float | None = None
    """Share of the light that appears one frame later, as measured on the flats."""

    @property
    def more_flats(self) -> str:
        """Advice that lowers the noise of flats shared by the sections."""
        return "Take more flats" if self.divided else "Set correct.flats: divided"

    def length(self, pixels: float) -> str:
        """Write a length given in pixels, with micrometres if the pixel size is known."""
        text = f"{pixels:.1f} px" if pixels >= 2 else f"{pixels:.2f} px"
        return f"{text} ({pixels * self.pixel_size:.3g} µm)" if self.pixel_size else text


def gather(
    scan: Scan, corrections: Sequence[Mapping[str, Any]], sections: int, flats: str, reconstruct: Reconstruct
) -> Acquisition:
    """Gather the facts of a scan.

    Parameters
    ----------
    corrections : statistics of the slabs, see `correction.slabs.SlabStatistics`.
    sections : number of sections K.
    flats : `flats` of the section `correct`.
    """
    sizes = [len(group.indices) for group in scan.flats]
    divided = flats == "divided"
    shared = scan.kind == "counts" and bool(sizes) and (not divided or is_shared(sizes, sections))
    measured = {
        key: [slab[key] for slab in corrections if slab.get(key) is not None]
        for key in ("smallest_counts", "low_counts", "afterglow")
    }
    return Acquisition(
        scan.pixel_size,
        sum(sizes),
        divided,
        shared,
        window=reconstruct.filter,
        filtered=reconstruct.capabilities.filtered,
        fewest_photons=min(measured["smallest_counts"], default=None),
        low_photons=min(measured["low_counts"], default=None),
        afterglow=max(measured["afterglow"], default=None),
    )
