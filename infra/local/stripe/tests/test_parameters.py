from typing import Any

import httpx
import pytest
import stripe
from stripe import StripeClient

from stripe_local.connect.route_table import CONNECT_OPERATIONS
from stripe_local.http import params
from stripe_local.resources.route_table import OPERATIONS
from stripe_local.testing import SECRET_KEY, Server

TICKET = {"amount": "2000", "currency": "usd"}


def post_expecting_error(server: Server, path: str, form: dict[str, str]) -> dict[str, Any]:
    response = httpx.post(f"{server.url}{path}", data=form, auth=(SECRET_KEY, ""))
    assert response.status_code == 400
    return response.json()["error"]


@pytest.mark.parametrize(
    ("form", "code", "param"),
    [
        ({**TICKET, "colour": "red"}, "parameter_unknown", "colour"),
        (
            {**TICKET, "automatic_payment_methods[enabld]": "true"},
            "parameter_unknown",
            "automatic_payment_methods[enabld]",
        ),
        (
            {**TICKET, "payment_method_types[]": "card"},
            "payment_method_types_no_longer_supported",
            "payment_method_types",
        ),
        ({"currency": "usd"}, "parameter_missing", "amount"),
        ({"amount": "2000"}, "parameter_missing", "currency"),
        ({**TICKET, "amount": "19.99"}, "parameter_invalid_integer", "amount"),
        ({**TICKET, "amount": "-1"}, "parameter_invalid_integer", "amount"),
        ({**TICKET, "amount": "49"}, "amount_too_small", "amount"),
        ({**TICKET, "amount": "100000000"}, "amount_too_large", "amount"),
    ],
)
def test_invalid_parameter_is_named(
    server: Server, form: dict[str, str], code: str, param: str
) -> None:
    error = post_expecting_error(server, "/v1/payment_intents", form)

    assert (error["type"], error["code"], error["param"]) == ("invalid_request_error", code, param)
    assert server.objects("payment_intent") == []


@pytest.mark.parametrize(
    ("form", "param"),
    [
        ({**TICKET, "currency": "xyz"}, "currency"),
        ({**TICKET, "confirm": "perhaps"}, "confirm"),
        ({**TICKET, "metadata": "text"}, "metadata"),
        ({**TICKET, "confirmation_token": "ctoken_1"}, "confirmation_token"),
    ],
)
def test_invalid_value_is_rejected(server: Server, form: dict[str, str], param: str) -> None:
    assert post_expecting_error(server, "/v1/payment_intents", form)["param"] == param


def test_unimplemented_stripe_parameter_is_rejected(
    client: StripeClient,
) -> None:
    with pytest.raises(
        stripe.InvalidRequestError, match="not implement the parameter capture_method"
    ):
        client.v1.payment_intents.create(
            {"amount": 2000, "currency": "usd", "capture_method": "manual"}
        )


def test_value_outside_enum_is_rejected(server: Server) -> None:
    form = {"payment_intent": "pi_none", "reason": "whim"}

    assert (
        "must be one of duplicate" in post_expecting_error(server, "/v1/refunds", form)["message"]
    )


def test_unexpandable_field_is_rejected(client: StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="cannot be expanded"):
        client.v1.payment_intents.create({"amount": 2000, "currency": "usd", "expand": ["status"]})


def test_redirect_methods_require_return_url(client: StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="return_url"):
        client.v1.payment_intents.create(
            {"amount": 2000, "currency": "usd", "confirm": True, "payment_method": "pm_card_visa"}
        )


def test_supported_params_exist_in_the_sdk() -> None:
    for operation in (*OPERATIONS, *CONNECT_OPERATIONS):
        shape = operation.params_type
        known = (
            params.load_params_type(shape) if isinstance(shape, str) else shape
        ).__annotations__
        assert operation.supported_params <= set(known), operation


def test_unknown_url_returns_404(server: Server) -> None:
    response = httpx.get(f"{server.url}/v1/unicorns", auth=(SECRET_KEY, ""))

    assert response.status_code == 404
    assert response.json()["error"]["type"] == "invalid_request_error"
