"""A table as an Arrow stream, by nanoarrow: the PyCapsule interface, which every library of data frames reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ..errors import UsageError
from ..record.installing import command


class Column(Protocol):
    """A column of a table."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def kind(self) -> str:
        """What its values are: string, int, float or bool."""

    @property
    def values(self) -> Sequence[object]:
        """The values, None where there is none."""


class Stream(Protocol):
    """What has an Arrow stream to give."""

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """The capsule."""


def stream(columns: Sequence[Column]) -> Stream:
    """The columns in one batch; UsageError where nanoarrow is not installed."""
    try:
        import nanoarrow as na
    except ImportError:
        raise UsageError(f"an Arrow table needs nanoarrow, which is not installed: {command('export')}") from None
    types = {"string": na.string(), "int": na.int64(), "float": na.float64(), "bool": na.bool_()}
    schema = na.struct({column.name: types[column.kind] for column in columns})
    children = [na.c_array(list(column.values), types[column.kind]) for column in columns]
    rows = len(columns[0].values)
    found: Stream = na.c_array_stream(na.c_array_from_buffers(schema, rows, [None], children=children))
    return found
