"""Jobs, nodes and Snakemake itself die; what is left is what an undisturbed run makes, and no file has two writers."""

import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from clusters import OnCluster, profile, wait_for

SHARDS = [f"results/half/sections.zarr/c/0/0/{slab}/0/0" for slab in range(3)]


def take_away(project: OnCluster, *names: str) -> dict[str, bytes]:
    """Delete files, and return their contents."""
    content = {name: (project.folder / name).read_bytes() for name in names}
    for name in names:
        (project.folder / name).unlink()
    return content


def there(project: OnCluster, content: dict[str, bytes]) -> bool:
    """Return whether the files have the same contents as before."""
    return all((project.folder / name).read_bytes() == bits for name, bits in content.items())


def partition(state: str) -> None:
    """Let jobs of the cpu nodes start, or make them wait."""
    subprocess.run(["scontrol", "update", "PartitionName=cpu", f"State={state}"], check=True)


def test_a_node_that_dies_in_the_middle_of_slabs_costs_no_more_than_these(
    copied: OnCluster, cluster: Callable[..., None]
) -> None:
    if not Path("/run/netns/cpu1").exists():
        pytest.skip("which processes are a node's is only known where nodes have networks of their own")
    shards = SHARDS[:2]
    before = take_away(copied, *shards)
    running = copied.start(*shards, "--rerun-triggers=mtime")
    dead = wait_for(lambda: next((job for job in copied.jobs() if job["JobState"] == "RUNNING"), None))["NodeList"]
    wait_for(lambda: len(list(copied.folder.glob("logs/half/reconstruct/?-?.log"))) > 0)
    cluster("crash", dead)
    try:
        text = copied.finish(running)
    finally:
        cluster("start")
    assert text.endswith("exit status 0"), text
    lost = [job for job in copied.jobs() if job["JobState"] == "NODE_FAIL"]
    assert lost
    assert len(copied.jobs()) == len(shards) + len(lost)
    assert there(copied, before)


def test_a_slab_short_of_memory_is_retried_or_stops_only_what_follows(copied: OnCluster) -> None:
    volume = "results/half/denoised.ome.zarr/0/c/0/0/0/0/0"
    before = take_away(copied, *SHARDS, volume)
    enough_at_once, enough_at_last, never = "1000", "100 + 900 * (attempt > 1)", "100"
    memory = f"{enough_at_once} if wildcards.slab == '0' else {enough_at_last} if wildcards.slab == '1' else {never}"
    profile(copied.folder, reconstruct_slab={"mem_mb": memory})
    text = copied.run(volume, "--retries=1", "--rerun-triggers=mtime")
    assert text.endswith("exit status 1"), text
    jobs = sorted((job["Comment"][-1], job["MinMemoryNode"], job["JobState"]) for job in copied.jobs())
    assert [job[:2] for job in jobs] == [
        ("0", "1000M"),
        ("1", "1000M"),
        ("1", "100M"),
        ("2", "100M"),
        ("2", "100M"),
    ]
    assert [job[2] == "COMPLETED" for job in jobs] == [True, True, False, False, False]
    assert there(copied, {name: before[name] for name in SHARDS[:2]})
    assert not (copied.folder / volume).exists()
    assert "half  FAILED in reconstruct_slab: " in text
    assert "logs/half/reconstruct/0-2.log" in text or "logs/slurm/rule_reconstruct_slab/half_0_2" in text


def test_after_a_kill_no_second_run_starts_and_finished_jobs_count(
    copied: OnCluster,
) -> None:
    before = take_away(copied, *SHARDS)
    # Each needs a node: two run, and one waits, until the partition opens again.
    profile(copied.folder, reconstruct_slab={"mem_mb": 30000})
    first = copied.start(*SHARDS, "--rerun-triggers=mtime")
    wait_for(lambda: [job["JobState"] for job in copied.jobs()] == ["RUNNING", "RUNNING", "PENDING"])
    partition("down")
    try:
        second = copied.snakemake(*SHARDS, "--rerun-triggers=mtime")
        assert second.status == 1
        assert "cannot be locked" in second.text
        os.kill(first.pid, signal.SIGKILL)
        first.wait()
        # A job that is just writing its file would leave it marked as incomplete.
        wait_for(lambda: sorted(job["JobState"] for job in copied.jobs()) == ["COMPLETED", "COMPLETED", "PENDING"])
        assert copied.snakemake("--unlock").status == 0
        for text in (copied.run(*SHARDS), copied.snakemake(*SHARDS).text):
            assert "SLURM jobs of an earlier snakemake, which was killed, are still active in this directory" in text
            assert "cancel them with scancel " in text
        assert len(copied.jobs()) == len(SHARDS)
        *done, waiting = copied.jobs()
        subprocess.run(["scancel", waiting["JobId"]], check=True)
    finally:
        partition("up")
    wait_for(lambda: not [job for job in copied.jobs() if job["JobState"] not in {"COMPLETED", "CANCELLED"}])
    text = copied.run(*SHARDS, "--rerun-triggers=mtime")
    assert text.endswith("exit status 0"), text
    assert len(copied.jobs()) == len(done) + 1 + 1
    assert there(copied, before)
