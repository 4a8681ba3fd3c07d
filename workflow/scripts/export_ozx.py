"""Pack an image into one Zip archive that programs read in place."""

from pathlib import Path
from typing import TYPE_CHECKING

from tomodenoise.common import formatting, logs
from tomodenoise.exports import ozx

if TYPE_CHECKING:
    from snakemake.script import snakemake


def main(folder: Path, output: Path) -> None:
    """Copy all resolutions of an image as they are."""
    ozx.write(folder, output)
    logs.logger.info("%s: %s", output, formatting.size(output.stat().st_size))


if __name__ == "__main__":
    with logs.to(snakemake.log[0]):
        main(Path(snakemake.input.image).parent, Path(snakemake.output[0]))
