"""Judge each part of the dose of a scan by the data left aside, and against the full dose."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tomodenoise.common import devices, files, logs
from tomodenoise.common.arrays import FloatArray
from tomodenoise.config.dose import Limits
from tomodenoise.correction import measured
from tomodenoise.correction.options import Correct
from tomodenoise.evaluation import dose, dose_answer, dose_channels, record
from tomodenoise.evaluation.aside import Process
from tomodenoise.geometry import rotation_axis
from tomodenoise.metrics.support import Unsupported
from tomodenoise.networks import models
from tomodenoise.reconstruction.options import Reconstruct
from tomodenoise.scans import description
from tomodenoise.scans.thinning import Thinning
from tomodenoise.storage import sections


def main(job: logs.Job) -> None:
    """Write `dose.json` and the pictures, and the answer to the log."""
    torch.set_num_threads(job.threads)
    params = job.params
    counts = json.loads(Path(job.input.check).read_text())
    limits = Limits.model_validate(params.limits)
    judged, pictures = ([], {}) if counts["refused"] else _judge(job, counts.get("gain"))
    found = [part for part in judged if "absent" not in part]
    answer = " ".join(filter(None, (dose_answer.answer(found, limits), dose_channels.answer(found))))
    text = f"No study: {counts['refused']}; set dose.by: projections" if counts["refused"] else answer
    values = {"answer": text, "limits": params.limits, "counts": counts, "parts": judged}
    values |= {"labels": params.labels, "step": params.step}
    logs.logger.info("%s", text)
    with files.replacing(Path(job.output.dose)) as out, files.replacing(Path(job.output.pictures)) as archive:
        with archive.open("wb") as stream:
            np.savez_compressed(stream, **pictures)  # type: ignore[arg-type]
        out.write_text(json.dumps(record.plain(values), indent=1, allow_nan=False))


def _judge(job: logs.Job, gain: float | None) -> tuple[list[dict[str, Any]], dict[str, FloatArray]]:
    """Judge the parts one after the other, each in the folder of a virtual scan."""
    params = job.params
    folder = Path(job.input.split).parent
    device = devices.best()
    described = description.from_json(json.loads((folder / "scan.json").read_text()))
    scan = description.sized(described, params.pixel_size)
    known = measured.from_json(json.loads((folder / "measured.json").read_text()))
    if scan.channels:
        known = replace(known, measures=replace(known.measures, gain=gain))
    process = Process(
        scan,
        Correct.model_validate(params.correct),
        known,
        Reconstruct.model_validate(params.reconstruct),
        rotation_axis.read(folder / "center.json"),
    )
    chosen = scan.identity, params.rows
    whole = dose.choose(sections.describe(folder), models.load(Path(job.input.model), device), *chosen)
    judged: list[dict[str, Any]] = []
    pictures: dict[str, FloatArray] = {}
    for (name, kept), file in zip(params.parts.items(), job.input.models, strict=True):
        thinning = Thinning.model_validate(kept)
        own = dose.choose(sections.describe(folder.parent / name), models.load(Path(file), device), *chosen)
        try:
            part = dose.collect(whole, own, thinning, process, params.denoise, params.step)
        except Unsupported as reason:
            judged.append({"fraction": thinning.fraction, "absent": str(reason)})
            continue
        judged.append(dose.judge(part))
        pictures |= {f"{thinning.fraction:g}/{key}": image for key, image in dose.pictures(part).items()}
    return judged, pictures


if __name__ == "__main__":
    logs.run(main)
