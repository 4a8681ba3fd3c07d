"""Cards are counted, claimed by one process each, shared by jobs, and a full one is explained."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from tomodenoise.common import cards, devices, logs
from tomodenoise.planning import cards as shared
from tomodenoise.planning import snakemake_internals

FULL = (
    "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 79.11 GiB of which 1.02 GiB is"
    " free. Process 1 has 78.00 GiB memory in use."
)


def with_cards(folder: Path, count: int) -> str:
    """Write an nvidia-smi that lists as many cards; return a PATH on which it is."""
    lines = "".join(f"echo 'GPU {number}: Some Card (UUID: GPU-{number})'\n" for number in range(count))
    program = folder / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{lines}")
    program.chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


@pytest.mark.parametrize(
    ("named", "count"),
    [(None, 2), ("", 0), ("1", 1), ("0,1", 2), ("0,1,2", 2), ("-1", 0), ("1,-1,0", 1), ("GPU-1", 1)],
)
def test_cards_are_those_of_the_machine_that_the_user_leaves(
    named: str | None, count: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", with_cards(tmp_path, 2))
    assert cards.visible({} if named is None else {"CUDA_VISIBLE_DEVICES": named}) == count


def test_a_driver_that_fails_or_is_missing_means_no_card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", with_cards(tmp_path, 1))
    (tmp_path / "nvidia-smi").write_text("#!/bin/sh\necho 'GPU 0: x'\nexit 9\n")
    assert cards.visible({}) == 0
    monkeypatch.setenv("PATH", str(tmp_path / "none"))
    assert cards.visible({"CUDA_VISIBLE_DEVICES": "0"}) == 0


def test_processes_claim_different_cards_until_they_end() -> None:
    names = [f"test-{os.getpid()}-{number}" for number in range(2)]
    number, ours = cards.claim(names)
    assert number == 0
    code = f"from tomodenoise.common import cards; n, s = cards.claim({names}); print(n, s is None)"
    command = [sys.executable, "-c", code]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    answers = [subprocess.run(command, capture_output=True, text=True, check=True, env=environment) for _ in range(2)]
    # The first of the two has ended, so its card is free again.
    assert [run.stdout.split() for run in answers] == [["1", "False"]] * 2
    _, second = cards.claim(names)
    assert cards.claim(names) == (0, None)
    assert ours
    assert second
    ours.close()
    second.close()


def test_of_several_cards_a_process_computes_on_one_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    current: list[int] = []
    names = [f"own-{os.getpid()}-{number}" for number in range(2)]
    _, other = cards.claim(names)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda number: SimpleNamespace(uuid=names[number]))
    monkeypatch.setattr(torch.cuda, "set_device", current.append)
    devices._own_card.cache_clear()
    monkeypatch.setenv("LOCAL_RANK", "0")
    assert (devices.best(), current) == ("cuda", [])
    monkeypatch.delenv("LOCAL_RANK")
    assert [devices.best(), devices.best()] == ["cuda", "cuda"]
    assert current == [1]
    assert other
    other.close()
    claimed = devices._own_card()
    assert claimed
    claimed.close()
    devices._own_card.cache_clear()


def test_each_attempt_plans_with_half_of_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("mem_get_info", (800, 1000)), ("memory_reserved", 100), ("memory_allocated", 20)):
        monkeypatch.setattr(torch.cuda, name, lambda _, value=value: value)
    free = []
    for attempt in ("1", "2", "3"):
        monkeypatch.setenv(cards.ATTEMPT, attempt)
        free.append(devices.free_memory("cuda"))
    assert free == [880, 440, 220]
    assert devices.free_memory("cpu") is None


def test_a_full_card_ends_a_job_with_one_line(tmp_path: Path) -> None:
    def compute() -> None:
        raise torch.OutOfMemoryError(FULL)

    with pytest.raises(SystemExit) as end, logs.to(tmp_path / "log"):
        compute()
    line = str(end.value)
    assert line.startswith("tomodenoise: the GPU is out of memory: 2.00 GiB more are needed")
    assert "1.02 GiB of 79.11 GiB are free" in line
    assert "--retries 2" in line
    logged = (tmp_path / "log").read_text()
    assert "Traceback" not in logged
    assert len(logged.splitlines()) == 1


@pytest.mark.parametrize(
    ("error", "known"),
    [
        (torch.OutOfMemoryError("no figures here"), True),
        (RuntimeError("CUDA error: out of memory"), True),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate"), True),
        (RuntimeError("CUDA error: an illegal memory access was encountered"), False),
        (MemoryError("out of memory"), False),
        (ValueError("CUDA out of memory"), False),
    ],
)
def test_only_a_full_card_is_called_full(error: Exception, *, known: bool) -> None:
    assert (cards.out_of_memory(error) is not None) is known


def test_a_job_gets_the_number_of_its_attempt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    job = SimpleNamespace(log=[tmp_path / "log"], resources={"attempt": 3})
    monkeypatch.setattr(sys.modules["__main__"], "snakemake", job, raising=False)
    monkeypatch.setenv(cards.ATTEMPT, "1")
    seen: list[int] = []
    logs.run(lambda _: seen.append(cards.attempt(os.environ)))
    assert seen == [3]


@pytest.mark.parametrize(("count", "here", "asked"), [(0, True, (1, 1)), (2, True, (1, 2)), (8, False, (0, 0))])
def test_jobs_ask_for_cards_of_this_machine_only(count: int, *, here: bool, asked: tuple[int, int]) -> None:
    ours = shared.Cards(count, lambda: here)
    assert (ours.one({}), ours.processes({}, threads=4)) == asked


@pytest.mark.parametrize(
    ("count", "executor", "given", "limit"),
    [(2, "local", {}, 2), (0, "local", {}, None), (2, "slurm", {}, None), (2, "local", {"gpu": 1}, 1)],
)
def test_local_jobs_are_limited_to_the_cards(count: int, executor: str, given: dict[str, int], limit: int) -> None:
    scheduler = SimpleNamespace(global_resources=dict(given), resources=dict(given))
    workflow = SimpleNamespace(
        scheduler=scheduler,
        executor_plugin=SimpleNamespace(name=executor),
        register_resource=scheduler.resources.__setitem__,
    )
    snakemake_internals.share_cards(workflow, count)
    assert scheduler.global_resources.get("gpu") == scheduler.resources.get("gpu") == limit
