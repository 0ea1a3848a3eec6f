"""The widths of vector registers by the features of the CPU."""

from hwbench.kernels import cpu_features


def test_widths_follow_the_features(monkeypatch):
    """512 bits need AVX-512, 256 need AVX2 and FMA, 128 is always there."""
    for have, widths in (
        ({"avx2", "fma", "avx512f"}, (128, 256, 512)),
        ({"avx2", "fma"}, (128, 256)),
        ({"avx2"}, (128,)),
        (set(), (128,)),
    ):
        monkeypatch.setattr(cpu_features, "features", lambda have=have: frozenset(have))
        assert cpu_features.widths() == widths


def test_arm_streams_use_pairs(monkeypatch):
    """On AArch64 streams take pairs of 128-bit registers, and a fused multiply-add is always there."""
    monkeypatch.setattr(cpu_features.platform, "machine", lambda: "aarch64")
    monkeypatch.setattr(cpu_features, "features", lambda: frozenset({"neon"}))
    assert (cpu_features.widths(), cpu_features.stream_width(), cpu_features.has_fma()) == ((128,), 256, True)
