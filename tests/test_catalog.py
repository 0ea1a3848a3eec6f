"""Finding benches, selecting them by glob, and what is said of names that do not exist."""

import sys

import pytest

from doubles.scripted import record, run_of, scripted_bench
from hwbench import catalog
from hwbench.analysis.plausibility import concluded
from hwbench.catalog import select
from hwbench.errors import UsageError
from hwbench.record.model import BenchInfo


@pytest.mark.parametrize(
    ("patterns", "names"),
    [
        ((), ["access.steps", "access.share", "sweep.sizes"]),
        (("access",), ["access.steps", "access.share"]),
        (("*.s*",), ["access.steps", "access.share", "sweep.sizes"]),
        (("sweep.*", "access.share"), ["access.share", "sweep.sizes"]),
        (("access.steps", "access"), ["access.steps", "access.share"]),
        (("access.st[a-f]ps",), ["access.steps"]),
    ],
)
def test_globs_and_bare_topics_select(benches, patterns, names):
    """Nothing selects all; a topic its benches; several patterns their union, in the benches' own order, none twice."""
    assert [bench.name for bench in select(patterns)] == names


def test_readers_load_the_benches_by_their_first_look(benches, monkeypatch):
    """A mapping like any other; to hand it on loads nothing."""
    assert (list(catalog.LAZY), len(catalog.LAZY)) == (list(benches), len(benches))
    assert catalog.LAZY["access.steps"] is benches["access.steps"]
    assert "no.bench" not in catalog.LAZY
    monkeypatch.setattr(catalog, "benches", lambda: pytest.fail("the benches were loaded"))
    described = {"a.b": BenchInfo("How fast?", "x", variants=["x"])}
    assert concluded(run_of(record(bench="a.b"), benches=described), catalog.LAZY).benches == described


def test_quick_takes_the_core_unless_asked(benches, monkeypatch):
    """A bench outside the core is left out of the quick set, and of nothing else; by name it is taken there too."""
    monkeypatch.setattr(benches["access.share"], "core", False)
    assert [bench.name for bench in select((), "quick")] == ["access.steps", "sweep.sizes"]
    assert len(select((), "standard")) == len(select((), "full")) == 3
    assert [bench.name for bench in select(("access.share",), "quick")] == ["access.share"]


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("acces", "no bench matches 'acces'; did you mean access"),
        ("access.step", "did you mean access.steps"),
        ("zzzz", "no bench matches 'zzzz'; known: access, sweep"),
        ("", "no bench matches ''"),
    ],
)
def test_an_unknown_bench_is_told_with_the_nearest(benches, pattern, message):
    """The nearest names, or all topics where none is near, in one line."""
    with pytest.raises(UsageError) as error:
        select([pattern])
    assert message in str(error.value)
    assert "known" not in message or str(error.value).endswith(message)
    assert "\n" not in str(error.value)


def test_a_bench_is_found_in_the_file_of_its_question_or_topic():
    """`topic.question` is in `topic/question.py`, or with others in `topic/topic.py`, and nowhere else."""
    assert catalog.homes("stream.load") == (
        "hwbench.benches.stream.load", "hwbench.benches.stream.stream"
    )  # fmt: skip
    for name, bench in catalog.benches().items():
        homes = [vars(sys.modules[home]) for home in catalog.homes(name) if home in sys.modules]
        assert any(bench is value for home in homes for value in home.values()), name


def test_the_nearest_names_or_all_are_told():
    """Up to three that are close; else every known name."""
    assert catalog.nearest("lod", ["load", "store"]) == "; did you mean load?"
    assert catalog.nearest("xyz", ["load", "store"], label="there is") == "; there is: load, store"


def test_the_known_topics_are_sorted():
    """In one order each time, whatever order a set of them has."""
    topics = sorted({name.partition(".")[0] for name in catalog.benches()})
    with pytest.raises(UsageError) as error:
        select(["zzzzzz"])
    assert str(error.value) == f"no bench matches 'zzzzzz'; known: {', '.join(topics)}"


def test_the_real_benches_are_found_and_named():
    """Every bench asks a question, has its baseline among its variants, and a name `topic.question`."""
    known = catalog.benches()
    assert known
    for name, bench in known.items():
        assert name == bench.name
        assert bench.question.endswith("?")
        assert bench.baseline in bench.variants
        assert name.count(".") == 1
        assert {"reference", "counts"} <= set(bench.hooks)
        assert bench.doc


def test_every_bench_is_where_its_name_says():
    """Bench `topic.question` is in benches/topic/question.py, or in benches/topic/topic.py with others of its kind."""
    for name, bench in catalog.benches().items():
        module = bench.hooks["counts"].__module__
        assert module in catalog.homes(name), f"{name} is in {module}"
        assert {variant.build.__module__.rpartition(".")[0] for variant in bench.variants.values()} == {
            module.rpartition(".")[0]
        }


def test_a_bench_in_another_file_is_not_found(monkeypatch):
    """What a module imports or misplaces is no bench of its own: each is found once, at home."""
    catalog.benches.cache_clear()
    stray = scripted_bench({"a": 1.0}, name="access.stray")
    monkeypatch.setattr("hwbench.benches.access.stride.stray", stray, raising=False)
    try:
        assert "access.stray" not in catalog.benches()
    finally:
        catalog.benches.cache_clear()


def test_homes_are_the_question_s_file_and_the_topic_s():
    """The two modules that may hold a bench."""
    assert catalog.homes("stream.load") == ("hwbench.benches.stream.load", "hwbench.benches.stream.stream")


def own_file(folder, stem, *names):
    """A file of benches of these names."""
    text = "from hwbench import Bench, Work\n"
    for number, name in enumerate(names):
        text += (
            f"b{number} = Bench('{name}', question='Which?', axes={{}}, baseline='a')\n"
            f"b{number}.reference(lambda: 3)\nb{number}.variant('a')(lambda: Work(lambda: 3))\n"
        )
    path = folder / f"{stem}.py"
    path.write_text(text)
    return str(path)


def test_files_are_selected_beside_benches(benches, tmp_path, monkeypatch, caplog):
    """All of a file's benches, or those that a glob behind it matches; without a file none of them is in any set."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    path = own_file(tmp_path, "catalog_own", "mine.one", "mine.two")
    assert [bench.name for bench in select([path, "sweep"])] == ["sweep.sizes", "mine.one", "mine.two"]
    assert [bench.name for bench in select([f"{path}::*.two"])] == ["mine.two"]
    assert [bench.name for bench in catalog.own()] == ["mine.one", "mine.two"]
    assert [bench.name for bench in select()] == ["access.steps", "access.share", "sweep.sizes"]
    assert catalog.named(["mine.two"]) == ["mine.two"]
    assert not caplog.records


def test_a_name_that_is_taken_is_left_out_by_one_line(benches, tmp_path, monkeypatch, caplog):
    """Whose name it is, hwbench's or another file's, and the rest goes on; refused where nothing is left."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    one = own_file(tmp_path, "catalog_a", "access.steps", "mine.one")
    two = own_file(tmp_path, "catalog_b", "mine.one")
    assert catalog.named([one, two, "sweep"]) == ["mine.one", "sweep"]
    assert [record.getMessage() for record in caplog.records] == [
        f"warning: {one}: its access.steps is left out: hwbench has a bench of this name; rename one",
        f"warning: {two}: its mine.one is left out: {one} has a bench of this name; rename one",
    ]
    with pytest.raises(UsageError, match=r"catalog_b\.py: its mine\.one is left out"):
        catalog.named([two])
    with pytest.raises(UsageError, match=r"none there\.py: there is no such file or directory of benches"):
        catalog.named(["none there.py"])


def test_a_package_s_benches_are_named_by_its_entry_point(benches, monkeypatch):
    """All of them by the name alone, each by its own; a topic of hwbench's is looked for in no package."""
    from hwbench import own

    asked = []
    made = [scripted_bench({"a": 1.0}, name) for name in ("pack.x", "other.y")]

    def of_package(name):
        asked.append(name)
        return own.Loaded([(bench, "pack") for bench in made]) if name == "pack" else None

    monkeypatch.setattr(own, "of_package", of_package)
    assert catalog.named(["stream.load", "*.load"]) == ["stream.load", "*.load"]
    assert not asked
    assert catalog.named(["pack.x"]) == ["pack.x"]
    assert catalog.named(["pack"]) == ["pack.x", "other.y"]
    assert catalog.named(["unknown"]) == ["unknown"]
    assert asked == ["pack", "unknown"]


def test_a_file_that_fails_is_imported_once_and_said_once(benches, tmp_path, monkeypatch, caplog):
    """Beside others it is a warning, and alone the refusal, each time with the same words."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    path = tmp_path / "catalog_bad.py"
    path.write_text("import sys; sys.catalog_bad = getattr(sys, 'catalog_bad', 0) + 1; 1 / 0")
    try:
        for _ in range(2):
            assert catalog.named([str(path), "sweep"]) == ["sweep"]
        with pytest.raises(UsageError, match="line 1: ZeroDivisionError"):
            select([str(path)])
        assert sys.catalog_bad == 1
    finally:
        del sys.catalog_bad
    assert [record.getMessage() for record in caplog.records] == [
        f"warning: {path}: line 1: ZeroDivisionError: division by zero"
    ]
