"""A process that has imported torch and computed nothing yet: it forks a run for each line (JSON) that it is given."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any


class WarmProcess:
    """``driver`` is a script that answers each line of stdin with one on stdout."""

    def __init__(self, driver: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(driver)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, request: dict[str, Any]) -> Any:
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def end(self) -> None:
        with self._process:
            self._process.stdin.close()
