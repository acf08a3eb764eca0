"""The description of the service, as OpenAPI has it."""

from __future__ import annotations

from typing import Any

import msgspec
from bodies import ARROW, JSON, RAW, Bodies
from report import ReportQuery

_REFUSALS = {
    "400": "The body or the query cannot be read.",
    "404": "No loss is computed here.",
    "408": "The body did not arrive in time.",
    "409": "An earlier request said something else of an example.",
    "413": "The body is too large.",
    "415": "The type of the body is none of these.",
    "422": "A number that the loss does not take.",
    "503": "Too much to do, or no database: the same request may be sent again.",
}
#: Those of requests that bring something.
_OF_BODIES = ("400", "408", "409", "413", "415", "422", "503")


class Failure(msgspec.Struct):
    """What is wrong, in a sentence."""

    error: str
    index: list[int] | msgspec.UnsetType = msgspec.UNSET


class Written(msgspec.Struct):
    """What became of the rows of a request."""

    stored: int
    repeated: int
    losses: list[float | None]
    weights: list[float | None]


def description(bodies: Bodies) -> dict[str, Any]:
    """Return the document."""
    types = [bodies.predictions, bodies.labels, bodies.raw_query, ReportQuery, Failure, Written]
    schemas, components = msgspec.json.schema_components(
        types, ref_template="#/components/schemas/{name}"
    )
    predictions, labels, _, _, failure, written = schemas
    binary: dict[str, Any] = {}  # bytes have no schema
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Scoring service",
            "version": "1",
            "description": "Predictions come in, labels later, losses by slice come out.",
        },
        "paths": {
            "/predictions": {
                "post": _operation(
                    "Keep predictions; the same ones may come again.",
                    _answers(written, failure, *_OF_BODIES),
                    requestBody=_body({JSON: predictions, ARROW: binary}),
                )
            },
            "/predictions/raw": {
                "post": _operation(
                    "Keep predictions that are float32, little-endian, row by row.",
                    _answers(written, failure, *_OF_BODIES),
                    parameters=_parameters(components.pop("RawQuery")),
                    requestBody=_body({RAW: binary}),
                )
            },
            "/labels": {
                "post": _operation(
                    "Keep labels, before or after their predictions.",
                    _answers(written, failure, *_OF_BODIES),
                    requestBody=_body({JSON: labels, ARROW: binary}),
                )
            },
            "/report": {
                "get": _operation(
                    "Statistics of the losses, of all rows and by slice.",
                    _answers({"type": "object"}, failure, "400", "503"),
                    parameters=_parameters(components.pop("ReportQuery")),
                )
            },
            "/state": {
                "get": _operation(
                    "The state of the evaluation, for numloss.Evaluation.from_bytes.",
                    _answers(binary, failure, "404", "503", kind=RAW),
                )
            },
            "/metrics": {
                "get": _operation(
                    "Numbers for Prometheus.",
                    _answers({"type": "string"}, failure, "503", kind="text/plain"),
                )
            },
            "/healthz": {
                "get": _operation(
                    "Whether the worker lives.", _answers({"type": "object"}, failure)
                )
            },
            "/readyz": {
                "get": _operation(
                    "Whether requests can be written.",
                    _answers({"type": "object"}, failure, "503"),
                )
            },
        },
        "components": {"schemas": components},
    }


def _operation(summary: str, responses: dict[str, Any], **rest: Any) -> dict[str, Any]:
    return {"summary": summary, "responses": responses, **rest}


def _body(kinds: dict[str, Any]) -> dict[str, Any]:
    return {"required": True, "content": {kind: {"schema": s} for kind, s in kinds.items()}}


def _answers(schema: Any, failure: Any, *refusals: str, kind: str = JSON) -> dict[str, Any]:
    refused = {JSON: {"schema": failure}}
    return {
        "200": {"description": "It is done.", "content": {kind: {"schema": schema}}},
        **{status: {"description": _REFUSALS[status], "content": refused} for status in refusals},
    }


def _parameters(query: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the fields of an object as parameters of the query."""
    return [
        {"name": name, "in": "query", "required": name in query["required"], "schema": schema}
        for name, schema in query["properties"].items()
    ]
