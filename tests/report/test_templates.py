"""Templates are compiled once, and anew where what was kept is not of them."""

from __future__ import annotations

from pathlib import Path

import jinja2
import pytest

from hwbench.record import sealed
from hwbench.report.templates import Compiled


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The templates that were compiled."""
    names: list[str] = []
    generate = jinja2.Environment.compile

    def counted(self: jinja2.Environment, source: str, name: str, *more: object) -> object:
        names.append(name)
        return generate(self, source, name, *more)

    monkeypatch.setattr(jinja2.Environment, "compile", counted)
    return names


def rendered(text: str, directory: Path) -> str:
    """A template of this text, rendered in an environment of its own."""
    loader = jinja2.DictLoader({"page": text})
    return jinja2.Environment(loader=loader, autoescape=True, bytecode_cache=Compiled(directory)).get_template(
        "page"
    ).render(n=3)  # fmt: skip


def test_a_template_is_compiled_once(compiled: list[str], tmp_path: Path) -> None:
    """Another text is compiled, and so is one whose file holds no code."""
    assert rendered("{{ n }} a", tmp_path) == rendered("{{ n }} a", tmp_path) == "3 a"
    assert compiled == ["page"]
    assert rendered("{{ n }} b", tmp_path) == "3 b"
    [path] = tmp_path.glob("*/*")
    sealed.write(b"nonsense", path)
    assert rendered("{{ n }} b", tmp_path) == "3 b"
    assert len(compiled) == 3
