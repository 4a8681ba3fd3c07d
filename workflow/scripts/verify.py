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
    if told := [f"{flaw.file} {flaw.what}" for state in states for flaw in state.flaws]:
        told.append("this makes again what is named here and nothing else, and keeps its time:")
        raise UserError("\n".join([*told, integrity.remedy(states, options)]))
    logs.logger.info("all is whole")


if __name__ == "__main__":
    with logs.to(snakemake.log[0]):
        params = snakemake.params
        arrays = [integrity.Expected(Path(path), *rest) for path, *rest in params.arrays]
        main(arrays, params.scans, params.models, params.options, snakemake.threads)
