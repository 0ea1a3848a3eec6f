"""The integer operations: the instruction of each width, what it needs, how much it does, and its closed form."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from ...kernels.assembly import architecture
from ...kernels.cpu_features import features
from ...protocols import Array
from ...record.reasons import Reason, because

SCALAR = 0  # bits of registers: general ones

Needs = tuple[frozenset[str], ...]
"""Sets of features, of which one has to be there."""


@dataclass(frozen=True)
class Form:
    """An instruction in registers of a width: its text, and the features of which it needs one set."""

    text: str
    needs: Needs = ()
    wide: bool = True


@dataclass(frozen=True)
class Operation:
    """An operation: what its registers hold, its forms by architecture and width, and how much a byte of x does.

    `answer(x, a, b, n)` is x after n of them.
    """

    dtype: str
    about: str
    per_byte: float
    forms: Mapping[str, Mapping[int, Form]]
    answer: Callable[[Array, Array, Array, int], Array] = field(repr=False)

    def form(self, bits: int) -> Form | None:
        """The form for this machine; None where no instruction of this width does it."""
        return self.forms.get(architecture(), {}).get(bits)


def _x86(scalar: str, vector: str, *, needs: Mapping[int, Needs]) -> dict[int, Form]:
    found = {bits: Form(vector, some) for bits, some in needs.items() if bits}
    return found | ({SCALAR: Form(scalar, needs.get(SCALAR, ()))} if scalar else {})


def _all(*names: str) -> Needs:
    return (frozenset(names),)


AVX: Mapping[int, Needs] = {128: _all("avx"), 256: _all("avx2"), 512: _all("avx512f")}


def _with(feature: str) -> dict[int, Needs]:
    """An extension of AVX-512, which narrower registers have with VL."""
    return {128: _all(feature, "avx512vl"), 256: _all(feature, "avx512vl"), 512: _all(feature)}


def _dot(bits: int) -> Form:
    """The dot product: of AVX-512 VNNI, or of AVX-VNNI, which has registers of up to 256 bits."""
    vnni = _with("avx512vnni")[bits]
    plain = bits == 512 or vnni[0] <= features()
    return Form("vpdpbusd {b}, {a}, {x}" if plain else "{{vex}} vpdpbusd {b}, {a}, {x}",
                vnni if bits == 512 else (*vnni, frozenset({"avxvnni"})), wide=plain)  # fmt: skip


# --- closed forms -----------------------------------------------------------------------------------------------------


def _added(x: Array, a: Array, _b: Array, n: int) -> Array:
    with np.errstate(over="ignore"):
        return x + x.dtype.type(n) * a


def _multiplied(x: Array, a: Array, _b: Array, n: int) -> Array:
    factor = pow(int(a.view(f"u{a.itemsize}")[0]), n, 1 << 8 * a.itemsize)
    return (x.view(f"u{x.itemsize}") * np.array([factor], f"u{x.itemsize}")).view(x.dtype)


def _dotted(x: Array, a: Array, b: Array, n: int) -> Array:
    total = int(a.view(np.uint8)[:4].astype(int) @ b.view(np.int8)[:4].astype(int))
    return (x.astype(np.int64) + n * total).astype(np.int32)


def _bf16(values: Array) -> Array:
    """The float32 that pairs of bfloat16 stand for."""
    return (values.view(np.uint16).astype(np.uint32) << 16).view(np.float32)


def _dotted_bf16(x: Array, a: Array, b: Array, n: int) -> Array:
    total = float(_bf16(a)[:2].astype(float) @ _bf16(b)[:2].astype(float))
    return (x.view(np.float32).astype(float) + n * total).astype(np.float32).view(np.int32)


def _counted(x: Array, a: Array, _b: Array, n: int) -> Array:
    return x + n * int(a[0].view(np.uint64)).bit_count()


def _boxes() -> Array:
    """The S-box of AES: the inverse in GF(2⁸), then an affine map (FIPS 197, 5.1.1)."""
    power, value = [0] * 255, 1
    for i in range(255):
        power[i] = value
        value ^= (value << 1) ^ (0x11B if value & 0x80 else 0)  # times 3, a generator
    log = {value: i for i, value in enumerate(power)}
    found = []
    for byte in range(256):
        inverse = power[-log[byte] % 255] if byte else 0
        bits = inverse | inverse << 8
        found.append((bits ^ bits >> 4 ^ bits >> 5 ^ bits >> 6 ^ bits >> 7) & 0xFF ^ 0x63)
    return np.array(found, np.uint8)


SBOX = _boxes()
SHIFT = np.array([(i + 4 * (i % 4)) % 16 for i in range(16)])  # ShiftRows of a state kept by columns


def aes_round(state: Array, key: Array) -> Array:
    """One round of AES on rows of 16 bytes, as x86's aesenc does it."""
    s = SBOX[state[:, SHIFT]].reshape(-1, 4, 4)
    twice = (s << 1) ^ np.where(s & 0x80, np.uint8(0x1B), np.uint8(0))
    after = np.roll(s, -1, 2)
    mixed = twice ^ np.roll(twice, -1, 2) ^ after ^ np.roll(s, -2, 2) ^ np.roll(s, -3, 2)
    return mixed.reshape(-1, 16) ^ key


def _encrypted(x: Array, a: Array, _b: Array, n: int) -> Array:
    state, key = x.view(np.uint8).reshape(-1, 16), np.resize(a.view(np.uint8), 16)
    for _ in range(n):
        state = aes_round(state, key)
    return np.ascontiguousarray(state).reshape(-1).view(x.dtype)


# --- operations -------------------------------------------------------------------------------------------------------

OPERATIONS: dict[str, Operation] = {
    "add-int32": Operation("i4", "32-bit additions", 1 / 4, {
        "x86_64": _x86("addl {a}, {x}", "vpaddd {a}, {x}, {x}", needs=AVX),
        "aarch64": {SCALAR: Form("add {x:w}, {x:w}, {a:w}"), 128: Form("add {x}.4s, {x}.4s, {a}.4s")},
    }, _added),
    "add-int64": Operation("i8", "64-bit additions", 1 / 8, {
        "x86_64": _x86("addq {a}, {x}", "vpaddq {a}, {x}, {x}", needs=AVX),
        "aarch64": {SCALAR: Form("add {x}, {x}, {a}"), 128: Form("add {x}.2d, {x}.2d, {a}.2d")},
    }, _added),
    "multiply-int32": Operation("i4", "32-bit multiplications", 1 / 4, {
        "x86_64": _x86("imull {a}, {x}", "vpmulld {a}, {x}, {x}", needs=AVX),
        "aarch64": {SCALAR: Form("mul {x:w}, {x:w}, {a:w}"), 128: Form("mul {x}.4s, {x}.4s, {a}.4s")},
    }, _multiplied),
    "multiply-int64": Operation("i8", "64-bit multiplications", 1 / 8, {
        "x86_64": _x86("imulq {a}, {x}", "vpmullq {a}, {x}, {x}", needs=_with("avx512dq")),
        "aarch64": {SCALAR: Form("mul {x}, {x}, {a}")},
    }, _multiplied),
    "dot-int8": Operation("i4", "int8 dot products", 2, {
        "x86_64": {bits: _dot(bits) for bits in (128, 256, 512)},
        "aarch64": {128: Form("sdot {x}.4s, {a}.16b, {b}.16b", _all("dotprod"))},
    }, _dotted),
    "dot-bf16": Operation("i4", "bfloat16 (floating-point) dot products", 1, {
        "x86_64": _x86("", "vdpbf16ps {b}, {a}, {x}", needs=_with("avx512bf16")),
        "aarch64": {128: Form("bfdot {x}.4s, {a}.8h, {b}.8h", _all("bf16"))},
    }, _dotted_bf16),
    "aes-round": Operation("i8", "rounds of AES", 1 / 16, {
        "x86_64": _x86("", "vaesenc {a}, {x}, {x}", needs={
            128: _all("aes", "avx"), 256: _all("vaes", "avx2"), 512: _all("vaes", "avx512f")}),
    }, _encrypted),
    "popcount-int64": Operation("i8", "population counts of 64 bits", 1 / 8, {
        "x86_64": _x86("popcntq {a}, {y}; addq {x}, {y}", "vpopcntq {a}, {y}; vpaddq {x}, {y}, {y}",
                       needs={SCALAR: _all("popcnt"), **_with("avx512vpopcntdq")}),
    }, _counted),
}  # fmt: skip


def lacks(name: str, bits: int) -> Reason | None:
    """What this machine lacks for an operation in registers of `bits` bits (0: general ones)."""
    form = OPERATIONS[name].form(bits)
    width = f"registers of {bits} bits" if bits else "general registers"
    if form is None:
        return because("needs_isa", f"{architecture()} has no instruction for {name} in {width}")
    if form.needs and not any(some <= features() for some in form.needs):
        missing = min((sorted(some - features()) for some in form.needs), key=len)
        return because("needs_isa", f"this CPU has no {', '.join(missing)}")
    return None
