"""Creates the auth app."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, closing

from fastapi import FastAPI

from auth import account_api, api, deletion, deletion_api, passkey_api
from auth.access_service import AccessService
from auth.account_service import AccountService
from auth.api import State
from auth.ceremonies import Ceremonies
from auth.cookies import SessionCookies
from auth.deletion import Deletions, Stores
from auth.device_tokens import DeviceTokens
from auth.domain.closing import ErasedUser
from auth.letter_service import LetterService
from auth.listeners import EVENT_INTERVAL_SECONDS, listeners
from auth.passkey_service import PasskeyService
from auth.passwords import PasswordHasher
from auth.service import AuthService
from auth.session_limiter import SessionLimiter
from auth.session_service import SessionService
from auth.settings import Settings
from auth.store.accounts import AccountDocument, AccountStore
from auth.store.attempts import AttemptLimiter, ThrottleDocument
from auth.store.challenges import ChallengeDocument, ChallengeStore
from auth.store.erased_users import ErasedUserDocument, ErasedUserStore
from auth.store.letters import LetterDocument, LetterStore, ResetRequestDocument, ResetRequestStore
from auth.store.obligations import ObligationDocument, ObligationStore
from auth.store.passkeys import PasskeyDocument, PasskeyStore
from auth.store.personal_data import PersonalData
from auth.store.sessions import SessionDocument, SessionStore
from common.apidocs import routes
from common.app import Service
from common.auth.tokens import AccessTokens
from common.availability import wait_until_available
from common.background import run_periodically
from common.messaging.envelope import EventEnvelope
from common.persistence import mongo
from common.persistence.lease import Lease
from common.values.clock import Clock


def create_app(settings: Settings | None = None, clock: Clock | None = None) -> FastAPI:
    """Create the app. uvicorn calls this, so importing the module reads no environment."""
    settings = settings or Settings.from_environment()
    service = Service.from_settings("auth", settings, clock)

    @asynccontextmanager
    async def lifespan() -> AsyncGenerator[State]:
        documents = [
            AccountDocument,
            ChallengeDocument,
            ErasedUserDocument,
            LetterDocument,
            ObligationDocument,
            PasskeyDocument,
            ResetRequestDocument,
            SessionDocument,
            ThrottleDocument,
        ]
        async with service.open(documents) as running:
            accounts = AccountStore(running.relay, running.clock)
            await wait_until_available(
                "MongoDB", accounts.update_normal_emails, mongo.unavailability_reason
            )
            letter_store = LetterStore(running.relay, running.clock)
            letters = LetterService(letter_store, accounts, running.clock)
            passkey_store = PasskeyStore(running.relay, running.clock)
            ceremonies = Ceremonies(
                settings.public_url,
                passkeys=passkey_store,
                challenges=ChallengeStore(running.clock),
                clock=running.clock,
            )
            attempt_limiter = AttemptLimiter(running.clock, settings.throttle_seconds)
            with closing(PasswordHasher.from_settings(settings)) as passwords:
                device_tokens = DeviceTokens(settings.jwt_key, settings.jwt_key_previous)
                session_store = SessionStore(running.relay, running.clock)
                sessions = SessionService(
                    settings=settings,
                    accounts=accounts,
                    sessions=session_store,
                    tokens=AccessTokens(settings.jwt_key, settings.jwt_key_previous, running.clock),
                    device_tokens=device_tokens,
                    revocations=service.revocations,
                    clock=running.clock,
                )
                session_limiter = SessionLimiter(
                    session_store,
                    sessions=sessions,
                    revocations=service.revocations,
                    clock=running.clock,
                )
                auth = AuthService(
                    settings=settings,
                    accounts=accounts,
                    attempt_limiter=attempt_limiter,
                    passwords=passwords,
                    device_tokens=device_tokens,
                    sessions=sessions,
                    clock=running.clock,
                )
                account = AccountService(
                    settings=settings,
                    accounts=accounts,
                    letters=letter_store,
                    reset_requests=ResetRequestStore(),
                    attempt_limiter=attempt_limiter,
                    passwords=passwords,
                    sessions=sessions,
                    clock=running.clock,
                )
                passkeys = PasskeyService(
                    settings=settings,
                    accounts=accounts,
                    passkeys=passkey_store,
                    letters=letter_store,
                    ceremonies=ceremonies,
                    attempt_limiter=attempt_limiter,
                    sessions=sessions,
                    clock=running.clock,
                )
                erased = ErasedUserStore(running.relay, running.clock)
                deletions = Deletions(
                    Stores(
                        accounts=accounts,
                        erased=erased,
                        obligations=ObligationStore(running.clock),
                        letters=letter_store,
                        personal_data=PersonalData(running.database),
                    ),
                    sessions=sessions,
                    consumers=lambda: running.bus.durable_consumers,
                    lease=Lease(running.database, "deletions", deletion.LEASE_TTL, running.clock),
                    clock=running.clock,
                    wait_seconds=settings.deletion_wait_seconds,
                )
                async with (
                    running.consuming(
                        listeners(letters, deletions), interval_seconds=EVENT_INTERVAL_SECONDS
                    ),
                    run_periodically(deletion.INTERVAL_SECONDS, deletions.run, name="deletions"),
                    session_limiter.running(),
                ):
                    yield State(
                        running=running,
                        snapshot_events=lambda: _chain(
                            sessions.snapshot_events(), erased.snapshot_events(ErasedUser.to_event)
                        ),
                        auth=auth,
                        sessions=sessions,
                        account=account,
                        passkeys=passkeys,
                        access=AccessService(accounts, sessions, running.clock),
                        letters=letters,
                        deletions=deletions,
                        cookies=SessionCookies(secure=settings.cookie_secure),
                    )

    return service.app(
        lifespan,
        api.router,
        account_api.router,
        passkey_api.router,
        deletion_api.router,
        routes.router,
        route="/api/users",
        has_fair_queue=True,
    )


async def _chain(*parts: AsyncGenerator[EventEnvelope]) -> AsyncGenerator[EventEnvelope]:
    for part in parts:
        async for envelope in part:
            yield envelope
