"""The card of a model on a shelf: a README with a picture, figures, conditions and limits of use."""

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image

from tomodenoise.common.arrays import FloatArray
from tomodenoise.denoising import greys
from tomodenoise.networks.model_file import Description
from tomodenoise.shelf import deciding, likeness
from tomodenoise.shelf.likeness import TERMS

PICTURE = "picture.png"
README = "README.md"

LARGEST = 384
"""Edge in pixels of the part of a slice that is shown, from its middle."""


def text(model: Description, name: str, factor: float, verdicts: Sequence[str], *, picture: bool) -> str:
    """Write the card in Markdown, without any path.

    Parameters
    ----------
    name : of the folder on the shelf.
    factor : the key `shelf.factor` of the run that files the model.
    verdicts : on its scan, in words.
    picture : whether there is one.
    """
    lines = [f"# {name}", "", _summary(model), ""]
    if picture:
        lines += [f"![A slice, raw on the left and denoised on the right]({PICTURE})", ""]
    lines += ["## Conditions", "", *_conditions(model), "", "## Figures", "", *_figures(model), ""]
    if verdicts:
        lines += ["On its scan:", "", *(f"- {verdict}" for verdict in verdicts), ""]
    lines += ["## Limits of use", "", *_limits(model, factor), "", "## Use", "", *_use(model)]
    return "\n".join(lines) + "\n"


def picture(before: FloatArray, after: FloatArray) -> bytes:
    """Draw the middle of a slice (y, x) before and after denoising, next to each other, as PNG."""
    scale = greys.linear(*greys.window(after, np.isfinite(after)))
    sides = [scale.encode(_middle(image)) for image in (before, after)]
    buffer = io.BytesIO()
    Image.fromarray(np.concatenate(sides, axis=1)).save(buffer, "PNG")
    return buffer.getvalue()


def _summary(model: Description) -> str:
    spec = model.spec
    seen = f"{spec.slices} slices" + (f", {spec.steps} time steps" if spec.steps > 1 else "")
    channels = f", {spec.channels} channels" if spec.channels > 1 else ""
    version = model.facts.get("versions", {}).get("tomodenoise", "unknown")
    return (
        f"Network {spec.name} width {spec.width}, depth {spec.depth}, {seen}{channels}: {model.weights:,} weights."
        f" Trained on {', '.join(model.trained_on) or 'unknown scans'} with tomodenoise {version}."
    )


def _conditions(model: Description) -> list[str]:
    known: Mapping[str, Mapping[str, Mapping[str, Any]]] = model.facts.get("conditions", {})
    here = likeness.of_model(model)
    grades = model.facts.get("grades", {})
    lines = ["| condition | value | source |", "|---|---|---|"]
    for term in TERMS:
        found = dict.fromkeys(str(each[term.key]["source"]) for each in known.values() if term.key in each)
        source = grades.get("source", "") if term.key in {"noise", "contrast"} else "; ".join(found)
        value = likeness.spelled(here.get(term.key, ()))
        lines.append(f"| {_cell(term.label)} | {_cell(value)} | {_cell(source) if value != 'unknown' else ''} |")
    return lines


def _figures(model: Description) -> list[str]:
    grades = model.facts.get("grades", {})
    gain, skill, slope = (grades.get(key) for key in ("gain", "skill", "slope"))
    lines = ["Measured on the part of the training scans that was held out:", ""]
    lines += [f"- The error of its input is lowered by {'an unknown amount' if gain is None else f'{gain:.2f} dB'}."]
    error = "an unknown amount from" if skill is None else deciding.against_blur(skill)
    lines += [f"- The error of its output is {error} that of the best blur."]
    lines += [f"- Slope of the calibration: {'unknown' if slope is None else f'{slope:.3f}'} (1 is right)."]
    if budget := model.facts.get("config", {}).get("train", {}).get("pixels"):
        lines += [f"- Budget of the training: {float(budget) / 1e6:g} million pixels."]
    return lines


def _limits(model: Description, factor: float) -> list[str]:
    """List the ranges in which the model is tried."""
    here = likeness.of_model(model)
    lines = [f"It is tried on scans within a factor of {factor:g} of its conditions:", ""]
    for term in TERMS:
        numbers = [float(value) for value in here.get(term.key, ()) if not isinstance(value, str)]
        if term.limits and numbers:
            lines.append(f"- {term.label}: {min(numbers) / factor:.3g} to {max(numbers) * factor:.3g}")
    return [*lines, "- the same network", "", "Each scan is judged before the model is used on it."]


def _use(model: Description) -> list[str]:
    network = {"name": model.spec.name, "slices": model.spec.slices, "width": model.spec.width}
    network["depth"] = model.spec.depth
    asked = ", ".join(f"{key}: {value}" for key, value in network.items())
    return ["```yaml", "models: {sample: {shelf: FOLDER_OF_THIS_SHELF}}", f"network: {{{asked}}}", "```"]


def _cell(value: str) -> str:
    return value.replace("|", "\\|")


def _middle(image: FloatArray) -> FloatArray:
    starts = [max(0, (size - LARGEST) // 2) for size in image.shape]
    return image[starts[0] : starts[0] + LARGEST, starts[1] : starts[1] + LARGEST]
