"""The HTTP application over one pipeline.

    Door (id, log, metrics, 500) ─▶ Auth (token) ─▶ routes ─▶ Desk (read · tokenise) ─▶ Batcher ─▶ engine

FastAPI gives routing and the schema. Its own body parsing, documentation page (which loads scripts from a CDN) and
telemetry are not used.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.exceptions import HTTPException

from triga import __version__
from triga.core.errors import InputError, RequestError, TrigaError
from triga.models.decoding.asked import Streams
from triga.predict.pipeline import Pipeline
from triga.serve.auth import Auth
from triga.serve.desk import INLINE_SCORES, Answered, Desk
from triga.serve.docs import docs_page
from triga.serve.door import Door
from triga.serve.errors import ErrorBody, error_response, from_http_exception, json_response, language_of
from triga.serve.limits import ServeSettings
from triga.serve.metrics import Metrics
from triga.serve.openai import openai_routes
from triga.serve.schemas import Health, PredictRequest, PredictResponse, json_body, parse
from triga.serve.tei import ready, tei_routes

__all__ = ["create_app"]

LOGGER = logging.getLogger(__name__)
NO_TELEMETRY: Any = dict.fromkeys(("tracing", "metrics", "logs", "operation_spans", "auto_configure"), False)
"""FastAPI can send OpenTelemetry when the environment says so; triga sends nothing (older versions ignore this)."""
REFUSALS = {
    400: "The body is not JSON, or not UTF-8.",
    401: "No token, or the wrong one.",
    403: "No token is set, and the request's Host is no loopback name.",
    408: "The body did not arrive in time.",
    413: "The body, a text or the list is over its limit.",
    415: "The body is not declared as JSON.",
    424: "The route is for models of another kind.",
    422: "A field is missing, unknown or not as it must be.",
    429: "The server is busy: come back after Retry-After seconds.",
    500: "The server failed; the answer carries an id that its log knows.",
    503: "The answer took too long, or the server is stopping.",
}


def create_app(pipeline: Pipeline, *, settings: ServeSettings | None = None) -> FastAPI:
    """The application; ``app.state.desk`` is what its routes share."""
    settings = settings or ServeSettings()
    desk = Desk(pipeline, settings, Metrics(pipeline.settings.name))

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        desk.close()

    app = FastAPI(
        title="triga",
        version=__version__,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        telemetry=NO_TELEMETRY,
    )
    app.state.desk = desk
    refusals: dict[int | str, dict[str, Any]] = {
        status: {"model": ErrorBody, "description": text} for status, text in REFUSALS.items()
    }
    _add_own_routes(app, desk, refusals)
    _add_house_routes(app, desk, refusals)
    app.include_router(tei_routes(desk, refusals))
    if isinstance(pipeline.predictor, Streams):
        app.include_router(openai_routes(desk, pipeline.predictor, refusals))
    app.add_exception_handler(TrigaError, _on_triga_error)
    app.add_exception_handler(HTTPException, _on_http_exception)
    paths = frozenset(app.openapi()["paths"]) | {"/docs", "/openapi.json"}
    app.add_middleware(Auth, token=settings.token.get_secret_value() if settings.token else None)
    app.add_middleware(Door, desk=desk, routes=paths)
    return app


def _add_own_routes(app: FastAPI, desk: Desk, refusals: dict[int | str, dict[str, Any]]) -> None:
    @app.post(
        "/v1/predict", responses={200: {"model": PredictResponse}, **refusals}, openapi_extra=json_body(PredictRequest)
    )
    async def predict(request: Request) -> Response:
        """Answer texts or pairs: labels with scores, entities in a text, the answer in a context, a number, a text."""
        with desk.seat():
            asked = parse(PredictRequest, await desk.read(request))
            rows, headers, predictions = asked.rows, None, []
            if rows:
                answered = await desk.answer(request, rows)
                headers = answered.headers
                predictions = await desk.aside(
                    answered.num_scores, INLINE_SCORES, lambda: _predictions(desk, answered, asked.top_k)
                )
        return json_response({"model": desk.pipeline.settings.name, "predictions": predictions}, headers=headers)


def _predictions(desk: Desk, answered: Answered, top_k: int | None) -> list[dict[str, Any]]:
    return [prediction.as_dict(top_k) for prediction in answered.predictions(desk.pipeline.task)]


def _add_house_routes(app: FastAPI, desk: Desk, refusals: dict[int | str, dict[str, Any]]) -> None:
    closed: dict[int | str, dict[str, Any]] = {status: refusals[status] for status in (401, 403)}

    @app.get("/health/live")
    async def live() -> Health:
        """The process answers. Needs no token."""
        return Health(status="live")

    @app.get("/health/ready", responses={503: refusals[503]})
    async def is_ready() -> Health:
        """Requests are welcome; 503 from SIGTERM on. Needs no token."""
        return ready(desk)

    @app.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}, **closed})
    async def metrics() -> Response:
        """Counters for Prometheus."""
        return Response(desk.metrics.text(), media_type=CONTENT_TYPE_LATEST)

    @app.get("/docs", include_in_schema=False)
    async def docs(request: Request) -> HTMLResponse:
        return HTMLResponse(docs_page(app.openapi(), language_of(request.headers)), headers={"vary": "accept-language"})


async def _on_triga_error(request: Request, error: Exception) -> Response:
    """Errors of the caller become answers; any other is passed on to the door, which logs it and gives an id."""
    if isinstance(error, RequestError) or type(error) is InputError:
        return error_response(error, language_of(request.headers))
    raise error


async def _on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return error_response(from_http_exception(error, request), language_of(request.headers), error.headers)
