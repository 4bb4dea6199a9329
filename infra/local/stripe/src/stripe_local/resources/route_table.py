"""The table of API operations."""

from typing import Literal, NotRequired, TypedDict

from stripe_local.resources import (
    confirmation_tokens,
    payment_intents,
    payment_methods,
    refunds,
    tokens,
    webhook_endpoints,
)
from stripe_local.resources.call import Operation
from stripe_local.resources.listing import list_operation, retrieve_operation

_PAGE_PARAMS = ("limit", "starting_after", "ending_before")
_PAYMENT_METHOD_PARAMS = ("payment_method", "confirmation_token", "return_url", "use_stripe_sdk")
_TEXT_PARAMS = (
    "description",
    "receipt_email",
    "statement_descriptor",
    "statement_descriptor_suffix",
)


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
    Operation("GET", "/v1/tokens/{id}", retrieve_operation("token"), "TokenRetrieveParams"),
    Operation(
        "POST",
        "/v1/payment_methods",
        payment_methods.create,
        "PaymentMethodCreateParams",
        _supported("type", "card", "billing_details", "metadata"),
        public=True,
    ),
    Operation(
        "GET",
        "/v1/payment_methods/{id}",
        payment_methods.retrieve,
        "PaymentMethodRetrieveParams",
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
    Operation(
        "GET",
        "/v1/confirmation_tokens/{id}",
        retrieve_operation("confirmation_token"),
        "ConfirmationTokenRetrieveParams",
    ),
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
            *_TEXT_PARAMS,
        ),
    ),
    Operation(
        "GET",
        "/v1/payment_intents",
        list_operation("payment_intent", "/v1/payment_intents"),
        "PaymentIntentListParams",
        _supported("created", *_PAGE_PARAMS),
    ),
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
        _supported("amount", "currency", "metadata", "payment_method", *_TEXT_PARAMS),
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
    Operation(
        "GET",
        "/v1/charges",
        list_operation("charge", "/v1/charges"),
        "ChargeListParams",
        _supported("created", "payment_intent", *_PAGE_PARAMS),
    ),
    Operation("GET", "/v1/charges/{id}", retrieve_operation("charge"), "ChargeRetrieveParams"),
    Operation(
        "POST",
        "/v1/refunds",
        refunds.create,
        "RefundCreateParams",
        _supported("amount", "charge", "metadata", "payment_intent", "reason"),
    ),
    Operation(
        "GET",
        "/v1/refunds",
        list_operation("refund", "/v1/refunds"),
        "RefundListParams",
        _supported("charge", "created", "payment_intent", *_PAGE_PARAMS),
    ),
    Operation("GET", "/v1/refunds/{id}", retrieve_operation("refund"), "RefundRetrieveParams"),
    # Events, WebhookEndpoints
    Operation(
        "GET",
        "/v1/events",
        list_operation("event", "/v1/events"),
        "EventListParams",
        _supported("created", "type", "types", *_PAGE_PARAMS),
    ),
    Operation("GET", "/v1/events/{id}", retrieve_operation("event"), "EventRetrieveParams"),
    Operation(
        "POST",
        "/v1/webhook_endpoints",
        webhook_endpoints.create,
        "WebhookEndpointCreateParams",
        _supported("description", "enabled_events", "metadata", "url"),
    ),
    Operation(
        "GET",
        "/v1/webhook_endpoints",
        list_operation("webhook_endpoint", "/v1/webhook_endpoints"),
        "WebhookEndpointListParams",
        _supported(*_PAGE_PARAMS),
    ),
    Operation(
        "GET",
        "/v1/webhook_endpoints/{id}",
        retrieve_operation("webhook_endpoint"),
        "WebhookEndpointRetrieveParams",
    ),
    Operation(
        "DELETE",
        "/v1/webhook_endpoints/{id}",
        webhook_endpoints.delete,
        "WebhookEndpointDeleteParams",
    ),
)
