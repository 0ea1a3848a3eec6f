"""The two sides of `hwbench ab`: a Python as it is, or a commit built into an environment of its own."""

from __future__ import annotations

import dataclasses
import os
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import UsageError
from ..tracking.history import TrackingError
from ..version import DISTRIBUTION, FORMER, __version__
from . import snapshot
from .building import ALONE, Recipe, built, folder_of, interpreter, last_line, packages, ran, unpacked

SOURCE = Path(__file__).resolve().parents[2]  # what holds the package hwbench
PROBE_S = 120.0
ABSOLUTE = re.compile(r"(?:^|[\s='\":,;])(/[^\s'\":,;=]+)")  # a path inside of a word, as in --rootdir=/x


@dataclass(frozen=True)
class Contender:
    """One side: the interpreter that measures, its environment variables, and where its command runs.

    `commit` is its hash, "" of an environment; `packages` are the versions there.
    """

    name: str
    python: str
    variables: Mapping[str, str] = field(default_factory=dict)
    folder: Path = field(default_factory=Path.cwd)
    commit: str = ""
    packages: Mapping[str, str] = field(default_factory=dict)

    @property
    def binaries(self) -> Path:
        """Where its programs are."""
        return Path(self.python).parent

    @property
    def identity(self) -> str:
        """What it is measured as: the commit, or the path of its Python."""
        return self.commit or self.python


def contenders(
    specs: Sequence[str], recipe: Recipe, scratch: Path, say: Callable[[str], None], *, own: bool = False,
    words: Sequence[str] = (), named: bool = True,
) -> list[Contender]:  # fmt: skip
    """The sides that `specs` name: paths of a Python or its environment, else commits of the current repository.

    A commit is cloned and built, once for all specs that name it, and kept; its command runs in the clone, in the
    folder where the user stands in the repository. An environment's command runs where the user stands. With `own`
    benches of hwbench are measured: commits must be of hwbench, an environment without hwbench gets this one's
    sources, and commands run in `scratch`. UsageError where `words` of a command name a file of the working tree, which
    both sides would run, and where both are one commit, unless the user `named` both.
    """
    scratch.mkdir(parents=True, exist_ok=True)
    pythons = {spec: python for spec in specs if (python := _python(spec)) is not None}
    commits = {spec: snapshot.commit(spec) for spec in specs if spec not in pythons}
    if commits:
        _check_words(words)
    if len({*commits.values()}) == 1 and not pythons and not named:
        raise UsageError(
            f"both sides are commit {commits[specs[0]][:8]}, as no tracked file has changed; did you mean --base "
            "HEAD~1? To measure the noise, name both: --base HEAD --new HEAD"
        )
    if snapshot.HERE in commits and (lacking := snapshot.untracked()):
        say(f"the working tree is measured {lacking}")
    # Check all names before building any: an error in the second must not cost the build of the first.
    sources = {commit: unpacked(commit, recipe, say) for commit in dict.fromkeys(commits.values())}
    if own:
        for spec, commit in commits.items():
            _check(spec, sources[commit], recipe.build)
    found = {spec: _environment(spec, python, scratch, own=own) for spec, python in pythons.items()}
    made: dict[str, Contender] = {}
    for spec, commit in commits.items():
        name = f"{'working tree' if spec == snapshot.HERE else spec} ({commit[:8]})"
        if commit not in made:
            made[commit] = _of_commit(name, commit, recipe, say, own=own)
        found[spec] = dataclasses.replace(made[commit], name=name, folder=scratch if own else made[commit].folder)
    return [found[spec] for spec in specs]


# --- a Python ---------------------------------------------------------------------------------------------------------


def _python(spec: str) -> Path | None:
    """The interpreter at a path; None without one."""
    path = Path(spec)
    try:
        if path.is_dir():
            return interpreter(path)
        return path if path.is_file() and os.access(path, os.X_OK) else None
    except OSError:  # a name too long
        return None


def _environment(spec: str, python: Path, scratch: Path, *, own: bool) -> Contender:
    # Do not resolve the link: a virtual environment is found by the path of its python.
    where = str(python.absolute())
    if not own:
        return Contender(spec, where, packages=packages(where, scratch))
    variables: dict[str, str] = {}
    if ran([where, "-c", "import hwbench"], scratch, PROBE_S, {}).returncode:
        variables = {"PYTHONPATH": _first(str(SOURCE), _lent(scratch, DISTRIBUTION, __version__))}
        probe = ran([where, "-c", "import hwbench.measurement.session"], scratch, PROBE_S, variables)
        if probe.returncode:
            raise TrackingError(
                f"{spec}: cannot run hwbench ({last_line(probe.stderr)}); {where} -m pip install {ours()}"
            )
    return Contender(spec, where, variables, scratch, packages=packages(where, scratch, variables))


def ours() -> str:
    """What pip installs this hwbench from."""
    checkout = SOURCE.parent
    return str(checkout) if (checkout / "pyproject.toml").is_file() else f"{DISTRIBUTION}=={__version__}"


def _lent(scratch: Path, name: str, version: str) -> str:
    """A folder for sys.path where importlib.metadata finds this version of hwbench under this name."""
    lent = scratch / "lent"
    facts = lent / f"{name.replace('-', '_')}-{version}.dist-info"
    facts.mkdir(parents=True, exist_ok=True)
    (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    return str(lent)


def _first(*paths: str) -> str:
    return os.pathsep.join(filter(None, [*paths, os.environ.get("PYTHONPATH", "")]))


def _check_words(words: Sequence[str]) -> None:
    """Refuse paths of tracked files: the command runs in each side's clone, and these are in the working tree."""
    root = snapshot.top().resolve()
    for path in (found for word in words for found in (word, *ABSOLUTE.findall(word)) if os.path.isabs(found)):  # noqa: PTH117
        real = os.path.realpath(path)
        if real == str(root) or (real.startswith(f"{root}{os.sep}") and snapshot.git("ls-files", "--", real)):
            raise UsageError(
                f"{path}: is in the working tree, so that both sides would run the same file; write "
                f"{os.path.relpath(real)}, which each side has of its own"
            )


# --- a commit ---------------------------------------------------------------------------------------------------------


def _of_commit(name: str, commit: str, recipe: Recipe, say: Callable[[str], None], *, own: bool) -> Contender:
    source = folder_of(commit, recipe) / "source"
    prefix = "" if own else snapshot.git("rev-parse", "--show-prefix")
    here = source / prefix
    if not here.is_dir():
        raise TrackingError(
            f"{name}: has no folder {prefix}, where you stand; start hwbench ab at the repository's root"
        )
    project = next((one for one in (here, source) if (one / "pyproject.toml").is_file()), source)
    environment = built(name, commit, recipe, project, say)
    variables = {**ALONE, "NUMBA_CACHE_DIR": str(environment.kernels)}
    if not environment.ours:
        variables["PYTHONPATH"] = _first(*_sources(source, project, own))
    return Contender(name, environment.python, variables, here, commit, environment.packages)


def _sources(source: Path, project: Path, own: bool) -> list[str]:
    """Where Python finds a commit that is not built."""
    paths = [str(one) for one in (project / "src", project) if one.is_dir()]
    if own and _name_or_none(source) == FORMER:
        # A commit from before the renaming looks up its version by the former name.
        paths.append(_lent(source.parent, FORMER, __version__))
    return paths


def _check(spec: str, source: Path, build: bool) -> None:
    """Refuse a commit of any other project before building it."""
    trouble = ""
    if build:
        try:
            name = _name(source)
            trouble = "" if name in (DISTRIBUTION, FORMER) else f"its pyproject.toml says {name}"
        except OSError:
            trouble = "it has no pyproject.toml"
        except ValueError as error:
            trouble = f"its pyproject.toml cannot be read ({error})"
    elif not (source / "src" / "hwbench" / "__main__.py").is_file():
        trouble = "it has no src/hwbench"
    if trouble:
        raise TrackingError(
            f"{spec}: is a commit, but none of hwbench: {trouble}; for a suite of your own: hwbench ab --base {spec} "
            "--new … -- COMMAND"
        )


def _name(source: Path) -> str:
    """The name of the distribution by its pyproject.toml; OSError and ValueError where that cannot be read."""
    project = tomllib.loads((source / "pyproject.toml").read_text(encoding="utf-8")).get("project")
    name = str(project.get("name", "no name")) if isinstance(project, dict) else "no name"
    return name.lower().replace("_", "-")


def _name_or_none(source: Path) -> str | None:
    try:
        return _name(source)
    except (OSError, ValueError):
        return None
