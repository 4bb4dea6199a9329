"""WebhookEndpoints, registered through the API or on the command line."""

import hashlib

from stripe_local.documents import Document, new_id
from stripe_local.errors import invalid
from stripe_local.resources.call import Call, merge_metadata
from stripe_local.settings import Settings
from stripe_local.store import Query, Store
from stripe_local.webhooks.events import webhook_endpoint

_CONFIGURED_ID_PREFIX = "we_local_"


def create(call: Call) -> Document:
    """POST /v1/webhook_endpoints: the only response with the signing secret."""
    url: str = call.params["url"]
    if not url.startswith(("http://", "https://")):
        raise invalid("Invalid URL: an explicit scheme (such as https) must be provided.", "url")
    secret = new_id("whsec_", 32)
    endpoint = webhook_endpoint(
        url, secret, call.params["enabled_events"], new_id("we_1"), call.params.get("description")
    )
    call.store.upsert(merge_metadata(endpoint, call.params))
    return {**endpoint, "secret": secret}


def delete(call: Call) -> Document:
    """DELETE /v1/webhook_endpoints/{id}."""
    endpoint = call.load_object("webhook_endpoint")
    call.store.delete(endpoint["id"])
    return {"id": endpoint["id"], "object": "webhook_endpoint", "deleted": True}


def configure(store: Store, settings: Settings) -> None:
    """Replace the stored endpoints of an earlier command line by those of this one."""
    configured = {_configured_id(url): (url, secret) for url, secret in settings.webhook_endpoints}
    endpoints, _ = store.page(Query("webhook_endpoint", limit=100))
    for endpoint in endpoints:
        if endpoint["id"].startswith(_CONFIGURED_ID_PREFIX) and endpoint["id"] not in configured:
            store.delete(endpoint["id"])
    for object_id, (url, secret) in configured.items():
        updated = webhook_endpoint(url, secret, list(settings.webhook_event_types), object_id)
        existing = store.get(object_id)
        store.upsert({**updated, "created": existing["created"]} if existing else updated)


def _configured_id(url: str) -> str:
    """Return a stable id, so that pending deliveries to a URL survive a restart."""
    return _CONFIGURED_ID_PREFIX + hashlib.sha256(url.encode()).hexdigest()[:16]
