"""Write the table of what fits into the memory of a GPU to gpu.md, by the functions that jobs plan with.

python docs/what_fits.py [--check]
"""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "workflow/scripts"))

from tomodenoise.denoising import tile_plan
from tomodenoise.denoising.inference import MEMORY_SHARE
from tomodenoise.networks import specs
from tomodenoise.networks.options import Network
from tomodenoise.networks.specs import Spec

PAGE = Path(__file__).with_name("gpu.md")
BEGIN, END = "<!-- what fits: written by docs/what_fits.py -->", "<!-- what fits: end -->"
CARDS = (12, 24, 40, 80)
"""GB."""
FREE = 0.93
"""Share of a card's memory that is free when a job starts: CUDA and its libraries take the rest."""
PATCH, SECTIONS, SLICE = 96, 4, 2048


def table() -> str:
    """Return the table as Markdown."""
    head = ["GPU", "volume", "patches, `unet`", "`msd`", "slices, `unet`", "`msd`"]
    return "\n".join([f"| {' | '.join(head)} |", f"|{'---:|' * len(head)}", *map(_row, CARDS)])


def _row(card: int) -> str:
    free = int(FREE * card * 10**9)
    batches = [str(_batch(spec, free)) for spec in _networks()]
    slices = [_slices(spec, free) for spec in _networks()]
    cells = [f"{card} GB", f"{_edge(free)}³", *(cell for each in (batches, slices) for cell in _grouped(each))]
    return f"| {' | '.join(cells)} |"


def _grouped(figures: list[str]) -> tuple[str, str]:
    """Return those of the U-Nets together, and that of the last network."""
    return " / ".join(figures[:-1]), figures[-1]


def _networks() -> Iterator[Spec]:
    for setup in ({"name": "unet", "width": 16}, {"name": "unet", "width": 32}, {"name": "unet", "width": 48}):
        yield specs.complete(Network.model_validate(setup))
    yield specs.complete(Network(name="msd"))


def _edge(free: int) -> int:
    """Return the edge of the largest volume whose sections are all held in 16 bits, in half of the memory."""
    return int((free / 2 / SECTIONS / 2) ** (1 / 3)) // 10 * 10


def _batch(spec: Spec, free: int) -> int:
    """Return the largest batch, a power of two, whose step takes the other half."""
    return int(2 ** ((free // 2 // tile_plan.step_bytes(spec, 1, PATCH)).bit_length() - 1))


def _slices(spec: Spec, free: int) -> str:
    """Return how many slices a pass of denoising takes; "tiles" if less than one fits."""
    memory = int(MEMORY_SHARE * free)
    if tile_plan.core(spec, (SLICE, SLICE), memory) < SLICE:
        return "tiles"
    return str(tile_plan.slices_at_once(spec, (SLICE, SLICE), memory))


def main(arguments: Sequence[str]) -> None:
    """Replace the table, or with --check end with status 1 if it is not up to date."""
    page = PAGE.read_text()
    before, rest = page.split(BEGIN)
    written = f"{before}{BEGIN}\n{table()}\n{END}{rest.split(END)[1]}"
    if arguments != ["--check"]:
        PAGE.write_text(written)
    elif page != written:
        sys.exit(f"{PAGE}: the table of what fits is not up to date: run make docs")


if __name__ == "__main__":
    main(sys.argv[1:])
