"""``python -m triga.cli``, where ``triga`` is not on the path."""

from __future__ import annotations

from triga.cli.main import main

main()
