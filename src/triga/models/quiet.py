"""transformers draws its own progress bars on stderr; triga reports progress through events."""

from __future__ import annotations

__all__ = ["no_progress_bars"]


def no_progress_bars() -> None:
    from transformers.utils import logging

    logging.disable_progress_bar()
