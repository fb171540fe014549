"""``python -m plimsoll`` is the program ``plimsoll``."""

from plimsoll._program import main

if __name__ == "__main__":
    main()
