"""The main story, from the ringing phone to the manager's report."""

from sandbox.client import Phone
from tests.journeys.desk import Desk, Json, at_the_desk, signed_in
from tests.journeys.pictures import png
from tests.journeys.reports import voice_to_chat
from tests.journeys.story import (
    from_business,
    is_offered_chat,
    said,
)
from tests.product import ACCOUNT, LINE, Product


async def test_the_whole_story(product: Product, phone: Phone):
    async with (
        signed_in(product, "manager") as manager,
        at_the_desk(product) as olga,
    ):
        before = await voice_to_chat(manager)
        offer = await is_offered_chat(phone)
        assert offer["outcome"] == "offered"
        await phone.press("1")
        call = await phone.wait_for_call(lambda call: call["state"] == "ended")
        assert (call["outcome"], call["ended_by"]) == ("hangup", "ivr")
        opening = await phone.wait_for(ACCOUNT)
        assert opening["kind"] == "template"
        assert [button["title"] for button in opening["buttons"]] == ["Продолжить", "Это не я"]

        await phone.tap(ACCOUNT, "Продолжить")
        greeting = await phone.wait_for(ACCOUNT, from_business("бот"))
        assert "Toyshop" in greeting["text"]
        await phone.write(ACCOUNT, "Сколько стоит доставка?")
        await phone.wait_for(ACCOUNT, from_business("290"))

        await phone.write(ACCOUNT, "Позовите оператора, пожалуйста")
        reservation = await olga.offered()
        waiting = reservation["conversation"]
        assert waiting["call"]["line"]["number"] == LINE
        assert waiting["call"]["voice_wait_s"] == 540
        conversation = await olga.accept(reservation)
        assert conversation["state"] == "active"
        earlier = await olga.transcript(conversation)
        assert "Сколько стоит доставка?" in [message["text"] for message in earlier]

        await olga.write(conversation, "Здравствуйте, это Ольга. Чем помочь?")
        await phone.wait_for(ACCOUNT, said("Здравствуйте, это Ольга. Чем помочь?"))
        await olga.sees(conversation, delivered("Здравствуйте, это Ольга. Чем помочь?"))
        await phone.open_chat(ACCOUNT)
        await olga.sees(conversation, read("Здравствуйте, это Ольга. Чем помочь?"))

        await phone.send_file(ACCOUNT, "bear.png", "image/png", png(24, 16), "Вот он, без глаза")
        picture = await olga.sees(conversation, arrived_picture)
        assert (picture["media"]["width"], picture["media"]["height"]) == (24, 16)
        assert await downloaded(olga, picture) == png(24, 16)
        upload = await olga.upload("label.png", "image/png", png(9, 9))
        await olga.write(conversation, "Наклейте это на коробку", media_id=upload["id"])
        label = await phone.wait_for(
            ACCOUNT, lambda one: not one["mine"] and one["kind"] == "image"
        )
        assert label["text"] == "Наклейте это на коробку"

        await olga.close(conversation, topic="returns")
        await olga.shows(conversation, "closed")
        after = await voice_to_chat(manager)
        assert after["eligible"] == before["eligible"] + 1
        assert after["deflected"] == before["deflected"] + 1
        assert after["share"] > 0


def delivered(text: str):
    return lambda message: (
        message["text"] == text and message["delivery"]["state"] in {"delivered", "read"}
    )


def read(text: str):
    return lambda message: message["text"] == text and message["delivery"]["state"] == "read"


def arrived_picture(message: Json) -> bool:
    media = message["media"]
    return message["direction"] == "in" and media is not None and media["state"] == "ready"


async def downloaded(desk: Desk, message: Json) -> bytes:
    return await desk.download(message["media"]["url"])
