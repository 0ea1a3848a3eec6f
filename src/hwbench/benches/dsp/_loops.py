"""The loops of a signal processor as LLVM IR for one target: its vectors are stated, and one turn does one vector.

`dot` adds up products (the sum over lanes after the loop is left out). `convolution` writes a vector of outputs from 8
taps in registers. `butterfly` is the step of a radix-2 Fourier transform on real and imaginary parts apart. Products of
int8 and int16 are added as int32; a butterfly shifts them back by the bits of a fraction.
"""

from __future__ import annotations

from ._targets import Target

KINDS = {"dot": 1, "convolution": 8, "butterfly": 4}  # multiply-adds for each lane
ELEMENTS = {"i1": ("i8", 1), "i2": ("i16", 2), "f4": ("float", 4)}
TAPS = KINDS["convolution"]


class Writer:
    """Writes the IR of one function, a line at a time: what comes before the loop, its body, what comes after it."""

    def __init__(self, target: Target, dtype: str) -> None:
        self.target, self.dtype = target, dtype
        self.lanes = target.lanes[dtype]
        self.element, self.size = ELEMENTS[dtype]
        self.index = target.index
        self.vector = self.of(self.element)
        self.sum = self.of("float" if dtype == "f4" else "i32")
        self.declared: dict[str, None] = {}
        self.before: list[str] = []
        self.sums: list[str] = []
        self.body: list[str] = []
        self.after: list[str] = []
        self.names = 0

    def of(self, scalar: str) -> str:
        """The vector type of a scalar one."""
        scale = "vscale x " * self.target.scalable
        return scalar if self.lanes == 1 else f"<{scale}{self.lanes} x {scalar}>"

    def put(self, code: str) -> str:
        """A line of the body; the name of its value."""
        self.names += 1
        self.body.append(f"%v{self.names} = {code}")
        return f"%v{self.names}"

    def call(self, function: str, result: str, *operands: tuple[str, str]) -> str:
        """A call of an intrinsic, each operand as (type, value)."""
        self.declared[f"declare {result} @{function}({', '.join(kind for kind, _ in operands)})"] = None
        return self.put(f"call {result} @{function}({', '.join(f'{kind} {value}' for kind, value in operands)})")

    def load(self, pointer: str, at: str = "%i", kind: str = "") -> str:
        """A vector from element `at` of an array."""
        place = self.put(f"getelementptr {self.element}, ptr {pointer}, {self.index} {at}")
        return self.put(f"load {kind or self.vector}, ptr {place}, align {self.size}")

    def store(self, value: str, kind: str, pointer: str, at: str = "%i") -> None:
        """A vector to element `at` of an array of this type's numbers."""
        element = kind.removesuffix(">").rpartition(" ")[2]
        place = self.put(f"getelementptr {element}, ptr {pointer}, {self.index} {at}")
        self.body.append(f"store {kind} {value}, ptr {place}, align {self.size}")

    def widened(self, value: str) -> str:
        """Narrow integers as int32."""
        return value if self.dtype == "f4" else self.put(f"sext {self.vector} {value} to {self.sum}")

    def times(self, a: str, b: str, c: str, *, minus: bool = False) -> str:
        """The sum c + a b, or c − a b, of numbers as wide as a sum."""
        if self.dtype != "f4":
            product = self.put(f"mul {self.sum} {a}, {b}")
            return self.put(f"{'sub' if minus else 'add'} {self.sum} {c}, {product}")
        if not self.target.fused:
            product = self.put(f"fmul {self.sum} {a}, {b}")
            return self.put(f"{'fsub' if minus else 'fadd'} {self.sum} {c}, {product}")
        if minus:
            a = self.put(f"fneg {self.sum} {a}")
        scale = "nx" * self.target.scalable
        suffix = f"{scale}v{self.lanes}f32" if self.lanes > 1 else "f32"
        return self.call(f"llvm.fma.{suffix}", self.sum, *((self.sum, value) for value in (a, b, c)))

    def text(self) -> str:
        """The whole module."""
        step = str(self.lanes)
        if self.target.scalable:
            self.declared[f"declare {self.index} @llvm.vscale.{self.index}()"] = None
            scale = f"%scale = call {self.index} @llvm.vscale.{self.index}()"
            self.before = [scale, f"%step = mul {self.index} %scale, {self.lanes}", *self.before]
            step = "%step"
        lines = [
            f'target triple = "{self.target.triple}"', *self.declared,
            f"define void @kernel(ptr noalias %a, ptr noalias %b, ptr noalias %c, {self.index} inreg %n) {{",
            "entry:", *self.before, "br label %loop", "loop:",
            f"%i = phi {self.index} [ 0, %entry ], [ %next, %loop ]", *self.sums, *self.body,
            f"%next = add {self.index} %i, {step}", f"%more = icmp ult {self.index} %next, %n",
            "br i1 %more, label %loop, label %done, !llvm.loop !0", "done:", *self.after, "ret void", "}",
            "!0 = distinct !{!0, !1}", '!1 = !{!"llvm.loop.unroll.disable"}',
        ]  # fmt: skip
        return "\n".join(lines) + "\n"


def ir_of(target: Target, kind: str, dtype: str) -> str:
    """The IR of a loop."""
    writer = Writer(target, dtype)
    {"dot": _dot, "convolution": _convolution, "butterfly": _butterfly}[kind](writer)
    return writer.text()


def _dot(w: Writer) -> None:
    special = w.target.dots.get(w.dtype)
    total, zero = (special.sums if special else w.sum), "zeroinitializer"
    if not total.startswith("<"):
        zero = "0.0" if total == "float" else "0"
    kind = special.operands if special else w.vector
    x, y = w.load("%a", kind=kind), w.load("%b", kind=kind)
    if special is None:
        found = w.times(w.widened(x), w.widened(y), "%sum")
    elif special.form == "product":
        product = w.call(special.name, total, (kind, x), (kind, y))
        found = w.put(f"add {total} %sum, {product}")
    elif special.form == "sum last":
        found = w.call(special.name, total, (kind, x), (kind, y), (total, "%sum"), ("i1", "false"))
    else:
        found = w.call(special.name, total, (total, "%sum"), (kind, x), (kind, y))
    w.sums.append(f"%sum = phi {total} [ {zero}, %entry ], [ {found}, %loop ]")
    w.after.append(f"store {total} {found}, ptr %c, align 4")


def _convolution(w: Writer) -> None:
    scalar = "float" if w.dtype == "f4" else "i32"
    for tap in range(TAPS):
        place, number, wide = f"%place{tap}", f"%tap{tap}", f"%wide{tap}"
        w.before.append(f"{place} = getelementptr {w.element}, ptr %b, {w.index} {tap}")
        w.before.append(f"{number} = load {w.element}, ptr {place}, align {w.size}")
        cast = f"fadd float {number}, 0.0" if w.dtype == "f4" else f"sext {w.element} {number} to i32"
        w.before.append(f"{wide} = {cast}")
        if w.lanes > 1:
            mask = w.of("i32")
            w.before.append(f"%one{tap} = insertelement {w.sum} poison, {scalar} {wide}, i32 0")
            w.before.append(f"%all{tap} = shufflevector {w.sum} %one{tap}, {w.sum} poison, {mask} zeroinitializer")
    total = "zeroinitializer" if w.lanes > 1 else ("0.0" if w.dtype == "f4" else "0")
    for tap in range(TAPS):
        at = "%i" if tap == 0 else w.put(f"add {w.index} %i, {tap}")
        name = f"%all{tap}" if w.lanes > 1 else f"%wide{tap}"
        total = w.times(w.widened(w.load("%a", at)), name, total)
    w.store(total, w.sum, "%c")


def _butterfly(w: Writer) -> None:
    second = w.put(f"add {w.index} %i, %n")
    parts = [w.widened(w.load(pointer, at)) for pointer in ("%a", "%b", "%c") for at in ("%i", second)]
    real, imaginary, lower, lower_i, factor, factor_i = parts
    zero = "zeroinitializer" if w.lanes > 1 else ("0.0" if w.dtype == "f4" else "0")
    turned = w.times(factor_i, lower_i, w.times(factor, lower, zero), minus=True)
    turned_i = w.times(factor_i, lower, w.times(factor, lower_i, zero))
    add, sub = ("fadd", "fsub") if w.dtype == "f4" else ("add", "sub")
    for part, turn, at in ((real, turned, "%i"), (imaginary, turned_i, second)):
        if w.dtype != "f4":
            fraction = str(8 * w.size - 1)
            shift = fraction
            if w.lanes > 1:
                shift = w.put(f"insertelement {w.sum} poison, i32 {fraction}, i32 0")
                shift = w.put(f"shufflevector {w.sum} {shift}, {w.sum} poison, {w.of('i32')} zeroinitializer")
            turn = w.put(f"ashr {w.sum} {turn}, {shift}")
        for pointer, operation in (("%a", add), ("%b", sub)):
            value = w.put(f"{operation} {w.sum} {part}, {turn}")
            if w.dtype != "f4":
                value = w.put(f"trunc {w.sum} {value} to {w.vector}")
            w.store(value, w.vector, pointer, at)
