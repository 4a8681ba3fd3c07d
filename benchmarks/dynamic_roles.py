"""1:X against X:1 on a sparse series: one step that predicts the mean of the others, or is predicted by it.

python benchmarks/dynamic_roles.py FOLDER [--pixels 1e7]: 5 minutes, after benchmarks/dynamic.py FOLDER --only sparse-6.
"""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "workflow/scripts")]

from benchmarks import dynamic

from tomodenoise.common.arrays import FloatArray
from tomodenoise.denoising import inference
from tomodenoise.networks import specs
from tomodenoise.networks.models import Model
from tomodenoise.networks.options import Network
from tomodenoise.splitting.model import Role
from tomodenoise.storage import sections
from tomodenoise.storage.sections import Sections
from tomodenoise.training import distributed, loop, tasks
from tomodenoise.training.options import Train

NAME = "sparse-6"


def main() -> None:
    """Train both ways on the same sections, and print their rows of the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pixels", type=float, default=1e7, help="that each model is shown [%(default)g]")
    options = parser.parse_args()
    torch.set_num_threads(1)
    scan, found = sections.describe(options.folder / "results" / NAME), dynamic.outcome(options.folder, NAME)
    print(dynamic.line(NAME, found), "1:5, by the workflow")
    for title, roles in (("1:5", scan.split.roles), ("5:1", opposite(scan.split.roles))):
        model = train(replace(scan, split=replace(scan.split, roles=roles)), options.pixels)
        print(dynamic.line(NAME, replace(found, denoised=np.stack(list(apply(model, scan, 0))))), title)
    mixed = np.stack(list(apply(model, scan, 2)))
    print(dynamic.line(NAME, replace(found, denoised=mixed)), "5:1, given the mean of five steps")


def opposite(roles: tuple[Role, ...]) -> tuple[Role, ...]:
    """Let inputs and targets change places."""
    return tuple(Role(role.targets, role.inputs) for role in roles)


def train(scan: Sections, pixels: float) -> Model:
    """Train the default network on the window."""
    task = tasks.Task(
        [scan], specs.complete(Network(name="unet")), Train(pixels=pixels), {}, windows=[(0, dynamic.QUIET)]
    )
    return loop.train(task, distributed.alone(), lambda *_: None)


def apply(model: Model, scan: Sections, reach: int) -> Iterator[FloatArray]:
    """Yield (z, y, x) of each step, made of the mean of so many steps before and after as well."""
    for time in range(scan.split.times):
        near = range(max(0, time - reach), min(scan.split.times, time + reach + 1))
        members = tuple(number - near[0] for number in near)
        split = replace(
            scan.split,
            sections=scan.split.sections[near[0] : near[-1] + 1],
            roles=(Role(members, members),),
            times=1,
        )
        part = replace(scan, split=split, unions=tuple((i,) for i in members), first=near[0])
        yield np.concatenate([after for _, after in inference.denoise(model, part, (0, scan.depth), mode="section")])


if __name__ == "__main__":
    main()
