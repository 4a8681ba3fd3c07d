"""Write a volume to one file in the format of other programs."""

import pkgutil
from pathlib import Path

from tomodenoise.common import formatting, logs
from tomodenoise.exports import registry


def main(job: logs.Job) -> None:
    """Write the file with the kind of export that its ending names."""
    output = Path(job.output[0])
    write = registry.single_files()[output.suffix.removeprefix(".")].write
    pkgutil.resolve_name(str(write))(Path(job.input.image).parent, output)
    logs.logger.info("%s: %s", output, formatting.size(output.stat().st_size))


if __name__ == "__main__":
    logs.run(main)
