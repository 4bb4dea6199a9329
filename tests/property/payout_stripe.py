"""A model of Stripe Connect behind the real calls of payments: one call at a time, as tests say."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Any, Final

import stripe

from property.steps import Steps

KEYS_LAST: Final = timedelta(days=1)
OPEN: Final = ("needs_response", "under_review", "warning_needs_response", "warning_under_review")


class Answer(Enum):
    """What becomes of a call."""

    GIVEN = auto()
    LOST = auto()
    """Stripe executes the call, and its response does not arrive."""
    NOT_ARRIVED = auto()
    STORED_ERROR = auto()
    """Stripe executes nothing, and repeats its 500 under the same key."""


@dataclass
class PayoutStripe:
    """Charges with their transfers, refunds and disputes, and the accounts of sellers."""

    steps: Steps
    now: datetime
    charges: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    """By PaymentIntent."""
    transfers: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    refunds: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    disputes: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    accounts: dict[str, str] = field(default_factory=dict[str, str])
    """Account -> the state of its transfers."""
    balances: dict[str, int] = field(default_factory=dict[str, int])
    is_short_of_balance: bool = False
    _keys: dict[str, tuple[datetime, Any]] = field(default_factory=dict[str, tuple[datetime, Any]])

    async def get(self, path: str, params: Mapping[str, Any] | None = None) -> Any:
        """Answer a GET request."""
        answer = await self.steps.reach(f"GET {path}")
        if answer in {Answer.LOST, Answer.NOT_ARRIVED}:
            raise stripe.APIConnectionError("no response")
        if answer is Answer.STORED_ERROR:
            raise stripe.APIError("failed", http_status=500)
        return self._read(path, params or {})

    async def post(
        self, path: str, params: Mapping[str, Any], *, idempotency_key: str | None = None
    ) -> Any:
        """Answer a POST request, or repeat the stored response of its key."""
        answer = await self.steps.reach(f"POST {path}")
        if answer is Answer.NOT_ARRIVED:
            raise stripe.APIConnectionError("no response")
        response = self._execute(path, params, idempotency_key or "", answer)
        if answer is Answer.LOST:
            raise stripe.APIConnectionError("no response")
        if isinstance(response, Exception):
            raise response
        return response

    def _execute(self, path: str, params: Mapping[str, Any], key: str, answer: Answer) -> Any:
        known_at, response = self._keys.get(key, (self.now, None))
        if response is not None and self.now < known_at + KEYS_LAST:
            return response
        if answer is Answer.STORED_ERROR:
            response = stripe.APIError("failed", http_status=500)
        else:
            try:
                response = self._write(path.split("/")[2:], params)
            except stripe.StripeError as error:
                response = error
        self._keys[key] = (self.now, response)
        return response

    def _read(self, path: str, params: Mapping[str, Any]) -> Any:
        match path.split("/")[2:]:
            case ["transfers"]:
                group = params["transfer_group"]
                return _page(t for t in self.transfers if t["transfer_group"] == group)
            case ["transfers", transfer_id]:
                return self._find(self.transfers, transfer_id)
            case ["disputes"]:
                intent = params["payment_intent"]
                return _page(d for d in self.disputes if d["payment_intent"] == intent)
            case ["refunds"]:
                intent = params["payment_intent"]
                return _page(r for r in self.refunds if r["payment_intent"] == intent)
            case ["refunds", refund_id]:
                return self._find(self.refunds, refund_id)
            case ["core", "accounts", account_id]:
                capability = {"stripe_transfers": {"status": self.accounts[account_id]}}
                recipient = {"capabilities": {"stripe_balance": capability}}
                return {"id": account_id, "configuration": {"recipient": recipient}}
            case _:
                raise AssertionError(f"GET {path}")

    def _write(self, path: list[str], params: Mapping[str, Any]) -> Any:
        match path:
            case ["transfers"]:
                return self._transfer(params)
            case ["transfers", transfer_id, "reversals"]:
                return self._reverse(self._find(self.transfers, transfer_id), params["amount"])
            case ["refunds"]:
                return self._refund(self.charges[params["payment_intent"]])
            case ["disputes", dispute_id]:
                return self._answer(self._find(self.disputes, dispute_id))
            case _:
                raise AssertionError(f"POST {path}")

    def _transfer(self, params: Mapping[str, Any]) -> dict[str, Any]:
        account, amount = params["destination"], params["amount"]
        (charge,) = [c for c in self.charges.values() if c["id"] == params["source_transaction"]]
        if self.accounts[account] != "active":
            raise _refusal("insufficient_capabilities_for_transfer")
        if self.is_short_of_balance:
            raise _refusal("balance_insufficient")
        sent = [t for t in self.transfers if t["transfer_group"] == params["transfer_group"]]
        if amount + sum(map(kept, sent)) > charge["amount"] - charge["amount_refunded"]:
            raise _refusal("source_exceeded")
        assert self.now >= charge["release_at"], "paid before its time"
        rounds = [(t["metadata"]["chargeId"], t["metadata"]["round"]) for t in sent]
        this_round = (params["metadata"]["chargeId"], params["metadata"]["round"])
        assert this_round not in rounds, "two transfers in a round"
        transfer: dict[str, Any] = {
            "id": f"tr_{len(self.transfers)}",
            "amount": amount,
            "amount_reversed": 0,
            "destination": account,
            "metadata": params["metadata"],
            "reversals": {"data": []},
            "transfer_group": params["transfer_group"],
        }
        self.transfers.append(transfer)
        self.balances[account] = self.balances.get(account, 0) + amount
        return transfer

    def _reverse(self, transfer: dict[str, Any], amount: int) -> dict[str, Any]:
        account = transfer["destination"]
        if self.balances[account] < amount:
            raise _refusal("balance_insufficient")
        if amount > kept(transfer):
            raise _refusal("reversal_exceeded")
        self.balances[account] -= amount
        transfer["amount_reversed"] += amount
        reversal = {"id": f"trr_{transfer['id']}_{transfer['amount_reversed']}"}
        transfer["reversals"]["data"].insert(0, reversal)
        return reversal

    def _refund(self, charge: dict[str, Any]) -> dict[str, Any]:
        if charge["amount_refunded"]:
            raise _refusal("charge_already_refunded")
        disputes = [d for d in self.disputes if d["payment_intent"] == charge["payment_intent"]]
        if any(dispute["status"] in {*OPEN[:2], "lost"} for dispute in disputes):
            raise _refusal("charge_disputed")
        charge["amount_refunded"] = charge["amount"]
        refund = {
            "id": f"re_{charge['id']}",
            "payment_intent": charge["payment_intent"],
            "status": "succeeded",
        }
        self.refunds.append(refund)
        return refund

    def _answer(self, dispute: dict[str, Any]) -> dict[str, Any]:
        if not dispute["status"].endswith("needs_response"):
            raise _refusal("no_evidence_accepted")
        dispute["status"] = dispute["status"].replace("needs_response", "under_review")
        dispute["evidence_details"]["submission_count"] += 1
        return dispute

    @staticmethod
    def _find(objects: list[dict[str, Any]], object_id: str) -> dict[str, Any]:
        return next(each for each in objects if each["id"] == object_id)

    def dispute(self, intent_id: str, amount: int, *, is_inquiry: bool) -> None:
        """Dispute a payment."""
        self.disputes.append(
            {
                "id": f"du_{len(self.disputes)}",
                "payment_intent": intent_id,
                "amount": amount,
                "status": "warning_needs_response" if is_inquiry else "needs_response",
                "evidence_details": {
                    "due_by": int((self.now + timedelta(days=7)).timestamp()),
                    "submission_count": 0,
                },
            }
        )

    def decide(self, dispute: dict[str, Any], outcome: str) -> None:
        """Decide a dispute, as the bank does."""
        if dispute["status"] in OPEN:
            is_inquiry = dispute["status"].startswith("warning_")
            dispute["status"] = "warning_closed" if is_inquiry else outcome


def kept(transfer: Mapping[str, Any]) -> int:
    """Return what of a transfer did not come back."""
    return transfer["amount"] - transfer["amount_reversed"]


def _page(objects: Any) -> dict[str, Any]:
    return {"data": [*objects], "has_more": False}


def _refusal(code: str) -> stripe.InvalidRequestError:
    return stripe.InvalidRequestError(code, None, code=code, http_status=400)
