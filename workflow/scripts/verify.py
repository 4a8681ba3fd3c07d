"""Read every product, print what each is and takes, and end with status 1 and the mend where one is not whole."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tomodenoise import integrity, logs
from tomodenoise.errors import UserError

if TYPE_CHECKING:
    from snakemake.script import snakemake

HEADERS = ("*.json", "corrections/*.json")
TRAINED = ("model.safetensors", "history.jsonl")
MADE_OF_VOLUMES = ("figures/planes/*.npz", "figures/*.npz", "*.ome.zarr/zarr.json", "*.h5")

MEND = "this makes again what is not whole, and nothing else:"


def main(
    arrays: Sequence[integrity.Expected], scans: Sequence[str], models: Sequence[str], options: str, threads: int
) -> None:
    """Look at products in the order in which they are made."""
    folders, results = [Path("results", scan) for scan in scans], Path("results/models")
    states = [integrity.of_files(folder, pattern) for folder in folders for pattern in HEADERS]
    states += [integrity.of_array(array, threads) for array in arrays if not array.lasting]
    states += [integrity.of_files(results / model, pattern) for model in models for pattern in TRAINED]
    states += [integrity.of_array(array, threads) for array in arrays if array.lasting]
    states += [integrity.of_files(folder, pattern) for folder in folders for pattern in MADE_OF_VOLUMES]
    states += [integrity.of_stack(stack) for folder in folders for stack in sorted(folder.glob("*_tiff*"))]
    print(*integrity.table(states), sep="\n")
    if absent := [str(array.path) for array in arrays if array.lasting and not array.path.exists()]:
        raise UserError(f"{', '.join(absent)}: not made yet: run snakemake without a target first")
    told = [f"{flaw.file} {flaw.what}" for state in states for flaw in state.flaws]
    print(*told, sep="\n")
    if told:
        raise UserError(f"{told[0]}{more(len(told))}: {MEND} {integrity.remedy(states, options)}")
    logs.logger.info("all is whole")


def more(count: int) -> str:
    """Say how many are not named."""
    return f" (and {count - 1} more, named above)" if count > 1 else ""


if __name__ == "__main__":
    with logs.to(snakemake.log[0]):
        params = snakemake.params
        arrays = [integrity.Expected(Path(path), *rest) for path, *rest in params.arrays]
        main(arrays, params.scans, params.models, params.options, snakemake.threads)
