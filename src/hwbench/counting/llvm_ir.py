"""Reads optimised LLVM IR and adds counters to it: how often each block runs, and which memory each access touches.

The counters are one array of 64-bit numbers. A block has one, a masked access one for the elements that its mask lets
through, an access four (lowest and highest address, the previous one and the step), and a step that repeats one more.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

ITEM = {"i1": 1, "i8": 1, "i16": 2, "i32": 4, "i64": 8, "i128": 16, "half": 2, "bfloat": 2, "float": 4, "double": 8}
FLOATS = {"half": "f2", "bfloat": "f2", "float": "f4", "double": "f8"}

_TYPE = r"(?:<\d+ x \w+>|\w+)"
_FLOAT = r"(?:<\d+ x (?:half|bfloat|float|double)>|half|bfloat|float|double)"
_NAME = r'@(?:"[^"]+"|[-\w$.]+)'
_LABEL = re.compile(r'^("[^"]+"|[-\w$.]+):')
_LOAD = re.compile(rf"^\s*%\S+ = load (?:volatile )?({_TYPE}), ptr (.+?)(?:, align \d+)?(?:, !.*)?$")
_STORE = re.compile(rf"^\s*store (?:volatile )?({_TYPE}) .*, ptr (.+?)(?:, align \d+)?(?:, !.*)?$")
_ARITHMETIC = re.compile(rf"^\s*(%\S+) = (?:fadd|fsub|fmul|fdiv|frem) (?:[a-z]+ )*?({_FLOAT}) ")
_CALL = re.compile(
    rf"^\s*(?:(%\S+) = )?(?:(?:tail|musttail|notail) )?(?:call|invoke)\b([^@%(]*?)({_NAME}|%\S+?|inttoptr)\s*\("
)
_SELECT = re.compile(r"= select (?:[a-z]+ )*(?:i1|<\d+ x i1>) ")
_MASK = re.compile(r"<(\d+) x i1> ([^,()]+(?:\([^)]*\))?)")
_DEFINE = re.compile(rf"^define .*?({_NAME})\(")
_INTRINSIC = re.compile(r"@llvm\.(masked\.(?:load|store|gather|scatter)|vector\.reduce\.\w+|[a-z0-9]+(?:\.[a-z]+)*)")

# LLVM's intrinsics and functions of C, which count one flop for each element; the others compute integers or choose.
TRANSCENDENTAL = frozenset((
    "sqrt", "sin", "cos", "tan", "asin", "acos", "atan", "atan2", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh",
    "exp", "exp2", "exp10", "expm1", "log", "log2", "log10", "log1p", "pow", "powi", "cbrt", "erf", "erfc", "gamma",
    "lgamma", "tgamma", "hypot", "fmod", "remainder", "sincos", "ldexp", "frexp", "invsqrt", "cdfnorm",
))  # fmt: skip
_FREE = re.compile(
    r"^(NRT_|nrt_|Py|_Py|numba_(unpickle|gil|parallel_for|set|get|launch)|get_|set_|do_scheduling|allocate_sched|"
    r"deallocate_sched|fabs|floor|ceil|trunc|rint|round|nearbyint|fm(ax|in)|copysign|__cxa|memcmp|abort|"
    r"(new|del)_?\w*sched|free$|malloc$)"
)


@dataclass
class Access:
    """A load or store."""

    store: bool
    block: int
    item: int
    lanes: int
    float_type: str
    slot: int  # of lowest, highest, previous address, step, and how often the step was as before
    passed: int = -1  # slot of the elements that the mask let through
    scattered: bool = False  # elements from anywhere: gather, scatter


@dataclass
class Flops:
    """Arithmetic of a block: what is always needed, what a mask or a choice may discard, and sums of partial sums."""

    needed: int = 0
    chosen: int = 0
    partial: int = 0
    selects: bool = False


@dataclass
class Meter:
    """A sum at run time: bytes of memset, memcpy and allocations, with their addresses, or sizes of products."""

    kind: str  # "written", "copied", "allocated", "given", "filled", "gemm", "gemv", "dot"
    slot: int
    item: int = 1


@dataclass
class Instrumented:
    """A module with counters, and what they count."""

    text: str
    symbol: str
    slots: int
    names: dict[str, str]  # of functions and globals, before and after
    accesses: list[Access] = field(default_factory=list)
    flops: dict[int, Flops] = field(default_factory=dict)
    meters: list[Meter] = field(default_factory=list)
    unknown: dict[str, int] = field(default_factory=dict)  # functions that nobody knows, with a block that calls them
    lows: list[int] = field(default_factory=list)  # slots that start at the highest number
    frames: int = 0  # slots of the lowest and the highest frame on the stack
    constants: list[tuple[str, int]] = field(default_factory=list)  # arrays in the module, with their bytes


def instrument(text: str, unique: str) -> Instrumented:
    """Add counters to a module; what it defines gets names of its own, so that both can be loaded at once."""
    return _Writer(text, unique).run()


class _Writer:
    def __init__(self, text: str, unique: str) -> None:
        self.unique = unique
        self.text = re.sub(r" ?(?:memory\([^)]*\)|speculatable|captures\([^)]*\))", "", text)
        self.made = Instrumented("", f"hwbench.counters.{unique}", 0, self._renamed())
        self.defined = {
            name for line in self.text.splitlines() if (found := _DEFINE.match(line)) for name in [found[1]]
        }
        self.number = 0
        self.made.frames = self.slot(2)
        self.made.lows.append(self.made.frames)

    def _renamed(self) -> dict[str, str]:
        """New names for what the module defines."""
        found = re.findall(
            rf"^(?:define .*?({_NAME})\(|({_NAME}) = (?!external|.*\bexternal\b))", self.text, re.MULTILINE
        )
        names = [one or other for one, other in found]
        return {
            name: f'@"hwbench.{self.unique}.{name[1:].strip(chr(34))}"'
            for name in names
            if not name.startswith("@llvm.")
        }

    def slot(self, count: int = 1) -> int:
        """The first of some new counters."""
        self.made.slots += count
        return self.made.slots - count

    def place(self, slot: int) -> str:
        """Its address."""
        return f'getelementptr (i64, ptr @"{self.made.symbol}", i64 {slot})'

    def fresh(self) -> str:
        """A name of a value."""
        self.number += 1
        return f"%hwbench.{self.number}"

    def run(self) -> Instrumented:
        """The module with its counters."""
        if "<vscale x" in self.text:
            self.made.unknown["vectors whose length only the processor knows"] = self.made.frames + 1
        lines = self.text.splitlines()
        out: list[str] = []
        at = 0
        while at < len(lines):
            line = lines[at]
            if line.startswith("define "):
                end = next(number for number in range(at, len(lines)) if lines[number] == "}")
                out += self._function(lines[at:end])
                at = end
                continue
            found = re.match(rf"^({_NAME}) = .*constant \[(\d+) x (\w+)\]", line)
            if found and "const.array.data" in found[1]:
                self.made.constants.append((found[1], int(found[2]) * ITEM.get(found[3], 1)))
            out.append(line)
            at += 1
        table = ", ".join(f"ptr {name}" for name, _ in self.made.constants)
        first = next(number for number, line in enumerate(out) if line.startswith(("@", "define", "declare")))
        extra = [f'@"{self.made.symbol}" = global [{max(self.made.slots, 1)} x i64] zeroinitializer']
        extra += (
            [f'@"{self.made.symbol}.constants" = global [{len(self.made.constants)} x ptr] [{table}]'] if table else []
        )
        declared = "\n".join(line for line in out if line.startswith("declare"))
        needed = {"@llvm.ctpop.i64": "i64 {}(i64)", "@llvm.frameaddress.p0": "ptr {}(i32)"}
        extra += [f"declare {kind.format(name)}" for name, kind in needed.items() if f"{name}(" not in declared]
        out[first:first] = extra
        pattern = re.compile(_NAME)
        self.made.text = (
            "\n".join(pattern.sub(lambda found: self.made.names.get(found[0], found[0]), line) for line in out) + "\n"
        )
        return self.made

    # --- functions

    def _function(self, lines: list[str]) -> list[str]:
        """One function; the wrappers through which Python calls are left alone."""
        found = _DEFINE.match(lines[0])
        name = found[1] if found else ""
        if re.search(r"@\"?(_ZN7cpython|cfunc|NRT_|nrt_)", name):
            return lines
        uses = _uses(lines)
        out = [lines[0]]
        block = -1
        pending = first = True  # the block's counter stands behind its phis
        for line in lines[1:]:
            if _LABEL.match(line):
                out.append(line)
                pending = True
                continue
            bare = line.strip()
            if not bare or bare.startswith(";"):
                out.append(line)
                continue
            if pending and not re.match(r"%\S+ = (phi|landingpad)\b", bare):
                block = self.slot()
                self.made.flops[block] = Flops()
                out += self._add(block, "1")
                out += self._frame() if first else []
                pending = first = False
            out += self._instruction(line, block, uses, lines)
        return out

    def _frame(self) -> list[str]:
        """Keep the range of the stack."""
        frame, address = self.fresh(), self.fresh()
        return [
            f"  {frame} = call ptr @llvm.frameaddress.p0(i32 0)",
            f"  {address} = ptrtoint ptr {frame} to i64",
            *self._range(address, address, self.made.frames),
        ]

    def _range(self, low: str, high: str, slot: int) -> list[str]:
        """Keep the lowest and the highest of some numbers in two counters."""
        v = [self.fresh() for _ in range(6)]
        return [
            f"  {v[0]} = load i64, ptr {self.place(slot)}",
            f"  {v[1]} = icmp ult i64 {low}, {v[0]}",
            f"  {v[2]} = select i1 {v[1]}, i64 {low}, i64 {v[0]}",
            f"  store i64 {v[2]}, ptr {self.place(slot)}",
            f"  {v[3]} = load i64, ptr {self.place(slot + 1)}",
            f"  {v[4]} = icmp ugt i64 {high}, {v[3]}",
            f"  {v[5]} = select i1 {v[4]}, i64 {high}, i64 {v[3]}",
            f"  store i64 {v[5]}, ptr {self.place(slot + 1)}",
        ]

    def _add(self, slot: int, value: str) -> list[str]:
        before, after = self.fresh(), self.fresh()
        place = self.place(slot)
        return [
            f"  {before} = load i64, ptr {place}",
            f"  {after} = add i64 {before}, {value}",
            f"  store i64 {after}, ptr {place}",
        ]

    def _instruction(self, line: str, block: int, uses: dict[str, list[int]], lines: list[str]) -> list[str]:
        flops = self.made.flops.get(block)
        if flops is None:  # within phis
            return [line]
        if found := _ARITHMETIC.match(line):
            lanes = _lanes(found[2])
            if found[1].startswith(("%bin.rdx", "%op.rdx")):
                flops.partial += lanes
            elif _thrown_away(found[1], uses, lines, set()):
                flops.chosen += lanes
            else:
                flops.needed += lanes
            return [line]
        if _SELECT.search(line):
            flops.selects |= bool(re.search(r", (?:<\d+ x )?(?:double|float)", line))
            return [line]
        for pattern, store in ((_LOAD, False), (_STORE, True)):
            if found := pattern.match(line):
                return [*self._access(found[1], found[2], block, store), line]
        return self._call(line, block, flops)

    def _access(self, kind: str, pointer: str, block: int, store: bool, passed: int = -1) -> list[str]:
        """Keep the range and the step of the addresses."""
        item = kind.strip("<>").split(" x ")[-1]
        if item not in ITEM or pointer.count("(") != pointer.count(")"):
            return []  # pointers and structures: no numbers of an array
        slot = self.slot(5)
        self.made.lows.append(slot)
        self.made.accesses.append(Access(store, block, ITEM[item], _lanes(kind), FLOATS.get(item, ""), slot, passed))
        return self._addresses(pointer, slot)

    def _addresses(self, pointer: str, slot: int) -> list[str]:
        last, step, same = (self.place(slot + number) for number in (2, 3, 4))
        address, before, delta, former, equal, kept, chosen = (self.fresh() for _ in range(7))
        return [
            f"  {address} = ptrtoint ptr {pointer} to i64",
            *self._range(address, address, slot),
            f"  {before} = load i64, ptr {last}",
            f"  {delta} = sub i64 {address}, {before}",
            f"  store i64 {address}, ptr {last}",
            f"  {former} = load i64, ptr {step}",
            f"  {equal} = icmp eq i64 {delta}, {former}",
            f"  store i64 {delta}, ptr {step}",
            f"  {kept} = load i64, ptr {same}",
            f"  {chosen} = select i1 {equal}, i64 {delta}, i64 {kept}",
            f"  store i64 {chosen}, ptr {same}",
        ]

    # --- calls

    def _call(self, line: str, block: int, flops: Flops) -> list[str]:
        found = _CALL.match(line)
        if not found:
            return [line]
        target = found[3].strip('@"')
        if found[3][0] != "@":
            self.made.unknown.setdefault("a compiled function by its address", block)
            return [line]
        if target.startswith("llvm."):
            return self._intrinsic(line, found[2], target, block, flops)
        if found[3] in self.defined or _FREE.match(target):
            allocated = re.search(r"alloc\w*\(i64 (?:\w+ )*?([%\w.-]+)", line)
            if "NRT_" in target and allocated and found[1]:
                return [line, *self._sum("allocated", found[1], allocated[1])]
            return [line]
        if vector := re.match(r"__svml_([a-z]+?\d*?)(f?)(\d+)(?:_\w+)?$", target):
            flops.needed += int(vector[3])
        elif target.removeprefix("numba_").removesuffix("f") in TRANSCENDENTAL or target in TRANSCENDENTAL:
            flops.needed += 1
        elif blas := re.match(r"numba_xx(gemm|gemv|dot)$", target):
            return [*self._given(line, result=True), *self._blas(line, blas[1]), line]
        else:
            self.made.unknown.setdefault(target, block)
            return [*self._given(line), line]
        return [line]

    def _given(self, line: str, *, result: bool = False) -> list[str]:
        """Keep the addresses that a function of C is given; the last one is that of the result."""
        pointers = re.findall(r"[(,] ?ptr (?:[a-z]+(?:\(\d+\))? )*?(%[^\s,()]+)", line)
        out = []
        for number, pointer in enumerate(pointers, 1):
            out += self._sum("filled" if result and number == len(pointers) else "given", pointer, "1")
        return out

    def _sum(self, kind: str, pointer: str, size: str) -> list[str]:
        """Add up bytes at an address, and keep the range of the addresses."""
        slot = self.slot(3)
        self.made.lows.append(slot + 1)
        self.made.meters.append(Meter(kind, slot))
        low, high = self.fresh(), self.fresh()
        return [
            *self._add(slot, size),
            f"  {low} = ptrtoint ptr {pointer} to i64",
            f"  {high} = add i64 {low}, {size}",
            *self._range(low, high, slot + 1),
        ]

    def _blas(self, line: str, name: str) -> list[str]:
        """Products of the sizes: m n k, m n, n; `item` is the letter of the type."""
        letter = re.search(r"\(i8 (?:\w+ )*?(\d+)", line)
        sizes = re.findall(r"i64 (?:\w+ )*?([%\w.-]+)", line)[: {"gemm": 3, "gemv": 2, "dot": 1}[name]]
        slot = self.slot(2)
        self.made.meters.append(Meter(name, slot, int(letter[1]) if letter else 100))
        if name == "dot":
            return self._add(slot, sizes[0])
        product, whole = self.fresh(), self.fresh()
        out = [f"  {product} = mul i64 {sizes[0]}, {sizes[1]}"]
        if name == "gemv":
            return [*out, *self._add(slot, product)]
        out.append(f"  {whole} = mul i64 {product}, {sizes[2]}")
        sums = [self.fresh() for _ in range(4)]
        out += [
            f"  {sums[0]} = mul i64 {sizes[0]}, {sizes[2]}",
            f"  {sums[1]} = mul i64 {sizes[1]}, {sizes[2]}",
            f"  {sums[2]} = add i64 {sums[0]}, {sums[1]}",
            f"  {sums[3]} = add i64 {sums[2]}, {product}",
        ]
        return [*out, *self._add(slot, whole), *self._add(slot + 1, sums[3])]

    def _intrinsic(self, line: str, result: str, target: str, block: int, flops: Flops) -> list[str]:
        kind = target.removeprefix("llvm.")
        if kind.startswith("masked."):
            return self._masked(line, kind, result, block)
        if kind.startswith(("memset", "memcpy", "memmove")):
            length = re.search(r", i64 ([%\w.-]+), i1", line)
            pointer = re.search(r"\(ptr (?:\w+ |\w+\(\d+\) )*?(%[^\s,()]+)", line)
            if length and pointer:
                return [*self._sum("written" if kind.startswith("memset") else "copied", pointer[1], length[1]), line]
            return [line]
        lanes = _lanes(next(iter(re.findall(_TYPE, result.split(")")[-1])[-1:]), "i64")) if result.strip() else 1
        name = kind.split(".")[0]
        if name in ("fma", "fmuladd"):
            flops.needed += 2 * lanes
        elif name in TRANSCENDENTAL:
            flops.needed += lanes
        elif kind.startswith("vector.reduce.f") and "max" not in kind and "min" not in kind:
            vector = re.search(r"<(\d+) x \w+>", line)
            flops.partial += int(vector[1]) if vector else 1
        return [line]

    def _masked(self, line: str, kind: str, result: str, block: int) -> list[str]:
        """The elements that the mask lets through, and the addresses."""
        store = kind.startswith(("masked.store", "masked.scatter"))
        scattered = kind.startswith(("masked.gather", "masked.scatter"))
        inside = line[line.index("(") + 1 :]
        types = re.findall(r"<(\d+) x (\w+)>", result + inside)
        lanes, item = next(((int(count), name) for count, name in types if name in ITEM and name != "i1"), (1, ""))
        masks = _MASK.findall(inside)
        pointer = re.search(r"(?<!x )ptr (?:\w+ )*?(?:align \d+ )?(%[^\s,()]+)", inside)
        if not masks or not item:
            return [line]
        mask, slot = masks[-1][1].strip(), self.slot()
        out: list[str] = []
        if "true" in mask and "false" not in mask:
            out += self._add(slot, str(lanes))
        else:
            bits, wide, ones = self.fresh(), self.fresh(), self.fresh()
            out += [
                f"  {bits} = bitcast <{lanes} x i1> {mask} to i{lanes}",
                f"  {wide} = zext i{lanes} {bits} to i64" if lanes < 64 else f"  {wide} = add i64 {bits}, 0",
                f"  {ones} = call i64 @llvm.ctpop.i64(i64 {wide})",
                *self._add(slot, ones),
            ]
        if scattered:
            vector = re.search(r"<\d+ x ptr> (?:align \d+ )?(%[^\s,()]+)", inside)
            if not vector:
                return [*out, line]
            pointer_name = self.fresh()
            out.append(f"  {pointer_name} = extractelement <{lanes} x ptr> {vector[1]}, i64 0")
        elif pointer:
            pointer_name = pointer[1]
        else:
            return [*out, line]
        out += self._access(f"<{lanes} x {item}>", pointer_name, block, store, slot)
        self.made.accesses[-1].scattered = scattered
        return [*out, line]


def _lanes(kind: str) -> int:
    found = re.match(r"<(\d+) x", kind)
    return int(found[1]) if found else 1


def _uses(lines: list[str]) -> dict[str, list[int]]:
    """The lines of a function that name each value."""
    found: dict[str, list[int]] = {}
    for number, line in enumerate(lines):
        for name in _values(line):
            found.setdefault(name, []).append(number)
    return found


def _values(line: str) -> Iterator[str]:
    return (found[0] for found in re.finditer(r'%(?:"[^"]+"|[-\w$.]+)', line))


def _thrown_away(name: str, uses: dict[str, list[int]], lines: list[str], seen: set[str]) -> bool:
    """Whether all that uses a value is a choice or a masked store, perhaps by way of more arithmetic."""
    if name in seen:
        return True
    seen.add(name)
    users = [lines[number] for number in uses.get(name, ()) if not lines[number].lstrip().startswith(f"{name} =")]
    if not users:
        return False
    for line in users:
        if _SELECT.search(line) or "@llvm.masked.store" in line:
            continue
        found = _ARITHMETIC.match(line)
        if not found or not _thrown_away(found[1], uses, lines, seen):
            return False
    return True
