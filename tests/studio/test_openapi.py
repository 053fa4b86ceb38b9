"""Whatever the OpenAPI document allows, and what it does not, is answered as the document says."""

import pytest

from fittingroom.studio.asgi import build_api

pytestmark = pytest.mark.soak

FEW, MANY = 2, 100  # examples for each operation and way of making them


def ask_everything(studio, subtests, examples):
    from helpers.openapi import ask_everything as ask  # takes seconds to import, and is wanted by no other test

    ask(studio, subtests, examples)


def test_every_operation_answers_as_the_document_says(live, subtests):
    ask_everything(live, subtests, FEW)
    assert live.runs.joinpath("20260101-a", "model.keras").exists()


@pytest.mark.soak_long
def test_every_operation_answers_as_the_document_says_at_length(live, subtests):
    ask_everything(live, subtests, MANY)


def test_the_document_tells_of_refusals(live):
    document = build_api(live).openapi()
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert {"4XX", "5XX"} <= set(operation["responses"]), f"{method} {path}"
