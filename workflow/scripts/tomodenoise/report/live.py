"""The page of a training: a held-out slice before and after the current network, rewritten at each evaluation."""

import base64
import hashlib
import html
import io
import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from string import Template

import numpy as np
from PIL import Image
from torch import nn

from tomodenoise.common import files, logs
from tomodenoise.common.arrays import FloatArray, IntArray
from tomodenoise.denoising import greys
from tomodenoise.training.checkpoints import Evaluation
from tomodenoise.training.dataset import Data
from tomodenoise.training.distributed import Ranks
from tomodenoise.training.preview import View, choose
from tomodenoise.training.tasks import Task

TEMPLATE = Path(__file__).resolve().parents[3] / "report" / "training.html"

REFRESH = '<meta http-equiv="refresh" content="5">'
"""Reloads the page every 5 seconds."""

LONGEST = 0.01
"""Share of the training time above which pages are skipped, when evaluations follow each other fast."""

RUNNING, DONE = "Training.", "Done."
STOPPED = "Stopped early: the log of the training says why. The same command continues."

WRITTEN = (
    'document.getElementById("written").textContent = "Written " + new Date(document.lastModified).toLocaleString()'
)
"""Script of the page; the time of the file, so that equal trainings end with equal pages."""

HEIGHT = (20, 250)
"""Rows of the chart between the largest and the smallest loss."""


class Live:
    """The page of a training. A problem with it is logged, and ends the page instead of the training."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._shown: tuple[View, nn.Module] | None = None
        self._history: Sequence[Evaluation] = ()
        self._total = 1
        self._spent = 0.0

    def begin(self, task: Task, ranks: Ranks, data: Data, network: nn.Module) -> None:
        """Choose what to show, on the first rank; a page of an earlier training is removed."""
        if not ranks.first:
            return
        with self._harmless():
            self._path.unlink(missing_ok=True)
            self._shown = choose(task, data, ranks.device), network

    def show(self, history: Sequence[Evaluation], total: int) -> None:
        """Show the current network and the losses so far, unless the pages have taken too much time.

        Parameters
        ----------
        history : all evaluations so far.
        total : number of iterations that the budget allows.
        """
        self._history = list(history)
        self._total = total
        if self._spent <= LONGEST * self._history[-1].seconds:
            self._write(RUNNING)

    @contextmanager
    def training(self) -> Iterator[None]:
        """Write into the page, at the end of the block, how the training ended."""
        try:
            yield
        except BaseException:
            self._write(STOPPED)
            raise
        self._write(DONE)

    def _write(self, state: str) -> None:
        if self._shown is None or not self._history:
            return
        view, network = self._shown
        began = time.perf_counter()
        with self._harmless(), files.replacing(self._path) as partial:
            name = self._path.parent.name
            partial.write_text(page(name, state, view, view.after(network), self._history, self._total), "utf-8")
        self._spent += time.perf_counter() - began

    @contextmanager
    def _harmless(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            logs.logger.warning("the training page is no longer updated: %s: %s", type(error).__name__, error)
            self._shown = None
            with suppress(OSError):
                self._path.unlink(missing_ok=True)


def page(name: str, state: str, view: View, denoised: FloatArray, history: Sequence[Evaluation], total: int) -> str:
    """Render the page, which needs nothing outside itself and reads itself again while the training runs.

    Parameters
    ----------
    name : of the model.
    state : `RUNNING`, `DONE` or `STOPPED`.
    denoised : (y, x), the square of the view.
    history : all evaluations so far, at least one.
    total : number of iterations that the budget allows.
    """
    last = history[-1]
    losses = [[getattr(line, key) for line in history] for key in ("loss", "held_out_loss")]
    scale = greys.linear(*greys.window(denoised, np.isfinite(denoised)))
    kept = "a band through the axis" if view.band else "this row"
    place = f"{view.scan}, row {view.row}: {len(denoised)} x {len(denoised)} pixels; training leaves out {kept}"
    values = {
        "name": html.escape(name),
        "state": state,
        "progress": _progress(last, total, running=state == RUNNING),
        "share": 100 if state == DONE else 100 * last.iteration // total,
        "refresh": REFRESH if state == RUNNING else "",
        "by": _by(history, done=state == DONE),
        "before": _uri(scale.encode(view.before)),
        "after": _uri(scale.encode(denoised)),
        "place": html.escape(place),
        **_chart([line.iteration / total for line in history], *losses),
        "loss": f"{last.loss:.4g}",
        "held_out_loss": f"{last.held_out_loss:.4g}",
        "error": "" if last.umse is None else f", without the noise {last.umse:.4g}",
        "script": WRITTEN,
        "script_hash": base64.b64encode(hashlib.sha256(WRITTEN.encode()).digest()).decode(),
    }
    return Template(TEMPLATE.read_text(encoding="utf-8")).substitute(values)


def _by(history: Sequence[Evaluation], *, done: bool) -> str:
    if not done:
        return f"at evaluation {len(history)}"
    return f"by the best model, that of evaluation {1 + int(np.nanargmin([line.held_out_loss for line in history]))}"


def _progress(last: Evaluation, total: int, *, running: bool) -> str:
    pixels = f"{last.pixels / 1e6:.1f} of {last.pixels * total / last.iteration / 1e6:.1f} million pixels"
    left = int(last.seconds * (total / last.iteration - 1))
    return f"{pixels}, {left // 60}:{left % 60:02d} left" if running else pixels


def _chart(places: Sequence[float], training: Sequence[float], held_out: Sequence[float]) -> dict[str, str]:
    """Return the ends of the scale and the points of both curves."""
    finite = [math.log10(loss) for loss in (*training, *held_out) if math.isfinite(loss) and loss > 0]
    low, high = (min(finite), max(finite)) if finite else (0.0, 1.0)
    top, bottom = HEIGHT

    def points(losses: Sequence[float]) -> str:
        pairs = [(place, math.log10(loss)) for place, loss in zip(places, losses, strict=True) if 0 < loss < math.inf]
        heights = [top + (bottom - top) * (high - value) / ((high - low) or 1.0) for _, value in pairs]
        return " ".join(f"{1000 * place:.1f},{height:.1f}" for (place, _), height in zip(pairs, heights, strict=True))

    ends = {"top": f"{10**high:.3g}", "bottom": f"{10**low:.3g}"}
    return {**ends, "training": points(training), "held_out": points(held_out)}


def _uri(pixels: IntArray) -> str:
    """Pack 8-bit greys as PNG, which takes a tenth of the time of the WebP of the report."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=1)
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"
