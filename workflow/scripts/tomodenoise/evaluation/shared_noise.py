"""Whether sections share noise, in a sentence."""

from collections.abc import Iterator

from tomodenoise.evaluation.context import Context, Level, Values

CORRELATED, IN_TIME = 0.05, 0.02
OWN_ERROR = 0.15
"""Correlation far from the axis, from the network's own error, above which the noise of sections cannot be compared."""

AFTERGLOW = 0.01
"""Share of the light that may explain a correlation."""


def sentences(v: Values, context: Context) -> Iterator[tuple[Level, str]]:
    """Say what the figure `independence` means, and what to do."""
    *near, far = v["zones"]
    excess = v.get("in_time", 0.0)
    if excess > max(IN_TIME, 4 * v.get("in_time_error", 0.0)):
        text = f"The noise of consecutive frames is correlated by {excess:.3f} ± {v['in_time_error']:.3f}"
        if context.afterglow is None or context.afterglow < AFTERGLOW:
            cause = "afterglow" if context.afterglow is None else "no afterglow of the flats"
            yield "note", f"{text}: {cause}, a filter along the angles, or a network that has learned too little."
        else:
            flats = f"the flats show {context.afterglow:.1%} afterglow"
            yield "bad", f"{text} ({flats}): noise may look like structure. Measure with less afterglow."
        return
    for number, zone in enumerate(near):
        excess = zone["correlation"] - max(far["correlation"], 0)
        if excess > max(CORRELATED, 3 * zone["error"]):
            expected = v["flats_share"][number] if v["flats_share"] else 0.0
            text = (
                f"Sections share noise: correlation {zone['correlation']:.2f} within {zone['outer']:.0f} px of the axis"
            )
            yield "bad", f"{text}. {_cause(zone['correlation'], expected, context)}."
            return
    inner = v["zones"][0]
    text = f"{inner['correlation']:.2f} ± {inner['error']:.2f} within {inner['outer']:.0f} px of the axis"
    text += f", {far['correlation']:.2f} far from it" if near else ""
    if v["flats_share"] and v["flats_share"][0] > CORRELATED:
        shared = f"{context.flats} flats shared by all sections should correlate their noise by about"
        yield "note", f"{shared} {v['flats_share'][0]:.2f} near the axis; measured: {text}. {context.more_flats}."
    elif far["correlation"] > OWN_ERROR:
        yield "note", f"Whether sections share noise is not known: the network's own error is too large ({text})."
    elif inner["error"] > 2 * CORRELATED:
        yield "note", f"Sections share no noise that can be seen, but the slices are too few to be sure ({text})."
    else:
        yield "good", f"The noise of the sections is independent (correlation {text})."


def _cause(correlation: float, expected: float, context: Context) -> str:
    if expected > correlation / 3:
        return f"{context.flats} flats are too few to be shared. {context.more_flats}"
    if context.afterglow is not None and context.afterglow >= AFTERGLOW:
        return f"{context.afterglow:.1%} of the light appears one frame later. Measure with less afterglow"
    return "Flats do not explain it: look for rings (correct.stripes), afterglow, and filters along the angles"
