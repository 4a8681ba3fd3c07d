"""Sections of the configuration: their base class, and the types of their values."""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    Strict,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

T = TypeVar("T")

NUMBER = re.compile(r"[+-]?(\d[\d_]*\.?\d*|\.\d+)([eE][+-]?\d+)?")


class Options(BaseModel):
    """A section of the configuration: immutable, without unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    def as_json(self) -> dict[str, Any]:
        """Return plain values for JSON, without the keys that have none."""
        return {name: plain(value) for name, value in self if value is not None}


def plain(value: object) -> Any:  # noqa: ANN401 - a JSON value
    """Turn sections and tuples into dicts and lists; numbers stay as written."""
    if isinstance(value, Options):
        return value.as_json()
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, tuple | list) else value


@dataclass(frozen=True)
class Number:
    """Annotation of a finite number. Text such as 1e8, which YAML 1.1 reads as text, is one; 10 stays 10."""

    ge: float | None = None
    gt: float | None = None
    le: float | None = None

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Check the limits, but keep the number as it was written."""
        limits = core_schema.float_schema(ge=self.ge, gt=self.gt, le=self.le, strict=True, allow_inf_nan=False)
        return core_schema.no_info_wrap_validator_function(_number, limits)


@dataclass(frozen=True)
class Whole:
    """Annotation of a whole number, which may be written as text, or with a point."""

    ge: int | None = None

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Check the limits of the number that was read."""
        return core_schema.no_info_before_validator_function(_whole, core_schema.int_schema(ge=self.ge, strict=True))


@dataclass(frozen=True)
class OneOf:
    """Annotation of a value that is a key of a table in the library, to which entries may be added."""

    values: Collection[str | int]

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Look a value up when it is read."""
        return core_schema.no_info_plain_validator_function(self._read)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """List the values."""
        return {"enum": list(self.values), "type": "string" if isinstance(next(iter(self.values)), str) else "integer"}

    def _read(self, value: object) -> object:
        first = next(iter(self.values))
        choice = _whole(value) if isinstance(first, int) else value
        if type(choice) is not type(first) or choice not in self.values:  # True equals 1
            raise PydanticCustomError("literal_error", "is not one of them")
        return choice


def _as_number(value: object) -> object:
    if isinstance(value, str) and NUMBER.fullmatch(value.strip()):
        number = float(value)
        return int(number) if number.is_integer() else number
    return value


def _number(value: object, check: Callable[[object], object]) -> object:
    number = _as_number(value)
    check(number)
    return number


def _whole(value: object) -> object:
    number = _as_number(value)
    return int(number) if isinstance(number, float) and number.is_integer() else number


def _odd(value: int) -> int:
    if value % 2 == 0:
        raise PydanticCustomError("even", "is even")
    return value


def _given(value: T) -> T:
    if value is None:
        raise PydanticCustomError("no_value", "has no value")
    return value


def unique(values: tuple[T, ...]) -> tuple[T, ...]:
    """Refuse a list with equal entries."""
    if len(set(values)) < len(values):
        raise PydanticCustomError("not_unique", "has equal entries")
    return values


Text = Annotated[str, Strict(), Field(min_length=1)]
Name = Annotated[str, Strict(), Field(pattern="^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$")]
"""Name of a scan or a model: of a folder, and safe in a shell."""
Flag = Annotated[bool, Strict()]
Index = Annotated[int, Whole(ge=0)]
Odd = Annotated[int, Whole(ge=1), AfterValidator(_odd), Field(json_schema_extra={"not": {"multipleOf": 2}})]
Range = tuple[Index, Index]
"""[start, stop)."""
Optional = Annotated[T | None, BeforeValidator(_given)]
"""A key that may be absent, and then is None, but must not be null in the file."""
Some = Annotated[tuple[T, ...], Field(min_length=1)]
"""A list that is not empty."""
Unique = Annotated[tuple[T, ...], AfterValidator(unique), Field(json_schema_extra={"uniqueItems": True})]
"""A list without equal entries."""
