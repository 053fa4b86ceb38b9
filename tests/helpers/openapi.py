"""Everything that an OpenAPI document allows, and much that it does not, asked of a studio that listens."""

import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import booleans
from schemathesis import GenerationMode
from schemathesis.checks import load_all_checks
from schemathesis.specs.openapi import checks

from fittingroom.studio.asgi import build_api

KNOWN = {"dataset": "bars", "name": "20260101-a", "other": "20260101-a", "model": "run/20260101-a"}
CHECKS = [
    schemathesis.checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
]


def operations(studio):
    """Every operation of the document, told of by name."""
    schema = schemathesis.openapi.from_dict(build_api(studio).openapi())
    return [found.ok() for found in schema.get_all_operations()]


def ask_everything(studio, subtests, examples):
    load_all_checks()
    address = studio.access.address
    headers = {"authorization": f"Bearer {studio.access.token}"}
    for operation in operations(studio):
        for mode in GenerationMode if can_be_wrong(operation) else [GenerationMode.POSITIVE]:
            with subtests.test(operation.label, mode=mode.value):
                ask(operation, mode, address, headers, examples)


def can_be_wrong(operation) -> bool:
    """Say whether there is anything but plain text, which no request can get wrong."""
    schemas = [parameter.definition["schema"] for parameter in [*operation.path_parameters, *operation.query]]
    return bool(list(operation.body)) or any(schema != {"type": "string"} for schema in map(untitled, schemas))


def untitled(schema):
    return {key: value for key, value in schema.items() if key != "title"}


def ask(operation, mode, address, headers, examples):
    @settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode), is_known=booleans())
    def one(case, is_known):
        if is_known and case.method != "DELETE":
            name_what_is_there(case)
        response = case.call(base_url=address, headers=headers, timeout=60)
        case.validate_response(response, checks=CHECKS)

    one()


def name_what_is_there(case):
    """Put names that exist where names are asked for, so that the answers go deeper than "no such thing".

    Not where each answer is a process that writes a file, which tests/studio/test_share_routes.py asks for.
    """
    if case.path.endswith("/share"):
        return
    for part in (case.path_parameters, case.query, case.body):
        if isinstance(part, dict):
            part.update({key: value for key, value in KNOWN.items() if key in part})
