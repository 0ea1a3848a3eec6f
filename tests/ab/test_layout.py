"""What is drawn for each pair of processes."""

from __future__ import annotations

import random

from hwbench.ab import layout


def test_a_draw_has_a_hash_seed_and_a_size_and_is_repeated_by_its_source():
    """As environment variables that Python takes."""
    one, again = (layout.drawn(random.Random(1), {}) for _ in range(2))
    assert one == again != layout.drawn(random.Random(2), {})
    variables = one.variables()
    assert 0 <= int(variables["PYTHONHASHSEED"]) < 2**32
    assert len(variables[layout.PADDING]) == one.padding < layout.LARGEST


def test_a_hash_seed_that_the_user_has_set_stays():
    """`random` is no seed."""
    assert "PYTHONHASHSEED" not in layout.drawn(random.Random(1), {"PYTHONHASHSEED": "0"}).variables()
    assert "PYTHONHASHSEED" in layout.drawn(random.Random(1), {"PYTHONHASHSEED": "random"}).variables()


def test_fixed_addresses_are_told(monkeypatch, tmp_path):
    """0 in the kernel's file; no file, no answer."""
    path = tmp_path / "randomize_va_space"
    monkeypatch.setattr(layout, "ASLR", path)
    assert layout.aslr() == "unknown"
    path.write_text("0\n")
    assert layout.aslr() == "fixed"
    path.write_text("2\n")
    assert layout.aslr() == "random"
