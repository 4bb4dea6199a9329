"""The table of API operations."""

from typing import Literal, NotRequired, TypedDict

from stripe_local.resources import (
    balance_transactions,
    confirmation_tokens,
    disputes,
    payment_intents,
    payment_methods,
    refunds,
    tokens,
    webhook_endpoints,
)
from stripe_local.resources.call import Operation
from stripe_local.resources.listing import list_operation as _list
from stripe_local.resources.listing import retrieve_operation as _retrieve

_PAYMENT_METHOD_PARAMS = ("payment_method", "confirmation_token", "return_url", "use_stripe_sdk")


class _FormCard(TypedDict):
    number: str
    exp_month: int
    exp_year: int
    cvc: NotRequired[str]


class _FormAddress(TypedDict):
    country: NotRequired[str]
    postal_code: NotRequired[str]
    line1: NotRequired[str]
    line2: NotRequired[str]
    city: NotRequired[str]
    state: NotRequired[str]


class _FormBilling(TypedDict):
    address: NotRequired[_FormAddress]
    email: NotRequired[str]
    name: NotRequired[str]
    phone: NotRequired[str]


class _FormData(TypedDict):
    type: Literal["card"]
    card: _FormCard
    billing_details: NotRequired[_FormBilling]


class _FormToken(TypedDict):
    """Parameters of a ConfirmationToken from Stripe.js; the server SDK has no type for them."""

    payment_method_data: _FormData
    return_url: NotRequired[str]


class _Challenge(TypedDict):
    outcome: Literal["success", "failure"]


def _supported(*names: str) -> frozenset[str]:
    return frozenset(names)


OPERATIONS = (
    # Tokens, PaymentMethods, ConfirmationTokens
    Operation(
        "POST", "/v1/tokens", tokens.create, "TokenCreateParams", _supported("card"), public=True
    ),
    _retrieve("token", "TokenRetrieveParams"),
    Operation(
        "POST",
        "/v1/payment_methods",
        payment_methods.create,
        "PaymentMethodCreateParams",
        _supported("type", "card", "billing_details", "metadata"),
        public=True,
    ),
    Operation(
        "GET", "/v1/payment_methods/{id}", payment_methods.retrieve, "PaymentMethodRetrieveParams"
    ),
    Operation(
        "POST",
        "/v1/confirmation_tokens",
        confirmation_tokens.create,
        _FormToken,
        _supported("payment_method_data", "return_url"),
        public=True,
    ),
    Operation(
        "POST",
        "/v1/test_helpers/confirmation_tokens",
        confirmation_tokens.create_for_test,
        "test_helpers.ConfirmationTokenCreateParams",
        _supported("payment_method", "return_url"),
    ),
    _retrieve("confirmation_token", "ConfirmationTokenRetrieveParams"),
    # PaymentIntents
    Operation(
        "POST",
        "/v1/payment_intents",
        payment_intents.create,
        "PaymentIntentCreateParams",
        _supported(
            "amount",
            "currency",
            "allowed_payment_method_types",
            "automatic_payment_methods",
            "confirm",
            "error_on_requires_action",
            "metadata",
            *_PAYMENT_METHOD_PARAMS,
            *payment_intents.TEXT_FIELDS,
        ),
    ),
    _list("payment_intent", "PaymentIntentListParams", "created"),
    Operation(
        "GET",
        "/v1/payment_intents/{id}",
        payment_intents.retrieve,
        "PaymentIntentRetrieveParams",
        _supported("client_secret"),
        public=True,
    ),
    Operation(
        "POST",
        "/v1/payment_intents/{id}",
        payment_intents.update,
        "PaymentIntentModifyParams",
        _supported(
            "amount", "currency", "metadata", "payment_method", *payment_intents.TEXT_FIELDS
        ),
    ),
    Operation(
        "POST",
        "/v1/payment_intents/{id}/confirm",
        payment_intents.confirm,
        "PaymentIntentConfirmParams",
        _supported("error_on_requires_action", "receipt_email", *_PAYMENT_METHOD_PARAMS),
        public=True,
    ),
    Operation(
        "POST",
        "/v1/payment_intents/{id}/cancel",
        payment_intents.cancel,
        "PaymentIntentCancelParams",
        _supported("cancellation_reason"),
    ),
    Operation(
        "POST",
        "/_local/payment_intents/{id}/authenticate",
        payment_intents.authenticate,
        _Challenge,
        _supported("outcome"),
        public=True,
    ),
    # Charges, Refunds
    _list("charge", "ChargeListParams", "created", "payment_intent", "transfer_group"),
    _retrieve("charge", "ChargeRetrieveParams"),
    Operation(
        "POST",
        "/v1/refunds",
        refunds.create,
        "RefundCreateParams",
        _supported("amount", "charge", "metadata", "payment_intent", "reason"),
    ),
    _list("refund", "RefundListParams", "charge", "created", "payment_intent"),
    _retrieve("refund", "RefundRetrieveParams"),
    # Disputes
    _list("dispute", "DisputeListParams", "charge", "created", "payment_intent"),
    _retrieve("dispute", "DisputeRetrieveParams"),
    Operation(
        "POST",
        "/v1/disputes/{id}",
        disputes.update,
        "DisputeUpdateParams",
        _supported("evidence", "metadata", "submit"),
    ),
    Operation("POST", "/v1/disputes/{id}/close", disputes.close, "DisputeCloseParams"),
    # Balance
    Operation(
        "GET",
        "/v1/balance",
        balance_transactions.retrieve_balance,
        "BalanceRetrieveParams",
        connected=True,
    ),
    _list(
        "balance_transaction",
        "BalanceTransactionListParams",
        *("created", "payout", "source", "type"),
    ),
    _retrieve("balance_transaction", "BalanceTransactionRetrieveParams"),
    # Events, WebhookEndpoints
    _list("event", "EventListParams", "created", "type", "types"),
    _retrieve("event", "EventRetrieveParams"),
    Operation(
        "POST",
        "/v1/webhook_endpoints",
        webhook_endpoints.create,
        "WebhookEndpointCreateParams",
        _supported("description", "enabled_events", "metadata", "url"),
    ),
    _list("webhook_endpoint", "WebhookEndpointListParams"),
    _retrieve("webhook_endpoint", "WebhookEndpointRetrieveParams"),
    Operation(
        "DELETE",
        "/v1/webhook_endpoints/{id}",
        webhook_endpoints.delete,
        "WebhookEndpointDeleteParams",
    ),
)
