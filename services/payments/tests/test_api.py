from payments.testing import *


async def test_x(payments, orders, bank):
    u = payments.as_user()
    o = await orders.place(u)
    r = await pay(payments, o)
    print(r.status_code, r.text)
    assert r.status_code == 201, r.text
    assert 0
