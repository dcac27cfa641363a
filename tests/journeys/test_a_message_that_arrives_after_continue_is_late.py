"""The call went on, then the message arrived: marked late, and never counted as moved to chat."""

from sandbox.client import Phone
from tests.journeys.desk import signed_in
from tests.journeys.reports import deflections, voice_to_chat
from tests.product import ACCOUNT, Product


async def test_late_is_not_counted(product: Product, phone: Phone):
    await product.sandbox.behave(phone.number, "manual")
    async with signed_in(product, "manager") as manager:
        before = await voice_to_chat(manager)
        answer = await product.deflect(phone.number, deadline_ms=1600)
        assert (answer["action"], answer["reason"]) == ("continue", "deadline")

        await product.sandbox.status("sent", to=phone.number)
        await product.sandbox.status("delivered", to=phone.number)
        await phone.wait_for(ACCOUNT)
        await product.until(
            "SELECT 1 FROM ivr_bridge.fact f JOIN ivr_bridge.deflection d USING (workspace_id, deflection_id)"
            " JOIN ivr_bridge.call c USING (workspace_id, call_ref)"
            " WHERE f.fact = 'late' AND c.caller = $1",
            phone.number,
        )
        await phone.write(ACCOUNT, "Я всё ещё на линии")
        await product.until(
            "SELECT 1 FROM ivr_bridge.fact WHERE fact = 'engaged' AND recorded_at > now() - interval '10 s'"
        )

        after = await voice_to_chat(manager)
        assert after["deflected"] == before["deflected"]
        [row] = [
            row
            for row in await deflections(manager)
            if row["deflection_id"] == answer["deflection_id"]
        ]
        assert row["late"]
        assert row["outcome"] == "continue"
