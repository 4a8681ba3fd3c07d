"""The section `correct` with the steps that a test names, and no others."""

from tomodenoise.correction.options import Correct


def only(**steps: object) -> Correct:
    """Options without zingers and stripes, unless they are given."""
    return Correct.model_validate({"zingers": "none", "stripes": "none", **steps})
