"""Texts to answers: a tokenizer, a task and whatever engine computes.

    pipeline = Pipeline.open(Path("workspace/runs/support-intents/bundle"))
    pipeline.predict(["where is my parcel?"])[0].as_dict()

The served answers are these: the server calls the same ``encode``, ``outputs`` and ``task.decode``.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from triga.core.arrays import Encoding, Outputs
from triga.core.artifact import Artifact
from triga.core.errors import InputError, ModelError
from triga.data.rows import Role, Row
from triga.predict.batching import MAX_TOKENS, predict_all
from triga.predict.onnx import OnnxPredictor
from triga.predict.predictor import Predictor
from triga.predict.settings import ModelSettings
from triga.tasks.base import Prediction, TaskSpec
from triga.text.tokenizers.tokenizer import Tokenizer

__all__ = ["Asked", "Input", "Pipeline"]

Input = str | tuple[str, str]
BUNDLE_KIND = "bundle"
DEFAULT_ENGINE = "model.onnx"


@dataclass(frozen=True)
class Asked:
    """Inputs as a task reads them, and their encodings: one a row, or several windows of a long one."""

    rows: Sequence[Row]
    encodings: Sequence[Encoding]

    def answers(self, task: TaskSpec, outputs: Outputs) -> list[Prediction]:
        return list(task.decode(self.rows, self.encodings, outputs))


@dataclass(frozen=True)
class Pipeline:
    """A model that answers. Safe to call from several threads."""

    settings: ModelSettings
    tokenizer: Tokenizer
    predictor: Predictor

    @classmethod
    def open(cls, folder: Path, *, verify: bool = True, num_threads: int | None = None) -> Pipeline:
        """Open a runtime bundle. Raises ``ModelError`` that names a missing, changed or unreadable file."""
        artifact = Artifact.open(folder)
        if artifact.kind != BUNDLE_KIND:
            raise ModelError(
                "not-a-bundle",
                "this folder holds a {kind}, not a runtime bundle",
                where=folder,
                fix="serve the bundle folder of the run, or make it with triga compress",
                kind=artifact.kind,
            )
        if verify:
            artifact.verify()
        settings = ModelSettings.load(folder)
        tokenizer = Tokenizer.load(folder, uses_token_types=settings.uses_token_types)
        graph = folder / Path(settings.engine or DEFAULT_ENGINE).name
        pipeline = cls(settings, tokenizer, OnnxPredictor(graph, num_threads=num_threads, pad_id=tokenizer.pad_id))
        pipeline.task  # noqa: B018 - a library that preparing texts needs is missed now, not at the first request
        return pipeline

    @functools.cached_property
    def task(self) -> TaskSpec:
        return self.settings.task

    @property
    def asked_roles(self) -> list[Role]:
        """The texts that the model is asked; a second one only where it may take pairs."""
        texts = [role for role in self.task.roles if role.is_text]
        return texts[:1] if self.settings.takes_pairs is False else texts

    @property
    def needs_pairs(self) -> bool:
        """Whether it was taught pairs, or its task is about pairs alone."""
        return bool(self.settings.takes_pairs) or sum(role.required for role in self.asked_roles) > 1

    def predict(self, inputs: Sequence[Input], *, max_tokens: int = MAX_TOKENS) -> list[Prediction]:
        """Answers in the order of ``inputs``: texts, or pairs of texts. Raises ``InputError`` that names the input."""
        asked = self.encode(inputs)
        return asked.answers(self.task, self.outputs(asked.encodings, max_tokens=max_tokens)) if asked.rows else []

    def encode(self, inputs: Sequence[Input], *, truncate: bool = True) -> Asked:
        """Token ids, cut to the model's length, or with ``truncate=False`` refused when longer; a task that reads long
        texts in windows cuts and refuses none."""
        if isinstance(inputs, str):
            raise _wrong("inputs-not-list", "inputs is one text; a list of texts is needed", "write [text]")
        rows = [self._row(i, value) for i, value in enumerate(inputs)]
        limit = self.settings.max_length
        may_be_long = truncate or self.task.has_windows
        encodings = self.task.encode(rows, self.tokenizer, limit if may_be_long else limit + 1)
        too_long = next((encoding for encoding in encodings if len(encoding) > limit), None)
        if too_long is not None:
            fix = "shorten it, or let it be cut (truncate: true)"
            raise _wrong("input-too-long", "the text has more than {limit} tokens", fix, too_long.row, limit=limit)
        return Asked(rows, encodings)

    def outputs(self, encodings: Sequence[Encoding], *, max_tokens: int = MAX_TOKENS) -> Outputs:
        """What the model computes, by name, (N, …). Raises ``ModelError`` where it is not a number."""
        outputs = predict_all(self.predictor, encodings, max_tokens)
        for name, values in outputs.items():
            if not np.isfinite(values).all():
                raise ModelError(
                    "outputs-not-finite",
                    "the model computed {name} that are not finite numbers",
                    fix="its weights are damaged: copy the bundle again, or train and export the model again",
                    name=name,
                )
        return outputs

    def _row(self, index: int, value: object) -> Row:
        texts = [value] if isinstance(value, str) else value
        if not isinstance(texts, list | tuple) or len(texts) not in (1, 2):
            raise _not_text(index, value)
        text, pair = self._text(index, texts[0]), self._text(index, texts[1]) if len(texts) == 2 else None
        if pair is not None and self.settings.takes_pairs is False:
            fix = "send each text alone"
            raise _wrong("input-pair-refused", "the model takes single texts, not pairs", fix, index)
        if pair is None and self.needs_pairs:
            fix = "send two texts together: [text, second text]"
            raise _wrong("input-pair-needed", "the model takes pairs of texts", fix, index)
        given = zip(self.asked_roles, (text, pair), strict=False)
        return dict.fromkeys(self.task.schema.names) | {role.name: value for role, value in given}

    def _text(self, index: int, value: object) -> str:
        """The text as the model was taught to read it."""
        if not isinstance(value, str):
            raise _not_text(index, value)
        if not value.strip():
            raise _wrong("input-empty", "the text is empty", "leave it out: there is nothing to answer", index)
        text = self.task.prepare(value)
        if not text.strip():
            fix = "send text: the model's task.prepare takes markup and invisible characters away"
            raise _wrong("input-nothing-left", "nothing of the text is left once it is prepared", fix, index)
        try:
            text.encode()
        except UnicodeEncodeError as error:
            fix = "read the text with its right encoding"
            what = "the text holds half a character (a lone surrogate)"
            raise _wrong("input-not-unicode", what, fix, index) from error
        return text


def _not_text(index: int, value: object) -> InputError:
    fix = "send a string, or two strings for a model of pairs"
    return _wrong("input-not-text", "the input is not a text but {type}", fix, index, type=type(value).__name__)


def _wrong(code: str, what: str, fix: str, index: int | None = None, **params: object) -> InputError:
    where = None if index is None else f"inputs[{index}]"
    return InputError(code, what, where=where, fix=fix, **params)
