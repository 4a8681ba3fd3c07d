"""Write a volume to one file in the format of other programs."""

import pkgutil
from pathlib import Path

from tomodenoise.common import formatting, logs
from tomodenoise.exports import registry


def main(folder: Path, output: Path) -> None:
    """Let the kind of export that the ending of the file names write it."""
    write = registry.single_files()[output.suffix.removeprefix(".")].write
    pkgutil.resolve_name(str(write))(folder, output)
    logs.logger.info("%s: %s", output, formatting.size(output.stat().st_size))


if __name__ == "__main__":
    with logs.job() as snakemake:
        main(Path(snakemake.input.image).parent, Path(snakemake.output[0]))
