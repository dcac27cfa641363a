"""jambonz's own JSON Schemas (the package @jambonz/schema among web/'s development packages)."""

import json
from functools import cache
from pathlib import Path

from jsonschema import Draft202012Validator
from referencing import Registry, Resource

FOLDER = Path(__file__).parents[3] / "web" / "node_modules" / "@jambonz" / "schema"


@cache
def _application() -> Draft202012Validator:
    files = [*FOLDER.glob("verbs/*.json"), *FOLDER.glob("components/*.json")]
    assert files, f"{FOLDER} is not there: install web/'s packages (make web)"
    registry: Registry = Registry().with_resources(
        (schema["$id"], Resource.from_contents(_closed(schema)))
        for schema in (json.loads(file.read_text()) for file in files)
    )
    return Draft202012Validator(
        json.loads((FOLDER / "jambonz-app.schema.json").read_text()), registry=registry
    )


def _closed(schema: dict[str, object]) -> dict[str, object]:
    """A property that the schema does not know is a mistake of ours, even where it is let pass."""
    return {"additionalProperties": False, **schema} if "properties" in schema else schema


def check_jambonz(body: bytes) -> None:
    """Every verb is one that jambonz knows, with properties that it knows."""
    _application().validate(json.loads(body))
