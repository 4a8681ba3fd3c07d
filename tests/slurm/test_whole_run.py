"""The whole workflow through the profile gives the bits of a run without SLURM; each job gets what it requests."""

import re
from pathlib import Path

import pytest
from clusters import OnCluster, profile
from projects import Project

TIMED = {"history.jsonl", "checkpoint.pt", "report.html"}


@pytest.fixture(scope="module")
def finished(alone: Project, cluster: object, tmp_path_factory: pytest.TempPathFactory) -> tuple[OnCluster, str]:
    """Run it all as jobs."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "config.yaml").write_bytes((alone.folder / "config.yaml").read_bytes())
    profile(folder)
    project = OnCluster(folder)
    text = project.run()
    assert text.endswith("exit status 0"), text
    return project, text


def test_the_products_are_those_of_a_local_run_to_the_bit(finished: tuple[OnCluster, str], alone: Project) -> None:
    ours, theirs = finished[0].bits(), alone.bits()
    assert ours.keys() == theirs.keys()
    different = [name for name in ours if ours[name] != theirs[name] and Path(name).name not in TIMED]
    assert different == []


def test_each_job_gets_the_resources_its_rule_asks_for(
    finished: tuple[OnCluster, str],
) -> None:
    project, _ = finished
    (log,) = (project.folder / ".snakemake/log").glob("*.snakemake.log")
    text = log.read_text()
    announced = re.findall(
        r"^(?:rule|checkpoint) (\w+):\n.*?^    jobid: (\d+)$.*?^    resources: (.*?)$", text, re.M | re.S
    )
    submitted = dict(re.findall(r"^Job (\d+) has been submitted with SLURM jobid (\d+)", text, re.M))
    jobs = {job["JobId"]: job for job in project.jobs()}
    assert {rule for rule, _, _ in announced} >= {"correct_slab", "find_center", "reconstruct_slab", "train_model"}
    assert len(announced) == len(submitted) == len(jobs)
    for rule, name, resources in announced:
        asked, job = dict(re.findall(r"(\w+)=([^,]*)", resources)), jobs[submitted[name]]
        assert job["Comment"].startswith(f"rule_{rule}")
        assert job["JobState"] == "COMPLETED"
        assert job["Account"] == "tomo"
        assert job["Partition"] == ("gpu" if rule in {"train_model", "denoise_slab"} else "cpu")
        assert job["MinMemoryNode"] == asked["mem_mb"] + "M"
        assert job["NumCPUs"] == "1"
        assert job["NumNodes"] == "1"
        assert job.get("TresPerNode") == ("gres:gpu:1" if job["Partition"] == "gpu" else None)


def test_a_reconstruction_gets_the_card_that_a_profile_asks_for(copied: OnCluster) -> None:
    shard = next(iter(sorted((copied.folder / "results/half/sections.zarr/c").rglob("0"))))
    file = next(path for path in [shard, *shard.rglob("*")] if path.is_file())
    file.unlink()
    profile(copied.folder, reconstruct_slab={"slurm_partition": "gpu", "gpu": 1})
    text = copied.run(str(file.relative_to(copied.folder)), "--rerun-triggers=mtime")
    assert text.endswith("exit status 0"), text
    (job,) = copied.jobs("reconstruct_slab")
    assert (job["JobState"], job["Partition"], job["TresPerJob"]) == ("COMPLETED", "gpu", "gres:gpu:1")


def test_a_job_is_known_by_its_rule_and_scan(finished: tuple[OnCluster, str]) -> None:
    assert "rule_reconstruct_slab_wildcards_half_0_1" in {job["Comment"] for job in finished[0].jobs()}
    assert all(job["JobName"].startswith("tomodenoise") for job in finished[0].jobs())
