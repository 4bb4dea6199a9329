"""The table of API operations of Stripe Connect."""

from stripe_local.connect import account_links, accounts, payouts, reversals, transfers
from stripe_local.resources.call import Operation
from stripe_local.resources.listing import list_operation, retrieve_operation

CONNECT_OPERATIONS = (
    # Accounts
    Operation(
        "POST",
        "/v2/core/accounts",
        accounts.create,
        "v2.core.AccountCreateParams",
        frozenset(
            {
                *("configuration", "contact_email", "dashboard", "defaults", "display_name"),
                *("identity", "include", "metadata"),
            }
        ),
    ),
    Operation(
        "GET",
        "/v2/core/accounts/{id}",
        accounts.retrieve,
        "v2.core.AccountRetrieveParams",
        frozenset({"include"}),
    ),
    Operation(
        "POST",
        "/v2/core/accounts/{id}",
        accounts.update,
        "v2.core.AccountUpdateParams",
        frozenset({"configuration", "contact_email", "display_name", "include", "metadata"}),
    ),
    Operation(
        "POST",
        "/v2/core/accounts/{id}/close",
        accounts.close,
        "v2.core.AccountCloseParams",
        frozenset({"applied_configurations"}),
    ),
    Operation(
        "POST",
        "/v2/core/account_links",
        account_links.create,
        "v2.core.AccountLinkCreateParams",
        frozenset({"account", "use_case"}),
    ),
    Operation(
        "POST",
        "/v1/accounts/{id}/login_links",
        account_links.create_login,
        "AccountLoginLinkCreateParams",
    ),
    # Transfers
    Operation(
        "POST",
        "/v1/transfers",
        transfers.create,
        "TransferCreateParams",
        frozenset(
            {
                *("amount", "currency", "description", "destination", "metadata"),
                *("source_transaction", "transfer_group"),
            }
        ),
    ),
    list_operation("transfer", "TransferListParams", "created", "destination", "transfer_group"),
    retrieve_operation("transfer", "TransferRetrieveParams"),
    Operation(
        "POST",
        "/v1/transfers/{id}",
        transfers.update,
        "TransferUpdateParams",
        frozenset({"description", "metadata"}),
    ),
    Operation(
        "POST",
        "/v1/transfers/{id}/reversals",
        reversals.create,
        "TransferReversalCreateParams",
        frozenset({"amount", "metadata"}),
    ),
    Operation(
        "GET",
        "/v1/transfers/{id}/reversals",
        reversals.list_of_transfer,
        "TransferReversalListParams",
        frozenset({"limit"}),
    ),
    Operation(
        "GET",
        "/v1/transfers/{transfer}/reversals/{id}",
        reversals.retrieve,
        "TransferReversalRetrieveParams",
    ),
    # Payouts
    Operation(
        "POST",
        "/v1/payouts",
        payouts.create,
        "PayoutCreateParams",
        frozenset({"amount", "currency", "description", "metadata", "statement_descriptor"}),
        connected=True,
    ),
    Operation(
        "POST",
        "/v1/payouts/{id}/cancel",
        payouts.cancel,
        "PayoutCancelParams",
        connected=True,
    ),
    list_operation("payout", "PayoutListParams", "created", "destination"),
    retrieve_operation("payout", "PayoutRetrieveParams"),
    # Events
    Operation(
        "GET", "/v2/core/events/{id}", accounts.retrieve_event, "v2.core.EventRetrieveParams"
    ),
)
