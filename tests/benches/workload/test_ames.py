"""House sales: read alike whatever the spelling, refused in one line, encoded from training rows alone."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwbench.benches.workload import _ames
from made_up.house_sales import as_in_the_competition, shipped, written


def test_the_shipped_table_is_whole():
    """2,930 sales of 79 columns and a price, and the attribution lies beside them."""
    table = _ames.sales()
    assert len(table) == 2930
    assert len(table.numbers) + len(table.categories) == 79
    assert 12_000 < table.price.min() < table.price.max() < 800_000
    assert "De Cock" in (_ames.SHIPPED.parent / "README.md").read_text("utf-8")


def test_the_competitions_spelling_gives_the_same_numbers(tmp_path):
    """Names, NA and order of columns make no difference to the encoded matrix."""
    path = tmp_path / "train.csv"
    path.write_text(written(*as_in_the_competition(*shipped())), "utf-8")
    theirs, ours = _ames.sales(str(path)), _ames.sales()
    rows = np.arange(0, 2930, 2)
    assert np.array_equal(theirs.price, ours.price)
    assert np.array_equal(_ames.encode(theirs, rows), _ames.encode(ours, rows))


@pytest.mark.parametrize(
    "missing", [["SalePrice"], ["LotArea"], ["1stFlrSF", "MSZoning", "YrSold"], list(_ames.COLUMNS[5:60])]
)
def test_missing_columns_are_named_in_one_line(missing):
    """The message names the file and every column that is not there."""
    head, rows = as_in_the_competition(*shipped())
    keep = [i for i, name in enumerate(head) if name not in missing]
    with pytest.raises(ValueError, match=r"train\.csv: lacks") as caught:
        _ames.parse(written([head[i] for i in keep], [[row[i] for i in keep] for row in rows]), "train.csv")
    assert "\n" not in str(caught.value)
    assert all(name in str(caught.value) for name in missing)
    assert ("test.csv" in str(caught.value)) == (missing == ["SalePrice"])


def test_a_misspelt_column_is_named_on_both_sides():
    """What it lacks, and what it has instead."""
    head, rows = as_in_the_competition(*shipped())
    head[head.index("LotArea")] = "Lot_Size"
    with pytest.raises(ValueError, match="lacks LotArea; unknown there: Lot_Size"):
        _ames.parse(written(head, rows), "f")


@pytest.mark.parametrize(
    ("column", "cell", "words"),
    [
        ("LotArea", "big", "column LotArea holds 'big' in row 2, which is no number"),
        ("LotArea", "-1", "column LotArea holds a negative amount in row 2"),
        ("YearBuilt", "inf", "column YearBuilt holds 'inf' in row 2"),
        ("SalePrice", "0", "column SalePrice holds no price in row 2"),
        ("SalePrice", "NA", "column SalePrice holds no price in row 2"),
    ],
)
def test_a_cell_that_cannot_be_is_told_with_its_place(column, cell, words):
    """Column, row and what stands there."""
    head, rows = as_in_the_competition(*shipped())
    rows[0][head.index(column)] = cell
    with pytest.raises(ValueError, match=words):
        _ames.parse(written(head, rows), "f")


@pytest.mark.parametrize("text", ["", "\n\n", "no table at all", "a,b\n1,2\n", "a,a\n", '"'])
def test_what_is_no_table_of_sales_is_refused(text):
    """Any other text raises ValueError with the file's name, in one line."""
    with pytest.raises(ValueError, match=r"^some\.csv: ") as caught:
        _ames.parse(text, "some.csv")
    assert "\n" not in str(caught.value)


def test_files_that_cannot_be_read(tmp_path):
    """A missing file, a directory, bytes that are no text and a broken .xz are told apart from a wrong table."""
    (tmp_path / "bytes.csv").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "broken.csv.xz").write_bytes(b"not xz")
    unreadable = dict.fromkeys(("none.csv", ""), "cannot be read")
    unreadable |= dict.fromkeys(("bytes.csv", "broken.csv.xz"), "no CSV")
    for name, words in unreadable.items():
        with pytest.raises(ValueError, match=words):
            _ames.sales(str(tmp_path / name))


def test_the_encoding_learns_from_training_rows_alone():
    """Training columns have mean 0 and variance 1, nothing is missing, and held-out rows change nothing of it."""
    table = _ames.sales()
    train, held_out = _ames.folds(len(table), 5, np.random.default_rng(0))[0]
    x = _ames.encode(table, train)
    numbers = x[train][:, : len(table.numbers)]
    assert np.isfinite(x).all()
    filled = [np.isnan(values[train]).any() for values in table.numbers.values()]
    whole = numbers[:, ~np.array(filled)]
    assert np.allclose(whole.mean(axis=0), 0, atol=1e-9)
    assert np.allclose(whole.std(axis=0), 1)
    assert set(np.unique(x[:, len(table.numbers) :])) == {0.0, 1.0}
    price = table.price.copy()
    moved = _ames.Sales({name: values.copy() for name, values in table.numbers.items()}, table.categories, price)
    for values in moved.numbers.values():
        values[held_out] += 1e3
    assert np.array_equal(_ames.encode(moved, train)[train], x[train])


@settings(max_examples=50, deadline=None)
@given(count=st.integers(5, 200), k=st.integers(2, 5), seed=st.integers(0, 9))
def test_folds_hold_each_row_out_once(count, k, seed):
    """Each row is held out exactly once, and never trained on in that fold."""
    found = _ames.folds(count, k, np.random.default_rng(seed))
    assert sorted(np.concatenate([held for _, held in found])) == list(range(count))
    assert all(sorted([*train, *held]) == list(range(count)) for train, held in found)
