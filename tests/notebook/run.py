"""Runs notebooks from top to bottom and compares what they print with what is kept in them; `--write` keeps it anew.

    python run.py [--write] NOTEBOOK...
"""

import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

MAX_SECONDS = 600


def outputs(notebook) -> list[tuple[str, str]]:
    """The text of each code cell with its output."""
    printed = lambda cell: "".join(output.get("text", "") for output in cell.outputs)
    return [(cell.source, printed(cell)) for cell in notebook.cells if cell.cell_type == "code"]


def main() -> None:
    arguments = sys.argv[1:]
    for path in (Path(argument) for argument in arguments if argument != "--write"):
        kept = nbformat.read(path, as_version=4)
        fresh = nbformat.read(path, as_version=4)
        # A cell that fails ends this with its traceback.
        resources = {"metadata": {"path": str(path.parent)}}
        NotebookClient(fresh, timeout=MAX_SECONDS, kernel_name="python3", resources=resources, record_timing=False).execute()
        if "--write" in arguments:
            # The version of the kernel that ran it says nothing to a reader.
            fresh.metadata = kept.metadata
            nbformat.write(fresh, path)
        else:
            for (source, before), (_, now) in zip(outputs(kept), outputs(fresh)):
                assert before == now, f"{path}: the cell\n{source}\nprinted\n{now}\nand the notebook keeps\n{before}"
        print(f"{path.name}: {len(outputs(fresh))} cells ran, and print what the notebook keeps")


if __name__ == "__main__":
    main()
