"""Requests made from the schema, right ones and wrong ones: never a 5xx, always an answer that the schema describes."""

from __future__ import annotations

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from running_server import Served
from schemathesis import Case, CheckContext, GenerationMode, Response
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    allow_header_conformance,
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)


def wrong_is_refused(ctx: CheckContext, response: Response, case: Case) -> bool | None:
    """schemathesis does not count 413 among the refusals."""
    return None if response.status_code == 413 else negative_data_rejection(ctx, response, case)


CHECKS = [
    allow_header_conformance,
    content_type_conformance,
    wrong_is_refused,
    not_a_server_error,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
]


def _send_cases(served: Served, max_examples: int, mode: GenerationMode) -> int:
    """Send so many cases to every operation that such cases can be made for; the number sent."""
    schema = schemathesis.openapi.from_url(served.url + "/openapi.json")
    num_sent = 0
    for result in schema.get_all_operations():
        operation = result.ok()
        if mode is GenerationMode.NEGATIVE and not operation.body:
            continue  # a route without parameters has no wrong requests

        @settings(max_examples=max_examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        @given(operation.as_strategy(generation_mode=mode))
        def send(case: Case) -> None:
            nonlocal num_sent
            num_sent += 1
            case.call_and_validate(checks=CHECKS, timeout=30)

        send()
    return num_sent


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_requests_made_from_the_schema(served: Served, mode: GenerationMode) -> None:
    assert _send_cases(served, 25, mode) >= 40


@pytest.mark.faults
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_many_requests_made_from_the_schema(served: Served, mode: GenerationMode) -> None:
    assert _send_cases(served, 20_000, mode) >= 40_000
