"""Fields that only the services may write are ignored in requests."""

from ticketing_local.api_user import ApiUser

OTHER_ID = "0123456789abcdef01234567"
UNWRITABLE = {
    "id": OTHER_ID,
    "version": 9,
    "status": "sold",
    "userId": OTHER_ID,
    "orderId": OTHER_ID,
    "createdAt": "2001-01-01T00:00:00Z",
    "expiresAt": "2101-01-01T00:00:00Z",
}


async def test_unwritable_fields_of_a_ticket_are_ignored(seller: ApiUser) -> None:
    body = {"title": "Front row", "price": 20, **UNWRITABLE}
    listed = await seller.request_ok("POST", "/api/tickets", body, expect=201)
    edited = await seller.request_ok("PUT", f"/api/tickets/{listed['id']}", {**body, "price": 21})

    for version, ticket in enumerate((listed, edited)):
        written = {name for name, value in UNWRITABLE.items() if ticket.get(name) == value}
        assert not written
        assert (ticket["version"], ticket["status"]) == (version, "available")
        assert (ticket["userId"], ticket["orderId"]) == (seller.id, None)


async def test_unwritable_fields_of_an_order_are_ignored(seller: ApiUser, buyer: ApiUser) -> None:
    ticket = await seller.sell(price=20)
    body = {**UNWRITABLE, "ticketId": ticket["id"], "status": "complete", "ticket": {"price": 1}}

    order = await buyer.request_ok("POST", "/api/orders", body, expect=201)

    assert not {name for name, value in UNWRITABLE.items() if order.get(name) == value}
    assert (order["version"], order["status"]) == (0, "created")
    assert (order["userId"], order["ticket"]["price"]) == (buyer.id, 20)
