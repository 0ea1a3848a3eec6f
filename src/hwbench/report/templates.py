"""Jinja's templates of the page. Compiled ones are kept in the cache: to compile them takes a fifth of a second."""

from __future__ import annotations

import functools
from importlib.metadata import version
from pathlib import Path

import jinja2
from jinja2.bccache import Bucket

from .. import cache
from ..record import sealed

HERE = Path(__file__).parent


class Compiled(jinja2.BytecodeCache):
    """Templates as Python's code. Jinja itself looks whether a file is of this template's text and of this Python."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory / f"jinja-{version('jinja2')}"

    def load_bytecode(self, bucket: Bucket) -> None:
        """Take the code from the cache, where it is there."""
        if (code := sealed.read(self.directory / bucket.key)) is not None:
            bucket.bytecode_from_string(code)

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep the code."""
        sealed.write(bucket.bytecode_to_string(), self.directory / bucket.key)


@functools.cache
def environment(directory: Path | None = None) -> jinja2.Environment:
    """What loads the templates; compiled ones are kept in `directory`, the user's cache unless given."""
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        bytecode_cache=Compiled(directory or cache.directory("templates")),
    )
