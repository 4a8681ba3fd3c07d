"""The quantity that a scan holds: counts, intensity or attenuation."""

from tomodenoise.common.errors import UserError
from tomodenoise.scans.header import Contents
from tomodenoise.scans.origins import check

KIND_WORDS = (
    # In this order: "an intensity that is a line integral" is attenuation.
    ("attenuation", "attenuation"),
    ("line integral", "attenuation"),
    ("counts", "counts"),
    ("intensity", "intensity"),
    ("transmission", "intensity"),
)


def decide(wanted: str, contents: Contents) -> str:
    """Decide the meaning of the data: by the user, by the words in the file, or by the presence of flats."""
    name = contents.stacks[0].name
    if contents.channels and wanted not in {"auto", "attenuation"}:
        raise UserError(f"{name}: mode xrdct takes numbers that need no -log: leave out correct.input: {wanted}")
    kind = wanted if wanted != "auto" else _guess(contents)
    if contents.flats or kind in {"intensity", "attenuation"}:
        return str(kind)
    for stack in contents.stacks:
        check(stack.origin, None)  # perhaps the flats are missing
    if kind is None:
        raise UserError(
            f"{name} holds {contents.stacks[0].dtype} without flats: set correct.input to intensity or attenuation"
        )
    raise UserError(
        f"{name}: no flats for counts: set flats: {{file: FILE}} if they are in a separate file; only if it"
        " holds no counts set correct.input to intensity (already divided by the flats) or to"
        " attenuation (line integrals)"
    )


def _guess(contents: Contents) -> str | None:
    for stated in contents.stated:
        for word, kind in KIND_WORDS:
            if word in stated.lower():
                return kind
    return "counts" if contents.flats or contents.stacks[0].dtype.kind in "iu" else None
