"""The table of API operations of Stripe Connect."""

from stripe_local.connect import account_links, accounts
from stripe_local.resources.call import Operation

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
    # Events
    Operation(
        "GET", "/v2/core/events/{id}", accounts.retrieve_event, "v2.core.EventRetrieveParams"
    ),
)
