"""Judge each part of the dose of a scan by the data left out, and against the full dose."""

import json
from pathlib import Path
from typing import Any

import torch

from tomodenoise.common import devices, logs
from tomodenoise.common.arrays import FloatArray
from tomodenoise.config.dose import Limits
from tomodenoise.evaluation import aside, dose, dose_answer, dose_channels, record
from tomodenoise.networks import models
from tomodenoise.scans.thinning import Thinning
from tomodenoise.storage import sections


def main(job: logs.Job) -> None:
    """Write `dose.json` and the pictures, and log the answer."""
    torch.set_num_threads(job.threads)
    params = job.params
    counts = json.loads(Path(job.input.check).read_text())
    judged, pictures = ([], {}) if counts["refused"] else _study(job, counts.get("gain_error"))
    found = [part for part in judged if "absent" not in part]
    answer = f"{dose_answer.answer(found, Limits.model_validate(params.limits))} {dose_channels.answer(found)}".strip()
    text = f"No study: {counts['refused']}; set dose.by: projections" if counts["refused"] else answer
    values = {"answer": text, "limits": params.limits, "counts": counts, "parts": judged}
    values |= {"labels": params.labels, "step": params.step}
    logs.logger.info("%s", text)
    record.write(Path(job.output.dose), Path(job.output.pictures), values, pictures)


def _study(job: logs.Job, doubt: float | None) -> tuple[list[dict[str, Any]], dict[str, FloatArray]]:
    """Judge the parts, each in the folder of a virtual scan."""
    params, folder = job.params, Path(job.input.split).parent
    first = folder.parent / next(iter(params.parts))
    process = aside.read(folder, first, params.correct, params.reconstruct, params.pixel_size)

    def dosed(name: str, model: str) -> dose.Dosed:
        chosen = models.load(Path(model), devices.best()), process.scan.identity, params.rows
        return dose.choose(sections.describe(folder.parent / name), *chosen)

    named = zip(params.parts.items(), job.input.models, strict=True)
    parts = [(Thinning.model_validate(kept), dosed(name, model)) for (name, kept), model in named]
    return dose.study(dosed(folder.name, job.input.model), parts, process, params.denoise, params.step, doubt or 0.0)


if __name__ == "__main__":
    logs.run(main)
