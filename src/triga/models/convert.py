"""Turn a pickled checkpoint into safetensors, once, in a process of its own, weights only.

Reading pickle can run code (CVE-2025-32434 showed it for ``weights_only=True`` before torch 2.6), so the file is opened
in an isolated subprocess that writes one file and ends, and nothing else in triga ever opens such a file.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from triga.core.artifact import writing
from triga.core.errors import ModelError

__all__ = ["convert"]

TIMEOUT_SECONDS = 600
READ_AND_WRITE = """
import re, sys, torch
from safetensors.torch import save_file
try:
    state = torch.load(sys.argv[1], map_location="cpu", weights_only=True)
except Exception as error:  # torch's own words advise to read the file without protection
    asked = re.search("GLOBAL (\\S+)", str(error))
    sys.exit(f"it asks to run {asked[1]}" if asked else "it is not a file of weights")
if not isinstance(state, dict):
    sys.exit("it is not a file of weights")
state = state.get("state_dict", state)
tensors = {name: value.clone().contiguous() for name, value in state.items() if isinstance(value, torch.Tensor)}
if not tensors:
    sys.exit("the file holds no tensors")
save_file(tensors, sys.argv[2], metadata={"format": "pt"})
"""
COPIED = ("*.json", "*.txt", "*.model")


def convert(checkpoint: Path, target: Path) -> Path:
    """Write ``target`` with ``model.safetensors`` and copies of the JSON and vocabulary files beside ``checkpoint``."""
    if not checkpoint.is_file():
        raise ModelError(
            "checkpoint-missing", "there is no checkpoint file here", where=checkpoint, fix="correct the path"
        )
    with writing(target, kind="base") as folder:
        for path in (path for pattern in COPIED for path in checkpoint.parent.glob(pattern)):
            (folder / path.name).write_bytes(path.read_bytes())
        python = [sys.executable, "-I", "-W", "ignore", "-c", READ_AND_WRITE]
        command = [*python, str(checkpoint), str(folder / "model.safetensors")]
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False)  # noqa: S603
        if done.returncode != 0:
            raise ModelError(
                "checkpoint-unreadable",
                "the checkpoint holds more than weights, or is damaged: {reason}",
                where=checkpoint,
                fix="export it again as safetensors where it was made (model.save_pretrained does)",
                reason=(done.stderr.strip().splitlines() or ["no message"])[-1][:200],
            )
    return target
