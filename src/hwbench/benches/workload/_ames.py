"""House sales in Ames, Iowa, as a matrix: read, checked, encoded.

The package ships De Cock's 2,930 sales of 2006–2010 in `data/ames.csv.xz` (see the README beside it). It reads the CSV
of the Kaggle competition, too, which is drawn from the same sales. The two spell their columns differently
(`MS.SubClass` and `MSSubClass`, `X1st.Flr.SF` and `1stFlrSF`, `area` and `GrLivArea`), so only letters and digits of a
name are compared.
"""

from __future__ import annotations

import csv
import functools
import io
import lzma
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...protocols import Array

OWN = "ames"  # names the shipped table where a file may be named
SHIPPED = Path(__file__).parent / "data" / "ames.csv.xz"
TARGET = "SalePrice"
MISSING = ("", "NA")  # "not present" in most columns (no alley, no pool), see De Cock 2011
FEWEST = 50  # sales: with fewer, five folds say nothing
LARGEST = 1 << 28  # bytes of a file; the competition's is half a megabyte

# Areas and other amounts, which scale a price rather than add to it: their logarithm is standardised.
AMOUNTS = (
    "LotFrontage",
    "LotArea",
    "MasVnrArea",
    "BsmtFinSF1",
    "BsmtFinSF2",
    "BsmtUnfSF",
    "TotalBsmtSF",
    "1stFlrSF",
    "2ndFlrSF",
    "LowQualFinSF",
    "GrLivArea",
    "GarageArea",
    "WoodDeckSF",
    "OpenPorchSF",
    "EnclosedPorch",
    "3SsnPorch",
    "ScreenPorch",
    "PoolArea",
    "MiscVal",
)
NUMBERS = (
    "OverallQual", "OverallCond", "YearBuilt", "YearRemodAdd", "BsmtFullBath", "BsmtHalfBath", "FullBath", "HalfBath",
    "BedroomAbvGr", "KitchenAbvGr", "TotRmsAbvGrd", "Fireplaces", "GarageYrBlt", "GarageCars", "YrSold",
)  # fmt: skip
# MSSubClass is a code, and a month is no amount.
CATEGORIES = (
    "MSSubClass",
    "MSZoning",
    "Street",
    "Alley",
    "LotShape",
    "LandContour",
    "Utilities",
    "LotConfig",
    "LandSlope",
    "Neighborhood",
    "Condition1",
    "Condition2",
    "BldgType",
    "HouseStyle",
    "RoofStyle",
    "RoofMatl",
    "Exterior1st",
    "Exterior2nd",
    "MasVnrType",
    "ExterQual",
    "ExterCond",
    "Foundation",
    "BsmtQual",
    "BsmtCond",
    "BsmtExposure",
    "BsmtFinType1",
    "BsmtFinType2",
    "Heating",
    "HeatingQC",
    "CentralAir",
    "Electrical",
    "KitchenQual",
    "Functional",
    "FireplaceQu",
    "GarageType",
    "GarageFinish",
    "GarageQual",
    "GarageCond",
    "PavedDrive",
    "PoolQC",
    "Fence",
    "MiscFeature",
    "MoSold",
    "SaleType",
    "SaleCondition",
)
COLUMNS = (*AMOUNTS, *NUMBERS, *CATEGORIES, TARGET)
ALIASES = {"area": "GrLivArea", "price": TARGET}


@dataclass(frozen=True)
class Sales:
    """`numbers` by column, NaN where missing (amounts as log(1 + amount)); `categories` by column, missing as ""."""

    numbers: Mapping[str, Array]
    categories: Mapping[str, Array]
    price: Array

    def __len__(self) -> int:
        return len(self.price)


def spelled(name: str) -> str:
    """A column's name by its letters and digits alone, in lower case, without the X that R puts before a digit."""
    return re.sub(r"^x(?=\d)", "", re.sub(r"[^0-9a-z]", "", name.lower()))


_KNOWN = {spelled(name): name for name in COLUMNS} | {spelled(alias): name for alias, name in ALIASES.items()}


@functools.cache
def sales(source: str = OWN) -> Sales:
    """The shipped sales, or those of a CSV file (plain or .xz); ValueError says in one line what is wrong with it."""
    path = SHIPPED if source == OWN else Path(source).expanduser()
    try:
        if path.stat().st_size > LARGEST:
            raise ValueError(f"{source}: is larger than {LARGEST >> 20} MiB, which no table of sales is")
        raw = path.read_bytes()
        text = (lzma.decompress(raw) if path.suffix == ".xz" else raw).decode("utf-8-sig")
    except OSError as error:
        raise ValueError(f"{source}: cannot be read: {error.strerror or error}") from None
    except (UnicodeDecodeError, lzma.LZMAError):
        raise ValueError(f"{source}: is no CSV file in UTF-8, plain or .xz") from None
    return parse(text, source)


def parse(text: str, source: str) -> Sales:
    """The sales of a CSV text; `source` names it in messages."""
    try:
        head, *rows = [row for row in csv.reader(io.StringIO(text)) if row] or [[]]
    except csv.Error as error:
        raise ValueError(f"{source}: is no CSV file: {error}") from None
    places = _places(head, source)
    for number, row in enumerate(rows, start=2):
        if len(row) != len(head):
            raise ValueError(f"{source}: row {number} has {len(row)} cells where the heading has {len(head)}")
    if len(rows) < FEWEST:
        raise ValueError(f"{source}: holds {len(rows)} sales; at least {FEWEST} are needed")
    cells = {name: [row[place].strip() for row in rows] for name, place in places.items()}
    numbers = {name: _numbers(cells[name], name, source) for name in (*AMOUNTS, *NUMBERS)}
    for name in AMOUNTS:
        if (numbers[name] < 0).any():
            raise ValueError(f"{source}: column {name} holds a negative amount in row {_row(numbers[name] < 0)}")
        numbers[name] = np.log1p(numbers[name])
    price = _numbers(cells[TARGET], TARGET, source)
    if not (price > 0).all():
        raise ValueError(f"{source}: column {TARGET} holds no price in row {_row(~(price > 0))}")
    words = {name: np.array(["" if cell in MISSING else cell for cell in cells[name]]) for name in CATEGORIES}
    return Sales(numbers, words, price)


def _places(head: Sequence[str], source: str) -> dict[str, int]:
    """The place of each column; ValueError names the missing and the unknown ones."""
    places: dict[str, int] = {}
    strange = []
    for place, name in enumerate(head):
        known = _KNOWN.get(spelled(name))
        if known is None:
            if spelled(name) not in ("id", "order", "pid"):
                strange.append(name.strip()[:40])
        elif known in places:
            raise ValueError(f"{source}: has column {known} twice")
        else:
            places[known] = place
    missing = [name for name in COLUMNS if name not in places]
    if missing:
        hint = f"; unknown there: {_some(strange)}" if strange else ""
        advice = "; the competition's train.csv has prices, its test.csv has none" if missing == [TARGET] else ""
        raise ValueError(f"{source}: lacks {', '.join(missing)}{hint}{advice}")
    return places


def _some(names: Sequence[str], most: int = 8) -> str:
    """The first of names that a file made up: it may hold any number of them."""
    return ", ".join(names[:most]) + (f" and {len(names) - most} more columns" if len(names) > most else "")


def _numbers(cells: Sequence[str], name: str, source: str) -> Array:
    """The cells as float64, NaN where missing."""
    found = np.full(len(cells), np.nan)
    for index, cell in enumerate(cells):
        if cell in MISSING:
            continue
        try:
            found[index] = float(cell)
        except ValueError:
            found[index] = np.inf
        if not math.isfinite(found[index]):
            raise ValueError(f"{source}: column {name} holds '{cell[:40]}' in row {index + 2}, which is no number")
    return found


def _row(bad: Array) -> int:
    return int(np.flatnonzero(bad)[0]) + 2


def encode(table: Sales, train: Array) -> Array:
    """All sales as a float64 matrix, a row each; means, deviations and categories come from the rows `train` alone.

    A number is standardised to mean 0 and variance 1; a missing one becomes the mean, 0. A category becomes a column of
    0 and 1 for each value seen in `train`, missing being a value too; a value not seen there is 0 in all of them.
    """
    columns = []
    for values in table.numbers.values():
        seen = values[train]
        seen = seen[~np.isnan(seen)]
        mean, deviation = (seen.mean(), seen.std()) if len(seen) else (0.0, 0.0)
        # A column that is constant in `train` says nothing there, and would be divided by 0.
        standard = (values - mean) / deviation if deviation > 0 else np.zeros_like(values)
        columns.append(np.nan_to_num(standard, nan=0.0))
    for words in table.categories.values():
        columns += [(words == value).astype(np.float64) for value in np.unique(words[train])]
    return np.stack(columns, axis=1)


def folds(count: int, k: int, rng: np.random.Generator) -> list[tuple[Array, Array]]:
    """For each of k folds the rows to train on and the rows held out: each row is held out exactly once."""
    parts = np.array_split(rng.permutation(count), k)
    return [(np.sort(np.concatenate(parts[:i] + parts[i + 1 :])), np.sort(parts[i])) for i in range(k)]
