"""The Python of the README, in an empty folder with a thresholds file: each block as a program of its own."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from test_conformance import FILE

README = Path(__file__).parents[1] / "README.md"


class Readme(unittest.TestCase):
    def test_every_program_runs(self) -> None:
        programs = re.findall(r"^```python\n(.*?)^```", README.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
        self.assertGreaterEqual(len(programs), 3)
        written = []
        for program in programs:
            with tempfile.TemporaryDirectory() as folder:
                shutil.copy(FILE, Path(folder, "thresholds.json"))
                Path(folder, "program.py").write_text(program, encoding="utf-8")
                run = subprocess.run(
                    [sys.executable, "program.py"], cwd=folder, capture_output=True, text=True, check=False
                )
                self.assertEqual(run.returncode, 0, f"{program}\n{run.stderr}")
                written.append(run.stdout)
        self.assertIn('"route":"slm"', written[0])
        self.assertIn("stopped after token 4 of at most 8: defer", written[0])
        self.assertTrue(written[1].endswith("None\n"), written[1])
        self.assertIn("not_in_file", written[2])


if __name__ == "__main__":
    unittest.main()
