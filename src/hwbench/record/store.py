"""Run files: one JSON file per run, written atomically after every contrast, validated when read.

Schema history
--------------
1   2026-11: first. Later files have `benches`, and records as they were measured, without conclusions.
2   2026-11: `reasons`, codes with details, instead of `reason`, a sentence. `schema1` reads the older files.

A field added later is optional and has a default: it does not raise the schema, since older files read without it, and
an older hwbench ignores it.
"""

from __future__ import annotations

import codecs
import contextlib
import datetime
import itertools
import math
import re
import secrets
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from ..errors import StoreError
from . import files, foreign, schema1, text
from .claim import Claim, alive
from .identity import Identity, differences, hardware
from .measures import DECLARED
from .microarchitectures import akin
from .model import COUNTS, BenchInfo, CaseKey, Machine, Record, Run, as_measured, key

SCHEMA = 2
LARGEST = 64 * 2**20  # bytes; a full run of every bench is about 5 MB
MOST_SAMPLES = 10_000  # of a record; the full preset takes 300; bootstrapping a million would need 16 GB
SHORTEST, LONGEST = 1e-12, 1e9  # seconds of a sample: below a clock's cycle, above any run; beyond, rates overflow
LEAST_WORK, MOST_WORK = 1e-9, 1e30  # of a count that is not 0; benches count from 1 to about 1e12
OTHER_TEXT = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, b"{\0", b"\0{")  # how JSON begins if no UTF-8
TOO_LONG, ZEROS = b"0" * 309, bytes.maketrans(b"123456789", b"0" * 9)  # digits: of no float, and as they are looked for
LOOKED_AT = 32  # comparisons with native tools that are read for one of this hardware
ROOM = 16 * 2**20  # bytes that must be free before a run starts
LARGEST_READING = 1e30  # of a reading of telemetry; means of larger ones overflow
MOST_RECORDS = 12_000  # the full preset has about 10,000; a page of them takes ten seconds
MOST_REASONS = 100  # of a record
MOST_DETAIL = 2000  # characters; hwbench writes 500 at most
CODE = re.compile("[a-z][a-z0-9_]{0,39}")  # of a reason; a newer hwbench may have more codes than this one knows
LONGEST_WORDS, MOST_WORDS = 1000, 500  # characters of a name or a question; names that a bench declares
LIMIT = re.compile("[a-z][a-z -]{0,30}")  # the kind of a limit: it is looked up, and must not be a format string


class _Header(msgspec.Struct):
    schema: int


# --- writing ----------------------------------------------------------------------------------------------------------


def new_id(machine: str, ticket: str = "") -> str:
    """`<machine>-<UTC time>-<hex>`; the hex tells apart runs of the same second, and is the ticket of a launch."""
    now = datetime.datetime.now(datetime.UTC)
    return f"{machine}-{now:%Y%m%dT%H%M%SZ}-{ticket or secrets.token_hex(6)}"


def now() -> str:
    """The time as run files hold it: ISO 8601, UTC, whole seconds."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def path_of(run: Run, out: Path, kind: str = "runs") -> Path:
    """Where a run is kept below `out`. Only for runs measured here: a name read from a file is never used as a path."""
    return out / kind / run.machine.name / f"{run.id}.json"


def prepare(directory: Path) -> None:
    """Create a directory and test that it is writable; StoreError before anything is measured."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory) as probe:
            probe.write(b"\0" * 4096)
            probe.flush()
        free = shutil.disk_usage(directory).free
    except OSError as error:
        raise StoreError(
            f"{directory}: cannot be written to ({files.why(error)}); name another directory with --out"
        ) from None
    if free < ROOM:
        raise StoreError(f"{directory}: only {free // 2**20} MiB free of the {ROOM // 2**20} a run may need; "
                         "free some, or name another directory with --out")  # fmt: skip


def encode(run: Run) -> bytes:
    """The run as indented strict JSON."""
    return msgspec.json.format(_encoded(run), indent=1) + b"\n"


def _encoded(run: Run) -> bytes:
    """Conclusions are not stored: whoever reads the file draws them from its limits.

    An older file's are kept for benches that it does not describe: they may not be known to the reader.
    """
    records = [as_measured(one) if one.bench in run.benches else one for one in run.records]
    return msgspec.json.encode(msgspec.structs.replace(run, records=records))


def write(run: Run, path: Path) -> None:
    """Replace `path` by this state of the run, atomically; StoreError where that fails."""
    write_bytes(_encoded(run) + b"\n", path)


class Rewriter:
    """Writes a growing run again and again: a record that was encoded once is not encoded anew."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Record, bool, bytes]] = {}  # the record is kept, so that its id is not given anew

    def write(self, run: Run, path: Path) -> None:
        """What `write` does."""
        known = {id(one): self._encoded(one, described=one.bench in run.benches) for one in run.records}
        self._known = known
        head = msgspec.json.encode(msgspec.structs.replace(run, records=[]))
        write_bytes(head.removesuffix(b"]}") + b",".join(data for _, _, data in known.values()) + b"]}\n", path)

    def _encoded(self, record: Record, *, described: bool) -> tuple[Record, bool, bytes]:
        before = self._known.get(id(record))
        if before is not None and before[1] == described:
            return before
        return record, described, msgspec.json.encode(as_measured(record) if described else record)


def write_bytes(data: bytes, path: Path) -> None:
    """Write a file as `files.write` does; StoreError where that fails."""
    try:
        files.write(data, path)
    except OSError as error:
        raise StoreError(
            f"{path}: cannot be written ({files.why(error)}); free some space or name another place"
        ) from None


# --- reading ----------------------------------------------------------------------------------------------------------


def read(path: Path) -> Run:
    """The run in a file; StoreError names the file, the field and the remedy."""
    return decode(foreign.read_bytes(path, LARGEST, "a run file", "name a file that hwbench wrote"), str(path))


def decode(data: bytes, name: str, kind: type[Run] = Run) -> Run:
    """The run in JSON text; messages call it `name`. A `kind` that leaves fields out does not check them either."""
    schema = SCHEMA
    try:
        header = msgspec.json.decode(data, type=_Header)
        if header.schema > SCHEMA:
            raise StoreError(
                f"{name}: schema {header.schema} is newer than {SCHEMA}, the newest this hwbench reads; upgrade hwbench"
            )
        if header.schema < 1:
            raise StoreError(
                f"{name}: schema {header.schema} does not exist (1 to {SCHEMA} do); name a file that hwbench wrote"
            )
        schema = header.schema
        run = msgspec.json.decode(data, type=kind)
        if schema == 1:
            run = schema1.upgraded(run, data)
    except msgspec.ValidationError as error:
        raise StoreError(f"{name}: is no run file of schema {schema} ({text.brief(error)})") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        if data.startswith(OTHER_TEXT):
            raise StoreError(
                f"{name}: is no JSON in UTF-8: it has a byte-order mark, or is UTF-16; save it as UTF-8 without a mark"
            ) from None
        if data.lstrip().startswith(b"{") and (byte := _other_text(data)) is not None:
            raise StoreError(f"{name}: is no UTF-8 text (byte {byte}); save it as UTF-8") from None
        raise StoreError(
            f"{name}: is no JSON, or was cut off ({text.brief(error)}); measure again or restore the file"
        ) from None
    except RecursionError:
        raise StoreError(f"{name}: is nested too deeply to be a run file") from None
    except MemoryError:
        raise StoreError(f"{name}: does not fit in memory") from None
    _validate(run, name)
    if TOO_LONG in data.translate(ZEROS):
        raise StoreError(
            f"{name}: holds a number of {len(TOO_LONG)} digits or more, and no float is as large; restore the file"
        )
    return run


def _other_text(data: bytes) -> int | None:
    """The first byte that UTF-8 does not have there; None where all is UTF-8, or was cut off within a character."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(data)
    except UnicodeDecodeError as error:
        return error.start
    return None


def _validate(run: Run, name: str) -> None:
    """Check what types do not: samples and counts that can be reckoned with, known counts, plausible policy."""
    if len(run.records) > MOST_RECORDS:
        raise StoreError(f"{name}: {len(run.records)} records are more than the {MOST_RECORDS} a run may have")
    _validate_machine(run, name)
    first: dict[CaseKey, int] = {}
    for index, record in enumerate(run.records):
        where = f"{name}: records[{index}]"
        if (before := first.setdefault(key(record), index)) != index:
            raise StoreError(f"{where}: is of the same case as records[{before}]; remove one of them, or measure again")
        if len(record.samples) > MOST_SAMPLES:
            raise StoreError(
                f"{where}.samples: {len(record.samples)} are more than the {MOST_SAMPLES} a record may have"
            )
        samples = [] if _within(record.samples, SHORTEST, LONGEST) else record.samples
        for position, sample in enumerate(samples):
            if not SHORTEST <= sample <= LONGEST:  # so is NaN refused
                raise StoreError(
                    f"{where}.samples[{position}]: {sample} is no time in seconds "
                    f"from {SHORTEST:.0e} to {LONGEST:.0e}; measure again"
                )
        for count, amount in record.counts.items():
            if count not in COUNTS:
                raise StoreError(f"{where}.counts: '{count[:40]}' is none of {', '.join(COUNTS)}")
            if amount != 0 and not LEAST_WORK <= amount < MOST_WORK:
                raise StoreError(
                    f"{where}.counts.{count}: {amount} is no amount of work: 0, or "
                    f"from {LEAST_WORK:.0e} to {MOST_WORK:.0e}; measure again"
                )
        if record.samples and record.status not in ("ok", "suspect"):
            raise StoreError(f"{where}: is '{record.status}' and has samples, which no such record may")
        for fact in ("footprint", "threads"):
            stated = record.facts.get(fact, 1)
            if not (isinstance(stated, int) and abs(stated) < 2**63):
                raise StoreError(f"{where}.facts.{fact}: is no whole number")
        _validate_reasons(record, where)
        _validate_telemetry(record, where)
    for label, size in run.policy.sizes.items():
        if size <= 0:
            raise StoreError(f"{name}: policy.sizes.{label[:40]}: {size} is no size")
    for bench, info in run.benches.items():
        check_declared(info, f"{name}: benches.{bench[:40]}")
    policy = run.policy
    negative = min(policy.seed, policy.warmup_s, policy.case_s, policy.precision) < 0
    if negative or min(policy.min_sample_s, policy.rounds, policy.max_rounds) <= 0:
        raise StoreError(f"{name}: policy: a negative number, or no rounds; nothing can have been measured so")


def _validate_machine(run: Run, name: str) -> None:
    machine, cpu = run.machine, run.machine.cpu
    numbers = {
        "machine.memory.total": machine.memory.total,
        **{f"machine.cpu.{field}": getattr(cpu, field) for field in ("logical", "physical", "smt")},
        **{f"machine.gpus[{i}].memory": gpu.memory or 0 for i, gpu in enumerate(machine.gpus)},
        **{f"machine.opencl[{i}].memory": one.memory or 0 for i, one in enumerate(machine.opencl)},
    }
    for i, cache in enumerate(cpu.caches):
        for field in ("level", "bytes", "line", "shared_by"):
            numbers[f"machine.cpu.caches[{i}].{field}"] = getattr(cache, field)
    for field, number in numbers.items():
        if not 0 <= number < 2**63:
            raise StoreError(f"{name}: {field}: is no number of bytes, CPUs or a level")
    named = [*machine.settings.items(), *(run.variables or {}).items()]
    texts = (machine.os, machine.virtual or "", cpu.model, cpu.microcode or "", *machine.topology)
    words = [*texts, *cpu.isa, *itertools.chain.from_iterable(named)]
    if any(len(word) > LONGEST_WORDS for word in words) or len(words) > MOST_WORDS:
        raise StoreError(
            f"{name}: machine (texts, isa, settings, topology), variables: more than {MOST_WORDS} names, or one of "
            f"more than {LONGEST_WORDS} characters"
        )


def _validate_reasons(record: Record, where: str) -> None:
    if len(record.reasons) > MOST_REASONS:
        raise StoreError(f"{where}.reasons: {len(record.reasons)} are more than the {MOST_REASONS} a record may have")
    for position, reason in enumerate(record.reasons):
        if not CODE.fullmatch(reason.code):
            raise StoreError(f"{where}.reasons[{position}].code: is no code such as steal")
        if len(reason.detail) > MOST_DETAIL:
            raise StoreError(f"{where}.reasons[{position}].detail: has more than {MOST_DETAIL} characters")


def check_declared(info: BenchInfo, where: str) -> None:
    """StoreError, which names the place, where a file with this description of a bench would be refused."""
    if info.limit is not None and not LIMIT.fullmatch(info.limit):
        raise StoreError(f"{where}.limit: is no kind of limit such as load")
    if info.measures and not DECLARED.fullmatch(info.measures):
        raise StoreError(f"{where}.measures: is nothing that a bench measures, such as load")
    if info.leading and info.leading not in COUNTS:
        raise StoreError(f"{where}.leading: '{info.leading[:40]}' is none of {', '.join(COUNTS)}")
    named = [*info.where, *map(str, info.where.values())]
    told = [word for one in info.answers for word in (one.fact, one.name, one.unit)]
    words = [info.question, info.baseline, *info.variants, *named, *info.axes, *info.axes.values(), *told]
    if any(len(word) > LONGEST_WORDS for word in words) or len(words) > MOST_WORDS:
        raise StoreError(f"{where}: more than {MOST_WORDS} names, or one of more than {LONGEST_WORDS} characters")


def _within(values: Sequence[float], least: float, most: float) -> bool:
    """Whether all are in this range, and none is NaN, whose place in a list decides what `min` and `max` make of it."""
    return not values or (least <= min(values) and max(values) <= most and not math.isnan(math.fsum(values)))


def _validate_telemetry(record: Record, where: str) -> None:
    for gauge, readings in record.telemetry.items():
        if (
            not isinstance(readings, list)
            or not set(map(type, readings)) <= {int, float}
            or not _within(readings, -LARGEST_READING, LARGEST_READING)
        ):
            raise StoreError(
                f"{where}.telemetry.{gauge[:40]}: is no list of numbers of at most {LARGEST_READING:.0e}; measure again"
            )


def find(out: Path, machine: str | None = None) -> list[Path]:
    """The run files below `out`, oldest first; of one machine, under its name and those akin, where it is named."""
    return _sorted((out / "runs").glob("*/*.json")) if machine is None else find_akin(out, machine)


def find_akin(out: Path, machine: str, kind: str = "runs") -> list[Path]:
    """The files of a machine under its name and those akin to it, oldest first: the hardware in each decides."""
    folders = (path for path in (out / kind).glob("*") if akin(path.name, machine))
    return _sorted(path for folder in folders for path in folder.glob("*.json"))


def _sorted(paths: Iterable[Path]) -> list[Path]:
    return sorted((path for path in paths if not path.name.startswith(".")), key=lambda path: (_stamp(path), path.name))


def newest(out: Path, machine: str | None = None) -> Path:
    """The newest run file below `out`; StoreError where there is none.

    Of a machine that is named: of the hardware that the name itself has last been used for, where it has been.
    """
    paths = find(out, machine)
    if not paths:
        raise StoreError(f"{out / 'runs'}: holds no run yet; `hwbench run` makes one")
    named = [path for path in paths if path.parent.name == machine]
    later = paths[paths.index(named[-1]) + 1 :] if named else []
    if later:
        with contextlib.suppress(StoreError):
            here = hardware(read(named[-1]).machine)
            return next((path for path in reversed(later) if _is_of(path, here)), named[-1])
    return paths[-1]


def _is_of(path: Path, here: Identity) -> bool:
    """Whether a readable run file is of this hardware."""
    try:
        return not differences(hardware(read(path).machine), here)
    except StoreError:
        return False


def verified(out: Path, machine: Machine) -> list[Run]:
    """The newest readable comparison with native tools on this hardware, as a list of at most one.

    Without one, the comparison on the likest machine of this name with this CPU; the page names the differences.
    """
    here = hardware(machine)
    like: list[tuple[int, Run]] = []
    for path in reversed(_sorted((out / "verify").glob("*/*.json"))[-LOOKED_AT:]):
        try:
            run = read(path)
        except StoreError:
            continue
        apart = differences(hardware(run.machine), here)
        if not apart:
            return [run]
        if akin(run.machine.name, machine.name) and run.machine.cpu.model == machine.cpu.model:
            like.append((len(apart), run))
    return [min(like, key=lambda one: one[0])[1]] if like else []


def unfinished(out: Path, machine: Machine, claim: Claim | None = None) -> tuple[Path, Run]:
    """The newest interrupted run of this machine that no process is still measuring; StoreError where there is none.

    `claim` holds its lock then. A run on other hardware or another affinity mask cannot be resumed.
    """
    claim, here, why = claim or Claim(), hardware(machine), ""
    for path in reversed(find_akin(out, machine.name)):
        try:
            run = read(path)
            if run.finished is not None or _measured(run, path, claim):
                continue
            run = read(path)  # again: who held the lock until now may have finished it
        except StoreError:
            continue
        if run.finished is None:
            apart = differences(hardware(run.machine), here, ("that machine", "this one"))
            if not apart and run.machine.cpu.allowed != machine.cpu.allowed:
                apart = [f"allowed CPUs {run.machine.cpu.allowed} against {machine.cpu.allowed}"]
            if not apart:
                return path, run
            why = why or f"what was cut off there was measured on another machine ({'; '.join(apart)})"
    raise StoreError(f"{out / 'runs' / machine.name}: {why or 'no run there was cut off'}; leave --resume away")


def _measured(run: Run, path: Path, claim: Claim) -> bool:
    """Whether a process is measuring a run; runs of earlier versions were not locked, and name their process."""
    return not claim.take(path) or (not (claim.held and run.hwbench.get("locked")) and alive(run.hwbench))


def _stamp(path: Path) -> str:
    """The UTC time in a run's id, by which runs sort; the file's modification time where the id has none."""
    parts = path.stem.rsplit("-", 2)
    if len(parts) == 3 and parts[1].endswith("Z"):
        return parts[1]
    with contextlib.suppress(OSError):
        return f"{datetime.datetime.fromtimestamp(path.stat().st_mtime, datetime.UTC):%Y%m%dT%H%M%SZ}"
    return ""
