"""The answer of a dose study: down to which part of the dose the result stays the same, in one sentence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tomodenoise.config.dose import Limits

RAW, NETWORK, REUSED = "raw", "network", "network of the full dose"
"""Names of results: without denoising, by a network trained on the part of the dose alone, and by that of the scan."""

FULL = "raw of the full dose"
"""Name of a result for each channel: the raw error, times the share of the dose."""

SIZES = {"volume": "the volume fraction", "number": "the number of pieces", "diameter": "their mean size"}
"""Figure of the phase to its name."""

LOST = {"number": "too few pieces are left to measure", "edges": "edges are too noisy to measure"}
"""Figure to what is said if it was measured at full dose only."""

WORDS = {0.5: "half of the dose", 0.25: "a quarter of the dose", 0.125: "an eighth of the dose"}


@dataclass(frozen=True)
class Change:
    """Changes of a part of the dose against the full one; None where either could not be measured."""

    sizes: Mapping[str, float | None]
    """Of each figure in `SIZES`, in standard errors of the full dose."""
    resolution: float | None
    """Of the edge width, relative."""
    number: float | None
    """Of the number of pieces, relative."""
    lost: tuple[str, ...] = ()
    """Texts of `LOST` on what was measured at full dose only."""


def change(part: Mapping[str, Any]) -> Change:
    """Compare the network's result with the full dose; `part` is of `dose.judge`."""
    full = part["full"]
    result = part["results"][NETWORK]
    lost = [text for key, text in LOST.items() if full.get(key) is not None and result.get(key) is None]
    return Change(
        {key: _ratio(result.get(key), full.get(key), full.get(f"{key}_error")) for key in SIZES},
        _ratio(result.get("edges"), full.get("edges"), full.get("edges")),
        _ratio(result.get("number"), full.get("number"), full.get("number")),
        tuple(lost),
    )


def holds(found: Change, limits: Limits) -> bool | None:
    """Return whether all changes are within their limits; None if nothing was measured at full dose."""
    if found.lost:
        return False
    sizes = [abs(value) <= limits.sizes for value in found.sizes.values() if value is not None]
    if not sizes and found.resolution is None:
        return None
    return all(sizes) and (found.resolution is None or found.resolution <= limits.resolution)


def answer(parts: Sequence[Mapping[str, Any]], limits: Limits) -> str:
    """Return the answer in one or two sentences.

    Parameters
    ----------
    parts : of `dose.judge`, the largest part of the dose first; those that were not judged are left out.
    """
    found = [(part["fraction"], change(part)) for part in parts]
    verdicts = [holds(changed, limits) for _, changed in found]
    if not found:
        return "No part of the dose could be judged: no answer."
    if None in verdicts:
        return "The judged slices hold neither two phases with enough pieces nor enough edges: no answer."
    good = next((number for number, verdict in enumerate(verdicts) if not verdict), len(found))
    first = f"Down to {words(found[good - 1][0])}, {_kept(found[good - 1][1], limits)}" if good else ""
    if good == len(found):
        return f"{first}; no smaller part was tried."
    fraction, worse = found[good]
    if good:
        return f"{first}; at {words(fraction)}, {_lost(worse, limits)}."
    return f"Already at {words(fraction)}, {_lost(worse, limits)}."


def words(fraction: float) -> str:
    """Write a part of the dose."""
    return WORDS.get(fraction, f"{100 * fraction:.3g} % of the dose")


def _kept(found: Change, limits: Limits) -> str:
    named = [SIZES[key] for key, value in found.sizes.items() if value is not None]
    sizes = f"{_listed(named)} change by less than {_errors(limits)}" if named else ""
    edges = f"edges widen by less than {limits.resolution:.0%}" if found.resolution is not None else ""
    return " and ".join(filter(None, (sizes, edges)))


def _lost(found: Change, limits: Limits) -> str:
    """Name what exceeds its limit."""
    beyond = []
    for key, value in found.sizes.items():
        if value is None or abs(value) <= limits.sizes:
            continue
        if key == "number" and found.number is not None:
            share = f"{abs(found.number):.0%}"
            beyond.append(f"{share} of the pieces vanish" if found.number < 0 else f"{SIZES[key]} rises by {share}")
        else:
            named = SIZES[key] if key != "diameter" or "pieces" in " ".join(beyond) else "the mean size of the pieces"
            beyond.append(f"{named} {'falls' if value < 0 else 'rises'} by {abs(value):.1f} standard errors")
    if found.resolution is not None and found.resolution > limits.resolution:
        beyond.append(f"edges are {found.resolution:.0%} wider")
    return _listed([*beyond, *found.lost])


def _errors(limits: Limits) -> str:
    return "their standard errors" if limits.sizes == 1 else f"{limits.sizes:g} standard errors"


def _listed(texts: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(texts[:-1]), texts[-1]))) if texts else ""


def _ratio(value: float | None, full: float | None, unit: float | None) -> float | None:
    return (value - full) / unit if value is not None and full is not None and unit else None
