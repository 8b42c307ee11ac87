"""``triga schema``: the recipe's JSON schema, for editors and for docs/recipe.schema.json."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from triga.cli.files import write_output
from triga.cli.output import print_json

__all__ = ["schema"]


def schema(
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Write to this file instead of printing.")] = None,
) -> None:
    """Print the recipe's JSON schema (editors complete and check recipes with it)."""
    from triga.flow.recipe import recipe_schema, schema_text

    if out is None:
        print_json(recipe_schema())
    else:
        write_output(out, schema_text())
