"""The API's description as one page for people."""

import html
from collections.abc import Mapping
from typing import Any


def api_page(described: Mapping[str, Any]) -> str:
    """The API as one readable page: addresses, who may call them, fields and refusals."""
    title = html.escape(described["info"]["title"])
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>",
        f"<title>{title} API</title><style>{_STYLE}</style><main><h1>{title} API</h1>",
        f"<p>{html.escape(described['info']['description'])}</p>",
        "<p>The same for programs: <a href=/openapi.json>/openapi.json</a>.</p>",
    ]
    schemas = described["components"]["schemas"]
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            parts.append(_operation(path, method, operation, schemas))
    return "".join([*parts, "</main></html>"])


def _operation(
    path: str, method: str, operation: Mapping[str, Any], schemas: Mapping[str, Any]
) -> str:
    who = " or ".join(sorted(name for way in operation["security"] for name in way)) or "anyone"
    parts = [
        f"<section id={operation['operationId']}><h2><b>{method.upper()}</b> {html.escape(path)}</h2>",
        f"<p>{html.escape(operation['summary'])} <small>{who}</small></p>",
    ]
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    parts.append(_fields("Body", body.get("schema", {}), schemas))
    for status, answer in operation["responses"].items():
        content = answer.get("content", {}).get("application/json", {})
        parts.append(_fields(f"Answer {status}", content.get("schema", {}), schemas))
        if not status.startswith("2"):
            parts.append(f"<p><b>{status}</b> {html.escape(answer['description'])}</p>")
    return "".join([*parts, "</section>"])


def _fields(heading: str, schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> str:
    name = schema.get("$ref", "").rpartition("/")[2]
    properties = schemas.get(name, {}).get("properties", {})
    if not properties:
        return ""
    required = set(schemas[name].get("required", ()))
    rows = "".join(
        f"<tr><td><code>{html.escape(field)}</code>{'' if field in required else ' <small>optional</small>'}"
        f"<td>{html.escape(_type(shape))}<td>{html.escape(shape.get('description', ''))}"
        for field, shape in properties.items()
    )
    return (
        f"<details><summary>{heading}: {html.escape(name)}</summary><table>{rows}</table></details>"
    )


def _type(shape: Mapping[str, Any]) -> str:
    if "$ref" in shape:
        return str(shape["$ref"]).rpartition("/")[2]
    if "anyOf" in shape:
        return " or ".join(_type(each) for each in shape["anyOf"])
    if "enum" in shape:
        return ", ".join(map(str, shape["enum"]))
    if shape.get("type") == "array":
        return f"list of {_type(shape.get('items', {}))}"
    return str(shape.get("type", "any"))


_STYLE = """
:root{color-scheme:light dark;font:15px/1.5 system-ui,sans-serif}
main{max-width:860px;margin:2rem auto;padding:0 1rem}
h2{font:600 16px ui-monospace,monospace;margin:2rem 0 .25rem;overflow-wrap:anywhere}
p{margin:.25rem 0}small{opacity:.7}table{border-collapse:collapse;width:100%;margin:.5rem 0}
td{border-top:1px solid color-mix(in srgb,currentColor 20%,transparent);padding:.25rem .5rem;vertical-align:top}
summary{cursor:pointer}
"""
