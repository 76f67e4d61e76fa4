"""What whoever imports a file says of it: on the command line, or in a batch's `batch.json`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from tinyops.data.recordings.importers.capture import ImportRefused
from tinyops.wrong_key import wrong_key

FILE_TIME = "file"

Text = Annotated[str, StringConstraints(max_length=512)]
Number = Annotated[float, Field(allow_inf_nan=False, strict=True)]


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Description:
    """What is said beside the file. Texts may hold {stem}, {folder} (the file's), {parent}, what
    `named` names, and with `records` the file's columns.

    Parameters
    ----------
    channels
        The file's channels, in the project's order; names of the file's own where it has them.
    rate_hz
        Samples per second; for a file that states its own, only a check.
    gain, offset
        physical = gain * value + offset, in the project's unit.
    unit
        The file's unit. Unlike the project's unit it needs a gain.
    recorded_at
        ISO 8601 with a zone, or "file" for the time at which the file was changed last.
    resample
        A method of `resample.METHODS`, used where the rate is not the project's.
    array
        Name of the array in an NPZ or MAT file.
    records, join
        The array's first side counts records; those with one value in the column `join` are pieces
        of one capture.
    scale
        Column whose value a record's samples are multiplied by, before gain and offset.
    named
        How the file's name is made up: `{speaker}_nohash_{take}`.
    """

    machine: Text
    device: Text = ""
    label: Text | None = None
    recording: Text = "{stem}"
    channels: Annotated[tuple[Text, ...], Field(max_length=64)] = ()
    rate_hz: Annotated[Number, Field(gt=0)] | None = None
    unit: Text = ""
    gain: Number | None = None
    offset: Number = 0.0
    recorded_at: Text = ""
    resample: Literal["", "polyphase", "linear"] = ""
    array: Text = ""
    time_column: Text = ""
    conditions: Annotated[dict[Text, Text], Field(max_length=64)] = field(default_factory=dict)
    records: Annotated[bool, Field(strict=True)] = False
    join: Text = ""
    scale: Text = ""
    named: Text = ""


_ADAPTER = TypeAdapter(Description)


def description_of(content: Mapping[str, Any]) -> Description:
    """A description from plain values.

    Raises
    ------
    ImportRefused
        A key is missing, unknown or of another type: names it.
    """
    try:
        return _ADAPTER.validate_python(dict(content))
    except ValidationError as error:
        key, message, _ = wrong_key(error)
        raise ImportRefused(
            f"what is said of the file: {key or 'description'}: {message}",
            "correct it; docs/data.md lists all",
        ) from None


def schema() -> dict[str, Any]:
    """JSON schema of what may be said."""
    return _ADAPTER.json_schema()
