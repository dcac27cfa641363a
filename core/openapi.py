"""OpenAPI 3.1 from the endpoint table: what is served is what is described."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from core.faults import Fault
from core.http import Access, Endpoint

_PARAMETER = re.compile(r"{(\w+)(?::[^}]*)?}")

_PROBLEM = {
    "type": "object",
    "required": ["title", "status", "code", "detail", "trace_id"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "detail": {"type": "string"},
        "trace_id": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "path": {"type": "string"},
                    "message": {"type": "string"},
                    "code": {"type": "string"},
                    "facts": {"type": "object"},
                },
            },
        },
    },
}
_AS_TEXT = {"type": "string"}
_SECURITY: Mapping[Access, Sequence[Mapping[str, list[str]]]] = {
    Access.PUBLIC: [],
    Access.PERSON: [{"session": []}],
    Access.KEY: [{"key": []}],
    Access.EITHER: [{"session": []}, {"key": []}],
}


def document(endpoints: Iterable[Endpoint], *, version: str) -> dict[str, Any]:
    """The whole description, ready to be written as JSON."""
    table = list(endpoints)
    models = sorted(
        {model for endpoint in table for model in (endpoint.accepts, endpoint.answers) if model},
        key=lambda model: model.__name__,
    )
    _, schemas = models_json_schema(
        [(model, "validation") for model in models], ref_template="#/components/schemas/{model}"
    )
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in table:
        path = _PARAMETER.sub(r"{\1}", endpoint.path)
        paths.setdefault(path, {})[endpoint.method.lower()] = _operation(endpoint)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "IVR Bridge",
            "version": version,
            "description": "Moves callers from an IVR to a messenger, and takes the conversation over.",
        },
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": {"Problem": _PROBLEM, **schemas.get("$defs", {})},
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": "__Host-session"},
            },
        },
    }


def _operation(endpoint: Endpoint) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": _operation_id(endpoint),
        "summary": endpoint.summary,
        "security": list(_SECURITY[endpoint.access]),
        "responses": _responses(endpoint),
    }
    parameters: list[Mapping[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _PARAMETER.findall(endpoint.path)
    ]
    parameters += endpoint.parameters
    if parameters:
        operation["parameters"] = parameters
    if endpoint.accepts is not None:
        operation["requestBody"] = {
            "required": True,
            "content": {
                kind: {"schema": _reference(endpoint.accepts)} for kind in endpoint.body_types
            },
        }
    return operation


def _operation_id(endpoint: Endpoint) -> str:
    words = re.sub(r"\W+", "_", _PARAMETER.sub(r"\1", endpoint.path)).strip("_")
    return f"{endpoint.method.lower()}_{words}"


def _responses(endpoint: Endpoint) -> dict[str, Any]:
    content: dict[str, Any] = {}
    if endpoint.status != 204:  # noqa: PLR2004 - No Content
        schema = _reference(endpoint.answers) if endpoint.answers else {}
        content = {
            "content": {
                kind: {"schema": schema if kind == "application/json" else _AS_TEXT}
                for kind in endpoint.answer_types
            }
        }
    responses: dict[str, Any] = {str(endpoint.status): {"description": "Done.", **content}}
    if endpoint.found is not None:
        responses["302"] = {"description": endpoint.found}
    by_status: dict[int, list[type[Fault]]] = {}
    for fault in endpoint.faults:
        by_status.setdefault(fault.status, []).append(fault)
    for status, faults in sorted(by_status.items()):
        said = " ".join(f"`{fault.code}`: {(fault.__doc__ or '').strip()}" for fault in faults)
        responses[str(status)] = {
            "description": said,
            "content": {
                "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
            },
        }
    return responses


def _reference(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{model.__name__}"}
