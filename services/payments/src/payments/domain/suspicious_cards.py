"""Declines that say that a card is probably stolen: the buyer sees no more than "declined".

Stripe asks to present them like `generic_decline` (https://docs.stripe.com/declines/codes). People
who test stolen cards would learn from a difference.
"""

from dataclasses import replace
from typing import Final

from payments.domain.stripe_objects import Decline

GENERIC_DECLINE: Final = Decline("Your card was declined.", "card_declined", "generic_decline")
REFUSED_CODES: Final = frozenset(
    {"fraudulent", "lost_card", "merchant_blacklist", "pickup_card", "stolen_card"}
)
"""After one of these, the account cannot try the same card again."""
CONCEALED_CODES: Final = REFUSED_CODES | {"restricted_card"}
"""A bank may also lift a restriction, so a restricted card can be tried again."""
NOT_ASKED: Final = "refused_again"
"""The operator's code of a card that was refused without asking Stripe."""
REFUSED_AGAIN: Final = replace(GENERIC_DECLINE, operator_code=NOT_ASKED)


def conceal(decline: Decline) -> Decline:
    """Return a decline as its buyer may see it; the true code is left for operators."""
    if decline.decline_code not in CONCEALED_CODES | {GENERIC_DECLINE.decline_code}:
        return decline
    is_concealed = decline.decline_code in CONCEALED_CODES
    return replace(
        decline,
        message=GENERIC_DECLINE.message,
        code=GENERIC_DECLINE.code,
        decline_code=GENERIC_DECLINE.decline_code,
        operator_code=decline.decline_code if is_concealed else decline.operator_code,
    )
