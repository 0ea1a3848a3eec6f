"""The integer operations: closed forms against step by step, and what an instruction needs."""

from __future__ import annotations

import numpy as np
import pytest

from hwbench.benches.peak import _integers, integer
from hwbench.benches.peak._integers import OPERATIONS, SBOX, aes_round, lacks
from hwbench.kernels import assembly


def test_a_round_of_aes_is_intels():
    """The example of Intel's white paper on AES-NI (2010), and the first and last entry of FIPS 197's S-box."""
    state, key, after = (
        np.frombuffer(bytes.fromhex(text)[::-1], np.uint8)
        for text in (
            "7b5b54657374566563746f725d53475d", "48692853686179295b477565726f6e5d", "a8311c2f9fdba3c58b104b58ded7e595",
        )
    )  # fmt: skip
    assert aes_round(state.reshape(1, 16), key).tolist() == [after.tolist()]
    assert (SBOX[0], SBOX[255], len({*SBOX.tolist()})) == (0x63, 0x16, 256)


def one_step(name, x, a, b):
    """One step of an operation in words of its own."""
    if name.startswith("add"):
        return x + a
    if name.startswith("multiply"):
        return x * a
    if name == "dot-int8":
        return x + (a.view(np.uint8)[:4].astype(np.int32) * b.view(np.int8)[:4].astype(np.int32)).sum(dtype=np.int32)
    if name == "dot-bf16":
        first, second = (
            np.array([v << 16 for v in one.view(np.uint16).tolist()], np.uint32).view("f4") for one in (a, b)
        )
        return (x.view("f4") + np.float32(first[0] * second[0]) + np.float32(first[1] * second[1])).view(np.int32)
    return x + sum(bin(byte).count("1") for byte in a.view(np.uint8).tolist())


@pytest.mark.parametrize("name", [name for name in OPERATIONS if name != "aes-round"])
def test_the_closed_form_is_that_of_all_steps(name):
    """Step by step, wrapping around, to the last bit; bfloat16's sums never round."""
    x, a, b = integer.numbers(np.random.default_rng(3), name)
    with np.errstate(over="ignore"):
        found = x
        for _ in range(integer.STEPS):
            found = one_step(name, found, a, b)
    assert found.tobytes() == OPERATIONS[name].answer(x, a, b, integer.STEPS).tobytes()


def test_what_is_missing_is_named(monkeypatch):
    """The form's own features, VL for narrow registers, either VNNI; no form of a width, and of an architecture."""
    monkeypatch.setattr(assembly.platform, "machine", lambda: "x86_64")
    for have, name, bits, reason in (
        ({"avx", "avx2"}, "add-int32", 256, ""),
        ({"avx", "avx2"}, "add-int32", 512, "this CPU has no avx512f"),
        ({"avx512vnni"}, "dot-int8", 512, ""),
        ({"avx512vnni"}, "dot-int8", 256, "this CPU has no avx512vl"),
        ({"avxvnni"}, "dot-int8", 256, ""),
        ({"vaes"}, "aes-round", 512, "this CPU has no avx512f"),
        (set(), "dot-bf16", 0, "x86_64 has no instruction for dot-bf16 in general registers"),
    ):
        monkeypatch.setattr(_integers, "features", lambda have=have: frozenset(have))
        found = lacks(name, bits)
        assert (str(found) if found else "") == reason
    monkeypatch.setattr(assembly.platform, "machine", lambda: "aarch64")
    monkeypatch.setattr(_integers, "features", lambda: frozenset({"dotprod"}))
    assert lacks("dot-int8", 128) is None
    assert "aarch64 has no instruction for multiply-int64" in str(lacks("multiply-int64", 128))


def test_a_vex_form_is_chosen_where_avx_512_has_none(monkeypatch):
    """AVX-VNNI alone: the same instruction, encoded for sixteen registers."""
    monkeypatch.setattr(_integers, "features", lambda: frozenset({"avxvnni"}))
    assert _integers._dot(256).text.startswith("{{vex}} vpdpbusd")
    assert not _integers._dot(256).wide
    monkeypatch.setattr(_integers, "features", lambda: frozenset({"avx512vnni", "avx512vl"}))
    assert _integers._dot(256).text.startswith("vpdpbusd")
