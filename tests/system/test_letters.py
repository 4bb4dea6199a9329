"""Letters: what happens in any service reaches its people by mail, through the real mailer."""

from typing import Any

from common.testing.polling import eventually
from mail_local.testing import MailControl
from support.system import System
from ticketing_local.api_user import ApiUser


async def test_purchase_reaches_buyer_and_seller_by_mail(
    system: System, seller: ApiUser, buyer: ApiUser
) -> None:
    mail = MailControl(f"http://127.0.0.1:{system.port['mail']}")
    ticket = await seller.sell("Front row", price=19.99)
    order = await buyer.order(ticket)

    await buyer.pay(order)

    async def letter(user: ApiUser, subject: str) -> list[dict[str, Any]]:
        return [one for one in mail.letters(user.email) if one["subject"] == subject]

    (receipt,) = await eventually(lambda: letter(buyer, "Your ticket: Front row"))
    (sold,) = await eventually(lambda: letter(seller, "Sold: Front row"))
    assert receipt["links"][0].endswith(f"/orders/{order['id']}")
    assert "$19.99" in receipt["text"]
    assert sold["links"][0].endswith(f"/tickets/{ticket['id']}")
