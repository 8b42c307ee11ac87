"""A server of a tagger: entities instead of labels, long texts in windows, and TEI's route refused in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from running_server import Served, serving
from tiny_entities import entity_rows

from triga.core.arrays import Encoding, Outputs
from triga.predict.pipeline import Pipeline
from triga.predict.settings import ModelSettings
from triga.serve.schemas import PredictResponse
from triga.tasks.token_classification.recipe import TokenClassificationSection
from triga.tasks.token_classification.spec import TokenClassification
from triga.text.tokenizers.wordpiece import train_wordpiece

NAMES = ("nora", "omar")


class Lookup:
    """Says B-PER of two words, and O of all others; rows are padded to the longest, as engines do."""

    def __init__(self, ids: Sequence[int]) -> None:
        self.ids = ids

    def predict(self, encodings: Sequence[Encoding]) -> Outputs:
        logits = np.zeros((len(encodings), max(map(len, encodings)), 3), dtype=np.float32)
        logits[:, :, 0] = 3.0
        for row, encoding in zip(logits, encodings, strict=True):
            row[: len(encoding)][np.isin(encoding.input_ids, self.ids)] = [0.0, 5.0, 0.0]
        return {"logits": logits}


@pytest.fixture(scope="module")
def tagger() -> Iterator[Served]:
    tokenizer = train_wordpiece([*(row["text"] for row in entity_rows(40)), *NAMES * 9], 300)
    spec = TokenClassification(TokenClassificationSection(kind="token-classification")).with_labels(("PER",))
    settings = ModelSettings(name="names", spec=spec.as_dict(), max_length=12, takes_pairs=False)
    ids = [tokenizer.raw.token_to_id(name) for name in NAMES]
    assert None not in ids
    with serving(Pipeline(settings, tokenizer, Lookup(ids))) as running:
        yield running


def test_entities_come_with_their_places(tagger: Served) -> None:
    response = tagger.client.post("/v1/predict", json={"inputs": ["Nora was at home.", "nobody", "没有 omar"]})
    assert response.status_code == 200
    PredictResponse.model_validate(response.json())
    first, second, third = response.json()["predictions"]
    (nora,) = first["entities"]
    assert (nora["text"], nora["label"], nora["start"], nora["end"]) == ("Nora", "PER", 0, 4)
    assert first["text"] == "Nora was at home."
    assert second["entities"] == []
    assert [(one["text"], one["start"]) for one in third["entities"]] == [("omar", 3)]


def test_a_long_text_is_read_to_its_end(tagger: Served) -> None:
    """Whether it may be cut or not: a tagger reads windows."""
    text = "home " * 40 + "Omar"
    (answer,) = tagger.client.post("/v1/predict", json={"inputs": [text]}).json()["predictions"]
    assert [one["start"] for one in answer["entities"]] == [200]


def test_answers_do_not_depend_on_company(tagger: Served) -> None:
    """Rows of many lengths, in batches of many requests: each answer is that of its text alone."""
    texts = [f"{'home ' * i}Nora" for i in range(30)]
    with ThreadPoolExecutor(8) as pool:
        bodies = pool.map(lambda text: tagger.client.post("/v1/predict", json={"inputs": [text, "omar"]}).json(), texts)
        for i, body in enumerate(bodies):
            first, second = body["predictions"]
            assert [one["start"] for one in first["entities"]] == [5 * i]
            assert [one["text"] for one in second["entities"]] == ["omar"]


def test_the_route_for_classifiers_is_refused(tagger: Served) -> None:
    response = tagger.client.post("/predict", json={"inputs": "Nora"}, headers={"accept-language": "zh"})
    assert response.status_code == 424
    assert response.json()["code"] == "not-a-classifier"
    assert "/v1/predict" in response.json()["fix"]
    info = tagger.client.get("/info").json()["model_type"]
    assert info["token_classifier"]["id2label"] == {"0": "PER"}
    assert info["classifier"] is None


def test_pairs_are_refused(tagger: Served) -> None:
    response = tagger.client.post("/v1/predict", json={"inputs": [["Nora", "Omar"]]})
    assert response.status_code == 422
    assert response.json()["code"] == "input-pair-refused"
