"""WebhookEndpoints: addresses registered through the API, or given when the server was started."""

import hashlib

from stripe_local.documents import PRIVATE, Document, new_id
from stripe_local.errors import invalid
from stripe_local.resources.call import Call, with_metadata
from stripe_local.settings import Settings
from stripe_local.store import Query, Store
from stripe_local.webhooks.events import webhook_endpoint

_CONFIGURED = "we_local_"


def create(call: Call) -> Document:
    """POST /v1/webhook_endpoints: the only answer that shows the signing secret."""
    url: str = call.params["url"]
    if not url.startswith(("http://", "https://")):
        raise invalid("Invalid URL: an explicit scheme (such as https) must be provided.", "url")
    secret = new_id("whsec_", 32)
    endpoint = webhook_endpoint(
        url,
        secret,
        call.params["enabled_events"],
        new_id("we_1"),
        call.params.get("description"),
    )
    call.store.put(with_metadata(endpoint, call.params))
    return {**endpoint, "secret": secret}


def delete(call: Call) -> Document:
    """DELETE /v1/webhook_endpoints/{id}."""
    endpoint = call.subject("webhook_endpoint")
    call.store.delete(endpoint["id"])
    return {"id": endpoint["id"], "object": "webhook_endpoint", "deleted": True}


def configure(store: Store, settings: Settings) -> None:
    """Make the endpoints of the command line what they are now: some may be gone, some changed."""
    wanted = {_configured_id(url): (url, secret) for url, secret in settings.hooks}
    endpoints, _ = store.page(Query("webhook_endpoint", limit=100))
    for endpoint in endpoints:
        if endpoint["id"].startswith(_CONFIGURED) and endpoint["id"] not in wanted:
            store.delete(endpoint["id"])
    for object_id, (url, secret) in wanted.items():
        fresh = webhook_endpoint(url, secret, list(settings.hook_events), object_id)
        known = store.get(object_id)
        store.put({**fresh, "created": known["created"]} if known else fresh)


def _configured_id(url: str) -> str:
    """The same id after a restart, so that what was owed to the address still is."""
    return _CONFIGURED + hashlib.sha256(url.encode()).hexdigest()[:16]


def secret_of(endpoint: Document) -> str:
    """The secret that deliveries to an endpoint are signed with."""
    return endpoint[PRIVATE]["secret"]
