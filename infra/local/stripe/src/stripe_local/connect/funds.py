"""The check that an account has the money that a call moves."""

from stripe_local.errors import StripeError
from stripe_local.resources.call import Call


def require_available(call: Call, account: str, currency: str, amount: int) -> None:
    """Check that an account has this amount.

    Raises:
        StripeError: it has less.
    """
    if call.ledger.balance(account, currency).available < amount:
        raise StripeError(
            400,
            "You have insufficient available funds in your Stripe account. One likely reason you "
            "have insufficient funds is that your funds are automatically being paid out; try "
            "enabling manual payouts by going to your account dashboard.",
            code="balance_insufficient",
        )
