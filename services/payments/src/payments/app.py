"""Creates the payments app."""

import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from os import getpid
from typing import Final

from fastapi import FastAPI

from common.app import Service
from common.messaging.envelope import EventEnvelope
from common.persistence.lease import Lease
from common.values.clock import Clock
from payments import api, export_api, seller_api
from payments.api import State
from payments.attempts import PaymentAttempts
from payments.daily_reconciliation import LEASE_TTL, run_daily_reconciliation
from payments.decline_limits import DeclineLimits, MaxDeclines
from payments.disputes import Disputes
from payments.domain.order import PaymentPolicy
from payments.listeners import listeners
from payments.payouts import Payouts
from payments.reconciler import run_dispute_search, run_reconciler
from payments.schemas import ConfigOut
from payments.sellers import Sellers
from payments.settings import Settings
from payments.store.account_replicas import AccountReplica, AccountReplicas
from payments.store.charges import ChargeDocument, ChargeStore
from payments.store.counted_attempts import CountedAttempt, CountedAttempts
from payments.store.ledger import Ledger
from payments.store.order_replicas import OrderReplica, OrderReplicas
from payments.store.refused_cards import RefusedCard, RefusedCards
from payments.store.sales import Sales
from payments.store.sellers import SellerDocument, SellerStore
from payments.store.stripe_events import StripeEventDocument, StripeEvents
from payments.stripe.gateway import Gateway
from payments.sync import ChargeSync
from payments.user_deletion import UserDeletion

DOCUMENTS: Final = (
    ChargeDocument,
    SellerDocument,
    OrderReplica,
    AccountReplica,
    StripeEventDocument,
    CountedAttempt,
    RefusedCard,
)


def create_app(settings: Settings | None = None, clock: Clock | None = None) -> FastAPI:
    """Create the app. uvicorn calls this, so importing the module reads no environment."""
    settings = settings or Settings.from_environment()
    service = Service.from_settings("payments", settings, clock)
    policy = PaymentPolicy(
        max_attempts=settings.payment_attempts,
        cancel_on_decline=settings.payment_failure_policy == "cancel",
        lease=timedelta(seconds=settings.payment_lease_seconds),
        margin=timedelta(seconds=settings.payment_margin_seconds),
        fee_basis_points=settings.platform_fee_basis_points or 0,
        payout_retry=timedelta(seconds=settings.payout_retry_seconds),
    )

    max_declines = MaxDeclines(
        per_account_and_hour=settings.declines_per_account,
        per_card_and_day=settings.declines_per_card,
        per_address_and_hour=settings.declines_per_address,
    )

    @asynccontextmanager
    async def lifespan() -> AsyncGenerator[State]:
        async with (
            service.open(DOCUMENTS) as running,
            Gateway(
                settings.stripe_key,
                api_base=settings.stripe_api_base,
                webhook_secret=settings.stripe_webhook_secret,
                timeout_seconds=settings.stripe_timeout_seconds,
            ) as gateway,
        ):
            clock = running.clock
            charges, orders = ChargeStore(running.relay, clock), OrderReplicas()
            accounts = AccountReplicas()
            refused_cards = RefusedCards(clock)
            await refused_cards.drop_former_index()
            limits = DeclineLimits(CountedAttempts(clock), refused_cards, max_declines)
            sellers = Sellers(
                SellerStore(running.relay, clock),
                Sales(charges.collection),
                orders,
                accounts,
                gateway.connect,
                clock,
                public_url=settings.public_url,
            )
            disputes = Disputes(charges, orders, gateway.disputes, clock, policy)
            payouts = Payouts(charges, sellers, gateway.connect, disputes, clock, policy)
            sync = ChargeSync(
                charges, orders, StripeEvents(clock), gateway, limits, clock, policy, payouts
            )
            owner = f"{socket.gethostname()}:{getpid()}"
            attempts = PaymentAttempts(
                charges, orders, gateway, sync, limits, clock, policy, owner=owner
            )
            async with (
                running.consuming(listeners(sync, sellers, UserDeletion(limits, accounts))),
                run_reconciler(sync, settings.payment_reconcile_seconds),
                run_daily_reconciliation(
                    Ledger(running.database),
                    gateway.balance,
                    Lease(running.database, "reconciliation", LEASE_TTL, clock),
                    clock,
                    is_enabled=settings.payment_daily_reconciliation,
                ),
                run_dispute_search(disputes, settings.dispute_search_seconds),
            ):
                yield State(
                    running=running,
                    snapshot_events=lambda: snapshot_events(sync, sellers),
                    attempts=attempts,
                    sync=sync,
                    sellers=sellers,
                    gateway=gateway,
                    config=ConfigOut(
                        publishable_key=settings.stripe_publishable_key,
                        stripe_js_url=settings.stripe_js_url,
                        margin_seconds=settings.payment_margin_seconds,
                        fee_basis_points=policy.fee_basis_points,
                    ),
                    policy=policy,
                )

    return service.app(lifespan, export_api.router, api.router, seller_api.router)


async def snapshot_events(sync: ChargeSync, sellers: Sellers) -> AsyncGenerator[EventEnvelope]:
    """Yield the current state of every charge and every seller as an event."""
    async for event in sync.snapshot_events():
        yield event
    async for event in sellers.snapshot_events():
        yield event
