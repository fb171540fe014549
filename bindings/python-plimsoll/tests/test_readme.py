"""The Python of the README, in an empty folder: each block as a program of its own."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"


class Readme(unittest.TestCase):
    def test_every_program_runs(self) -> None:
        programs = re.findall(r"^```python\n(.*?)^```", README.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
        self.assertEqual(len(programs), 3)
        written = []
        for program in programs:
            with tempfile.TemporaryDirectory() as folder:
                Path(folder, "program.py").write_text(program, encoding="utf-8")
                run = subprocess.run(
                    [sys.executable, "program.py"], cwd=folder, capture_output=True, text=True, check=False
                )
                self.assertEqual(run.returncode, 0, f"{program}\n{run.stderr}")
                written.append(run.stdout)
        self.assertTrue(written[0].endswith("mine\nholds\n"), written[0])
        self.assertTrue(written[1].startswith("3\ndata frame 1 "), written[1])
        self.assertIn("lm-polygraph:Perplexity:exp_neg", written[2])


if __name__ == "__main__":
    unittest.main()
