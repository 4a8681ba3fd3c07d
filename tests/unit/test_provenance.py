"""Provenance is the same in each run, and products of another format are refused."""

import json
from pathlib import Path

import numpy as np
import pytest

from tomodenoise.common import provenance
from tomodenoise.common.errors import UserError


def test_provenance_is_plain_and_without_a_time_stamp() -> None:
    described = provenance.collect({"split": {"sections": 4}}, {"fingerprint": "abc", "path": Path("raw.h5")})
    assert (
        described
        == json.loads(json.dumps(described))
        == provenance.collect({"split": {"sections": 4}}, {"fingerprint": "abc", "path": Path("raw.h5")})
    )
    assert described["config"]["split"]["sections"] == 4
    assert described["versions"]["numpy"] == np.__version__


@pytest.mark.parametrize(
    ("written", "age"), [({}, "an earlier"), ({"format": 0}, "an earlier"), ({"format": 99}, "a later")]
)
def test_products_of_another_format_are_refused(tmp_path: Path, written: dict[str, int], age: str) -> None:
    provenance.check_format(tmp_path)
    (tmp_path / "scan.json").write_text(json.dumps({"format": provenance.FORMAT}))
    provenance.check_format(tmp_path)
    (tmp_path / "scan.json").write_text(json.dumps(written))
    with pytest.raises(UserError, match=f"scan.json is of {age} version of tomodenoise.*move the folder away"):
        provenance.check_format(tmp_path)
