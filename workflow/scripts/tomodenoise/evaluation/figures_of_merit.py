"""All figures of a scan, or the reason why one is absent."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from tomodenoise.evaluation import comparing
from tomodenoise.evaluation.baselines import Rival
from tomodenoise.evaluation.evidence import Evidence
from tomodenoise.evaluation.measures import FIGURES, Found
from tomodenoise.metrics import structure
from tomodenoise.metrics.support import Unsupported

__all__ = ["FIGURES", "Found", "Judgement", "judge"]

NO_SAMPLE = "the judged rows hold no sample that both halves of the data show"
OF_SAMPLE = frozenset({"umse", "fsc", "cross_frc", "calibration", "contrast", "edges"})
"""Figures that say nothing where there is only noise."""

WITHOUT_PIXELS = frozenset({"sample", "coverage", "counts"})


@dataclass(frozen=True)
class Judgement:
    """What can be said of a model on a scan."""

    figures: Mapping[str, Found]
    absent: Mapping[str, str]
    """Name of a figure to the reason."""


def judge(evidence: Evidence, rivals: Sequence[Rival] = (), names: Collection[str] = ()) -> Judgement:
    """Compute every figure that the evidence supports, or some by name, and those of rivals where there are any.

    Slices with values that are not finite are left out. Rivals are not compared then, nor where there is no sample.
    """
    figures, absent, used = {}, {}, evidence.finite
    found = used.agreement
    for name in names or FIGURES:
        try:
            _check(used, name, found)
            figures[name] = FIGURES[name](used)
        except Unsupported as reason:
            absent[name] = str(reason)
    if "sample" in figures:
        left_out = {"left_out": len(evidence.raw) - len(used.raw)}
        figures["sample"] = Found({**figures["sample"].values, **left_out})
    if rivals and found.holds_sample and used is evidence:
        columns, pictures = comparing.columns(used, rivals)
        figures["comparison"] = Found({"columns": columns}, pictures)
    return Judgement(figures, absent)


def _check(e: Evidence, name: str, found: structure.Agreement) -> None:
    """Raise `Unsupported` where these slices cannot support a figure, whatever it measures."""
    if name in e.without:
        raise Unsupported(e.without[name])
    if name in WITHOUT_PIXELS:
        return
    if not len(e.raw):
        raise Unsupported("every judged slice holds values that are not finite")
    if not e.mask.any():
        raise Unsupported("no pixel is judged")
    if name in OF_SAMPLE and not found.holds_sample:
        raise Unsupported(NO_SAMPLE)
