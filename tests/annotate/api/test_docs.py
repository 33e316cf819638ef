"""The OpenAPI document and the page made from it."""

import json
import re
from io import StringIO

import pytest
from django.core.management import call_command
from django.urls import URLPattern, URLResolver, get_resolver
from jsonschema import Draft202012Validator, ValidationError

from annotate.api import examples
from annotate.api.docs import METHODS, openapi_document, read_groups, type_name
from annotate.api.document import GROUPS
from annotate.models import ApiToken

OWN = {"/api/v1/schema/"}
EVERYTHING = [
    operation for group in read_groups(openapi_document()) for operation in group.operations
]


def api_routes(resolver: URLResolver | None = None, prefix: str = "/") -> dict[str, type]:
    """Path as the document writes it, to view class; whatever is under /api/v1/."""
    found: dict[str, type] = {}
    for entry in (resolver or get_resolver()).url_patterns:
        path = prefix + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", str(entry.pattern))
        if isinstance(entry, URLPattern):
            found[path] = getattr(entry.callback, "cls", None)
        else:
            found |= api_routes(entry, path)
    return {path: view for path, view in found.items() if path.startswith("/api/v1/")}


def test_the_document_is_valid_and_without_warnings():
    out = StringIO()
    call_command("spectacular", "--validate", "--fail-on-warn", stdout=out)
    assert "openapi: 3.1.0" in out.getvalue()


def test_the_document_covers_every_view():
    routes = api_routes()
    assert len(routes) > 30
    wanted = {
        (path, method)
        for path, view in routes.items()
        for method in METHODS
        if path not in OWN and hasattr(view, method)
    }
    there = {
        (path, method)
        for path, item in openapi_document()["paths"].items()
        for method in METHODS
        if method in item
    }
    assert there == wanted


def test_every_operation_has_a_name_a_group_and_words():
    names = [operation.id for operation in EVERYTHING]
    assert len(set(names)) == len(names) > 50
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)+", name) for name in names)
    assert all(operation.summary.endswith(".") for operation in EVERYTHING)
    assert all(len(operation.summary) < 100 for operation in EVERYTHING)
    groups = [group.name for group in read_groups(openapi_document())]
    assert groups == [name for name, _ in GROUPS]


def test_each_job_is_described_in_words_of_its_own():
    shapes = openapi_document()["components"]["schemas"].values()
    jobs = [one for one in shapes if "waits_because" in one.get("properties", {})]
    words = [one["description"] for one in jobs if "description" in one]
    assert len(set(words)) == len(words) >= 11


def test_each_operation_names_the_scope_that_it_asks_for():
    scopes = {operation.id: operation.scope for operation in EVERYTHING}
    assert set(scopes.values()) == set(ApiToken.Scope.values)
    assert scopes["list_projects"] == "read"
    assert scopes["lease_next_seat"] == "annotate"
    assert scopes["import_file"] == "manage"


@pytest.mark.parametrize(
    "name",
    ["import_file", "submit_judgement", "create_project", "start_training_run", "start_routing"],
)
def test_what_a_token_lacks_is_what_the_document_asks_for(name, caller, make_project):
    operation = next(one for one in EVERYTHING if one.id == name)
    others = sorted(set(ApiToken.Scope.values) - {operation.scope})
    answer = caller("ada", *others).send(
        operation.method, re.sub(r"\{\w+\}", "1", operation.path.removeprefix("/api/v1/")), {}
    )
    assert answer.status_code == 403
    assert f"lacks the scope {operation.scope};" in json.loads(answer.content)["detail"]


@pytest.mark.parametrize(
    "name",
    [
        "create_project",
        "import_file",
        "submit_judgement",
        "start_training_run",
        "save_routing_policy",
    ],
)
def test_the_main_requests_have_an_example(name):
    operation = next(one for one in EVERYTHING if one.id == name)
    assert operation.request.example
    assert operation.method == "POST"


def test_every_json_body_has_an_example_that_its_schema_takes():
    document, seen = openapi_document(), 0
    schemas = {"components": document["components"]}
    for item in document["paths"].values():
        for operation in (item[method] for method in METHODS if method in item):
            bodies = operation.get("requestBody", {}).get("content", {})
            if "application/json" not in bodies:
                continue
            body = bodies["application/json"]
            assert body.get("examples"), operation["operationId"]
            check = Draft202012Validator({**body["schema"], **schemas})
            for example in body["examples"].values():
                wrong = [one for one in check.iter_errors(example["value"]) if not _of_answers(one)]
                assert not wrong, operation["operationId"]
                seen += 1
    assert seen > 75


def _of_answers(error: ValidationError) -> bool:
    """What only answers have is required of answers alone (OpenAPI, readOnly)."""
    if error.validator != "required":
        return False
    missing = set(error.validator_value) - set(error.instance)
    return all(error.schema["properties"][name].get("readOnly") for name in missing)


def test_every_error_is_a_problem():
    for item in openapi_document()["paths"].values():
        for operation in (item[method] for method in METHODS if method in item):
            for status, answer in operation["responses"].items():
                if status >= "400":
                    assert list(answer["content"]) == ["application/problem+json"], operation


@pytest.mark.parametrize("name", ["lease_next_seat", "export_preferences", "import_file"])
def test_the_main_answers_have_an_example(name):
    operation = next(one for one in EVERYTHING if one.id == name)
    assert operation.answers[0].body.example


def value_of(group: list, kind: str) -> object:
    return next(one.value for one in group if getattr(one, kind))


def keys(value: object) -> object:
    """The shape of a value: keys all the way down, without the values."""
    if isinstance(value, dict):
        return {name: keys(inner) for name, inner in value.items()}
    return [keys(value[0])] if isinstance(value, list) and value else None


def test_the_examples_hold(caller, make_project):
    """The calls of the examples, one after the other; answers have the shape that is shown."""
    ada = caller("ada")
    made = ada.post("projects/", value_of(examples.CREATE_PROJECT, "request_only"))
    assert made.status_code == 201, made.content
    project = made.json()["id"]
    data = value_of(examples.IMPORT, "request_only").encode()
    report = ada.post(f"projects/{project}/import/", data).json()
    assert report == value_of(examples.IMPORT, "response_only")

    again = ada.post(f"projects/{project}/import/?labels=tasks", data)
    assert again.status_code == 200, again.content
    seat = ada.get(f"projects/{project}/next/").json()
    assert keys(seat) == keys(value_of(examples.NEXT, "response_only"))
    shown = [response["id"] for response in seat["responses"]]
    draft = value_of(examples.DRAFT, "request_only")
    assert ada.put(f"seats/{seat['seat']}/draft/", draft).status_code == 204
    body = value_of(examples.SUBMIT, "request_only")
    body["value"] = {**body["value"], "preferred": shown[0]}
    body["form"] = seat["form"]["id"]
    answer = ada.post(f"seats/{seat['seat']}/judgement/", body)
    assert answer.status_code == 201, answer.content
    assert keys(answer.json()) == keys(value_of(examples.SUBMIT, "response_only"))
    revision = value_of(examples.REVISE, "request_only")
    assert ada.post(f"judgements/{answer.json()['id']}/revise/", revision).status_code == 201
    frozen = ada.post(f"projects/{project}/snapshots/", value_of(examples.SNAPSHOT, "request_only"))
    assert frozen.status_code == 201, frozen.content
    exported = b"".join(ada.get(f"projects/{project}/export/").streaming_content)
    first = json.loads(exported.splitlines()[0])
    assert keys(first) == keys(value_of(examples.EXPORT, "response_only"))


def test_shapes_in_words():
    document = {
        "components": {
            "schemas": {
                "Turn": {"type": "object", "properties": {}},
                "State": {"enum": ["open", "done"], "type": "string"},
            }
        }
    }
    turn = {"$ref": "#/components/schemas/Turn"}
    state = {"$ref": "#/components/schemas/State"}
    for schema, words in (
        ({"type": "integer", "minimum": 1, "maximum": 100}, "integer, 1 to 100"),
        ({"type": ["integer", "null"]}, "integer or null"),
        ({"oneOf": [state, {"type": "null"}]}, "one of: open, done or null"),
        ({"type": "array", "items": turn}, "list of objects"),
        ({"type": "array", "items": {"type": "string"}}, "list of texts"),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, "object of integers"),
        ({"type": "object", "additionalProperties": {}}, "object"),
        ({"type": "string", "maxLength": 100}, "text, at most 100 characters"),
        ({"type": "string", "format": "date-time"}, "time"),
        ({"allOf": [state], "description": "x"}, "one of: open, done"),
        ({}, "any"),
    ):
        assert type_name(document, schema) == words


@pytest.mark.django_db
def test_strangers_can_read_the_page(client):
    answer = client.get("/api/docs/")
    assert answer.status_code == 200
    text = answer.content.decode()
    for operation in EVERYTHING:
        assert text.count(f'id="{operation.id}"') == 1
    assert text.count('class="method ') == len(EVERYTHING)
    assert "Authorization: Token $TOKEN" in text
    assert "application/problem+json" in text
    assert not re.search(r"""(?:src|href)=["']https?://""", text)
    assert client.get("/api/v1/schema/").status_code == 200


@pytest.mark.django_db
def test_the_document_comes_as_the_address_asks(client):
    answer = client.get("/api/v1/schema/?format=json")
    assert answer["Content-Type"].endswith("json")
    assert json.loads(answer.content)["openapi"].startswith("3.1")
    assert client.get("/api/v1/schema/?format=yaml").content.startswith(b"openapi: 3.1")
    answer = client.get("/api/v1/schema/?format=xml")
    assert answer.status_code == 400
    assert json.loads(answer.content)["errors"][0]["field"] == "format"
