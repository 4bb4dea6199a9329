"""The set-up of a mongod: its replica set and its users. Repeating it changes nothing."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

from ticketing_local.errors import CliError
from ticketing_local.stack import replica_set
from ticketing_local.stack.ports import SERVICES
from ticketing_local.stack.stored_secrets import StoredSecrets

Client = MongoClient[dict[str, Any]]
Role = str | Mapping[str, str]

ADMIN: Final = "admin"
OPERATOR: Final = "operator"
ROLES: Final[Mapping[str, Sequence[Role]]] = {
    ADMIN: ["root"],
    OPERATOR: ["backup", "clusterMonitor", "readWriteAnyDatabase"],
    **{name: [{"role": "readWrite", "db": name}] for name in SERVICES},
}
"""The users and their roles. Each is stored in the database `admin`."""

UNAUTHORIZED: Final = 13
AUTHENTICATION_FAILED: Final = 18
NOT_YET_INITIALIZED: Final = 94
ALREADY_INITIALIZED: Final = 23
TRANSIENT_CODES: Final = frozenset({50, 64, 112, 134, 211})
"""Errors of a slow or just initiated replica set: MaxTimeMSExpired, WriteConcernFailed,
WriteConflict, ReadConcernMajorityNotAvailableYet, and KeyNotFound (no key for the cluster time)."""


def secret_name(user: str) -> str:
    """Return the name of the stored secret that holds a user's password."""
    return f"mongo-{user}"


def set_up(port: int, secrets: StoredSecrets) -> Callable[[], bool]:
    """Return a step that initiates the replica set and creates or updates every user.

    The step returns False while mongod is not ready for it, and is then repeated.
    """

    def run() -> bool:
        try:
            return _set_up(port, secrets)
        except OperationFailure as failure:
            if failure.code not in TRANSIENT_CODES:
                raise
            return False
        except PyMongoError:
            return False

    return run


def _set_up(port: int, secrets: StoredSecrets) -> bool:
    host = f"127.0.0.1:{port}"
    with _connect(port) as anonymous:
        hello = anonymous.admin.command("hello")
        if "setName" not in hello:
            _initiate(anonymous, host)
            with _connect(port, ADMIN, secrets) as admin:
                _update_host(admin, host)
            return False
        if not hello["isWritablePrimary"]:
            return False
        _create_admin(anonymous, secrets)
    with _connect(port, ADMIN, secrets) as admin:
        try:
            existing = {user["user"] for user in admin.admin.command("usersInfo")["users"]}
        except OperationFailure as failure:
            if failure.code != AUTHENTICATION_FAILED:
                raise
            raise CliError(
                f"MongoDB rejects the password in {secrets.folder / secret_name(ADMIN)}. "
                "Restore the file that belongs to this data, or run `make reset`."
            ) from None
        for user in ROLES.keys() - {ADMIN}:
            command = "updateUser" if user in existing else "createUser"
            password = secrets.read(secret_name(user))
            admin.admin.command(command, user, pwd=password, roles=ROLES[user])
    return True


def _connect(port: int, user: str | None = None, secrets: StoredSecrets | None = None) -> Client:
    return Client(
        "127.0.0.1",
        port,
        directConnection=True,
        serverSelectionTimeoutMS=2_000,
        username=user,
        password=secrets.read(secret_name(user)) if user and secrets else None,
    )


def _initiate(anonymous: Client, host: str) -> None:
    """Initiate the replica set. MongoDB allows this locally until the first user exists."""
    config = {"_id": replica_set.NAME, "members": [{"_id": 0, "host": host}]}
    try:
        anonymous.admin.command("replSetInitiate", config)
    except OperationFailure as failure:
        if failure.code not in (ALREADY_INITIALIZED, UNAUTHORIZED):
            raise


def _update_host(admin: Client, host: str) -> None:
    """Change the address of the only member if existing data was started on another port."""
    try:
        config = admin.admin.command("replSetGetConfig")["config"]
    except OperationFailure as failure:
        if failure.code not in (AUTHENTICATION_FAILED, NOT_YET_INITIALIZED):
            raise
        return  # no user exists yet, or mongod has not read its configuration yet
    if config["members"][0]["host"] != host:
        config |= {"members": [config["members"][0] | {"host": host}]}
        config["version"] += 1
        admin.admin.command("replSetReconfig", config, force=True)


def _create_admin(anonymous: Client, secrets: StoredSecrets) -> None:
    """Create the first user. MongoDB allows this locally until a user exists."""
    password = secrets.read(secret_name(ADMIN))
    try:
        anonymous.admin.command("createUser", ADMIN, pwd=password, roles=ROLES[ADMIN])
    except OperationFailure as failure:
        if failure.code != UNAUTHORIZED:
            raise
