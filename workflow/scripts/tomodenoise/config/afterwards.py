"""Sections of the configuration for what happens after the results are made; they shape no product of a scan."""

import shlex
from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from tomodenoise.common.options import Optional, Options, Some, Text, Whole


def _splits(command: str) -> str:
    try:
        words = shlex.split(command)
    except ValueError:
        words = []
    if not words:
        raise PydanticCustomError("command", "is no command")
    return command


Command = Annotated[Text, AfterValidator(_splits)] | Some[Text]
"""A command as a list of its words, or as text with quotes as in a shell."""


def words(command: Command) -> list[str]:
    """Split a command into words. No shell reads it, so variables, patterns and pipes are plain text."""
    return shlex.split(command) if isinstance(command, str) else list(command)


class Notify(Options):
    """Commands at the end of a run."""

    done: Optional[Command] = Field(
        None,
        description="Runs once, after a run that made everything requested. A list of words, or a string that is split"
        " at spaces, with quotes as in a shell; no shell reads it.",
    )
    failed: Optional[Command] = Field(None, description="The same after a run that failed or was interrupted.")
    seconds: Annotated[int, Whole(ge=1)] = Field(60, description="Seconds after which a command is stopped.")


def _address(value: str) -> str:
    if not value.startswith(("https://", "http://")) or len(value.split()) != 1:
        raise PydanticCustomError("address", "is no address")
    return value


Address = Annotated[Text, AfterValidator(_address), Field(json_schema_extra={"pattern": r"^https?://\S+$"})]


class Author(Options):
    """An author of the results."""

    name: Text = Field(description="Name as it should appear.")
    orcid: Optional[Address] = Field(None, description="Such as `https://orcid.org/0000-0002-1825-0097`.")


class Crate(Options):
    """Description of the results as an RO-Crate."""

    name: Optional[Text] = Field(
        None, description="Title of the results. Default: a title with the names of the scans."
    )
    license: Optional[Address] = Field(
        None,
        description="URL of the licence, such as `https://creativecommons.org/licenses/by/4.0/`. Without it the crate"
        " is incomplete.",
    )
    authors: tuple[Author, ...] = Field(
        (), description="A list of authors, each with `name` and optionally `orcid`. Without it the crate names none."
    )
