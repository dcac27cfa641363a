"""Signing in: the cookie, the choice of a workspace, the throttle, and what a page learns about itself."""

import asyncio
from http.cookies import SimpleCookie
from typing import Any

import aiohttp
import pytest

from core.access.workspaces import Workspace, Workspaces, put_workspace
from core.http import PUBLIC_ORIGIN

ORIGIN = "http://desk.test"
PASSWORD = "correct horse battery"


async def post(desk: Any, body: Any, **headers: str) -> tuple[int, Any, Any]:
    """A sign-in by a browser that has no cookie yet."""
    async with aiohttp.ClientSession() as http:
        url = desk.url + "/v1/session"
        sent = {"Origin": ORIGIN, **headers}
        async with http.post(url, json=body, headers=sent) as response:
            return response.status, await response.json(content_type=None), response


def credentials(**more: Any) -> dict[str, Any]:
    return {"email": "olga@example.org", "password": PASSWORD, **more}


async def test_me_says_who_where_and_what_is_allowed(desk):
    olga = await desk.signed_in(rights=("see_phone",))
    assert olga.me == await olga.get("/v1/session")
    assert olga.me["person"] == {"id": olga.id, "name": "Olga", "email": "olga@example.org"}
    assert olga.me["workspace"] == {
        "name": "demo",
        "title": "Demo",
        "timezone": "Europe/Moscow",
        "accent": None,
        "languages": ["ru", "en"],
    }
    assert (olga.me["roles"], olga.me["rights"]) == (["operator"], ["desk", "see_phone"])
    assert [queue["name"] for queue in olga.me["queues"]] == ["support"]
    assert olga.me["presence"]["capacity"] > 0


async def test_a_manager_is_no_operator(desk):
    manager = await desk.signed_in("mira", roles=("manager",), serves=False)
    assert (manager.me["rights"], manager.me["queues"]) == (["reports"], [])
    assert manager.me["presence"]["capacity"] == 0
    assert await desk.house.owner.fetchval("SELECT count(*) FROM handoff.operator_state") == 0


@pytest.mark.parametrize(
    ("origin", "name", "secure"),
    [(ORIGIN, "session", ""), ("https://desk.example.org", "__Host-session", True)],
)
async def test_the_cookie_is_for_this_host_and_no_script(desk, origin, name, secure):
    await desk.person()
    desk.app._state[PUBLIC_ORIGIN] = origin
    status, _, response = await post(desk, credentials(), Origin=origin)
    assert status == 200
    (cookie,) = SimpleCookie(response.headers["Set-Cookie"]).values()
    assert cookie.key == name
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/")
    assert (cookie["secure"], cookie["domain"]) == (secure, "")
    assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "wrong",
    [
        credentials(password="guess"),
        credentials(email="nobody@example.org"),
        credentials(workspace="elsewhere"),
    ],
)
async def test_a_wrong_password_and_a_stranger_hear_the_same(desk, wrong):
    await desk.person()
    status, told, response = await post(desk, wrong)
    assert (status, told["code"]) == (401, "sign_in_failed")
    assert "Set-Cookie" not in response.headers
    del told["trace_id"]
    assert told == {
        "type": "about:blank",
        "title": "The e-mail address or the password is wrong.",
        "status": 401,
        "code": "sign_in_failed",
        "detail": "The e-mail address or the password is wrong.",
    }


@pytest.mark.parametrize(
    "guessed", [{}, {"email": "nobody@example.org"}, {"workspace": "elsewhere"}]
)
async def test_guessing_is_stopped_whether_or_not_there_is_anybody_to_guess(desk, guessed):
    await desk.person()
    wrong = credentials(password="guess") | guessed
    for _ in range(5):
        assert (await post(desk, wrong))[0] == 401
    # Even when the guess becomes right.
    status, told, response = await post(desk, credentials() | guessed)
    assert (status, told["code"]) == (429, "rate_limited")
    assert response.headers["Retry-After"] == "600"


async def test_guessing_all_at_once_is_stopped_as_soon(desk):
    await desk.person()
    guesses = [post(desk, credentials(password=f"guess {n}")) for n in range(20)]
    statuses = [status for status, _, _ in await asyncio.gather(*guesses)]
    assert sorted(statuses) == [401] * 5 + [429] * 15


async def test_signing_in_right_spends_no_tries(desk):
    await desk.person()
    for _ in range(7):
        assert (await post(desk, credentials()))[0] == 200


async def test_who_is_known_in_two_workspaces_chooses(desk, database):
    workspace_id = await Workspaces(database).reserve_number("second")
    async with database.workspace(workspace_id) as tx:
        await put_workspace(tx, Workspace(workspace_id, "second", "Second", "UTC", ["en"], {}))
    await desk.person()
    await desk.person(workspace_id=workspace_id)
    status, told, _ = await post(desk, credentials())
    assert (status, told["code"]) == (409, "choose_workspace")
    assert told["workspaces"] == [
        {"name": "demo", "title": "Demo"},
        {"name": "second", "title": "Second"},
    ]
    status, told, _ = await post(desk, credentials(workspace="second"))
    assert (status, told["workspace"]["name"]) == (200, "second")


async def test_a_body_that_does_not_fit_is_told_where(desk):
    bodies: tuple[Any, ...] = (
        {},
        {"email": "olga@example.org"},
        credentials(password=""),
        credentials(password="x" * 1001),
        credentials(email=7),
        credentials(remember=True),
        [],
        "text",
    )
    for body in bodies:
        status, told, _ = await post(desk, body)
        assert (status, told["code"]) == (400, "invalid_request"), body
        assert told["errors"], body


async def test_a_foreign_page_cannot_sign_anybody_in_nor_a_form_without_json(desk):
    await desk.person()
    assert (await post(desk, credentials(), Origin="https://evil.example"))[0] == 403
    async with (
        aiohttp.ClientSession() as http,
        http.post(desk.url + "/v1/session", data=b'{"email":"x"}') as response,
    ):
        told = await response.json(content_type=None)
        assert (response.status, told["code"]) == (415, "json_expected")


async def test_a_session_that_ended_opens_nothing(desk):
    olga = await desk.signed_in()
    (cookie,) = list(olga.http.cookie_jar)
    assert (await olga.ask("DELETE", "/v1/session"))[0] == 204
    assert list(olga.http.cookie_jar) == []
    status, _ = await olga.ask("GET", "/v1/session", headers={"Cookie": f"session={cookie.value}"})
    assert status == 401
