"""A drafted configuration is one that the workflow takes, and says what it only guesses."""

from pathlib import Path

import h5py
import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

import write_config
from tomodenoise import drafts, settings
from tomodenoise.errors import UserError


def scan(file: Path, *, last: float = 180, pixel_size: float | None = None) -> Path:
    with h5py.File(file, "w") as content:
        content["exchange/data"] = np.ones((20, 4, 32), dtype=np.uint16)
        content["exchange/data_white"] = np.full((5, 4, 32), 9, dtype=np.uint16)
        content["exchange/theta"] = np.linspace(0, last, 20, endpoint=False)
        if pixel_size:
            content["measurement/instrument/detector/x_actual_pixel_size"] = pixel_size
    return file


def test_a_draft_says_what_was_found_and_what_is_guessed(tmp_path: Path) -> None:
    text = drafts.draft([scan(tmp_path / "half.h5"), scan(tmp_path / "full.h5", last=360)])
    config = settings.resolve(yaml.safe_load(text))
    assert list(config["scans"]) == ["half", "full"]
    assert config["scans"]["half"]["rows"] == [0, 4]
    assert "20 projections of 4 x 32 pixels" in text
    assert "5 flats" in text
    assert text.count("pixel_size: 1.0  # GUESS:") == 2
    half, full = text.split("  full:")
    assert "a whole turn" not in half
    assert "a whole turn" in full


def test_what_is_no_scan_is_left_out_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no HDF5")
    text = drafts.draft([tmp_path / "notes.txt", scan(tmp_path / "a.h5")])
    assert list(yaml.safe_load(text)["scans"]) == ["a"]
    assert "left out" in text
    assert "not an HDF5 file" in text
    with pytest.raises(UserError, match=r"none of these files is a scan: left out: .*notes.txt is not an HDF5"):
        drafts.draft([tmp_path / "notes.txt"])


def test_names_are_valid_and_each_stands_once(tmp_path: Path) -> None:
    files = []
    for folder, name in [("a", "x y.h5"), ("b", "x y.h5"), ("a", "0012.h5"), ("a", "yes.h5"), ("a", "über: 'it'.h5")]:
        (tmp_path / folder).mkdir(exist_ok=True)
        files.append(scan(tmp_path / folder / name))
    config = settings.resolve(yaml.safe_load(drafts.draft(files)))
    assert list(config["scans"]) == ["x_y", "x_y_2", "0012", "yes", "ber_it_"]
    assert [entry["file"] for entry in config["scans"].values()] == [str(file) for file in files]


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="\x85\u2028\u2029\ufeff"), min_size=1))
def test_any_path_is_quoted_so_that_yaml_gives_it_back(text: str) -> None:
    assert yaml.safe_load(f"file: {drafts._quoted(text)}") == {"file": text}


def test_a_config_that_is_there_stays(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config, raw = tmp_path / "config.yaml", scan(tmp_path / "a.h5")
    write_config.main(config, [raw])
    before = config.read_bytes()
    assert "written to" in capsys.readouterr().out
    with pytest.raises(UserError, match="is there already"):
        write_config.main(config, [raw])
    assert config.read_bytes() == before
    with pytest.raises(UserError, match="no raw files"):
        write_config.main(tmp_path / "other.yaml", [])
