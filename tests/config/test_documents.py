"""What stands in docs/ is what the code says."""

import json
from pathlib import Path

import jsonschema
import pytest
from openapi_spec_validator import validate
from ruamel.yaml import YAML

from config.api_page import api_page
from config.wiring import ENDPOINTS, openapi_document
from config.workspaces.model import schema

DOCS = Path(__file__).parents[2] / "docs"
DEMO = Path(__file__).parents[2] / "config" / "workspaces" / "demo.yaml"


def test_the_openapi_document_is_valid_and_current():
    described = openapi_document()
    validate(described)
    assert json.loads((DOCS / "openapi.json").read_text()) == json.loads(json.dumps(described)), (
        "run `make openapi`"
    )


def test_no_address_is_served_twice_and_none_is_undocumented():
    routes = [(endpoint.method, endpoint.path) for endpoint in ENDPOINTS]
    assert len(routes) == len(set(routes))
    assert all(endpoint.summary and endpoint.summary[0].isupper() for endpoint in ENDPOINTS)


def test_the_workspace_schema_is_current_and_takes_the_demo():
    assert json.loads((DOCS / "workspace.schema.json").read_text()) == schema(), (
        "run `make openapi`"
    )
    jsonschema.validate(YAML(typ="safe", pure=True).load(DEMO.read_text()), schema())


def test_a_misspelt_setting_fails_the_schema():
    workspace = YAML(typ="safe", pure=True).load(DEMO.read_text())
    workspace["lines"][0]["grace"] = 800
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(workspace, schema())


def test_the_page_for_people_names_every_address_and_escapes():
    page = api_page(openapi_document())
    for endpoint in ENDPOINTS:
        assert endpoint.path.split("{")[0].rstrip("/") in page
    assert "<script" not in page
