"""The door of the HTTP API: who comes in, what is too much, and how a no is said."""

import asyncio
import base64
import gzip
import json

import pytest
from aiohttp import web
from argon2 import PasswordHasher
from pydantic import BaseModel, ConfigDict

from core import entrance
from core.access import Keys, People, Right, SignIns
from core.access.keys import new_key, put_key
from core.entrance import KEYS, key_holder
from core.faults import Overloaded
from core.http import PUBLIC_ORIGIN, SIGN_INS, Access, Endpoint, answer, body, signed_in
from core.openapi import document
from core.problems import traced
from core.sealing import Sealer

ORIGIN = "http://desk.example"
SEALER = Sealer("a secret key of the tests, long enough")
# As slow as production would make every test wait; what is tested is not the hash.
PEOPLE = People(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


class Greeting(BaseModel):
    """Something to say."""

    model_config = ConfigDict(extra="forbid")
    name: str
    times: int = 1


async def greet(request: web.Request) -> web.Response:
    greeting = await body(request, Greeting)
    return answer({"hello": greeting.name})


async def who(request: web.Request) -> web.Response:
    return answer({"person": signed_in(request).person.name})


async def which_key(request: web.Request) -> web.Response:
    return answer({"key": key_holder(request).name})


async def busy(request: web.Request) -> web.Response:
    del request
    raise Overloaded


async def broken(request: web.Request) -> web.Response:
    del request
    raise KeyError("a secret")


ENDPOINTS = (
    Endpoint("POST", "/greet", greet, "Greet", Access.PUBLIC, accepts=Greeting),
    Endpoint("GET", "/who", who, "Who am I", Access.PERSON, right=Right.DESK),
    Endpoint("POST", "/who", who, "Who am I", Access.PERSON, right=Right.DESK),
    Endpoint("GET", "/reports", who, "Reports", Access.PERSON, right=Right.REPORTS),
    Endpoint("GET", "/key", which_key, "Which key", Access.KEY, scope="ivr"),
    Endpoint("GET", "/broken", broken, "Broken", Access.PUBLIC),
    Endpoint("GET", "/busy", busy, "Busy", Access.PUBLIC, faults=(Overloaded,)),
)


@pytest.fixture
async def sign_ins(database, clock):
    return SignIns(database, PEOPLE, clock)


@pytest.fixture
async def client(aiohttp_client, database, sign_ins, clock):
    app = web.Application(middlewares=[traced])
    app[KEYS] = Keys(database, SEALER, clock)
    app[SIGN_INS] = sign_ins
    app[PUBLIC_ORIGIN] = ORIGIN
    app.add_routes([endpoint.route for endpoint in ENDPOINTS])
    return await aiohttp_client(app)


@pytest.fixture
async def olga(database, workspace_id):
    async with database.workspace(workspace_id) as tx:
        return await PEOPLE.put(
            tx, email="Olga@Shop.example", name="Olga", roles=["operator"], password="long-enough-1"
        )


async def refused(response, status: int, code: str):
    assert response.status == status
    assert response.content_type == "application/problem+json"
    problem = json.loads(await response.read())
    assert problem["code"] == code
    assert problem["trace_id"] == response.headers["X-Request-Id"]
    assert problem["detail"]
    return problem


@pytest.mark.parametrize(
    ("sent", "path"),
    [
        ({"name": 5}, "name"),
        ({}, "name"),
        ({"name": "x", "times": "often"}, "times"),
        ({"name": "x", "surname": "y"}, "surname"),
    ],
)
async def test_a_body_that_does_not_fit_is_told_where(client, sent, path):
    problem = await refused(await client.post("/greet", json=sent), 400, "invalid_request")
    assert [error["path"] for error in problem["errors"]] == [path]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[" * 5000,
        b'{"name":' + b"[" * 50 + b"]" * 50 + b"}",
        rb'{"name": "An\u0000na"}',
        rb'{"na\u0000me": "Anna"}',
    ],
)
async def test_what_is_no_reasonable_json_is_refused(client, raw):
    await refused(await client.post("/greet", data=raw), 400, "invalid_request")


async def test_a_body_that_is_too_long_is_refused_without_reading_it_all(client):
    response = await client.post("/greet", data=b"x" * 70_000)
    await refused(response, 413, "too_large")


async def test_unknown_addresses_and_methods_are_problems_too(client):
    await refused(await client.get("/nowhere"), 404, "not_found")
    await refused(await client.put("/greet"), 405, "method_not_allowed")


async def test_an_address_with_a_nul_is_refused_before_anybody_is_asked(client):
    problem = await refused(await client.get("/who?q=a%00b"), 400, "invalid_request")
    assert "NUL" in problem["detail"]


async def test_overload_says_when_to_come_back(client):
    response = await client.get("/busy")
    await refused(response, 503, "overloaded")
    assert int(response.headers["Retry-After"]) >= 1


async def test_a_defect_of_ours_is_still_an_answer_and_quotes_nothing(client):
    response = await client.get("/broken")
    problem = await refused(response, 500, "internal_error")
    assert "secret" not in json.dumps(problem)


@pytest.mark.parametrize("trace", ["abc-123", "x" * 80, "evil\\nheader", "7916-1234567"])
async def test_a_callers_trace_id_is_kept_only_when_it_is_harmless(client, trace):
    response = await client.post("/greet", json={"name": "x"}, headers={"X-Request-Id": trace})
    assert (response.headers["X-Request-Id"] == trace) == (trace == "abc-123")


@pytest.mark.usefixtures("olga")
async def test_a_person_signs_in_works_and_signs_out(client, sign_ins):
    await refused(await client.get("/who"), 401, "unauthorized")
    token, signed = await sign_ins.open("olga@shop.example ", "long-enough-1", None)
    client.session.cookie_jar.update_cookies({"session": token})
    response = await client.get("/who")
    assert await response.json() == {"person": "Olga"}
    await refused(await client.get("/reports"), 403, "forbidden")
    await sign_ins.end(signed)
    await refused(await client.get("/who"), 401, "unauthorized")


@pytest.mark.usefixtures("olga")
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": ORIGIN}, 200),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
    ],
)
async def test_another_sites_page_changes_nothing(client, sign_ins, headers, status):
    token, _ = await sign_ins.open("olga@shop.example", "long-enough-1", None)
    client.session.cookie_jar.update_cookies({"session": token})
    response = await client.post("/who", headers=headers)
    assert response.status == status


@pytest.mark.usefixtures("olga")
async def test_guessing_a_password_is_stopped(sign_ins):
    from core.access.sessions import SignInFailed, TooManyTries

    for _ in range(5):
        with pytest.raises(SignInFailed):
            await sign_ins.open("olga@shop.example", "wrong", None)
    with pytest.raises(TooManyTries):
        await sign_ins.open("olga@shop.example", "long-enough-1", None)


async def test_nobody_is_not_told_apart_from_a_wrong_password(sign_ins):
    from core.access.sessions import SignInFailed

    with pytest.raises(SignInFailed):
        await sign_ins.open("nobody@shop.example", "wrong", None)


@pytest.mark.usefixtures("olga")
async def test_the_same_sign_in_in_two_workspaces_asks_which(
    database, sign_ins, workspace_id, other_workspace_id
):
    from core.access.sessions import ChooseWorkspace

    async with database.workspace(other_workspace_id) as tx:
        await PEOPLE.put(
            tx, email="olga@shop.example", name="Olga", roles=["operator"], password="long-enough-1"
        )
    with pytest.raises(ChooseWorkspace) as choose:
        await sign_ins.open("olga@shop.example", "long-enough-1", None)
    assert {w["name"] for w in choose.value.facts["workspaces"]} == {"demo", "other"}
    _, signed = await sign_ins.open("olga@shop.example", "long-enough-1", "demo")
    assert signed.workspace_id == workspace_id


@pytest.mark.parametrize("scheme", ["bearer", "basic"])
async def test_a_key_opens_what_it_is_for(client, database, workspace_id, scheme):
    key, other = new_key(), new_key()
    async with database.workspace(workspace_id) as tx:
        await put_key(tx, name="pbx", key=key, scopes=["ivr"])
        await put_key(tx, name="bi", key=other, scopes=["reports"])

    def header(value: str) -> dict[str, str]:
        if scheme == "basic":
            return {"Authorization": "Basic " + base64.b64encode(f"x:{value}".encode()).decode()}
        return {"Authorization": f"Bearer {value}"}

    assert await (await client.get("/key", headers=header(key))).json() == {"key": "pbx"}
    await refused(await client.get("/key", headers=header(other)), 403, "forbidden")
    await refused(await client.get("/key", headers=header("guess")), 401, "unauthorized")
    await refused(await client.get("/key"), 401, "unauthorized")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET /key HTTP/1.1\r\nAuthorization: Bearer \xff\xfe", b"401"),
        (b"GET /key HTTP/1.1\r\nAuthorization: Basic \xff", b"401"),
        (
            b"POST /greet HTTP/1.1\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nwhat",
            b"400",
        ),
        (b"POST /greet HTTP/1.1\r\nTransfer-Encoding: chunked", b"400"),
    ],
)
async def test_bytes_that_mean_nothing_are_refused_like_any_others(client, sent, status):
    """Nothing of it may look like a defect of ours."""
    reader, writer = await asyncio.open_connection(client.host, client.port)
    head, _, content = sent.partition(b"\r\n\r\n")
    writer.write(head + b"\r\nHost: x\r\nConnection: close\r\n\r\n" + content)
    if b"chunked" in head:
        await writer.drain()
        writer.write(b"what\r\n{}\r\n")
    answered = await reader.read()
    writer.close()
    assert answered.split(b" ")[1] == status, answered


@pytest.mark.parametrize(
    ("packed", "status", "code"),
    [
        (gzip.compress(b'{"name": "Anna"}')[:-14], 400, "invalid_request"),
        (gzip.compress(b'{"name": "Anna"}')[:12] + b"what is this", 400, "invalid_request"),
        (gzip.compress(b" " * 70_000), 413, "too_large"),
    ],
    ids=["cut off", "garbled", "longer than it looks"],
)
async def test_a_packed_body_is_held_to_what_is_in_it(client, packed, status, code):
    """All of it comes with the headers, so that nothing is waited for."""
    packing = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    await refused(await client.post("/greet", data=packed, headers=packing), status, code)


async def test_a_body_that_is_held_back_is_not_waited_for(client, monkeypatch):
    monkeypatch.setattr(entrance, "ARRIVES_WITHIN_S", 0.1)
    reader, writer = await asyncio.open_connection(client.host, client.port)
    writer.write(b"POST /greet HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{")
    async with asyncio.timeout(20):
        answered = await reader.readuntil(b"\r\n")
    writer.close()
    assert b" 408 " in answered


def test_the_description_is_openapi_and_names_every_endpoint():
    from openapi_spec_validator import validate

    described = document(ENDPOINTS, version="1")
    validate(described)
    assert set(described["paths"]) == {endpoint.path for endpoint in ENDPOINTS}
