"""The page of a training shows a held-out square, says when it ends, and cannot harm the training."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import scans_on_disk
import torch
from torch import nn

from tomodenoise.denoising import inference
from tomodenoise.networks import specs
from tomodenoise.networks.models import Model
from tomodenoise.networks.options import Network
from tomodenoise.report.live import DONE, RUNNING, STOPPED, Live
from tomodenoise.storage.sections import mix
from tomodenoise.training import dataset, distributed, loop, preview, tasks
from tomodenoise.training.checkpoints import Evaluation
from tomodenoise.training.options import Train

SETTINGS = Train(pixels=2e4, evaluations=3, batch=4, patch=32, held_out=0.2, memory=1, seed=1)
SPEC = specs.complete(Network(name="unet", slices=3, width=4, depth=2))


def small(folder: Path, spec: specs.Spec = SPEC) -> tasks.Task:
    scan = scans_on_disk.write(folder / "foam", scans_on_disk.blobs(24, 64))
    return tasks.Task([scan], spec, SETTINGS, {})


def trained(task: tasks.Task, page: Path, stopping: Callable[[], bool] = lambda: False) -> tuple[Model, list[str]]:
    """Train with a page; return the model and the page after each evaluation."""
    torch.set_num_threads(1)
    live, ranks, pages = Live(page), distributed.alone(), list[str]()

    def report(history: Sequence[Evaluation], total: int) -> None:
        live.show(history, total)
        pages.append(page.read_text() if page.exists() else "")

    with live.training():
        model = loop.train(task, ranks, report, stopping, begun=partial(live.begin, task, ranks))
    return model, pages


def test_the_square_is_what_denoising_makes_of_a_held_out_slice(tmp_path: Path) -> None:
    task = small(tmp_path)
    kept: list[tuple[dataset.Data, nn.Module]] = []
    model = loop.train(task, distributed.alone(), lambda *_: None, begun=lambda *begun: kept.append(begun))
    ((data, network),) = kept
    view = preview.choose(task, data, torch.device("cpu"))
    scan = task.scans[0]
    assert any(start <= view.row < stop for start, stop in data.held_out[0].rows)
    before, after = next(inference.denoise(model, scan, (view.row, view.row + 1)))
    edge = len(view.before)
    start = (scan.size - edge) // 2
    inside = slice(start, start + edge)
    np.testing.assert_array_equal(view.before, before[0, inside, inside])
    # Here the square is the whole slice, whose border the networks see differently.
    np.testing.assert_allclose(view.after(network)[8:-8, 8:-8], after[0, inside, inside][8:-8, 8:-8], atol=1e-5)


@pytest.mark.parametrize(
    "spec",
    [specs.complete(Network(name="unet3d", width=4, depth=2)), replace(SPEC, steps=3), replace(SPEC, channels=2)],
    ids=["volumetric", "time steps", "channels"],
)
def test_every_kind_of_network_has_a_page(tmp_path: Path, spec: specs.Spec) -> None:
    clean = scans_on_disk.blobs(16, 48)
    if spec.steps > 1:
        scan = scans_on_disk.write_series(tmp_path, np.repeat(clean[None], 8, axis=0), group=8)
    else:
        scan = scans_on_disk.write(tmp_path, np.repeat(clean[None], spec.channels, axis=0))
    settings = SETTINGS.model_copy(update={"patch": 16})
    task = tasks.Task([scan], spec, settings, {}, windows=[(0, 8) if spec.steps > 1 else None])
    trained(task, tmp_path / "training.html")
    assert DONE in (tmp_path / "training.html").read_text()
    data = dataset.prepare(task, distributed.alone())
    view = preview.choose(task, data, torch.device("cpu"))
    time = 4 if spec.steps > 1 else 0
    full = mix(scan.at(time).read(view.row, view.row + 1), scan.at(time).shares).mean(axis=(0, 1))
    start = (scan.size - len(view.before)) // 2
    np.testing.assert_allclose(view.before, full[start:-start, start:-start], rtol=1e-6)


def test_equal_trainings_end_with_equal_pages_and_the_model_of_none(tmp_path: Path) -> None:
    task = small(tmp_path)
    models = [trained(task, tmp_path / name)[0] for name in ("a.html", "b.html")]
    models.append(loop.train(task, distributed.alone(), lambda *_: None))
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()
    for other in models[1:]:
        for one, two in zip(models[0].network.parameters(), other.network.parameters(), strict=True):
            assert torch.equal(one, two)


def test_a_page_reads_itself_again_until_the_end(tmp_path: Path) -> None:
    task, page = small(tmp_path), tmp_path / "<b>" / "training.html"
    _, pages = trained(task, page)
    assert len(pages) == 3
    for text in pages:
        assert RUNNING in text
        assert 'http-equiv="refresh"' in text
        assert " left" in text
    end = page.read_text()
    assert DONE in end
    assert "refresh" not in end
    assert " left" not in end
    assert "<h1>&lt;b&gt;</h1>" in end
    pictures = re.findall(r'src="data:image/png;base64,[^"]{500,}"', end)
    assert len(pictures) == 2
    assert pictures[0] != pictures[1]


def test_pages_are_left_out_where_they_would_take_too_long(tmp_path: Path) -> None:
    task = small(tmp_path)
    live, written = Live(tmp_path / "training.html"), []

    def report(history: Sequence[Evaluation], total: int) -> None:
        for _ in range(20):
            live.show([replace(line, seconds=1e-6) for line in history], total)
        written.append((tmp_path / "training.html").stat().st_mtime_ns)

    with live.training():
        ranks = distributed.alone()
        loop.train(task, ranks, report, begun=partial(live.begin, task, ranks))
    assert written == written[:1] * 3
    assert DONE in (tmp_path / "training.html").read_text()


def test_a_training_that_fails_says_so_on_its_page(tmp_path: Path) -> None:
    task, page = small(tmp_path), tmp_path / "training.html"
    calls = iter([False, False, True])
    with pytest.raises(loop.Interrupted):
        trained(task, page, lambda: next(calls))
    assert STOPPED in page.read_text()
    assert "refresh" not in page.read_text()


def test_a_page_that_cannot_be_written_is_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("")
    trained(small(tmp_path), tmp_path / "file" / "training.html")
    assert caplog.text.count("the training page is no longer updated") == 1


def test_no_page_of_an_earlier_training_stays(tmp_path: Path) -> None:
    page = tmp_path / "training.html"
    page.write_text("old")
    with pytest.raises(loop.Interrupted):
        trained(small(tmp_path), page, lambda: True)
    assert not page.exists()


@pytest.mark.parametrize(("pixels", "evaluations", "edge"), [(1e8, 20, 272), (1e9, 20, 512), (1e6, 20, 64)])
def test_passes_through_the_square_cost_half_a_per_cent_of_the_training(
    tmp_path: Path, pixels: float, evaluations: int, edge: int
) -> None:
    scan = replace(small(tmp_path).scans[0], size=2048)
    settings = Train(pixels=pixels, evaluations=evaluations)
    task = tasks.Task([scan], specs.complete(Network(name="unet")), settings, {})
    data = dataset.prepare(small(tmp_path / "other"), distributed.alone())
    assert preview._edge(task, data, 1) == edge
    if edge > preview.SMALLEST:
        assert evaluations * edge**2 * preview.PASS <= preview.SHARE * pixels
