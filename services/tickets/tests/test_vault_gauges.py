"""The gauges of the vault."""

from prometheus_client import REGISTRY
from pydantic import SecretStr

from tickets.store.vault_gauges import VaultGauges
from tickets.testing import FINGERPRINT_KEY, VAULT_KEY
from tickets.vault_keys import VaultKeys
from tickets.vault_testing import Market

KEYS = VaultKeys(SecretStr(VAULT_KEY), None, SecretStr(FINGERPRINT_KEY))
CODE, OTHER_CODE = b"4000-1234-5678", b"4000-8765-4321"


def entries(state: str) -> float | None:
    return REGISTRY.get_sample_value("vault_entries", {"state": state})


def overdue() -> float | None:
    return REGISTRY.get_sample_value("vault_overdue_entries")


def unreadable() -> float:
    return REGISTRY.get_sample_value("vault_files_unreadable_total") or 0


async def test_entries_are_counted_and_what_the_sweeper_leaves_is_overdue(market: Market) -> None:
    gauges = VaultGauges(KEYS, market.clock)
    ticket_id = await market.list_protected(CODE)
    await market.upload(ticket_id, OTHER_CODE)
    await gauges.refresh()
    assert (entries("sealed"), entries("revealed"), entries("void"), overdue()) == (2, 0, 0, 0)

    market.clock.advance(hours=25)
    await gauges.refresh()
    assert overdue() == 1, "the replaced file should be gone after a day"

    await market.client.app.state.service.vault.sweeper.run()
    market.clock.advance(minutes=5)
    await gauges.refresh()
    assert (entries("sealed"), entries("void"), overdue()) == (1, 1, 0)


async def test_entries_are_counted_every_five_minutes(market: Market) -> None:
    gauges = VaultGauges(KEYS, market.clock)
    await gauges.refresh()
    await market.list_protected(CODE)
    market.clock.advance(minutes=4)
    await gauges.refresh()
    assert entries("sealed") == 0

    market.clock.advance(minutes=1)
    await gauges.refresh()
    assert entries("sealed") == 1


async def test_interrupted_upload_is_overdue_after_a_while(market: Market) -> None:
    gauges = VaultGauges(KEYS, market.clock)
    await market.list_protected(CODE)
    database = market.client.app.state.service.running.database
    await database["vault"].update_one({}, {"$set": {"is_attached": False, "is_settled": False}})
    market.clock.advance(minutes=11)
    await gauges.refresh()
    assert overdue() == 0, "the sweeper has a few minutes"

    market.clock.advance(minutes=2)
    await gauges.refresh()
    assert overdue() == 1


async def test_wrong_key_is_noticed_before_a_file_is_read(market: Market) -> None:
    await market.list_protected(CODE)
    before = unreadable()
    await VaultGauges(KEYS, market.clock).refresh()
    assert unreadable() == before

    wrong = VaultKeys(SecretStr("c3" * 32), None, SecretStr(FINGERPRINT_KEY))
    await VaultGauges(wrong, market.clock).refresh()
    assert unreadable() == before + 1
