"""Tests of the nats-server with users."""

from pathlib import Path

import nats

from ticketing_local.processes.managed_process import ManagedProcess
from ticketing_local.stack import nats_set_up, servers
from ticketing_local.stack.stored_secrets import StoredSecrets
from ticketing_local.testing.free_ports import free_port


async def test_streams_of_a_server_without_users_are_kept(tmp_path: Path) -> None:
    port, data, secrets = free_port(), tmp_path / "nats", StoredSecrets(tmp_path / "secrets")
    without_users = ManagedProcess(servers.nats(port, data, "2m"))
    await without_users.start_and_wait()
    client = await nats.connect(servers.nats_url(port))
    await client.jetstream().add_stream(name="tickets", subjects=["ticket.>"])
    await client.jetstream().publish("ticket.created", b"kept")
    await client.close()
    without_users.terminate()

    with_users = ManagedProcess(servers.nats(port, data, "2m", secrets))
    await with_users.start_and_wait()
    client = await nats.connect(servers.nats_url_as(nats_set_up.OPERATOR, port, secrets))
    stored = await client.jetstream().get_msg("tickets", seq=1)
    pending = await client.jetstream().consumer_info("tickets", "orders-tickets")
    await client.close()
    with_users.kill()

    assert stored.data == b"kept"
    assert pending.num_pending == 1


def test_passwords_are_in_the_environment_and_in_no_file_of_the_server(tmp_path: Path) -> None:
    secrets = StoredSecrets(tmp_path / "secrets")
    program = servers.nats(free_port(), tmp_path / "nats", "2m", secrets)
    passwords = [secrets.read(nats_set_up.secret_name(user)) for user in nats_set_up.USERS]
    assert set(passwords) == set(program.environment.values())
    configuration = (tmp_path / "nats" / "nats.conf").read_text()
    assert not any(value in text for value in passwords for text in (configuration, *program.argv))
