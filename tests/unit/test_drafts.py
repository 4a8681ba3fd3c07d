"""A drafted configuration is one that the workflow takes, and nothing in it is a guess."""

import re
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import tifffile
import yaml

import write_config
from tomodenoise.common.errors import UserError
from tomodenoise.config import settings
from tomodenoise.planning import draft, scan_table
from tomodenoise.scans import opening


def scan(file: Path, *, last: float = 180, pixel_size: float | None = None) -> Path:
    with h5py.File(file, "w") as content:
        content["exchange/data"] = np.ones((20, 4, 32), dtype=np.uint16)
        content["exchange/data_white"] = np.full((5, 4, 32), 9, dtype=np.uint16)
        content["exchange/theta"] = np.linspace(0, last, 20, endpoint=False)
        if pixel_size:
            content["measurement/instrument/detector/x_actual_pixel_size"] = pixel_size
            content["measurement/instrument/detector/x_actual_pixel_size"].attrs["units"] = "um"
    return file


def entries(text: str) -> dict[str, Any]:
    """Read a draft as the workflow does."""
    return {name: {k: v for k, v in values.items() if v} for name, values in yaml.safe_load(text)["scans"].items()}


def test_what_is_guessed_is_advice_and_no_setting(tmp_path: Path) -> None:
    half, full, known = (tmp_path / f"{name}.h5" for name in ("half", "full", "known"))
    text = draft.draft([scan(half), scan(full, last=360), scan(known, pixel_size=0.65)])
    assert entries(text) == {file.stem: {"file": str(file)} for file in (half, full, known)}
    assert text.count("20 projections of 4 x 32 pixels") == 3
    assert text.count("5 flats") == 3
    assert text.count("# pixel_size: 1.0  # micrometre; the file does not state it, so the volume has no unit") == 2
    assert "# pixel_size: 0.65  # micrometre, from the file" in text
    of_half, of_full = text.split("  full:")
    assert "a whole turn" not in of_half
    assert "a whole turn" in of_full


def test_each_piece_of_advice_is_a_setting_once_its_mark_is_gone(tmp_path: Path) -> None:
    text = draft.draft([scan(tmp_path / "a.h5", last=360), scan(tmp_path / "b.h5", last=900)])
    lines = [re.sub(r"^    # ([a-z_]+: )", r"    \1", line) for line in text.splitlines()]
    config = settings.load(yaml.safe_load("\n".join(lines)))
    assert {"pixel_size", "field", "center", "rows"} <= config.scans["a"].model_fields_set
    assert config.scans["b"].steps
    assert config.scans["b"].steps.projections == pytest.approx(4.211)
    assert len(scan_table.open_all(config)) == 2


def test_what_a_file_leaves_open_is_noted(tmp_path: Path) -> None:
    file = scan(tmp_path / "a.h5")
    with h5py.File(file, "a") as content:
        content["exchange"].attrs["kind"] = "attenuation"
    (doubt,) = opening.open_scan(file).doubts
    assert f"# Note: {doubt}" in draft.draft([file])


def test_a_series_is_drafted_as_one(tmp_path: Path) -> None:
    file = scan(tmp_path / "a.h5", last=360)
    with h5py.File(file, "a") as content:
        content["exchange/time_step"] = np.repeat([0, 1], 10)
    text = draft.draft([file])
    assert entries(text) == {"a": {"file": str(file), "mode": "dynamic"}}
    assert "# 2 time steps" in text


def test_sinograms_of_channels_are_drafted_as_such(tmp_path: Path) -> None:
    file = tmp_path / "a.nxs"
    with h5py.File(file, "w") as content:
        content["entry/data"] = np.ones((3, 20, 32), dtype=np.float32)
        content["entry/data"].attrs.update(dim0="channel", dim1="angle", dim2="horizontal")
        content["entry/rotation_angle"] = np.linspace(0, 180, 20, endpoint=False)
    text = draft.draft([file])
    assert entries(text) == {"a": {"file": str(file), "mode": "xrdct"}}
    assert "# 3 channels" in text


def test_many_turns_may_be_a_series(tmp_path: Path) -> None:
    assert "# 2.5 turns: if the sample changes" not in draft.draft([scan(tmp_path / "one.h5", last=360)])
    text = draft.draft([scan(tmp_path / "many.h5", last=900)])
    assert entries(text)["many"] == {"file": str(tmp_path / "many.h5")}
    assert "turns: if the sample changes meanwhile, set" in text


def test_what_the_workflow_would_refuse_is_left_out_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no HDF5")
    floats, one_angle = tmp_path / "floats.h5", scan(tmp_path / "one_angle.h5", last=0)
    with h5py.File(floats, "w") as content:
        content["exchange/data"] = np.ones((20, 4, 32), dtype=np.float32)
        content["exchange/theta"] = np.linspace(0, 180, 20)
    text = draft.draft([tmp_path / "notes.txt", floats, one_angle, scan(tmp_path / "a.h5")])
    assert list(entries(text)) == ["a"]
    reasons = [line for line in text.splitlines() if line.startswith("  # left out: ")]
    wanted = ["not an HDF5 file", "set correct.input to intensity or attenuation", "two different angles"]
    assert [word in reason for word, reason in zip(wanted, reasons, strict=True)] == [True] * 3
    assert f"  # floats:\n  #   file: {floats}" in text
    with pytest.raises(UserError, match=r"none of these files .* left out: .*notes.txt is not an HDF5"):
        draft.draft([tmp_path / "notes.txt"])


def test_names_are_valid_and_each_stands_once(tmp_path: Path) -> None:
    files = []
    for folder, name in [("a", "x y.h5"), ("b", "x y.h5"), ("a", "0012.h5"), ("a", "yes.h5"), ("a", "über: 'it'.h5")]:
        (tmp_path / folder).mkdir(exist_ok=True)
        files.append(scan(tmp_path / folder / name))
    config = settings.load(yaml.safe_load(draft.draft(files)))
    assert list(config.scans) == ["x_y", "x_y_2", "0012", "yes", "ber_it_"]
    assert [entry.file for entry in config.scans.values()] == [str(file) for file in files]


@pytest.mark.parametrize(
    "name", ["0012", "yes", "null", "~", "1e3", "a: b", "a #b", "it's", '"x"', "- a", "[a", "*a", " a "]
)
def test_any_path_is_quoted_so_that_yaml_gives_it_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (entry,) = entries(draft.draft([scan(Path(name))])).values()
    assert entry["file"] == name


def test_a_config_that_is_there_stays(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config, raw = tmp_path / "config.yaml", scan(tmp_path / "a.h5")
    write_config.main(config, [raw])
    before = config.read_bytes()
    said = capsys.readouterr().out
    assert "written to" in said
    assert all(Path(word).is_absolute() for word in said.splitlines()[-1].split() if "/" in word)
    with pytest.raises(UserError, match="already exists"):
        write_config.main(config, [raw])
    assert config.read_bytes() == before
    with pytest.raises(UserError, match="no raw files"):
        write_config.main(tmp_path / "other.yaml", [])


def images(folder: Path) -> None:
    folder.mkdir()
    for name, count in (("proj", 20), ("flat", 5), ("DarkField", 3)):
        for number in range(count):
            tifffile.imwrite(folder / f"{name}_{number:03}.tif", np.full((4, 32), 5 - number % 2, dtype=np.uint16))


def test_a_folder_of_images_is_drafted_by_the_names_of_its_files(tmp_path: Path) -> None:
    folder = tmp_path / "tooth"
    images(folder)
    (folder / "log.txt").write_text("exposure 0.1")
    np.savetxt(folder / "theta.txt", np.arange(20) * 9)
    keys = entries(draft.draft([folder]))["tooth"]
    assert keys == {
        "file": f"{folder}/proj_*.tif",
        "angles": f"{folder}/theta.txt",
        "flats": {"file": f"{folder}/flat_*.tif"},
        "darks": {"file": f"{folder}/DarkField_*.tif"},
    }
    assert "# tiff, counts: 20 projections of 4 x 32 pixels," in draft.draft([folder])


def test_angles_of_images_are_not_guessed(tmp_path: Path) -> None:
    folder = tmp_path / "tooth"
    images(folder)
    text = draft.draft([folder, scan(tmp_path / "a.h5")])
    assert list(entries(text)) == ["a"]
    assert "  # left out: " in text
    block = text[text.index("  # tooth:") :].split("\n\n")[0]
    active = settings.load(yaml.safe_load("scans:\n" + block.replace("  # ", "  ")))
    assert len(scan_table.open_all(active)["tooth"].scan.angles) == 20


def test_reduced_flats_next_to_a_scan_are_drafted(tmp_path: Path) -> None:
    file = scan(tmp_path / "a.h5")
    with h5py.File(file, "a") as content:
        del content["exchange/data_white"]
    for folder, kind in (("", "flats"), ("references", "darks")):
        (tmp_path / folder).mkdir(exist_ok=True)
        with h5py.File(tmp_path / folder / f"a_{kind}.hdf5", "w") as content:
            content[f"entry0000/{kind}/0"] = np.full((4, 32), 9 if kind == "flats" else 0, dtype=np.float32)
    keys = entries(draft.draft([file]))["a"]
    assert keys["flats"] == {"file": f"{tmp_path}/a_flats.hdf5"}
    assert keys["darks"] == {"file": f"{tmp_path}/references/a_darks.hdf5"}
