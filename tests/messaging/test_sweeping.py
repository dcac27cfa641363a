"""What has served its purpose is let go; what has not stays, however old."""

from tests.fakes import cloud_api
from tests.messaging.conftest import House


async def take(house: House, number: int) -> None:
    sender = f"7900555000{number}"
    told = cloud_api.message("text", {"body": "Hello"}, id=f"wamid.IN{number}", **{"from": sender})
    body = cloud_api.webhook(messages=[told])
    events = house.channels[house.account.kind].parse(house.account, body)
    await house.intake.take(house.account, events, body)


async def age(house: House, days: int) -> None:
    async with house.database.workspace(house.workspace_id) as tx:
        for table, column in (
            ("inbox", "received_at"),
            ("seen", "at"),
            ("unmatched_status", "received_at"),
        ):
            await tx.execute(
                f"UPDATE messaging.{table} SET {column} = {column} - make_interval(days => $1)",
                days,
            )


async def left(house: House) -> tuple[int, int]:
    return (
        await house.value("SELECT count(*) FROM messaging.inbox"),
        await house.value("SELECT count(*) FROM messaging.seen"),
    )


async def test_keys_outlive_every_repetition_of_a_provider(house):
    await take(house, 1)
    await house.work("inbound")
    await age(house, 8)  # Meta repeats for seven days
    await house.hurry()
    await house.work("normal", limit=1)
    assert await left(house) == (1, 1)
    await take(house, 1)
    assert await house.work("inbound") == 0


async def test_a_month_later_only_what_still_waits_is_there(house):
    house.broken_by = "Hello"
    await take(house, 1)
    await house.work("inbound")  # put off: it broke
    house.broken_by = None
    await take(house, 2)
    await house.work("inbound", limit=1)
    await age(house, 31)
    await house.hurry()
    await house.work("normal", limit=1)
    (row,) = await house.rows("SELECT event_key, processed_at FROM messaging.inbox")
    assert (row["event_key"], row["processed_at"]) == ("m:wamid.IN1", None)


async def test_the_sweeper_puts_itself_in_again(house):
    await house.hurry()
    await house.work("normal", limit=1)
    (job,) = await house.rows(
        "SELECT due_at > now() + interval '30 min' AS later FROM core.job WHERE kind = 'messaging.sweep'"
    )
    assert job["later"]
