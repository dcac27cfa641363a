"""Who may ask for which reports, and whose calls they see."""

import pytest

from core.access.issuing import KeyWish, issue
from core.clock import utc_now
from tests.ivr_bridge.reports.chronicle import chronicle
from tests.ivr_bridge.reports.conftest import DAY, NAMES, SEALER, text_of
from tests.signed import signed


@pytest.mark.parametrize(
    ("roles", "rights", "status"),
    [
        (("operator",), (), 403),
        (("lead",), (), 200),
        (("manager",), (), 200),
        (("admin",), (), 200),
        (("operator",), ("reports",), 200),
        ((), ("desk", "see_phone"), 403),
    ],
)
@pytest.mark.parametrize("name", NAMES)
async def test_people_need_the_right(service, past, name, roles, rights, status):
    cookie = await service.person(past, *roles, rights=rights)
    answer = await service.get(f"/v1/reports/{name}?{DAY}", cookie=cookie)
    assert answer.status == status


async def test_keys_need_the_scope(service, past):
    path = f"/v1/reports/voice-to-chat?{DAY}"
    assert (await service.get(path, key=await service.key(past, "reports"))).status == 200
    refusal = await service.refused(path, key=await service.key(past, "ivr"))
    assert (refusal["status"], refusal["code"]) == (403, "forbidden")
    for nobody in ({}, {"key": "ib_unknown"}, {"cookie": "unknown"}):
        refusal = await service.refused(path, **nobody)
        assert (refusal["status"], refusal["code"]) == (401, "unauthorized")


async def test_a_signed_question_is_answered_like_one_with_a_key(service, past):
    async with service.database.workspace(past.workspace_id) as tx:
        made = await issue(tx, SEALER, KeyWish("bi", ["reports"], signs=True))
    path = f"/v1/reports/voice-to-chat?{DAY}"
    headers = signed(made, utc_now().timestamp(), body=b"", method="GET", path=path)
    async with service.http.get(service.url + path, headers=headers) as answer:
        assert answer.status == 200, await answer.text()


async def test_numbers_of_callers_need_their_right(service, past, manager):
    phone = past.callers[0].phone
    path = f"/v1/reports/deflections?{DAY}"
    lead = await service.person(past, "lead")
    hidden, seen = (
        await service.key(past, "reports"),
        await service.key(past, "reports", "see_phone"),
    )
    for suffix in ("", "&format=csv", "&format=xlsx"):
        for may_not in ({"cookie": manager}, {"key": hidden}):
            assert phone[-7:] not in text_of(
                await (await service.get(path + suffix, **may_not)).read()
            )
        for may in ({"cookie": lead}, {"key": seen}):
            assert phone[-7:] in text_of(await (await service.get(path + suffix, **may)).read())


async def test_another_workspace_is_not_there(service, past, database):
    other = await chronicle(database, "other", lines=("main", "theirs"), callers=1)
    cookie, key = await service.person(other, "admin"), await service.key(other, "reports")
    for asker in ({"cookie": cookie}, {"key": key}):
        share = await service.json(f"/v1/reports/voice-to-chat?{DAY}&group_by=line", **asker)
        assert [row["line"] for row in share["rows"]] == ["Main", "Theirs"]
        assert share["total"]["eligible"] == 0
        funnel = await service.json(f"/v1/reports/deflection-funnel?{DAY}", **asker)
        assert {row["count"] for row in funnel["rows"]} == {0}
        assert (await service.json(f"/v1/reports/deflections?{DAY}", **asker))["rows"] == []
        refusal = await service.refused(f"/v1/reports/deflections?{DAY}&line=spare", **asker)
        assert (refusal["status"], refusal["code"]) == (400, "line_unknown")


async def test_a_key_of_one_line_sees_that_line_alone(service, past):
    key = await service.key(past, "reports", lines=("spare",))
    share = await service.json(f"/v1/reports/voice-to-chat?{DAY}&group_by=line", key=key)
    assert [row["line"] for row in share["rows"]] == ["Spare"]
    assert share["total"]["deflected"] == 0
    funnel = await service.json(f"/v1/reports/deflection-funnel?{DAY}", key=key)
    assert funnel["rows"][0]["count"] == 1
    rows = (await service.json(f"/v1/reports/deflections?{DAY}", key=key))["rows"]
    assert [row["line"] for row in rows] == ["Spare"]
    assert (await service.refused(f"/v1/reports/deflections?{DAY}&line=main", key=key))["code"] == (
        "line_unknown"
    )
