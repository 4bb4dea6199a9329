"""The balance of the platform at Stripe, and the transactions that make it up."""

from collections.abc import AsyncGenerator
from typing import Final

from payments.domain.ledger import BalanceTransaction, Line
from payments.stripe.client import StripeClient, translate_stripe_errors
from payments.stripe.mapping import StripeObject

BALANCE_PATH: Final = "/v1/balance"
TRANSACTIONS_PATH: Final = "/v1/balance_transactions"
_LINES: Final = {
    "charge": Line.PAID,
    "refund": Line.REFUNDED,
    "dispute": Line.DISPUTED,
    "transfer": Line.SENT,
    "transfer_reversal": Line.SENT,
}
"""By the kind of object that a transaction comes from."""


class StripeBalance:
    """Reads the balance of the platform; every call may raise `StripeUnavailable`."""

    def __init__(self, client: StripeClient) -> None:
        self._client = client

    async def retrieve(self, currency: str) -> int:
        """Return what the platform has in a currency, available or not yet, in cents."""
        async with translate_stripe_errors():
            balance = await self._client.get(BALANCE_PATH)
            amounts: list[StripeObject] = [*balance["available"], *balance["pending"]]
            return sum(each["amount"] for each in amounts if each["currency"] == currency)

    async def iter_transactions(self, currency: str) -> AsyncGenerator[BalanceTransaction]:
        """Yield every transaction in a currency, newest first."""
        params = {"expand": ["data.source"]}
        async for page in self._client.iter_pages(TRANSACTIONS_PATH, params):
            async with translate_stripe_errors():
                parsed = [
                    parse_balance_transaction(data) for data in page if data["currency"] == currency
                ]
            for transaction in parsed:
                yield transaction


def parse_balance_transaction(data: StripeObject) -> BalanceTransaction:
    """Parse a balance transaction whose source is expanded."""
    source: StripeObject = data["source"] or {}
    line = _LINES.get(source.get("object", ""), Line.OTHER)
    owner: str | None = None
    transfer_id: str | None = None
    if line is Line.SENT:
        transfer_id = source.get("transfer") or source["id"]
        metadata: StripeObject = source["metadata"]
        owner = metadata.get("chargeId")
    elif line is not Line.OTHER:
        owner = source.get("payment_intent") or source.get("charge") or source["id"]
    return BalanceTransaction(
        line, data["amount"], data["fee"], data["net"], owner=owner, transfer_id=transfer_id
    )
