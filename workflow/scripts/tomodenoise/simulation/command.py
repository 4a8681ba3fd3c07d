"""Command lines of the simulations."""

import sys
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Callable
from dataclasses import fields
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

from tomodenoise.common.errors import UserError

Plan = TypeVar("Plan")


def parser(description: str | None, *plans: type[Any]) -> ArgumentParser:
    """Return a parser of the files to write and the seed, with an option for each field of some dataclasses."""
    parser = ArgumentParser(description=description, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path, help="HDF5 file to write")
    parser.add_argument("--truth", type=Path, help="also write the true volume, (…, z, y, x) float32, as .npy")
    parser.add_argument("--seed", type=int, default=0, help="of sample and noise [%(default)s]")
    for spec in chain.from_iterable(map(fields, plans)):
        kind = float if spec.default is None else type(spec.default)
        option = "--" + spec.name.replace("_", "-")
        parser.add_argument(option, type=kind, default=spec.default, help=f"{spec.metadata['help']} [%(default)s]")
    return parser


def given(plan: type[Plan], options: Namespace) -> Plan:
    """Fill in a dataclass from the options that `parser` added for it."""
    return plan(**{spec.name: getattr(options, spec.name) for spec in fields(plan)})  # type: ignore[arg-type]


def run(main: Callable[[], None]) -> None:
    """Run a script; an error of the user ends it in one line."""
    try:
        main()
    except UserError as error:
        sys.exit(f"{Path(sys.argv[0]).name}: {error}")
