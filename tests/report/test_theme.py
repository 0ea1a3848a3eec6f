"""Colours: one a variant, with contrast in both themes."""

from __future__ import annotations

from hwbench.report import theme


def test_a_variant_has_one_colour_and_shares_it_with_no_neighbour() -> None:
    """Variants that meet in a bench differ in colour, and keep it whatever else the page holds."""
    few = theme.assign([{"loop", "numpy"}, {"mine", "yours"}])
    many = theme.assign([{"loop", "numpy", "numba", "prange"}, {"mine", "yours"}, {"row", "column"}])
    assert {name: many[name] for name in few} == few
    assert few["mine"] != few["yours"]
    crowd = theme.assign([{f"v{i}" for i in range(8)}])
    assert len(set(crowd.values())) == 8


def test_text_and_lines_have_contrast_in_both_themes() -> None:
    """Text keeps 4.5:1 against the card and the page, the colours of series 3:1 on the light card and the dark one."""
    for colours in (theme.LIGHT, theme.DARK):
        for ground in ("card", "paper"):
            assert all(
                _contrast(colours[name], colours[ground]) >= 4.5 for name in ("ink", "ink-2", "accent", "warn", "bad")
            )
        assert all(_contrast(colours[slot], colours["card"]) >= 3 for slot in theme.SLOTS)


def _contrast(one: str, other: str) -> float:
    """WCAG's ratio of relative luminances."""

    def luminance(colour: str) -> float:
        channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)
