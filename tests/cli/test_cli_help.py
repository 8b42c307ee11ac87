"""The verbs and their options as they are promised, and a help that needs no heavy library."""

from __future__ import annotations

import subprocess
import sys

import pytest
import typer

from triga.cli.main import app

VERBS = {
    "check": "RECIPE --set --fix --json",
    "compress": "RECIPE --set --json",
    "corpus build": "RECIPE --set --processes --fresh --json",
    "corpus show": "NAME [kept|dropped|duplicates|redacted] "
    "--num -n --language --reason --seed --html --originals --set",
    "corpus stats": "NAME --json",
    "doctor": "--json",
    "evaluate": "RECIPE --set --json",
    "init": "DATA --task --out -o --name",
    "models convert": "FILE.bin OUT_DIR",
    "models list": "NAME --json",
    "models promote": "NAME VERSION --alias --note",
    "models rollback": "NAME --alias --note",
    "models show": "REF --json",
    "predict": "MODEL TEXT --file -f --column --out -o --top-k --json",
    "pretrain": "RECIPE --set --json",
    "run": "RECIPE --set --until --json",
    "runs list": "NAME --limit --json",
    "runs prune": "--yes -y --json",
    "runs show": "ID --json",
    "schema": "--out -o",
    "serve": "MODEL --host --port --token-file --page --page-port",
    "tokenizer compare": "TOKENIZERS --text --json",
    "tokenizer extend": "MODEL_FOLDER --text --out -o --max-words --json",
    "tokenizer show": "TOKENIZER --text --json",
    "tokenizer train": "FILES --out -o --kind --vocab-size --style --chinese --lowercase --byte-fallback "
    "--sentinels --max-text-mb --json",
    "tune": "RECIPE --set --json",
}
"""Frozen: whoever changes this changes what people have in their scripts."""

HEAVY = ("torch", "transformers", "sqlalchemy", "fastapi", "pyarrow", "onnxruntime", "numpy", "yaml")


def _commands(group, prefix: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            found |= _commands(command, f"{name} ")
        else:
            words = [_words(parameter) for parameter in command.params]
            found[prefix + name] = " ".join(word for word in words if word)
    return found


def _words(parameter) -> str:
    if parameter.param_type_name == "argument":
        return parameter.metavar or parameter.name.upper()
    return " ".join(parameter.opts)


def test_the_verbs_and_their_options_are_as_promised():
    assert _commands(typer.main.get_command(app)) == VERBS


@pytest.mark.parametrize("verb", ["", *VERBS])
def test_every_help_answers(triga, verb):
    said = triga(*verb.split(), "--help")
    assert said.code == 0
    assert "Usage: triga" in said.out


def test_help_imports_nothing_heavy():
    code = f"""
import sys
from triga.cli.main import call
for verb in {[verb.split() for verb in ["", *VERBS]]!r}:
    try:
        call([*verb, "--help"])
    except SystemExit as leaving:
        assert leaving.code == 0, verb
print(sorted(set(sys.modules) & set({HEAVY!r})))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.splitlines()[-1:] == ["[]"], done.stderr
