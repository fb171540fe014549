"""Writes a synthetic score table as a partitioned Parquet dataset: folders slm=../llm=../method=.., one file each.

    python make_dataset.py SERIES ROWS FOLDER [--flat FILE]

SERIES series of ROWS rows each, on the same questions of eight datasets in four domains. Whether the models are right depends on a hidden
easiness of the question; a confidence is the easiness through noise. 1 % of the scores are missing. --flat writes the same rows as one
file, too. Deterministic.
"""

import argparse
import pathlib

import numpy
import pyarrow
import pyarrow.compute
import pyarrow.parquet

DATASETS = 8
MISSING = 0.01
CHUNK = 250_000


def logistic(x):
    return 1 / (1 + numpy.exp(-x))


def tables(index, rows):
    """The rows of one series, in pieces."""
    for dataset in range(DATASETS):
        count = rows * (dataset + 1) // (DATASETS * (DATASETS + 1) // 2)
        truth = numpy.random.default_rng([20251129, dataset])
        easy = truth.normal(0.3 * (dataset % 4) - 0.3, 1.3, count)
        slm, llm = truth.random(count) < logistic(easy), truth.random(count) < logistic(0.7 * easy + 1.4)
        random = numpy.random.default_rng([20251130, index, dataset])
        scores = logistic(easy + random.normal(0, 0.6 + 0.1 * (index % 10), count))
        missing = random.random(count) < MISSING
        for start in range(0, count, CHUNK):
            part = slice(start, min(start + CHUNK, count))
            size = part.stop - part.start
            numbers = pyarrow.array(numpy.arange(part.start, part.stop)).cast(pyarrow.string())
            text = pyarrow.scalar
            yield pyarrow.table({
                "question_id": pyarrow.compute.binary_join_element_wise(text(f"d{dataset}/test/"), numbers, ""),
                "dataset": pyarrow.repeat(text(f"d{dataset}"), size),
                "domain": pyarrow.repeat(text(f"domain{dataset % 4}"), size),
                "confidence": pyarrow.array(scores[part], mask=missing[part]),
                "slm_correct": pyarrow.array(slm[part]),
                "llm_correct": pyarrow.array(llm[part]),
            })


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("series", type=int)
    parser.add_argument("rows", type=int)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--flat", type=pathlib.Path)
    arguments = parser.parse_args()
    flat = None
    for index in range(arguments.series):
        names = {"slm": f"slm-{index % 2}", "llm": "llm", "method": f"method-{index // 2:02}"}
        folder = arguments.folder.joinpath(*(f"{key}={value}" for key, value in names.items()))
        folder.mkdir(parents=True, exist_ok=True)
        writer = None
        for table in tables(index, arguments.rows):
            writer = writer or pyarrow.parquet.ParquetWriter(folder / "part-0.parquet", table.schema)
            writer.write_table(table)
            if arguments.flat:
                named = table
                for key, value in names.items():
                    named = named.append_column(key, pyarrow.repeat(pyarrow.scalar(value), table.num_rows))
                flat = flat or pyarrow.parquet.ParquetWriter(arguments.flat, named.schema)
                flat.write_table(named)
        writer.close()
    if flat:
        flat.close()


if __name__ == "__main__":
    main()
