"""Charges: attempts to take money, stored whether they succeed or fail."""

from stripe_local.cards.published import Decline
from stripe_local.clock import timestamp
from stripe_local.documents import PRIVATE, Document, new_id, now, nulls
from stripe_local.ledger import CUSTOMERS, PLATFORM
from stripe_local.resources.balance_transactions import Movement, move
from stripe_local.resources.call import Call
from stripe_local.resources.payment_methods import published_card


def attempt_charge(
    call: Call, intent: Document, method: Document, *, authenticated: bool
) -> tuple[Document, Decline | None]:
    """Charge a card, and return the Charge with the reason of a decline."""
    card = published_card(method)
    charge = _charge(call, intent, method, authenticated=authenticated)
    if card.decline:
        charge |= _decline_fields(card.decline)
    else:
        seconds = 0 if card.bypasses_pending else call.settings.balance_seconds
        movement = Movement(
            PLATFORM,
            "charge",
            charge["amount"],
            charge["id"],
            fee=_fee(call, charge["amount"]),
            available_on=now() + int(seconds),
        )
        (charge["balance_transaction"],) = move(
            call, charge["currency"], movement, counterpart=CUSTOMERS
        )
        # A dispute would not hold after 3-D Secure, because the bank bears the risk then.
        if card.dispute and not authenticated:
            charge[PRIVATE] |= {
                "dispute": card.dispute,
                "due": timestamp() + call.settings.dispute_seconds,
            }
    call.store.upsert(charge)
    call.emit(f"charge.{charge['status']}", charge)
    return charge, card.decline


def _fee(call: Call, amount: int) -> int:
    settings = call.settings
    return (amount * settings.fee_basis_points + 5_000) // 10_000 + settings.fee_cents


def _decline_fields(decline: Decline) -> Document:
    blocked = decline.decline_code == "fraudulent"
    return {
        "status": "failed",
        "paid": False,
        "captured": False,
        "amount_captured": 0,
        "failure_code": decline.code,
        "failure_message": decline.message,
        "outcome": {
            "advice_code": None,
            "network_advice_code": None,
            "network_decline_code": None,
            "network_status": "not_sent_to_network" if blocked else "declined_by_network",
            "reason": "highest_risk_level" if blocked else decline.decline_code,
            "risk_level": "highest" if blocked else "normal",
            "risk_score": 95 if blocked else 12,
            "seller_message": decline.message,
            "type": "blocked" if blocked else "issuer_declined",
        },
    }


def _charge(call: Call, intent: Document, method: Document, *, authenticated: bool) -> Document:
    charge_id = new_id("ch_3")
    return {
        "id": charge_id,
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": intent["amount"],
        "amount_refunded": 0,
        "balance_transaction": None,
        "billing_details": method["billing_details"],
        "calculated_statement_descriptor": "LOCAL STRIPE",
        "captured": True,
        "created": now(),
        "currency": intent["currency"],
        "description": intent["description"],
        "disputed": False,
        "fraud_details": {},
        "livemode": False,
        "metadata": intent["metadata"],
        "outcome": {
            "network_status": "approved_by_network",
            **nulls("advice_code", "network_advice_code", "network_decline_code", "reason"),
            "risk_level": "normal",
            "risk_score": 12,
            "seller_message": "Payment complete.",
            "type": "authorized",
        },
        "paid": True,
        "payment_intent": intent["id"],
        "payment_method": method["id"],
        "payment_method_details": _card_details(intent, method, authenticated=authenticated),
        "radar_options": {},
        "receipt_email": intent["receipt_email"],
        "receipt_url": f"{call.settings.public_url}/_local/objects/{charge_id}",
        "refunded": False,
        "statement_descriptor": intent["statement_descriptor"],
        "statement_descriptor_suffix": intent["statement_descriptor_suffix"],
        "status": "succeeded",
        **nulls("application", "application_fee", "application_fee_amount", "customer"),
        **nulls("failure_balance_transaction", "failure_code", "failure_message", "on_behalf_of"),
        **nulls("presentment_details", "receipt_number", "review", "shipping", "source"),
        **nulls("source_transfer", "transfer_data"),
        "transfer_group": intent["transfer_group"],
        PRIVATE: {"refund": published_card(method).refund},
    }


def _card_details(intent: Document, method: Document, *, authenticated: bool) -> Document:
    copied = ("brand", "checks", "country", "exp_month", "exp_year", "fingerprint", "funding")
    card: Document = method["card"]
    return {
        "card": {
            **{name: card[name] for name in copied},
            "amount_authorized": intent["amount"],
            "authorization_code": "123456",
            "last4": card["last4"],
            "network": card["brand"],
            "network_token": {"used": False},
            "regulated_status": "unregulated",
            "three_d_secure": _three_d_secure() if authenticated else None,
            **nulls("installments", "mandate", "network_transaction_id", "wallet"),
        },
        "type": "card",
    }


def _three_d_secure() -> Document:
    return {
        "authentication_flow": "challenge",
        "electronic_commerce_indicator": "05",
        "exemption_indicator": None,
        "result": "authenticated",
        "result_reason": None,
        "transaction_id": new_id("", 36),
        "version": "2.2.0",
    }
