"""Queries of the rules about a run: files, parameters, memory, and its targets."""

import json
from pathlib import Path

import numpy as np
import pytest
from hdf5_files import half_turn, write_exchange

from tomodenoise.common.errors import UserError
from tomodenoise.planning import forecast, hooks, run
from tomodenoise.planning.console import Failure
from tomodenoise.planning.files import Files
from tomodenoise.planning.params import PIXELS, Params, training_program
from tomodenoise.planning.resources import NEEDS, Needs
from tomodenoise.planning.run import Run, Wildcards

HALF, TURN = Wildcards(scan="half", model="half"), Wildcards(scan="turn", model="turn")
CENTER = Path("results/turn/center.json")


class CenterMissingError(Exception):
    """Stand-in for the exception of Snakemake before a checkpoint has run."""


@pytest.fixture
def scans(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, object]]:
    """Work in a folder with two scans, half a turn and a whole one, whose field of view may be extended."""
    monkeypatch.chdir(tmp_path)
    frames = np.full((48, 12, 32), 200, np.uint16)
    flats = {"data_white": np.full((5, 12, 32), 400, np.uint16), "data_dark": np.full((5, 12, 32), 10, np.uint16)}
    write_exchange(tmp_path / "half.h5", frames, **flats)
    write_exchange(tmp_path / "turn.h5", frames, theta=2 * half_turn(48), **flats)
    return {"half": {"file": "half.h5", "pixel_size": 1.5}, "turn": {"file": "turn.h5"}}


def opened(scans: dict[str, dict[str, object]], **config: object) -> Run:
    def wait(scan: str) -> None:
        if not Path(f"results/{scan}/center.json").exists():
            raise CenterMissingError

    return run.open_run({"scans": scans, **config}, [], wait, try_headers=False, installed_elsewhere=False)


def test_scans_models_and_volumes_of_a_run(scans: dict[str, dict[str, object]]) -> None:
    opened_run = opened(scans, export=["reconstruction"])
    assert opened_run.scans == ["half", "turn"]
    assert opened_run.trained_models == ["half", "turn"]
    assert opened_run.volumes == ["denoised", "reconstruction"]
    assert not opened_run.is_paged
    assert opened({f"scan{number}": scans["half"] for number in range(5)}).is_paged


def test_a_layout_waits_for_the_center_where_the_field_may_be_extended(scans: dict[str, dict[str, object]]) -> None:
    opened_run = opened(scans)
    assert opened_run.layout("half").size == 32
    assert Files(opened_run).center_if_needed(HALF) == []
    assert Files(opened_run).center_if_needed(TURN) == str(CENTER)
    with pytest.raises(CenterMissingError):
        opened_run.layout("turn")
    assert not opened_run.is_size_known("turn")
    assert opened_run.current_layout("turn").size == 32
    CENTER.parent.mkdir(parents=True)
    CENTER.write_text(json.dumps({"size": 50}))
    assert opened_run.layout("turn").size == opened_run.current_layout("turn").size == 50


def test_parts_of_the_dose_are_scans_that_no_target_names(scans: dict[str, dict[str, object]]) -> None:
    dose = {"by": "projections", "fractions": [0.25, 0.5]}
    studied = opened({**scans, "turn": {**scans["turn"], "dose": dose}})
    assert studied.scans == studied.trained_models == ["half", "turn"]
    assert studied.studied == ["turn"]
    assert studied.parts("turn") == ["turn/dose/0.5", "turn/dose/0.25"]
    assert list(studied.asked.scans) == list(studied.asked.models) == ["half", "turn"]
    assert studied.projected("turn/dose/0.25").angles == 12
    with pytest.raises(CenterMissingError):
        studied.layout("turn/dose/0.5")
    CENTER.parent.mkdir(parents=True)
    CENTER.write_text(json.dumps({"size": 50}))
    assert studied.layout("turn/dose/0.5").size == 50  # that of the whole scan
    assert "thinning" in Params(studied).training_request("turn/dose/0.5")["config"]["scans"]["turn/dose/0.5"]
    files = Files(studied)
    assert files.parts(TURN)["models"][0] == "results/models/turn/dose/0.5/model.safetensors"
    assert Files(studied, may_split=lambda _scan: False).parts(TURN) == {}
    assert files.studies() == ["results/turn/dose.json", "results/report.html"]
    assert "dose" not in files.page(["half"])
    assert set(forecast.plan(studied).trainings) == {"half", "turn", "turn/dose/0.5", "turn/dose/0.25"}
    with pytest.raises(UserError, match=r"^scans.turn: dose.fractions: with 0.25, split.sections is 7, but .* 12 proj"):
        opened({"turn": {**scans["turn"], "dose": dose}}, split={"sections": 7})
    with pytest.raises(UserError, match="no scan has the key dose"):
        Files(opened(scans)).studies()


def test_files_of_a_scan(scans: dict[str, dict[str, object]]) -> None:
    files = Files(opened(scans, export=["tiff", "reconstruction"], compare=["turn"]), lambda file: f"content of {file}")
    assert files.raw(HALF) == ["content of half.h5"]
    assert files.model("half") == "results/models/half/model.safetensors"
    assert files.run.rivals("half") == ["turn"]
    assert files.run.rivals("turn") == []
    assert files.training_sections(HALF) == ["results/half/sections.zarr/c/0/0/0/0/0"]
    assert files.exported() == [
        *("results/half/denoised_tiff/volume.json", "results/half/reconstruction.ome.zarr/zarr.json"),
        *("results/half/reconstruction_tiff/volume.json", "results/turn/denoised_tiff/volume.json"),
        *("results/turn/reconstruction.ome.zarr/zarr.json", "results/turn/reconstruction_tiff/volume.json"),
    ]
    assert files.page(["half"])["centers"] == ["results/half/center.png"]


def test_nothing_to_export_is_an_error_of_the_user(scans: dict[str, dict[str, object]]) -> None:
    with pytest.raises(UserError, match="export is empty: name tiff"):
        Files(opened(scans)).wanted_exports()


def test_parameters_of_jobs(scans: dict[str, dict[str, object]]) -> None:
    params = Params(opened(scans))
    assert params.image_rows(HALF) == [0, 12]
    assert params.sections_of_block(HALF) == [0, params.run.layout("half").stored]
    assert params.trained_window(HALF) == [0, 0]
    assert set(params.shaping("half", PIXELS, "correct", "split")) == {"scans", "correct", "split"}
    assert params.image_facts(HALF)["model"] == "half"
    noisy = params.image_facts(Wildcards(scan="half", volume="reconstruction"))
    assert noisy["model"] is None
    assert "train" not in noisy["config"]


def test_arrays_that_verify_reads_last_or_lead_to_others(scans: dict[str, dict[str, object]]) -> None:
    arrays = Params(opened(scans)).arrays("half")
    assert [(path, lasts) for path, _, _, lasts in arrays] == [
        ("results/half/projections.zarr", False),
        ("results/half/sections.zarr", False),
        ("results/half/denoised.ome.zarr/0", True),
    ]


def test_each_attempt_gets_more_memory(scans: dict[str, dict[str, object]]) -> None:
    needs = Needs(opened(scans))
    for rule in NEEDS:
        threads = {"threads": 1} if rule == "train_model" else {}
        first, second = (needs.memory(rule)(HALF, attempt=attempt, **threads) for attempt in (1, 2))
        assert second == pytest.approx(2 * first, abs=1)
        assert first >= NEEDS[rule].alone


def test_every_process_of_a_training_has_the_memory_of_one(scans: dict[str, dict[str, object]]) -> None:
    memory = Needs(opened(scans)).memory("train_model")
    assert memory(HALF, threads=3, attempt=1) == 3 * memory(HALF, threads=1, attempt=1)


def test_minutes_beyond_what_is_planned(scans: dict[str, dict[str, object]]) -> None:
    assert Needs(opened(scans)).runtime("export_file")(HALF, attempt=2) == 2 * (30 + 1)


def test_memory_is_unknown_until_the_center_is_found(scans: dict[str, dict[str, object]]) -> None:
    plan = forecast.plan(opened(scans))
    megabytes = {name: {stage.name: stage.megabytes for stage in stages} for name, stages in plan.scans.items()}
    assert megabytes["turn"]["reconstruct"] == 0 < megabytes["turn"]["correct"]
    assert all(megabytes["half"].values())
    assert plan.trainings["half"].megabytes > 1000


def test_training_starts_on_every_node_with_mpi() -> None:
    alone = training_program("python", Path("s"), 2, {"nodes": 1})
    assert alone == ["python", "s/launch_training.py", "1", "2"]
    joined = training_program("python", Path("s"), 2, {"nodes": 3, "mpi": "srun", "cpus_per_task": 8})
    assert joined[:4] == ["srun", "--ntasks-per-node=1", "--kill-on-bad-exit=1", "--label"]
    assert joined[4:7] == ["--nodes=3", "--ntasks=3", "--cpus-per-task=8"]


def test_rules_can_be_looked_at_without_a_scan() -> None:
    nothing = run.without_scans()
    assert nothing.scans == nothing.trained_models == Files(nothing).denoised() == []


def test_scans_that_failed_for_good_are_listed_with_their_first_job(scans: dict[str, dict[str, object]]) -> None:
    opened_run = opened(scans)
    Path("there").touch()
    made, lost = Failure("a", ("there",), ()), Failure("b", ("results/half/scan.json",), ())
    later = Failure("c", ("results/models/half/model.safetensors",), ())
    assert hooks.failed_scans(opened_run, [made, lost, later]) == {"half": lost}
    part = Failure("d", ("results/half/dose/0.5/center.json", "results/models/half/dose/0.5/model.safetensors"), ())
    assert hooks.failed_scans(opened_run, [part]) == {"half": part}
    other = Failure("e", ("results/turn/half/c/0/0", "results/models/turn/half"), ())
    assert hooks.failed_scans(opened_run, [other]) == {"turn": other}
    request = hooks.survivors(opened_run, {"half": lost})
    assert request["failed"] == [["half", lost.reason, ""]]
    assert request["slabs"] == request["rows"] == []


def test_a_run_ends_with_a_line_for_each_scan(
    scans: dict[str, dict[str, object]], capsys: pytest.CaptureFixture[str]
) -> None:
    end = hooks.Hooks(opened(scans), ["false"])
    end.finish(["verify"], [], [], success=True)
    assert capsys.readouterr().err == ""
    end.finish(["center"], [], [], success=True)
    assert capsys.readouterr().err.splitlines()[0] == "2 of 2 scans done"
    end.brief.interrupted = True
    end.finish([], [["results/half/scan.json"]], [], success=False)
    assert capsys.readouterr().err.startswith("tomodenoise: interrupted")


@pytest.mark.parametrize(
    ("columns", "train", "config", "rounds"),
    [
        (81, {}, {}, 2),
        (80, {}, {}, 0),  # 0.6 projections per column
        (81, {"reproject": 0}, {}, 0),
        (80, {"reproject": 1}, {}, 1),
        (81, {}, {"network": {"name": "unet3d"}}, 0),
        (81, {}, {"reconstruct": {"algorithm": "sirt"}}, 0),
        (81, {}, {"models": {"half": {"scans": ["half"], "shelf": "shelf"}}}, 0),
    ],
)
def test_few_angles_take_rounds_on_projected_copies(
    tmp_path: Path,
    scans: dict[str, dict[str, object]],
    columns: int,
    train: dict[str, object],
    config: dict[str, object],
    rounds: int,
) -> None:
    write_exchange(tmp_path / "half.h5", np.full((48, 12, columns), 200, np.uint16))
    opened_run = opened({"half": scans["half"]}, correct={"input": "intensity"}, train=train, **config)
    assert opened_run.rounds("half") == rounds
    assert Params(opened_run).training_request("half")["config"]["train"]["reproject"] == rounds


def test_slices_whose_size_is_open_and_time_steps_take_no_rounds_by_themselves(
    tmp_path: Path, scans: dict[str, dict[str, object]]
) -> None:
    for name, theta in (("half", half_turn(48)), ("turn", 2 * half_turn(48))):
        write_exchange(tmp_path / f"{name}.h5", np.full((48, 12, 96), 200, np.uint16), theta=theta)
    correct = {"input": "intensity"}
    assert opened({"turn": scans["turn"]}, correct=correct).rounds("turn") == 0
    assert opened({"turn": {**scans["turn"], "field": "full"}}, correct=correct).rounds("turn") == 2
    series = {"file": "half.h5", "mode": "dynamic", "steps": {"projections": 12}}
    assert opened({"half": series}, correct=correct).rounds("half") == 0
