"""The safeguards, the source change that removes each, and the tests that must fail without it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    """A source change that removes one safeguard: in `file`, `old` is replaced by `new`."""

    safeguard: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


OUTBOX = "common/src/common/persistence/outbox.py"
WRITER = "common/src/common/persistence/writer.py"
MAPPING = "common/src/common/persistence/aggregate_mapping.py"
ATTEMPTS = "services/payments/src/payments/attempts.py"
SYNC = "services/payments/src/payments/sync.py"
CHARGE = "services/payments/src/payments/domain/charge.py"
GATEWAY = "services/payments/src/payments/stripe/gateway.py"
BOOKS = "services/payments/tests/test_reconciliation.py"
TICKET = "services/tickets/src/tickets/domain/ticket.py"
CACHE = "common/src/common/web/response_cache.py"
INSTRUMENTATION = "common/src/common/web/instrumentation.py"
HEADERS = "common/tests/test_security_headers.py"
BODY = "common/src/common/web/request_body.py"
BODY_TESTS = "common/tests/test_request_body.py"
SHEDDING_TESTS = "common/tests/test_load_shedding.py"
BACKUP = "tests/operations/test_backup.py"
BACKUP_HISTORY = "infra/local/tests/test_backup_history.py"
VAULT_MAINTENANCE = "services/tickets/tests/test_vault_maintenance.py"
OUTBOX_TESTS = "common/tests/test_outbox.py"
DEFERRED = "common/tests/test_deferred_events.py"
CACHE_TESTS = "common/tests/test_response_cache.py"
PAY = "services/payments/tests/test_api.py"
MONEY = "services/payments/tests/test_domain.py"
CHARGES = "services/payments/tests/test_store.py"
ORDER = "services/orders/src/orders/domain/order.py"
LISTED_TICKET = "services/orders/src/orders/domain/ticket.py"
FAIR_USE_RULES = "services/orders/src/orders/domain/fair_use.py"
ORDERS = "services/orders/tests/test_store.py"
ORDER_EVENTS = "services/orders/tests/test_listeners.py"
CONSUMER_TESTS = "common/tests/test_durable_consumer.py"
SHOWS = "services/orders/tests/test_shows.py"
FAIR_USE = "services/orders/tests/test_fair_use.py"
ORDERED_SHOWS = "services/orders/tests/test_shows.py"
TICKETS = "services/tickets/tests/test_domain.py"
SESSIONS = "services/auth/tests/test_sessions.py"
LIMITS = "services/auth/tests/test_limits.py"
SESSION_LIMITER = "services/auth/src/auth/session_limiter.py"
SESSION_LIMITER_TESTS = "services/auth/tests/test_session_limiter.py"
ACCOUNT = "services/auth/tests/test_account.py"
PASSKEYS = "services/auth/tests/test_passkeys.py"
SECOND_FACTOR = "services/auth/tests/test_second_factor.py"
ACCESS = "services/auth/tests/test_access.py"
DEPENDENCIES = "common/src/common/auth/dependencies.py"
DEPENDENCY_TESTS = "common/tests/test_auth_dependencies.py"
LETTERS = "services/auth/tests/test_letters.py"
REVOCATIONS = "common/src/common/auth/revocations.py"
REVOCATION_TESTS = "common/tests/test_revocations.py"
AVAILABILITY = "common/tests/test_availability.py"
STRIPE = "infra/local/stripe/tests/test_surroundings.py"
JOBS = "services/expiration/tests/test_jobs.py"
DEADLINES = "services/expiration/src/expiration/store.py"
DEADLINE_RETENTION = "services/expiration/tests/test_retention.py"
SERVERS = "infra/local/src/ticketing_local/stack/servers.py"
MONGO_USERS = "infra/local/tests/test_mongo_users.py"
MODEL = "tests/property/test_protocol.py"
RECOVERY = "services/payments/tests/test_recovery.py"
RACES = "services/payments/tests/test_races.py"
DECLINES = "services/payments/tests/test_decline_limits.py"
COUNTED = "services/payments/src/payments/store/counted_attempts.py"
COUNTED_TESTS = "services/payments/tests/test_counted_attempts.py"
SUSPICIOUS = "services/payments/tests/test_suspicious_cards.py"
SEARCH = "services/tickets/tests/test_search.py"
SEARCH_TERMS = "services/tickets/tests/test_search_terms.py"
SEARCH_BUDGET = "services/tickets/tests/test_search_budget.py"
VOCABULARY = "services/tickets/src/tickets/store/vocabulary.py"
KILLED = f"{RECOVERY}::test_process_killed_during_pay_charges_once"

SHOW = "services/tickets/src/tickets/domain/show.py"
SHOW_RULES = "services/tickets/tests/test_show_domain.py"
LISTING_FOR_SHOWS = "services/tickets/tests/test_listing_for_shows.py"

PINNED_ORIGINAL = "services/tickets/tests/test_pinned_original.py"
PROTECTION = "services/orders/tests/test_protection.py"
RESALE = "services/tickets/src/tickets/resale.py"
RESALES = "services/tickets/tests/test_resale.py"
DUPLICATE_RULES = "services/tickets/src/tickets/duplicates.py"
DUPLICATES = "services/tickets/tests/test_duplicates.py"
VAULT_ENTRY = "services/tickets/src/tickets/domain/vault_entry.py"
TICKETS_REFUNDS = "services/tickets/src/tickets/refunds.py"
TICKET_REFUNDS = "services/tickets/tests/test_refunds.py"
VERIFIED_SELLERS = "services/tickets/tests/test_verified_sellers.py"
REFUND = "services/orders/src/orders/domain/refund.py"
ORDER_REFUNDS = "services/orders/tests/test_refunds.py"
VAULT_ACCESS = "services/tickets/src/tickets/domain/vault_access.py"
VAULT_ENTRIES = "services/tickets/src/tickets/store/vault_entries.py"
VAULT_ACCESS_TESTS = "services/tickets/tests/test_vault_access.py"
VAULT_TESTS = "services/tickets/tests/test_vault.py"
VAULT_KEY_TESTS = "services/tickets/tests/test_vault_keys.py"
PASS_TESTS = "services/tickets/tests/test_passes.py"

PAYOUTS = "services/payments/src/payments/payouts.py"
PAYOUT_RULES = "services/payments/src/payments/domain/charge_payout.py"
DISPUTE_RULES = "services/payments/src/payments/domain/charge_dispute.py"
EVIDENCE_TESTS = "services/payments/tests/test_evidence.py"
DISPUTE_TESTS = "services/payments/tests/test_dispute_evidence.py"
PAYOUT_RULE_TESTS = "services/payments/tests/test_payout_domain.py"
PAYOUT_TESTS = "services/payments/tests/test_payouts.py"
DISPUTES = "services/payments/tests/test_disputes.py"
REMOVAL = "services/payments/tests/test_second_factor_removal.py"
SELLERS = "services/payments/src/payments/domain/seller.py"
SELLER_TESTS = "services/payments/tests/test_sellers.py"

MUTANTS = (
    Mutant(
        "a transfer is looked up before it is created",
        PAYOUTS,
        "        transfer = await self._connect.find_transfer(charge)\n        if",
        "        transfer = None\n        if",
        (f"{PAYOUT_TESTS}::test_transfer_with_an_unknown_outcome_is_made_once",),
    ),
    Mutant(
        "a refused reversal is a debt only if nothing came back meanwhile",
        PAYOUTS,
        "if latest.reversed != transfer.reversed:",
        "if False:",
        (f"{PAYOUT_TESTS}::test_reversal_refused_because_another_came_first_leaves_no_debt",),
    ),
    Mutant(
        "a seller who kept a part is not paid the whole again",
        DISPUTE_RULES,
        "elif payout.state is PayoutState.RECALLED and not payout.rest:",
        "elif payout.state is PayoutState.RECALLED:",
        (f"{PAYOUT_RULE_TESTS}::test_dispute_won_after_a_part_was_recalled_sends_no_whole",),
    ),
    Mutant(
        "no payout while a dispute is open",
        PAYOUT_RULES,
        "        if self.dispute is not None and self.dispute.is_open:\n",
        "        if False:\n",
        (f"{PAYOUT_RULE_TESTS}::test_no_release_while_a_dispute_is_open",),
    ),
    Mutant(
        "evidence is submitted once",
        DISPUTE_RULES,
        "            asked.submitted_at is not None or dispute.has_evidence\n",
        "            False\n",
        (f"{EVIDENCE_TESTS}::test_evidence_about_a_dispute_is_submitted_once",),
    ),
    Mutant(
        "no evidence about an inquiry, or against a buyer whose money goes back",
        DISPUTE_RULES,
        "        if self.status not in {SUCCEEDED, REFUNDED} or not dispute.needs_response:\n",
        "        if False:\n",
        (f"{EVIDENCE_TESTS}::test_evidence_is_for_a_bank_that_waits_and_money_that_stays",),
    ),
    Mutant(
        "an open dispute is looked at again until it is decided",
        "services/payments/src/payments/domain/charge_state.py",
        "        if self.dispute is not None and self.dispute.is_open:\n            return now\n",
        "",
        (f"{EVIDENCE_TESTS}::test_evidence_is_recorded_before_stripe_is_asked_and_counted_once",),
    ),
    Mutant(
        "a dispute without webhooks is found and answered",
        "services/payments/src/payments/reconciler.py",
        "            await disputes.find_missed()\n",
        "            pass\n",
        (
            f"{DISPUTE_TESTS}::test_evidence_with_the_reveal_log_is_submitted_once_without_any_webhook",
        ),
    ),
    Mutant(
        "a second dispute that is lost recalls the rest",
        "services/payments/src/payments/domain/payout_transitions.py",
        "    (RECALLED, Signal.CHARGEBACK): RECALLING,  # of another part\n",
        "",
        (f"{PAYOUT_RULE_TESTS}::test_second_dispute_that_is_lost_recalls_the_rest",),
    ),
    Mutant(
        "a link to an account of a seller needs a recent password",
        "services/payments/src/payments/seller_api.py",
        "        await recent_user(request, user)\n",
        "        pass\n",
        ("services/payments/tests/test_sellers.py", "-k", "recent_password"),
    ),
    Mutant(
        "a seller gets one letter about each transfer",
        "services/auth/src/auth/payout_letters.py",
        'f"payment:{event.id}:transfer:{payout.transfer_id}"',
        'f"payment:{event.id}:{event.version}"',
        ("services/auth/tests/test_letters.py", "-k", "one_letter_about_each_change and paid"),
    ),
    Mutant(
        "a refund and a payout are decided by one write",
        "services/payments/src/payments/domain/charge_state.py",
        '            fields["payout"] = _after_refund(self.payout, status)\n',
        '            fields["payout"] = self.payout\n',
        (f"{PAYOUT_RULE_TESTS}::test_refund_and_payout_are_decided_by_one_write",),
    ),
    Mutant(
        "a payout waits for its date",
        PAYOUT_RULES,
        "            and now >= self.release_at\n",
        "",
        (f"{PAYOUT_RULE_TESTS}::test_release_waits_for_its_date",),
    ),
    Mutant(
        "a seller gets the net of the sale, whatever the fee is later",
        PAYOUT_RULES,
        "            amount=self.payable - self.payout.withheld,",
        "            amount=self.amount - self.amount * policy.fee_basis_points // 10_000,",
        (f"{PAYOUT_RULE_TESTS}::test_release_pays_the_net_of_the_sale_after_the_fee_has_changed",),
    ),
    Mutant(
        "a refund that is refused because a dispute began is not a failed one",
        SYNC,
        "if charge.dispute != known:",
        "if False:",
        (f"{DISPUTES}::test_refund_refused_because_a_dispute_began_waits_for_the_bank",),
    ),
    Mutant(
        "a refusal under an earlier key does not end a transfer under the next one",
        PAYOUT_RULES,
        "(payout.round, payout.refusals) != (in_round, refusals)",
        "payout.round != in_round",
        (f"{PAYOUT_RULE_TESTS}::test_refusal_under_an_earlier_key_changes_nothing",),
    ),
    Mutant(
        "a debt is given back if nothing was withheld for it in the end",
        PAYOUTS,
        "current.withheld != withheld and not is_unpaid:",
        "False:",
        (f"{PAYOUT_TESTS}::test_debt_stays_if_the_money_goes_back_while_it_is_withheld",),
    ),
    Mutant(
        "a closed account does not come back after another replaced it",
        SELLERS,
        "        if self.stripe_account_id != account.id:\n",
        "        if False:\n",
        (f"{SELLER_TESTS}::test_account_that_was_replaced_meanwhile_is_not_restored",),
    ),
    Mutant(
        "no refund while a dispute is open",
        SYNC,
        "        if charge.dispute is not None and charge.dispute.is_open:\n",
        "        if False:\n",
        (f"{DISPUTES}::test_nothing_is_refunded_while_a_dispute_is_open",),
    ),
    Mutant(
        "the buyer is refunded before the seller is asked for the money",
        PAYOUTS,
        "        if is_buyer_first or payout.transfer_id is None:",
        "        if payout.transfer_id is None:",
        (f"{DISPUTES}::test_payout_is_recalled_only_after_the_buyer_is_refunded",),
    ),
    Mutant(
        "no payout while the removal of a second factor is announced",
        PAYOUT_RULES,
        "        if is_protected:\n",
        "        if False:\n",
        (
            f"{REMOVAL}::test_payout_waits_while_a_removal_is_announced_and_continues_when_it_is_cancelled",
        ),
    ),
    Mutant(
        "a debt is kept from the next payout once",
        SELLERS,
        "        if key in self.withheld or not amount:\n",
        "        if not amount:\n",
        (f"{PAYOUT_RULE_TESTS}::test_debts_are_withheld_once_and_never_more_than_is_owed",),
    ),
    Mutant(
        "a ticket has the original that its order pinned, although it was replaced",
        TICKET,
        "        vault = latest if is_free else self._pinned_copy(pinned) or latest",
        "        vault = latest",
        (PINNED_ORIGINAL, MODEL),
    ),
    Mutant(
        "an order pins what its buyer saw of the original",
        ORDER,
        "            protection=ticket.protection,\n",
        "",
        (f"{PROTECTION}::test_order_pins_and_publishes_the_protection_that_its_buyer_saw",),
    ),
    Mutant(
        "a ticket whose code another listing has cannot be ordered",
        LISTED_TICKET,
        "        if self.frozen_until is not None and now < self.frozen_until:",
        "        if False:",
        (PROTECTION, MODEL),
    ),
    Mutant(
        "only its holder lists a bought ticket again",
        RESALE,
        "        if bought.holder_id != seller_id:",
        "        if False:",
        (f"{RESALES}::test_order_of_another_person_is_401",),
    ),
    Mutant(
        "an original is not taken from a live listing",
        RESALE,
        "        if bought is None or not (newest.id in {bought.id, ticket.id} or is_own):",
        "        if bought is None:",
        (f"{RESALES}::test_two_listings_at_once_share_no_original",),
    ),
    Mutant(
        "a listing whose original is elsewhere is withdrawn",
        RESALE,
        "await self.tickets.update(ticket.id, lambda ticket: abandon_resale(ticket, now))",
        "assert abandon_resale and now",
        (f"{RESALES}::test_two_listings_at_once_share_no_original",),
    ),
    Mutant(
        "a resale that a crash interrupted is completed",
        RESALE,
        "                await self.complete(ticket)\n            except",
        "                pass\n            except",
        (f"{RESALES}::test_listing_is_completed_after_a_crash_between_its_steps",),
    ),
    Mutant(
        "a listing cannot be ordered after the first match of its code",
        DUPLICATE_RULES,
        "        if not entry.matches:",
        "        if False:",
        (f"{DUPLICATES}::test_second_seller_is_refused_and_the_first_listing_is_checked",),
    ),
    Mutant(
        "later matches of a code keep no listing from being ordered",
        DUPLICATE_RULES,
        "        if not entry.matches:",
        "        if True:",
        (f"{DUPLICATES}::test_later_matches_are_recorded_and_freeze_nothing",),
    ),
    Mutant(
        "a seller's own upload is no match",
        DUPLICATE_RULES,
        "        if listing.user_id == user_id:",
        "        if False:",
        (f"{DUPLICATES}::test_same_seller_is_refused_and_nothing_is_checked",),
    ),
    Mutant(
        "the upload of a code that its sender has sold is recorded",
        DUPLICATE_RULES,
        "            if listing.status is TicketStatus.SOLD:",
        "            if listing.status is None:",
        (f"{DUPLICATES}::test_seller_who_uploads_what_was_sold_is_refused_and_recorded",),
    ),
    Mutant(
        "a price above the cap is rejected",
        TICKET,
        "    if price * 100 > face_value * cap_percent:",
        "    if False:",
        (SHOW_RULES,),
    ),
    Mutant(
        "an edit too is held to the cap",
        TICKET,
        "        check_price_cap(price, edited.face_value, price_cap_percent)\n",
        "",
        (f"{SHOW_RULES}::test_edit_above_the_cap_is_rejected",),
    ),
    Mutant(
        "the creator of a closed show cannot change it",
        SHOW,
        "        if self.is_closed:\n            raise",
        "        if False:\n            raise",
        (f"{SHOW_RULES}::test_closed_show_is_not_edited_by_its_creator",),
    ),
    Mutant(
        "the first order of a ticket closes its show",
        "services/tickets/src/tickets/service.py",
        "            await self._shows.close(ticket.show.id)",
        "            pass",
        (f"{LISTING_FOR_SHOWS}::test_first_order_of_a_ticket_closes_its_show",),
    ),
    Mutant(
        "a ticket that was inserted while its show changed gets the new facts",
        "services/tickets/src/tickets/show_copies.py",
        "            await self.refresh(show)\n            changed_at",
        "            changed_at",
        ("services/tickets/tests/test_show_copies.py",),
    ),
    Mutant(
        "a withdrawn ticket cannot be ordered",
        "services/orders/src/orders/domain/ticket.py",
        "        if self.withdrawn:",
        "        if False:",
        (f"{SHOWS}::test_order_of_a_withdrawn_ticket_is_400", MODEL),
    ),
    Mutant(
        "a ticket that its order frees is withdrawn if its seller said so",
        TICKET,
        "        is_withdrawn = self.withdrawn or self.withdrawing",
        "        is_withdrawn = self.withdrawn",
        ("services/tickets/tests/test_withdrawal.py", MODEL),
    ),
    Mutant(
        "a withdrawn ticket is not listed",
        "services/tickets/src/tickets/store/tickets.py",
        "    if ticket.withdrawn:",
        "    if False:",
        ("services/tickets/tests/test_withdrawal.py",),
    ),
    Mutant(
        "nobody can order a ticket after its show has started",
        "services/orders/src/orders/domain/ticket.py",
        "now >= self.show.starts_at:",
        "now >= self.show.ends_at:",
        (f"{SHOWS}::test_ticket_that_is_not_on_sale_cannot_be_ordered",),
    ),
    Mutant(
        "a cancelled show ends the order that it meets",
        "services/orders/src/orders/service.py",
        "        if not ticket.show_cancelled:",
        "        if True:",
        (SHOWS,),
    ),
    Mutant(
        "an enum of an event gains no value",
        "common/src/common/events.py",
        '    SOLD = "sold"\n',
        '    SOLD = "sold"\n    WITHDRAWN = "withdrawn"\n',
        ("tests/compatibility/test_events.py",),
    ),
    Mutant(
        "an order does not expire before its time by the clock of orders",
        ORDER,
        "        return self.expire() if self.time_left(now) <= EARLY_TOLERANCE else Change(self)",
        "        return self.expire()",
        (ORDER_EVENTS, "services/orders/tests/test_domain.py"),
    ),
    Mutant(
        "an order expires although its event never comes",
        "services/orders/src/orders/sweeper.py",
        "        expired = await orders.expire_overdue()\n",
        "        expired = 0\n",
        ("services/orders/tests/test_listeners.py::test_overdue_order_expires_without_an_event",),
    ),
    Mutant(
        "an event that came too early does not become a dead letter",
        "common/src/common/messaging/durable_consumer.py",
        "        attempt = msg.metadata.num_delivered - self._postponed.get(",
        "        attempt = msg.metadata.num_delivered - 0 * self._postponed.get(",
        (f"{CONSUMER_TESTS}::test_postponed_event_comes_again_and_has_not_failed",),
    ),
    Mutant(
        "after a confirm call no error of Stripe says that nothing was charged",
        ATTEMPTS,
        "            raise outcome_unknown() from None",
        "            raise payments_unavailable() from None",
        (f"{PAY}::test_refused_confirm_leaves_the_outcome_unknown",),
    ),
    Mutant(
        "a bank's window that a buyer closes counts for the account's limit",
        "services/payments/src/payments/domain/attempts.py",
        '    return f"{charge_id}:{count_with_result(attempts)}"',
        '    return f"{charge_id}:{count_for_order(attempts)}"',
        (f"{DECLINES}::test_failed_authentications_count_for_the_account",),
    ),
    Mutant(
        "a permanent refusal by Stripe is not answered as an outage that a retry heals",
        "services/payments/src/payments/stripe/client.py",
        "            raise StripeRefused(retry_after=3) from None",
        "            raise StripeUnavailable(retry_after=3) from None",
        (f"{PAY}::test_permanent_refusal_returns_503_without_retry_after",),
    ),
    Mutant(
        "the outbox relay",
        OUTBOX,
        "                batch = [\n",
        "                self._pending.clear()\n                batch = [\n",
        (OUTBOX_TESTS,),
    ),
    Mutant(
        "the relay waits for the ack",
        OUTBOX,
        "            if outcome is None:\n                acknowledged",
        "            if True:\n                acknowledged",
        (f"{OUTBOX_TESTS}::test_relay_unacknowledged_event_stays_in_outbox",),
    ),
    Mutant(
        "only the outbox of version 0 is replaced",
        MAPPING,
        "return aggregate.version == 0 and self.is_brief(aggregate)",
        "return self.is_brief(aggregate)",
        (f"{DEFERRED}::test_only_version_0_is_replaced",),
    ),
    Mutant(
        "a deferred event is replaced by a later one only",
        MAPPING,
        "if outbox and self.defers_events(before):",
        "if self.defers_events(before):",
        (f"{DEFERRED}::test_update_without_an_event_keeps_that_of_a_brief_state",),
    ),
    Mutant(
        "the outbox sweep",
        OUTBOX,
        "                if await self._lease.acquire_or_renew():",
        "                if False:",
        (f"{OUTBOX_TESTS}::test_sweep_publishes_events_of_dead_process",),
    ),
    Mutant(
        "a lease that another process has taken over is noticed",
        "common/src/common/persistence/lease.py",
        "self._is_held, self._valid_until = True, now + self._ttl / 3",
        "self._is_held, self._valid_until = True, now + self._ttl * 3",
        (f"{OUTBOX_TESTS}::test_lease_has_one_holder_until_not_renewed",),
    ),
    Mutant(
        "a lease that an operator deletes is acquired within its time",
        "common/src/common/persistence/lease.py",
        "self._valid_until = min(until, now + self._ttl)",
        "self._valid_until = until",
        (f"{OUTBOX_TESTS}::test_deleted_lease_is_acquired_within_its_time",),
    ),
    Mutant(
        "a sweep does not wait longer than until the oldest event is stale",
        OUTBOX,
        "min(next_stale_at - now, longest)",
        "longest",
        (f"{OUTBOX_TESTS}::test_next_sweep_is_when_the_oldest_event_is_stale",),
    ),
    Mutant(
        "a sweep finds the events of all collections of its service",
        OUTBOX,
        'return [*first, *({"$unionWith": union} for union in unions)]',
        "return [*first, *[] * len([*unions])]",
        (f"{OUTBOX_TESTS}::test_sweep_finds_the_events_of_every_collection_in_one_query",),
    ),
    Mutant(
        "a process with fewer collections does not keep another from sweeping the rest",
        OUTBOX,
        "f\"outbox-sweep:{','.join(names)}\"",
        '"outbox-sweep"',
        (f"{OUTBOX_TESTS}::test_sweep_of_other_collections_by_another_process_delays_nothing",),
    ),
    Mutant(
        "an event is acknowledged after it was handled",
        "common/src/common/messaging/durable_consumer.py",
        "            try:\n                await handler(event)",
        "            try:\n                await msg.ack()\n                await handler(event)",
        ("common/tests/test_durable_consumer.py",),
    ),
    Mutant(
        "an event of a slow handler is not redelivered",
        "common/src/common/messaging/durable_consumer.py",
        "        self._is_handling.set()\n",
        "",
        ("common/tests/test_durable_consumer.py", "-k", "slow_handler"),
    ),
    Mutant(
        "a consumer that gets its events in bursts does not delay a backlog",
        "common/src/common/messaging/pull_consumer.py",
        "                self._end_rest()  # a full burst",
        "                pass  # a full burst",
        (f"{CONSUMER_TESTS}::test_backlog_is_handled_without_waiting_for_the_interval",),
    ),
    Mutant(
        "a consumer repeats a refused request for a burst after its interval",
        "common/src/common/messaging/pull_consumer.py",
        "        self._begin_rest()  # if it had no message, it was refused",
        "        pass",
        (f"{CONSUMER_TESTS}::test_refused_requests_are_repeated_after_the_interval_only",),
    ),
    Mutant(
        "a consumer drops messages that the owner of its stream did not publish",
        "common/src/common/messaging/durable_consumer.py",
        "        if self._is_foreign(msg):",
        "        if False:",
        ("common/tests/test_durable_consumer.py",),
    ),
    Mutant(
        "a service imports only its own subjects from the account of the streams",
        "infra/nats/accounts.conf",
        '      {service: {account: bus, subject: "order.>"}}\n',
        '      {service: {account: bus, subject: "order.>"}}\n'
        '      {service: {account: bus, subject: "payment.>"}}\n',
        ("common/tests/test_nats_accounts.py",),
    ),
    Mutant(
        "events that a live subscription missed are read from the stream",
        "common/src/common/messaging/stream_subscription.py",
        "        if info.state.last_seq == self._last_sequence:\n            return\n",
        "        if self._last_sequence is not None:\n"
        "            self._last_sequence = info.state.last_seq\n            return\n",
        ("common/tests/test_connection.py",),
    ),
    Mutant(
        "a missing session is rejected before the body is read",
        "common/src/common/web/authentication.py",
        "        if user is None and has_body(scope) and self._needs_session(scope):",
        "        if False:",
        (f"{BODY_TESTS}::test_missing_session_is_401_before_the_body_arrives",),
    ),
    Mutant(
        "a body has a time limit",
        BODY,
        "asyncio.timeout(self._timeout_seconds)",
        "asyncio.timeout(None)",
        (f"{BODY_TESTS}::test_body_that_is_not_complete_in_time_is_408_and_closes",),
    ),
    Mutant(
        "the oldest unfinished body ends in favour of a new one",
        BODY,
        "            oldest.reschedule(0)",
        "            pass",
        (f"{BODY_TESTS}::test_body_beyond_the_limit_ends_the_oldest",),
    ),
    Mutant(
        "a request counts as in flight when its body is complete",
        "common/src/common/app.py",
        "        app.add_middleware(\n            RequestBodyMiddleware,",
        "        (lambda *_, **__: None)(\n            RequestBodyMiddleware,",
        (f"{BODY_TESTS}::test_unfinished_bodies_do_not_count_as_in_flight",),
    ),
    Mutant(
        "a request at the limit is rejected before its session and body are read",
        "common/src/common/app.py",
        "        app.add_middleware(LoadSheddingMiddleware, limit=limit)\n",
        "",
        (f"{BODY_TESTS}::test_request_at_the_limit_is_503_before_its_session_and_body_are_read",),
    ),
    Mutant(
        "a request whose body is complete at the limit is rejected",
        "common/src/common/web/load_shedding.py",
        "        rejection = self._limit.rejection(scope)\n",
        "        rejection = None\n",
        (f"{SHEDDING_TESTS}::test_request_whose_body_is_complete_at_the_limit_is_rejected",),
    ),
    Mutant(
        "a failed request marks no replica as down",
        "infra/local/src/ticketing_local/stack/gateway.py",
        "lb_try_interval 100ms\n",
        "lb_try_interval 100ms\n\\t\\t\\tfail_duration 1s\n",
        ("tests/system/test_hostile_clients.py::test_fault_of_a_client_marks_no_replica_as_down",),
    ),
    Mutant(
        "the rate of an address is limited",
        "common/src/common/web/rate_limit.py",
        "        if full_at - now > self._capacity_seconds:",
        "        if False:",
        ("common/tests/test_rate_limit.py",),
    ),
    Mutant(
        "version check of replicated aggregates",
        "common/src/common/persistence/replica.py",
        '{"$lt": [{"$ifNull": ["$version", -1]}, version]}',
        '{"$lt": [-1, version]}',
        ("common/tests/test_replica.py",),
    ),
    Mutant(
        "a response that was read during a write is not cached",
        CACHE,
        "        self._in_flight.pop(key, None)\n",
        "",
        (CACHE_TESTS,),
    ),
    Mutant(
        "a user is not served a response older than their own write",
        CACHE,
        'return max(oldest, self._last_writes.get(get_user_id() or "", oldest))',
        "return oldest",
        (CACHE_TESTS,),
    ),
    Mutant(
        "version check of event-driven updates",
        TICKET,
        "        if fence <= self.fence:",
        "        if fence == self.fence:",
        (MODEL,),
    ),
    Mutant(
        "unique index on live orders",
        "services/orders/src/orders/store/orders.py",
        '                unique=True,\n                partialFilterExpression={"live": True},',
        '                partialFilterExpression={"live": True},',
        (f"{ORDERS}::test_unique_index_rejects_a_second_live_order",),
    ),
    Mutant(
        "unique index on holds",
        "services/orders/src/orders/store/orders.py",
        "                name=UNIQUE_HOLD,\n                unique=True,",
        "                name=UNIQUE_HOLD,",
        (f"{ORDERS}::test_reserve_after_an_outdated_read_raises_a_conflict",),
    ),
    Mutant(
        "unique index on the slots of a buyer",
        "services/orders/src/orders/store/orders.py",
        "                unique=True,\n                partialFilterExpression=HAS_SLOT,",
        "                partialFilterExpression=HAS_SLOT,",
        (
            f"{ORDERS}::test_concurrent_orders_of_a_buyer_in_one_slot_store_one",
            f"{FAIR_USE}::test_60_concurrent_orders_of_one_buyer_reserve_4_tickets",
        ),
    ),
    Mutant(
        "a paid or cancelled order leaves its slot",
        "services/orders/src/orders/store/orders.py",
        '{"slot": {"$gte": 0}, **IS_UNPAID}',
        '{"slot": {"$gte": 0}}',
        (f"{ORDERS}::test_slot_of_a_buyer_is_taken_until_the_order_is_paid_or_cancelled",),
    ),
    Mutant(
        "no slot beyond the limit",
        FAIR_USE_RULES,
        "for slot in range(limit) if",
        "for slot in range(limit + 1) if",
        (f"{FAIR_USE}::test_60_concurrent_orders_of_one_buyer_reserve_4_tickets",),
    ),
    Mutant(
        "the wait before a repeated order on a ticket",
        FAIR_USE_RULES,
        "        if remaining > timedelta():",
        "        if False:",
        (f"{FAIR_USE}::test_buyer_who_cancels_repeatedly_waits_1_then_5_then_15_minutes",),
    ),
    Mutant(
        "earlier orders count when another buyer's lie between",
        "services/orders/src/orders/service.py",
        "            if latest_order is not None:\n",
        "            if latest_order is not None and latest_order.user_id == buyer_id:\n",
        (f"{FAIR_USE}::test_wait_counts_orders_that_lie_before_those_of_other_buyers",),
    ),
    Mutant(
        "an order at another price than its buyer saw is refused",
        LISTED_TICKET,
        "        if seen.price is not None and seen.price != self.price:",
        "        if False:",
        (f"{FAIR_USE}::test_order_at_another_price_is_409_and_reserves_nothing", MODEL),
    ),
    Mutant(
        "an order for a show with other facts than its buyer saw is refused",
        LISTED_TICKET,
        "        return not is_unknown and version != self.show_version",
        "        return False",
        (f"{ORDERED_SHOWS}::test_ticket_that_its_buyer_saw_differently_is_refused",),
    ),
    Mutant(
        "an order for another seat than its buyer saw is refused",
        LISTED_TICKET,
        "        if seen.seat is not OMITTED and seen.seat != self.seat:",
        "        if False:",
        (f"{ORDERED_SHOWS}::test_ticket_that_its_buyer_saw_differently_is_refused",),
    ),
    Mutant(
        "an ordered ticket has the price of its order",
        TICKET,
        "        shown = offered if is_free else ordered\n",
        "        shown = offered\n",
        (TICKETS, MODEL),
    ),
    Mutant(
        "a freed ticket has the last accepted price again",
        TICKET,
        "late_edit=None if shown == offered else offered,",
        "late_edit=None,",
        (TICKETS, MODEL),
    ),
    Mutant(
        "the next order has the last accepted price",
        "services/orders/src/orders/listeners.py",
        "offered = event.late_edit or event",
        "offered = event",
        (f"{FAIR_USE}::test_next_order_has_the_price_of_the_edit_that_came_late",),
    ),
    Mutant(
        "release only by the order that holds the ticket",
        TICKET,
        "        if fence <= self.fence:",
        "        if fence.version <= self.fence.version and fence.hold == self.fence.hold:",
        ("services/tickets/tests/test_domain.py",),
    ),
    Mutant(
        "a paid order is final",
        ORDER,
        "    OrderStatus.COMPLETE: frozenset(),",
        "    OrderStatus.COMPLETE: frozenset({OrderStatus.CANCELLED}),",
        (MODEL,),
    ),
    Mutant(
        "one PaymentIntent per order",
        GATEWAY,
        '_retry_with_new_key(f"{charge_id}:pi", create)',
        '_retry_with_new_key(f"{charge_id}:pi:{uuid4().hex}", create)',
        (f"{PAY}::test_twenty_clicks_on_two_replicas_charge_once",),
    ),
    Mutant(
        "attempt number in the idempotency key",
        GATEWAY,
        'key = f"{charge.id}:confirm:{len(charge.attempts)}"',
        'key = f"{charge.id}:confirm"',
        (f"{PAY}::test_pay_after_a_decline_with_another_card_succeeds",),
    ),
    Mutant(
        "compare-and-swap on every write",
        MAPPING,
        'expected={"_id": ObjectId(after.id), "version": before.version},',
        'expected={"_id": ObjectId(after.id)},',
        (f"{CHARGES}::test_concurrent_claims_start_one_attempt",),
    ),
    Mutant(
        "a batched update changes only the version that was read",
        WRITER,
        '    is_expected = {"$eq": ["$version", update.expected["version"]]}\n',
        "    is_expected = True\n",
        ("common/tests/test_store.py::test_update_batched_lost_race_is_retried_alone",),
    ),
    Mutant(
        "a batched update stores a text that looks like an expression",
        WRITER,
        '{"$literal": update.update["$set"]}',
        'update.update["$set"]',
        ("common/tests/test_store.py", "-k", "look_like_expressions"),
    ),
    Mutant(
        "a batched update logs a text that looks like an expression",
        WRITER,
        '{"$literal": push["$each"]}',
        'push["$each"]',
        ("common/tests/test_store.py", "-k", "look_like_expressions"),
    ),
    Mutant(
        "a batched update is repeated if MongoDB fails over",
        "common/src/common/persistence/store.py",
        "            if not fails_over(error):\n                raise\n            return {}\n",
        "            raise\n",
        ("common/tests/test_write_barrier.py", "-k", "failover"),
    ),
    Mutant(
        "a batched update that timed out is not repeated",
        "common/src/common/persistence/mongo.py",
        "    return not error.timeout and ",
        "    return True or ",
        ("common/tests/test_write_barrier.py", "-k", "times_out"),
    ),
    Mutant(
        "a batched update that lost its race is not taken for written",
        WRITER,
        "            written = await self._find_written(updates)\n",
        "            pass\n",
        ("common/tests/test_store.py::test_update_batched_lost_race_is_retried_alone",),
    ),
    Mutant(
        "a batched update is not taken for another one with an equal event",
        WRITER,
        "        name in doc and doc[name] == value for name, value in state.items()\n",
        "        True for _ in state\n",
        ("common/tests/test_store.py", "-k", "equal_event"),
    ),
    Mutant(
        "no new attempt for a request that another one has overtaken",
        ATTEMPTS,
        "            if len(charge.attempts) < len(found.attempts):",
        "            if False:",
        (f"{RACES}::test_click_overtaken_by_its_double_gets_the_same_result",),
    ),
    Mutant(
        "a difference from Stripe counts only if it lasts",
        "services/payments/src/payments/reconciliation.py",
        "for each in found.differences if each in lasting)",
        "for each in found.differences)",
        (f"{BOOKS}::test_reconciliation_counts_only_what_differs_twice",),
    ),
    Mutant(
        "a reversal belongs to the charge of its transfer",
        "services/payments/src/payments/domain/ledger.py",
        "self.owners.get(transfer_id, transfer_id)",
        "transfer_id",
        (f"{BOOKS}::test_charge_that_agrees_with_stripe_has_no_difference",),
    ),
    Mutant(
        "money that belongs to no charge is a difference",
        "services/payments/src/payments/reconciliation.py",
        "    differences += at_stripe.unknown()\n",
        "",
        (
            f"{BOOKS}::test_every_line_of_the_ledger_agrees_with_stripe_until_something_is_changed_there",
        ),
    ),
    Mutant(
        "reconciliation of an attempt without a result",
        "services/payments/src/payments/domain/charge_state.py",
        "        has_unanswered = count_with_result(self.attempts) < len(self.attempts)\n",
        "        has_unanswered = False\n",
        ("services/payments/tests/test_interleavings.py", RACES),
    ),
    Mutant(
        "a response from before an attempt does not apply to it",
        CHARGE,
        "            case _ if attempts_when_read < len(self.attempts) or ",
        "            case _ if ",
        (f"{RACES}::test_late_response_does_not_undo_the_next_attempt",),
    ),
    Mutant(
        "refund of a late payment",
        CHARGE,
        "        is_late = self.order_cancelled\n",
        "        is_late = False\n",
        (f"{MONEY}::test_success_after_order_cancellation_is_refunded", MODEL),
    ),
    Mutant(
        "cancellation of the PaymentIntent of a cancelled order",
        SYNC,
        "self._gateway.cancel if charge.order_cancelled else self._gateway.retrieve",
        "self._gateway.retrieve",
        ("services/payments/tests/test_listeners.py",),
    ),
    Mutant(
        "an attempt is counted before it is known to be declined",
        COUNTED,
        'IndexModel("slots", name="slots", unique=True, ',
        'IndexModel("slots", name="slots", ',
        (f"{DECLINES}::test_concurrent_declines_at_two_replicas_do_not_exceed_the_limit",),
    ),
    Mutant(
        "an attempt that is repeated from another address counts for it, too",
        COUNTED,
        "            if not missing:\n",
        "            if counted:\n",
        (f"{COUNTED_TESTS}::test_repeated_attempt_from_another_address_counts_for_both",),
    ),
    Mutant(
        "a slot is free when its window ends, before MongoDB deletes it",
        COUNTED,
        '        await self._collection.delete_many({"$or": ended, "until": {"$lte": now}})\n',
        "",
        (COUNTED_TESTS, "-k", "window"),
    ),
    Mutant(
        "any number of attempts can be counted under nothing",
        COUNTED,
        ", partialFilterExpression=_HAS_SLOTS",
        "",
        (f"{COUNTED_TESTS}::test_forgotten_account_counts_for_its_address_only",),
    ),
    Mutant(
        "a free slot is found without a list of all",
        COUNTED,
        "range(min(self.max_declines, len(taken) + SPREAD))",
        "range(self.max_declines)",
        (COUNTED_TESTS, "-k", "listing"),
    ),
    Mutant(
        "a successful payment does not count as a decline",
        SYNC,
        "asyncio.gather(update, self._limits.release(charge))",
        "asyncio.gather(update, asyncio.sleep(0))",
        (f"{DECLINES}::test_successful_payments_do_not_count",),
    ),
    Mutant(
        "a success releases every count under the id of its attempt",
        COUNTED,
        "for each in attempt_ids for window in WINDOWS]",
        "for each in attempt_ids for window in WINDOWS[:1]]",
        (DECLINES, "-k", "did_not_answer_about"),
    ),
    Mutant(
        "a release that meets a failover is repeated",
        COUNTED,
        "            if not fails_over(error):\n                raise\n",
        "            raise\n",
        (DECLINES, "-k", "release_meets_a_failover"),
    ),
    Mutant(
        "the declines of a card count over all accounts",
        ATTEMPTS,
        "        if method.fingerprint is not None:\n",
        "        if False:\n",
        (DECLINES, "-k", "card"),
    ),
    Mutant(
        "a card that was reported stolen is refused to its account",
        "services/payments/src/payments/decline_limits.py",
        "if await self._refused_cards.is_refused(key, charge.user_id):",
        "if False:",
        (f"{SUSPICIOUS}::test_reported_card_is_refused_to_the_account_without_asking_stripe",),
    ),
    Mutant(
        "the buyer does not learn that a card was reported stolen",
        "services/payments/src/payments/domain/suspicious_cards.py",
        "        decline_code=GENERIC_DECLINE.decline_code,\n",
        "",
        (f"{SUSPICIOUS}::test_reported_card_looks_like_a_generic_decline",),
    ),
    Mutant(
        "the reconciler (webhooks off)",
        "services/payments/src/payments/reconciler.py",
        "if interval_seconds\n",
        "if interval_seconds < 0\n",
        (KILLED, "-k", "reconciler"),
    ),
    Mutant(
        "the webhook (reconciler off)",
        SYNC,
        "        if event.intent_id is None:",
        "        if True:",
        (KILLED, "-k", "webhooks"),
    ),
    Mutant(
        "the expiration sweeper (Redis emptied)",
        "services/expiration/src/expiration/sweeper.py",
        "        if not await lease.acquire_or_renew():",
        "        if True:",
        (
            f"{JOBS}::test_sweeper_expires_orders_without_timers_and_worker",
            f"{JOBS}::test_timers_are_restored_after_redis_is_emptied",
        ),
    ),
    Mutant(
        "a deadline with an unpublished event is not removed",
        DEADLINES,
        '                    "outbox": [],\n',
        "",
        (DEADLINE_RETENTION,),
    ),
    Mutant(
        "a deadline that waits is not removed",
        DEADLINES,
        '"status": {"$in": [Status.EXPIRED, Status.CLEARED]},',
        '"status": {"$in": [*Status]},',
        (DEADLINE_RETENTION,),
    ),
    Mutant(
        "a closing account with many listings is confirmed when every portion is known",
        "services/orders/src/orders/user_deletion.py",
        "if event.portion is not None and not await self._portions.complete(event.portion):",
        "if False:",
        ("services/orders/tests/test_user_deletion.py",),
    ),
    Mutant(
        "each portion of the listings is an event of its own",
        "services/tickets/src/tickets/user_deletion.py",
        '                event_id += f":{portion.of}:{portion.number}"',
        '                event_id += f":{portion.count}"',
        (
            "services/tickets/tests/test_user_deletion.py",
            "-k",
            "portions",
        ),
    ),
    Mutant(
        "the audit log of a seller does not repeat all debts in each entry",
        "services/payments/src/payments/store/sellers.py",
        "audited_fields=_AUDITED",
        "audited=True",
        ("services/payments/tests/test_seller_store.py",),
    ),
    Mutant(
        "reuse of a refresh token ends its session",
        "services/auth/src/auth/domain/session.py",
        "            return Change(self)\n        return self.end(now)",
        "            return Change(self)\n        raise Unauthorized",
        (f"{SESSIONS}::test_rotated_token_reused_after_the_grace_ends_the_session",),
    ),
    Mutant(
        "a session that is not used for long cannot be refreshed",
        "services/auth/src/auth/domain/session.py",
        "        if not self.is_active(now) or self.is_idle(now, max_idle):\n",
        "        if not self.is_active(now):\n",
        (f"{ACCESS}::test_session_without_use_for_14_days_cannot_be_refreshed",),
    ),
    Mutant(
        "a sign-in ends the session that the browser had",
        "services/auth/src/auth/api.py",
        "    await state.sessions.sign_out(user_before, state.cookies.refresh_token(request))\n"
        "    return signed_in_response",
        "    return signed_in_response",
        (f"{ACCESS}::test_sign_in_ends_the_session_that_the_browser_had",),
    ),
    Mutant(
        "a suspended account is refused",
        DEPENDENCIES,
        "    if user.is_suspended:\n",
        "    if False:\n",
        (f"{DEPENDENCY_TESTS}::test_suspended_account_is_403_until_it_is_reinstated",),
    ),
    Mutant(
        "a refusal of a suspended account is not stored",
        "common/src/common/web/idempotency.py",
        "frozenset({401, 403, 404, 409, 429})",
        "frozenset({401, 404, 409, 429})",
        (f"{DEPENDENCY_TESTS}::test_suspended_account_is_403_until_it_is_reinstated",),
    ),
    Mutant(
        "a sensitive change needs a recent password",
        DEPENDENCIES,
        " > REAUTHENTICATION_LIFETIME.total_seconds():\n",
        " > 1e12:\n",
        (
            f"{DEPENDENCY_TESTS}::test_sensitive_route_needs_a_password_of_the_last_ten_minutes",
            f"{ACCESS}::test_password_given_again_permits_sensitive_changes_for_ten_minutes",
        ),
    ),
    Mutant(
        "a change of the role or a suspension ends all sessions",
        "services/auth/src/auth/domain/access.py",
        "    return changed.end_sessions(before=changed.end_of_sessions(now), now=now)\n",
        "    return Change(replace(changed, version=changed.version + 1))\n",
        (ACCESS, "-k", "Access"),
    ),
    Mutant(
        "a sign-in in an unknown browser is reported to the user",
        "services/auth/src/auth/session_service.py",
        "        if browser_id is None and account.record_unknown_device(now).events:\n",
        "        if False:\n",
        (f"{ACCESS}::test_sign_in_in_an_unknown_browser_is_published_and_gets_a_letter",),
    ),
    Mutant(
        "a link in a letter works once",
        "services/auth/src/auth/domain/credentials.py",
        "    if account.credentials_version != credentials_version:\n",
        "    if account.credentials_version == -1:\n",
        (
            f"{ACCOUNT}::test_forgotten_password_is_reset_by_its_link_once",
            f"{ACCOUNT}::test_link_made_before_a_password_change_is_invalid",
        ),
    ),
    Mutant(
        "a link in a letter is valid for one hour",
        "services/auth/src/auth/domain/letter.py",
        "        return self.has_link and now < self.created_at + lifetime\n",
        "        return self.has_link\n",
        (f"{ACCOUNT}::test_link_is_valid_for_one_hour_and_only_for_its_own_purpose",),
    ),
    Mutant(
        "a challenge of a passkey is used once",
        "services/auth/src/auth/store/challenges.py",
        "            await self._challenges.find_one_and_delete(\n",
        "            await self._challenges.find_one(\n",
        (f"{PASSKEYS}::test_challenge_is_used_once",),
    ),
    Mutant(
        "the counter of a passkey grows",
        "services/auth/src/auth/domain/passkey.py",
        "(counts and sign_count <= self.credential.sign_count)",
        "(counts and sign_count < 0)",
        (f"{PASSKEYS}::test_copy_of_an_authenticator_is_refused",),
    ),
    Mutant(
        "a passkey is valid on the pages of this site only",
        "services/auth/src/auth/ceremonies.py",
        "                expected_origin=self._origin,\n                credential_public_key",
        '                expected_origin=[self._origin, "http://tickets.example"],\n'
        "                credential_public_key",
        (f"{PASSKEYS}::test_response_that_is_not_for_this_site_and_user_is_refused",),
    ),
    Mutant(
        "the second factor is the user's own",
        "services/auth/src/auth/ceremonies.py",
        "{one for one in (challenge.user_id, user_id) if one is not None}",
        "set()",
        (f"{SECOND_FACTOR}::test_passkey_of_another_user_is_no_second_factor",),
    ),
    Mutant(
        "a recovery code works once",
        "services/auth/src/auth/domain/second_factor.py",
        "        left = tuple(one for one in self.recovery_codes if one != digest)\n",
        "        left = self.recovery_codes\n",
        (f"{SECOND_FACTOR}::test_recovery_code_signs_in_once",),
    ),
    Mutant(
        "a removal of the second factor waits 72 hours",
        "services/auth/src/auth/domain/second_factor.py",
        "        return self.is_required and (self.removal_at is None or now < self.removal_at)\n",
        "        return self.is_required and self.removal_at is None\n",
        (f"{SECOND_FACTOR}::test_person_who_lost_passkey_and_codes_gets_in_after_72_hours",),
    ),
    Mutant(
        "a removal of the second factor needs the mail of the account",
        "services/auth/src/auth/domain/second_factor.py",
        "        if password_reset_at is None or now >= password_reset_at + RESET_VALIDITY:\n",
        "        if password_reset_at == now + RESET_VALIDITY:\n",
        (f"{SECOND_FACTOR}::test_removal_without_a_fresh_reset_is_refused",),
    ),
    Mutant(
        "each fact has one letter",
        "services/auth/src/auth/domain/letter.py",
        "        id=letter_id(fact, kind, user_id),\n",
        '        id=hashlib.sha256(__import__("os").urandom(8)).hexdigest()[:24],\n',
        (f"{LETTERS}::test_repeated_and_republished_events_write_no_second_letter",),
    ),
    Mutant(
        "a letter that cannot be rendered delays no others",
        "services/auth/src/auth/delivery.py",
        "        except (TemplateError, KeyError, ValueError):",
        "        except ZeroDivisionError:",
        (f"{LETTERS}::test_letter_that_cannot_be_rendered_delays_no_others",),
    ),
    Mutant(
        "a new password is not the address of its account",
        "services/auth/src/auth/common_passwords.py",
        "    return OWN_WORDS if len(rest) < MIN_REST else None\n",
        "    return None\n",
        (f"{ACCOUNT}::test_invalid_password_change_is_rejected",),
    ),
    Mutant(
        "a title cannot forge a header of a letter",
        "services/auth/src/auth/rendering.py",
        '    return " ".join("".join(kept).split())\n',
        "    return text\n",
        (f"{LETTERS}::test_title_cannot_forge_a_header_or_reverse_the_text",),
    ),
    Mutant(
        "every service receives revocations",
        "common/src/common/app.py",
        "                    await self.revocations.subscribe(event_bus)\n",
        "                    pass\n",
        (SESSIONS,),
    ),
    Mutant(
        "a revocation costs constant work",
        REVOCATIONS,
        "        until = min(event.until, now + MAX_TTL)\n",
        "        until = min(event.until, now + MAX_TTL)\n"
        "        self._sessions.values = dict(self._sessions.values)\n",
        (f"{REVOCATION_TESTS}::test_many_revocations_cost_constant_work_each",),
    ),
    Mutant(
        "a token of a session that started before all were ended is rejected",
        REVOCATIONS,
        "            all_revoked is not None\n",
        "            False\n            and all_revoked is not None\n",
        (REVOCATION_TESTS,),
    ),
    Mutant(
        "an earlier end of all sessions does not replace a later one",
        REVOCATIONS,
        "                if known is None or known.before < event.before:\n",
        "                if True:\n",
        (REVOCATION_TESTS,),
    ),
    Mutant(
        "an open stream checks its session before each delivery",
        "common/src/common/web/sse.py",
        "            if payload is None or not connection.is_authorized():\n",
        "            if payload is None:\n",
        ("common/tests/test_sse.py",),
    ),
    Mutant(
        "a private event of an unknown audience reaches nobody",
        "common/src/common/web/sse_frame.py",
        "            return NOBODY\n",
        "            return None\n",
        ("common/tests/test_sse.py",),
    ),
    Mutant(
        "an idle stream of events does not delay a stop",
        "common/src/common/web/sse.py",
        "            finally:\n                self._has_unsent.set()\n",
        "            finally:\n                pass\n",
        ("common/tests/test_sse.py",),
    ),
    Mutant(
        "missed private events are replayed to their audience alone",
        "common/src/common/web/sse.py",
        "and (frame.audience is None or frame.audience == user)",
        "and frame.sequence",
        ("common/tests/test_sse.py",),
    ),
    Mutant(
        "a revocation ends the open streams of its session",
        "common/src/common/lifecycle.py",
        "        self.revocations.add_listener(broadcaster.end_revoked)\n",
        "",
        ("services/orders/tests/test_live.py",),
    ),
    Mutant(
        "an account has a limited number of active sessions",
        "services/auth/src/auth/session_service.py",
        "        self.users_to_check.add(account.id)\n",
        "",
        (LIMITS,),
    ),
    Mutant(
        "sessions whose check failed are checked again",
        SESSION_LIMITER,
        "            self._sessions.users_to_check.update(users)\n",
        "            pass\n",
        (SESSION_LIMITER_TESTS,),
    ),
    Mutant(
        "a large surplus of sessions is checked until none is left",
        SESSION_LIMITER,
        "        self._sessions.users_to_check.update(crowded)\n",
        "",
        (SESSION_LIMITER_TESTS,),
    ),
    Mutant(
        "the first check covers the sign-ins of a process that died",
        SESSION_LIMITER,
        "            if not self._has_recovered:\n",
        "            if False:\n",
        (SESSION_LIMITER_TESTS,),
    ),
    Mutant(
        "a stop checks the sessions of the last sign-ins",
        SESSION_LIMITER,
        "            yield\n        try:\n            await self.run()\n",
        "            yield\n        try:\n            pass\n",
        (SESSION_LIMITER_TESTS,),
    ),
    Mutant(
        "a sign-in counts before its hash",
        "services/auth/src/auth/service.py",
        "        await self._attempt_limiter.record_attempt(*limits)\n"
        "        if not device_token:\n",
        "        if not device_token:\n",
        (LIMITS,),
    ),
    Mutant(
        "a device token is valid for its own account only",
        "services/auth/src/auth/device_tokens.py",
        'f"{browser_id}.{account}"',
        'f"{browser_id}"',
        ("services/auth/tests/test_device_tokens.py",),
    ),
    Mutant(
        "a known browser has a count of its own",
        "services/auth/src/auth/service.py",
        "        if browser_id is None:\n            known",
        "        if True:\n            known",
        (LIMITS,),
    ),
    Mutant(
        "the security headers of every response",
        INSTRUMENTATION,
        "                    *security_headers(scope),\n",
        "",
        (HEADERS,),
    ),
    Mutant(
        "the security headers of unexpected errors",
        "common/src/common/web/errors.py",
        "        response.raw_headers += security_headers(request.scope)\n",
        "",
        (HEADERS,),
    ),
    Mutant(
        "shared caches do not keep private responses",
        "common/src/common/web/authentication.py",
        'PRIVATE: Final = "private, no-cache"',
        'PRIVATE: Final = "no-cache"',
        (HEADERS,),
    ),
    Mutant(
        "caches do not keep cookies",
        "services/auth/src/auth/cookies.py",
        "        response.headers.update(NO_STORE)\n",
        "",
        ("services/auth/tests/test_api.py", "-k", "not_stored"),
    ),
    Mutant(
        "caches do not keep client secrets",
        "services/payments/src/payments/api.py",
        "json_response(action, 202, headers=NO_STORE)",
        "json_response(action, 202)",
        (PAY, "-k", "not_stored"),
    ),
    Mutant(
        "the documentation pages run only known scripts",
        "common/src/common/apidocs/routes.py",
        "script-src 'self' 'sha256-{_SCRIPT_HASH}'",
        "script-src 'self' 'unsafe-inline'",
        (HEADERS,),
    ),
    Mutant(
        "a stranger's trace is not continued",
        "common/src/common/observability/otel.py",
        "            context, linked = Context(), _W3C.extract(linked_headers, Context())\n",
        "            context = _W3C.extract(linked_headers, Context())\n",
        ("common/tests/test_tracing.py",),
    ),
    Mutant(
        "a process waits for a user that does not exist yet",
        "common/src/common/persistence/mongo.py",
        "_USERS_MISSING: Final = (13, 18)",
        "_USERS_MISSING: Final = ()",
        (f"{AVAILABILITY}::test_mongo_that_does_not_know_the_user_yet_is_awaited",),
    ),
    Mutant(
        "a process listens while it waits",
        "common/src/common/startup.py",
        "    try:\n        yield\n",
        "    await opened.wait()\n    try:\n        yield\n",
        ("common/tests/test_startup.py",),
    ),
    Mutant(
        "a control route of the local Stripe server needs its header",
        "infra/local/stripe/src/stripe_local/http/control_api.py",
        "        if any(name not in request.headers for name in CONTROL_HEADERS):",
        "        if False:",
        (f"{STRIPE}::test_control_route_without_its_header_is_refused",),
    ),
    Mutant(
        "the local Stripe server refuses an entry out of balance",
        "infra/local/stripe/src/stripe_local/ledger.py",
        "        if any(totals.values()):",
        "        if False:",
        ("infra/local/stripe/tests/test_ledger.py::test_entry_out_of_balance_is_refused",),
    ),
    Mutant(
        "the local Stripe server transfers no more than a charge has left",
        "infra/local/stripe/src/stripe_local/connect/transfers.py",
        "    if amount + transferred > source_amount:",
        "    if False:",
        ("infra/local/stripe/tests/test_transfers.py::test_transfers_cannot_exceed_their_charge",),
    ),
    Mutant(
        "MongoDB asks for a password",
        SERVERS,
        '        *("--keyFile", secrets.file("mongo-keyfile")),  # turns authentication on\n',
        "",
        (f"{MONGO_USERS}::test_client_without_a_password_can_do_nothing",),
    ),
    Mutant(
        "a service's user of MongoDB is limited to its own database",
        "infra/local/src/ticketing_local/stack/mongo_set_up.py",
        'name: [{"role": "readWrite", "db": name}] for',
        'name: ["readWriteAnyDatabase"] for',
        (f"{MONGO_USERS}::test_service_cannot_touch_another_database",),
    ),
    Mutant(
        "Redis asks for a password",
        SERVERS,
        'f"requirepass {password}\\n"',
        '""',
        ("infra/local/tests/test_redis_password.py",),
    ),
    Mutant(
        "a search finds words that the vocabulary lacks",
        VOCABULARY,
        "            if doc is None:\n",
        "            if True:\n",
        (f"{SEARCH}::test_word_that_is_not_in_the_vocabulary_is_found_by_its_beginning",),
    ),
    Mutant(
        "a title shows something",
        "common/src/common/values/text.py",
        "        category in _INVISIBLE or character in _BLANK_LETTERS\n",
        "        False\n",
        ("services/tickets/tests/test_api.py::test_malformed_ticket_is_rejected_with_its_field",),
    ),
    Mutant(
        "a search of signs does not match everything",
        "services/tickets/src/tickets/search.py",
        "if not is_sign(term)] or terms",
        'if not is_sign(term)] or [""]',
        (f"{SEARCH_TERMS}::test_title_is_not_found_by_something_else",),
    ),
    Mutant(
        "a word inside a title without spaces is found",
        "services/tickets/src/tickets/search_terms.py",
        'yield from map("".join, pairwise(word))',
        "yield word",
        (f"{SEARCH_TERMS}::test_title_is_found_by_what_people_type",),
    ),
    Mutant(
        "a page that is cut short continues",
        "services/tickets/src/tickets/store/available_tickets.py",
        "        return found, position\n\n",
        "        return found, None\n\n",
        (f"{SEARCH_BUDGET}::test_page_cut_short_continues_where_its_search_has_ended",),
    ),
    Mutant(
        "a ticket leaves the list when its show starts",
        "services/tickets/src/tickets/store/available_tickets.py",
        " and not has_started(doc, now)",
        "",
        (f"{SEARCH}::test_pages_have_every_match_once_and_in_order",),
    ),
    Mutant(
        "a cursor continues only the list of its filters",
        "services/tickets/src/tickets/store/sort_order.py",
        "if values[: len(listed)] == listed else ()",
        "",
        ("services/tickets/tests/test_filters.py::test_cursor_of_another_filter_is_rejected",),
    ),
    Mutant(
        "MongoDB filters nothing, so a query examines only what it returns",
        "services/tickets/src/tickets/store/available_tickets.py",
        "self._tickets.find({**entries.filter, **following}, STATE_PROJECTION)",
        "self._tickets.find({**entries.filter, **following, 'version': -1}, STATE_PROJECTION)",
        (f"{SEARCH_BUDGET}::test_search_examines_at_most_2000_keys_and_documents",),
    ),
    Mutant(
        "MongoDB stops an operation whose time is over",
        "common/src/common/persistence/mongo.py",
        "        timeoutMS=int(OPERATION_TIMEOUT_SECONDS * 1000),\n",
        "",
        ("common/tests/test_operation_timeout.py",),
    ),
    Mutant(
        "a backup is of one moment, however long it takes",
        "infra/local/src/ticketing_local/commands/backup.py",
        "        retain(MAX_SECONDS)\n",
        "",
        (f"{BACKUP_HISTORY}::test_backup_does_not_contain_what_was_written_meanwhile",),
    ),
    Mutant(
        "MongoDB retains history for a backup only",
        "infra/local/src/ticketing_local/commands/backup.py",
        "            retain(servers.SNAPSHOT_HISTORY_SECONDS)\n",
        "            pass\n",
        (f"{BACKUP_HISTORY}::test_history_is_retained_only_during_a_backup",),
    ),
    Mutant(
        "a restore without the keys of the backup's files is refused",
        "infra/local/src/ticketing_local/commands/restore.py",
        "    if not without_keys:\n        check_vault_keys(home, environ, folder)\n",
        "",
        (f"{BACKUP}::test_restore_without_the_keys_of_the_backup_changes_nothing",),
    ),
    Mutant(
        "a rotation of the vault's key does not bring back what was deleted meanwhile",
        "services/tickets/src/tickets/store/vault_maintenance.py",
        '{"_id": doc["_id"], _WRAPPED_KEY: present},',
        '{"_id": doc["_id"]},',
        (f"{VAULT_MAINTENANCE}::test_rotation_leaves_an_entry_that_is_shredded_meanwhile",),
    ),
    Mutant(
        "unknown parameters are no part of a cache key",
        CACHE,
        "            if name in values\n        ]\n        return path, urlencode(known).encode()",
        "            if name in values\n        ]\n        return path, query",
        (CACHE_TESTS,),
    ),
    Mutant(
        "an original leaves the vault only after its reveal is recorded",
        "services/tickets/src/tickets/passes.py",
        "        if not examined.access.may_read:",
        "        if False:",
        (f"{PASS_TESTS}::test_file_before_its_reveal_is_409",),
    ),
    Mutant(
        "the codes of a buyer are drawn one at a time",
        "services/tickets/src/tickets/passes.py",
        "        async with self._turns.setdefault(user_id, asyncio.Lock()):",
        "        if self._turns is not None:",
        (f"{PASS_TESTS}::test_codes_of_a_buyer_are_drawn_one_at_a_time",),
    ),
    Mutant(
        "only the buyer of the newest order sees an original",
        VAULT_ACCESS,
        "        or holding.holder_id != user_id",
        "        or False",
        (f"{VAULT_ACCESS_TESTS}::test_only_the_buyer_of_a_sold_ticket_may_reveal_it",),
    ),
    Mutant(
        "an original that is listed again is revealed to nobody",
        VAULT_ACCESS,
        "may_reveal=not is_listed_again or newest.is_gone(now)",
        "may_reveal=True",
        (f"{VAULT_ACCESS_TESTS}::test_buyer_who_lists_again_reads_only_what_was_revealed",),
    ),
    Mutant(
        "a withdrawn listing counts until no order can arrive",
        VAULT_ACCESS,
        "newest.is_gone(now)",
        "newest.withdrawn",
        (f"{VAULT_ACCESS_TESTS}::test_withdrawn_listing_counts_until_no_order_can_arrive",),
    ),
    Mutant(
        "a reveal that races with another listing is refused",
        VAULT_ENTRY,
        "        if self.ticket_id != newest:",
        "        if False:",
        (f"{VAULT_ACCESS_TESTS}::test_reveal_after_the_ticket_was_listed_again_is_refused",),
    ),
    Mutant(
        "a refund does not take back what its buyer has seen",
        VAULT_ENTRY,
        "        if is_shown or self.ticket_id not in listings:",
        "        if self.ticket_id not in listings:",
        (f"{TICKET_REFUNDS}::test_original_that_its_buyer_has_seen_stays",),
    ),
    Mutant(
        "the original of another listing is not taken back",
        VAULT_ENTRY,
        "        if is_shown or self.ticket_id not in listings:",
        "        if is_shown:",
        (f"{VAULT_ACCESS_TESTS}::test_original_that_was_listed_again_is_not_taken_back",),
    ),
    Mutant(
        "the money goes after the original is void",
        TICKETS_REFUNDS,
        "        original = await self._take_back(ticket, ticket.order_id)",
        "        original = ReturnedOriginal.VOID",
        (f"{TICKET_REFUNDS}::test_sealed_original_is_void_before_the_answer",),
    ),
    Mutant(
        "a listing of the buyer ends before the original is void",
        TICKETS_REFUNDS,
        "        return bool(remaining)",
        "        return False",
        (f"{TICKET_REFUNDS}::test_listing_of_the_buyer_is_withdrawn_before_the_original_is_void",),
    ),
    Mutant(
        "an agreed refund waits for tickets",
        REFUND,
        "    return order.amend(refund_agreed_at=now)",
        "    return order.amend(refund_agreed_at=now, outcome=Outcome.RETURNING)",
        (f"{ORDER_REFUNDS}::test_offer_and_acceptance_are_published_with_their_times",),
    ),
    Mutant(
        "money goes back only if it was agreed",
        REFUND,
        "order.refund_agreed_at is not None and order.outcome is None",
        "order.outcome is None",
        (f"{ORDER_REFUNDS}::test_answer_to_what_was_not_asked_changes_nothing",),
    ),
    Mutant(
        "an older state of a dispute does not replace a newer one",
        REFUND,
        "payment_version <= order.dispute_version",
        "payment_version == order.dispute_version",
        (f"{ORDER_REFUNDS}::test_last_state_of_a_dispute_stays_in_any_order_of_arrival",),
    ),
    Mutant(
        "only a seller who can be paid is verified",
        "services/tickets/src/tickets/store/verified_sellers.py",
        '            "transfers": TransfersStatus.ACTIVE,\n',
        "",
        (f"{VERIFIED_SELLERS}::test_list_and_ticket_say_whether_the_seller_is_verified",),
    ),
    Mutant(
        "the tag of a ticket says whether its seller is verified",
        "services/tickets/src/tickets/api.py",
        'etag(body.version, VERIFIED if body.seller_verified else "")',
        "etag(body.version)",
        (
            f"{VERIFIED_SELLERS}::test_tag_of_a_ticket_changes_with_its_seller_and_is_accepted_by_an_edit",
        ),
    ),
    Mutant(
        "a code is in one listing at a time",
        VAULT_ENTRIES,
        "                unique=True,",
        "                unique=False,",
        (f"{VAULT_TESTS}::test_code_that_is_listed_is_409_without_saying_whose",),
    ),
    Mutant(
        "the code of a withdrawn ticket can be listed again",
        VAULT_ENTRIES,
        'partialFilterExpression={"is_current": True, "fingerprints.0": {"$exists": True}}',
        'partialFilterExpression={"fingerprints.0": {"$exists": True}}',
        (f"{VAULT_TESTS}::test_withdrawn_ticket_frees_its_code_and_loses_its_file",),
    ),
    Mutant(
        "a fingerprint needs a key",
        "services/tickets/src/tickets/vault_keys.py",
        "            self._fingerprint_key, symbology.encode()",
        '            b"", symbology.encode()',
        (f"{VAULT_KEY_TESTS}::test_fingerprint_needs_the_key_and_differs_by_code_and_symbology",),
    ),
)
