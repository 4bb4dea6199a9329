"""What is known of a ticket's original, as events and responses carry it."""

from enum import StrEnum

from pydantic import ConfigDict

from common.values.camel_model import CamelModel


class ProtectionGrade(StrEnum):
    """What is known of a ticket's original.

    The set is fixed: a reader of yesterday would reject another value.
    """

    DESCRIBED = "described"
    """Nothing but its seller's words."""
    VAULT = "vault"
    """It is in the vault, and nobody else listed its code here."""
    REISSUED = "reissued"
    """Its issuer made a new one for the buyer. No ticket has this grade yet."""


class Protection(CamelModel):
    """The public facts of a ticket's original in the vault.

    Attributes:
        digest: the SHA-256 of what is stored, which is encrypted, so it reveals nothing.
        symbologies: the kinds of its codes, such as `qr`, one for each code.
        revealed: whether a buyer has seen the code before this listing.
    """

    model_config = ConfigDict(frozen=True)

    grade: ProtectionGrade
    digest: str
    symbologies: tuple[str, ...] = ()
    revealed: bool = False
