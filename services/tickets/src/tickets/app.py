"""Creates the tickets app."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

from fastapi import FastAPI

from common.app import Service
from common.background import run_periodically
from common.messaging.envelope import EventEnvelope
from common.persistence.lease import Lease
from common.values.clock import Clock
from common.web.response_cache import ResponseCache
from common.web.sse import EventBroadcaster
from tickets import api, export_api, show_copies, shows_api, uploads, vault_api, vault_sweeper
from tickets.api import State
from tickets.cache import PARAMETERS, TicketCache
from tickets.duplicates import Duplicates
from tickets.listeners import listeners, sse_handlers
from tickets.passes import Passes
from tickets.refunds import Refunds
from tickets.resale import Resale
from tickets.service import TicketService
from tickets.settings import Settings
from tickets.show_copies import ShowCopies
from tickets.show_service import ShowService
from tickets.store import facets, search_maintenance, vault_gauges
from tickets.store.daily_limits import DailyCounterDocument, DailyLimit
from tickets.store.search_maintenance import SearchMaintenance
from tickets.store.shows import ShowDocument, ShowStore
from tickets.store.tickets import TicketDocument, TicketStore
from tickets.store.vault_entries import VaultDocument, VaultEntryStore
from tickets.store.vault_gauges import VaultGauges
from tickets.store.verified_sellers import SellerReplica, VerifiedSellers
from tickets.store.vocabulary import WordDocument
from tickets.ticket_files import TicketFileReader
from tickets.uploads import Uploads
from tickets.user_deletion import UserDeletion
from tickets.vault_keys import VaultKeys
from tickets.vault_service import VaultService
from tickets.vault_sweeper import VaultSweeper

DOCUMENTS: Final = (
    TicketDocument,
    ShowDocument,
    VaultDocument,
    WordDocument,
    DailyCounterDocument,
    SellerReplica,
)


def create_app(settings: Settings | None = None, clock: Clock | None = None) -> FastAPI:
    """Create the app. uvicorn calls this, so importing the module reads no environment."""
    settings = settings or Settings.from_environment()
    service = Service.from_settings("tickets", settings, clock)
    response_cache = ResponseCache(parameters=PARAMETERS)
    cache = TicketCache(response_cache)
    keys = VaultKeys(settings.vault_key, settings.vault_key_previous, settings.fingerprint_key)
    reader = TicketFileReader()

    @asynccontextmanager
    async def lifespan() -> AsyncGenerator[State]:
        async with service.open(DOCUMENTS) as running:
            store = TicketStore(running.relay, running.clock, cache.on_written)
            show_store = ShowStore(running.relay, running.clock, cache.on_show_written)
            lease = Lease(running.database, "show-copies", show_copies.LEASE_TTL, running.clock)
            copies = ShowCopies(show_store, store, lease, running.clock)
            additions = DailyLimit("add", "shows", settings.shows_per_day, running.clock)
            edits = DailyLimit("change", "shows", settings.shows_per_day, running.clock)
            listed = DailyLimit("list", "tickets", settings.listings_per_day, running.clock)
            uploaded = DailyLimit("upload", "files", settings.uploads_per_day, running.clock)
            shows = ShowService(show_store, copies, running.clock, additions=additions, edits=edits)
            entries = VaultEntryStore(running.relay, running.clock)
            sweeper_lease = Lease(running.database, "vault", vault_sweeper.LEASE_TTL, running.clock)
            sweeper = VaultSweeper(entries, store, sweeper_lease, running.clock)
            duplicates = Duplicates(store, entries, sweeper, running.clock)
            vault = VaultService(entries, store, sweeper, duplicates, reader, keys, running.clock)
            verified_sellers = VerifiedSellers()
            tickets = TicketService(
                store,
                shows,
                sweeper,
                listed,
                verified_sellers,
                running.clock,
                price_cap_percent=settings.price_cap_percent,
            )
            resale = Resale(tickets, store, entries, sweeper_lease, running.clock)
            refunds = Refunds(tickets, store, entries, sweeper_lease, running.clock)
            limits = (additions, edits, listed, uploaded)
            deletion = UserDeletion(
                tickets, entries, limits, verified_sellers, running.bus, running.clock
            )
            broadcaster = EventBroadcaster(max_per_network=running.settings.address_connections)
            maintenance = SearchMaintenance(running.database, running.clock)
            async with (
                running.broadcasting(broadcaster, sse_handlers(broadcaster, cache)),
                running.consuming(listeners(tickets, refunds, deletion)),
                run_periodically(
                    search_maintenance.INTERVAL_SECONDS, maintenance.run, name="search maintenance"
                ),
                run_periodically(
                    show_copies.INTERVAL_SECONDS, copies.refresh_changed, name="show copies"
                ),
                run_periodically(facets.INTERVAL_SECONDS, store.facets.run, name="facets"),
                run_periodically(vault_sweeper.INTERVAL_SECONDS, sweeper.run, name="vault"),
                run_periodically(
                    vault_gauges.INTERVAL_SECONDS,
                    VaultGauges(keys, running.clock).refresh,
                    name="gauges of the vault",
                ),
                run_periodically(
                    vault_sweeper.INTERVAL_SECONDS, resale.complete_pending, name="resale"
                ),
                run_periodically(
                    vault_sweeper.INTERVAL_SECONDS, refunds.complete_pending, name="refunds"
                ),
            ):
                yield State(
                    running=running,
                    snapshot_events=lambda: _chain(
                        shows.snapshot_events(), tickets.snapshot_events(), vault.snapshot_events()
                    ),
                    tickets=tickets,
                    shows=shows,
                    resale=resale,
                    refunds=refunds,
                    duplicates=duplicates,
                    vault=vault,
                    uploads=Uploads(uploaded),
                    passes=Passes(entries, store, reader, keys, running.clock),
                    broadcaster=broadcaster,
                )

    return service.app(
        lifespan,
        shows_api.router,
        vault_api.router,
        export_api.router,
        api.router,
        response_cache=response_cache,
        read_by_route=uploads.REQUESTS,
    )


async def _chain(*parts: AsyncGenerator[EventEnvelope]) -> AsyncGenerator[EventEnvelope]:
    for part in parts:
        async for envelope in part:
            yield envelope
