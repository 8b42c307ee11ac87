"""Right answers over HTTP: equal to the pipeline's own, alone, together and under load."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from running_server import Served, serving

from triga.predict.pipeline import Pipeline

TEXTS = ["where is my parcel", "hello", "i want my money back, the parcel never came", "我的包裹在哪里"]


def _predict(served: Served, inputs: Any, **fields: Any) -> list[dict[str, Any]]:
    response = served.client.post("/v1/predict", json={"inputs": inputs, **fields})
    assert response.status_code == 200, response.text
    return response.json()["predictions"]


def _expected(pipeline: Pipeline, inputs: list[Any]) -> list[dict[str, Any]]:
    return [answer.as_dict() for answer in pipeline.predict(inputs)]


def test_served_answers_equal_the_pipelines(served: Served) -> None:
    assert _predict(served, TEXTS) == _expected(served.pipeline, TEXTS)
    assert _predict(served, TEXTS[0]) == _expected(served.pipeline, TEXTS[:1])
    pairs = [("hello", "my parcel"), ("refund", "money")]
    assert _predict(served, pairs) == _expected(served.pipeline, pairs)
    assert _predict(served, []) == []


def test_the_model_is_named(served: Served) -> None:
    assert served.client.post("/v1/predict", json={"inputs": "hello"}).json()["model"] == "tiny"


def test_top_k_keeps_the_best(served: Served) -> None:
    (answer,) = _predict(served, "hello", top_k=2)
    (whole,) = _predict(served, "hello")
    assert answer["scores"] == whole["scores"][:2]
    assert answer["labels"] == whole["labels"]


@pytest.mark.parametrize("int8", [False, True])
def test_batched_equals_single_under_load(make_bundle: Callable[..., Path], int8: bool) -> None:
    """Sixteen callers at once share batches; each gets what it would get alone (int8: to the digit)."""
    texts = [" ".join(TEXTS[i % 4].split()[: 1 + i % 7]) + f" {i}" for i in range(96)]
    with serving(Pipeline.open(make_bundle(int8=int8), num_threads=2)) as served:
        with ThreadPoolExecutor(16) as callers:
            answers = list(callers.map(lambda text: _predict(served, text)[0], texts))
        batches = served.desk.metrics.registry.get_sample_value("triga_batch_size_count")
        alone = [_expected(served.pipeline, [text])[0] for text in texts]
    assert batches is not None
    assert batches < len(texts), "nothing was batched, so this test shows nothing"
    for answer, expected in zip(answers, alone, strict=True):
        assert answer["labels"] == expected["labels"]
        scores, wanted = _by_label(answer), _by_label(expected)
        assert scores == (wanted if int8 else pytest.approx(wanted, abs=1e-5))


def test_times_and_id_come_in_headers(served: Served) -> None:
    response = served.client.post("/v1/predict", json={"inputs": "hello"}, headers={"x-request-id": "mine-1"})
    for name in ("tokenization", "queue", "inference"):
        assert 0 <= float(response.headers[f"x-{name}-time"]) < 30_000
    assert response.headers["x-compute-tokens"] == str(len(served.pipeline.encode(["hello"]).encodings[0]))
    assert response.headers["x-request-id"] == "mine-1"
    spoofed = served.client.get("/health/live", headers={"x-request-id": "a b" * 40})
    assert len(spoofed.headers["x-request-id"]) == 32


def test_a_long_request_is_split_and_comes_back_in_order(served: Served) -> None:
    texts = [f"{TEXTS[i % 4]} {i % 10}" for i in range(400)]
    answers = _predict(served, texts)
    expected = _expected(served.pipeline, texts)
    assert [answer["labels"] for answer in answers] == [answer["labels"] for answer in expected]
    for answer, wanted in zip(answers, expected, strict=True):
        assert _by_label(answer) == pytest.approx(_by_label(wanted), abs=1e-5)


# -- text-embeddings-inference ----------------------------------------------------------------------------------------


def _tei(served: Served, inputs: Any, **fields: Any) -> httpx.Response:
    return served.client.post("/predict", json={"inputs": inputs, **fields})


def test_tei_takes_a_text_a_pair_and_a_batch(served: Served) -> None:
    single = _tei(served, "hello").json()
    assert [set(score) for score in single] == [{"score", "label"}] * 4
    assert single == _tei(served, ["hello"]).json()
    assert [single] == _tei(served, [["hello"]]).json()
    mixed = _tei(served, [["hello"], ["hello", "my parcel"]]).json()
    assert [round(score["score"], 5) for score in mixed[0]] == [round(score["score"], 5) for score in single]
    assert mixed[1][0]["score"] == pytest.approx(_tei(served, ["hello", "my parcel"]).json()[0]["score"], abs=1e-5)


def test_tei_scores_are_ranked_probabilities_or_logits(served: Served) -> None:
    scores = [score["score"] for score in _tei(served, "hello").json()]
    assert scores == sorted(scores, reverse=True)
    assert sum(scores) == pytest.approx(1, abs=1e-5)
    raw = {score["label"]: score["score"] for score in _tei(served, "hello", raw_scores=True).json()}
    logits = served.pipeline.outputs(served.pipeline.encode(["hello"]).encodings)["logits"][0]
    assert list(raw.values()) == sorted(raw.values(), reverse=True)
    assert [raw[label] for label in served.pipeline.task.labels] == pytest.approx(logits.tolist())


def test_tei_passes_over_fields_that_it_does_not_know(served: Served) -> None:
    assert _tei(served, "hello", truncation_direction="Right").status_code == 200


def test_tei_refuses_what_is_too_long_when_truncation_is_off(served: Served) -> None:
    text = "parcel " * 60
    assert _tei(served, text).status_code == 200
    refused = _tei(served, text, truncate=False)
    assert refused.status_code == 422
    assert refused.json()["code"] == "input-too-long"


def test_tei_info_has_its_fields(served: Served) -> None:
    info = served.client.get("/info").json()
    assert info["model_type"]["classifier"]["id2label"]["1"] == "parcel"
    assert info["model_type"]["classifier"]["label2id"]["parcel"] == 1
    assert info["model_id"] == "tiny"
    assert info["max_input_length"] == 16
    assert {"model_dtype", "max_concurrent_requests", "max_client_batch_size", "auto_truncate", "version"} <= set(info)


def _by_label(answer: dict[str, Any]) -> dict[str, float]:
    return {score["label"]: score["score"] for score in answer["scores"]}
