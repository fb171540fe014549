"""The program ``plimsoll``."""

from __future__ import annotations

import signal
import sys

from plimsoll import _native


def main() -> None:
    """Runs the command line and exits with its code."""
    # Python's own handler waits for Python code to run, and there is none: Ctrl-C ends the program, as it ends the one
    # built of Rust alone. A run sets a handler of its own.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.exit(_native.main(["plimsoll", *sys.argv[1:]]))
