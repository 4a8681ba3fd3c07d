"""Read every product, print its state and size, and end with status 1 and the repair command if one is damaged."""

from pathlib import Path

from tomodenoise.common import logs
from tomodenoise.common.errors import UserError
from tomodenoise.maintenance import verify

REMEDY = "this command remakes only what is damaged or missing:"


def main(job: logs.Job) -> None:
    """Report products that are missing, otherwise those that are damaged."""
    params = job.params
    arrays = [verify.Expected(Path(path), *rest) for path, *rest in params.arrays]
    states = verify.survey(Path("results"), arrays, params.scans, params.models, job.threads, params.parts)
    print(*verify.table(states), sep="\n")
    if absent := [str(array.path) for array in arrays if array.lasting and not array.path.exists()]:
        raise UserError(f"{', '.join(absent)}: not made yet: run snakemake without a target first")
    if damages := [f"{flaw.file} {flaw.what}" for state in states for flaw in state.flaws]:
        print(*damages, sep="\n")
        more = f" (and {len(damages) - 1} more, named above)" if len(damages) > 1 else ""
        raise UserError(f"{damages[0]}{more}: {REMEDY} {verify.remedy(states, params.options)}")
    print("everything that exists is intact")
    logs.logger.info("everything that exists is intact")


if __name__ == "__main__":
    logs.run(main)
