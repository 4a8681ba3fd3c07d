"""Keys of the configuration for what happens after the results are made."""

from typing import Any

import pytest

from tomodenoise.common.errors import UserError
from tomodenoise.config import afterwards, settings
from tomodenoise.config.model import Config

SCANS = {"a": {"file": "a.h5"}}


def load(**keys: object) -> Config:
    return settings.load({"scans": SCANS, **keys})


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"notify": {"done": "curl 'open"}}, 'notify.done: "curl \'open" is not a command'),
        ({"notify": {"done": " "}}, "notify.done: ' ' is not a command"),
        ({"notify": {"done": []}}, "notify.done: [] has fewer entries than 1"),
        ({"notify": {"failed": 3}}, "notify.failed: 3 is not text or a list"),
        ({"notify": {"failed": ["a", 3]}}, "notify.failed.1: 3 is not text"),
        ({"notify": {"fail": "x"}}, "did you mean 'failed'"),
        ({"notify": {"seconds": 0}}, "notify.seconds: 0 must be at least 1"),
        ({"crate": None}, "crate has no value"),
        ({"crate": {"license": "CC-BY-4.0"}}, "crate.license: 'CC-BY-4.0' is not a web address"),
        ({"crate": {"authors": [{}]}}, "crate.authors.0: 'name' is missing"),
        ({"crate": {"authors": [{"name": "A", "orcid": "0000"}]}}, "crate.authors.0.orcid: '0000' is not a web"),
    ],
)
def test_a_mistake_is_named(keys: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError) as caught:
        load(**keys)
    assert words in str(caught.value)


def test_a_text_is_split_without_a_shell() -> None:
    assert afterwards.words("curl -K 'my file' $HOME/x | tee") == ["curl", "-K", "my file", "$HOME/x", "|", "tee"]
    assert afterwards.words(("a b", "c")) == ["a b", "c"]


def test_no_page_of_the_report_changes() -> None:
    assert load(notify={"done": "true"}, crate={}).for_report() == load().for_report()


def test_a_crate_is_made_if_asked_for() -> None:
    assert load().crate is None
    assert load(crate={}).crate == afterwards.Crate()
