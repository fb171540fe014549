"""A released folder as the hub's readers have it: what its card lists is there and nothing else, and `datasets`, pandas, polars and
DuckDB read the same rows from it. Nothing is sent anywhere.

    python read_back.py FOLDER...
"""

import os
import re
import sys
import tempfile
from pathlib import Path

# Before `datasets` is imported: it must not ask the hub, nor keep what it reads among the user's files.
CACHE = tempfile.TemporaryDirectory()
os.environ.update(HF_HUB_OFFLINE="1", HF_DATASETS_OFFLINE="1", HF_HOME=CACHE.name, HF_DATASETS_DISABLE_PROGRESS_BARS="1")

import datasets
import duckdb
import pandas
import polars
import yaml
from huggingface_hub import DatasetCard

# Beyond, a push by git needs large-file storage.
MAX_BYTES = 10_000_000


def card(folder: Path) -> tuple[dict, str]:
    """The front matter and the text below it."""
    text = (folder / "README.md").read_text(encoding="utf-8")
    _, front, body = text.split("---\n", 2)
    # The hub's own reader agrees.
    assert DatasetCard(text).data.to_dict()["configs"] == yaml.safe_load(front)["configs"]
    return yaml.safe_load(front), body


def check_files(folder: Path, front: dict, body: str) -> None:
    """The card lists each table once, links lead to files, and every file can be pushed as it is."""
    listed = [file["path"] for config in front["configs"] for file in config["data_files"]]
    found = sorted(str(path.relative_to(folder)) for path in (folder / "tables").rglob("*.parquet"))
    assert sorted(listed) == found, f"{folder}: the card lists {sorted(listed)}, there are {found}"
    assert sum(config.get("default", False) for config in front["configs"]) == 1
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", body) if "://" not in link]
    for link in links:
        assert (folder / link).exists(), f"{folder}: the card links {link}, which is not there"
    for path in folder.rglob("*"):
        assert not path.is_symlink() and (path.is_dir() or path.stat().st_size <= MAX_BYTES), path


def check_table(folder: Path, config: dict) -> int:
    """Every reader gives the same columns and rows; gives their number."""
    name, path = config["config_name"], folder / config["data_files"][0]["path"]
    hub = datasets.load_dataset(str(folder), name, split="train")
    frame = polars.read_parquet(path)
    columns = frame.columns
    assert hub.column_names == columns and list(pandas.read_parquet(path).columns) == columns, name
    duck = duckdb.read_parquet(str(path)).to_arrow_table()
    assert duck.column_names == columns, name
    rows = frame.to_dicts()
    for reader, other in {
        "datasets": hub.to_list(),
        "pandas": pandas.read_parquet(path, dtype_backend="pyarrow").to_dict("records"),
        "DuckDB": duck.to_pylist(),
    }.items():
        assert len(other) == len(rows), f"{name}: {reader} reads {len(other)} rows, polars {len(rows)}"
        for row, same in zip(rows, other):
            assert {key: known(value) for key, value in same.items()} == {key: known(value) for key, value in row.items()}, (
                f"{name}: {reader} reads {same}, polars {row}"
            )
    return len(rows)


def known(value):
    """A value without the ways in which readers write that there is none."""
    if value is pandas.NA or value is None or value != value:
        return None
    return value.item() if hasattr(value, "item") else value


def main() -> None:
    for folder in map(Path, sys.argv[1:]):
        front, body = card(folder)
        check_files(folder, front, body)
        total = 0
        for config in front["configs"]:
            rows = check_table(folder, config)
            total += rows
            print(f"{folder.name}/{config['config_name']}: {rows:,} rows, the same by datasets, pandas, polars and DuckDB")
        first = datasets.load_dataset(str(folder), split="train")
        assert len(first) > 0, "without a name, the default table is read"
        print(f"{folder.name}: {len(front['configs'])} tables, {total:,} rows")


if __name__ == "__main__":
    main()
