"""Each user of MongoDB can do its own work and nothing else, on a real server."""

from collections.abc import Callable, Generator, Mapping
from functools import partial
from itertools import permutations
from typing import Any, Final

import pytest
from pymongo import MongoClient
from pymongo.errors import OperationFailure

from common.persistence import mongo
from ticketing_local.stack.mongo_set_up import (
    ADMIN,
    AUTHENTICATION_FAILED,
    OPERATOR,
    UNAUTHORIZED,
)
from ticketing_local.stack.ports import SERVICES

Client = MongoClient[dict[str, Any]]
Action = Callable[[Client, str], object]

USER: Final[dict[str, Any]] = {"pwd": "p", "roles": ["root"]}
ROOT_ROLE: Final = [{"role": "root", "db": "admin"}]
ON_A_DATABASE: Final[Mapping[str, Action]] = {
    "read": lambda client, name: client[name].things.find_one(),
    "count": lambda client, name: client[name].things.estimated_document_count(),
    "list collections": lambda client, name: client[name].list_collection_names(),
    "watch": lambda client, name: client[name].watch().try_next(),
    "insert": lambda client, name: client[name].things.insert_one({}),
    "update": lambda client, name: client[name].things.update_many({}, {"$set": {"a": 1}}),
    "delete": lambda client, name: client[name].things.delete_many({}),
    "create an index": lambda client, name: client[name].things.create_index("a"),
    "drop the collection": lambda client, name: client[name].things.drop(),
    "rename the collection": lambda client, name: client[name].things.rename("others"),
}
ON_USERS: Final[Mapping[str, Action]] = {
    "drop the database": lambda client, name: client.drop_database(name),
    "create a user": lambda client, name: client[name].command("createUser", "evil", **USER),
    "list users": lambda client, name: client[name].command("usersInfo"),
    "create a role": lambda client, name: client[name].command(
        "createRole", "evil", privileges=[], roles=["root"]
    ),
}
ON_THE_SERVER: Final[Mapping[str, Callable[[Client], object]]] = {
    "change another's password": lambda client: client.admin.command(
        "updateUser", "payments", pwd="p"
    ),
    "change the own password": lambda client: client.admin.command("updateUser", "orders", pwd="p"),
    "drop a user": lambda client: client.admin.command("dropUser", "payments"),
    "become root": lambda client: client.admin.command(
        "grantRolesToUser", "orders", roles=ROOT_ROLE
    ),
    "read password hashes": lambda client: client.admin["system.users"].find_one(),
    "read the oplog": lambda client: client.local["oplog.rs"].find_one(),
    "read the log": lambda client: client.admin.command("getLog", "global"),
    "list others' operations": lambda client: client.admin.command(
        "aggregate", 1, pipeline=[{"$currentOp": {"allUsers": True}}], cursor={}
    ),
    "reconfigure the replica set": lambda client: client.admin.command("replSetReconfig", {}),
    "set a parameter": lambda client: client.admin.command("setParameter", 1, logLevel=1),
    "lock all writes": lambda client: client.admin.command("fsync", lock=True),
    "shut it down": lambda client: client.admin.command("shutdown"),
}


@pytest.fixture(scope="module")
def connect(mongo_url_as: Callable[[str], str]) -> Generator[Callable[[str], Client]]:
    """Connect as a user."""
    clients: dict[str, Client] = {}

    def open_client(user: str) -> Client:
        if user not in clients:
            clients[user] = Client(mongo_url_as(user))
        return clients[user]

    yield open_client
    for client in clients.values():
        client.close()


@pytest.fixture(scope="module")
def _databases(connect: Callable[[str], Client]) -> Generator[None]:
    """Store a document in the database of every service."""
    admin = connect(ADMIN)
    for name in SERVICES:
        admin[name].things.insert_one({"_id": "kept"})
    yield
    for name in SERVICES:
        admin.drop_database(name)


@pytest.fixture(autouse=True)
def _unchanged(connect: Callable[[str], Client], _databases: None) -> Generator[None]:
    """Check after each test that no stored document has changed."""
    yield
    for name in SERVICES:
        assert list(connect(ADMIN)[name].things.find()) == [{"_id": "kept"}]


def assert_refused(action: Callable[[], object]) -> None:
    """Run an action that MongoDB must refuse for the lack of a permission."""
    with pytest.raises(OperationFailure) as refused:
        action()
    assert refused.value.code == UNAUTHORIZED, refused.value


@pytest.mark.parametrize("service", SERVICES)
def test_service_writes_and_indexes_its_own_database(
    connect: Callable[[str], Client], service: str
) -> None:
    own = connect(service)[service]
    own.create_collection("new")
    own.new.create_index("a", unique=True)
    own.new.insert_one({"a": 1})
    own.new.update_one({"a": 1}, {"$set": {"a": 2}})
    assert own.new.find_one({"a": 2})
    own.new.delete_many({})


@pytest.mark.parametrize("action", [*ON_A_DATABASE, *ON_USERS])
def test_service_cannot_touch_another_database(
    connect: Callable[[str], Client], action: str
) -> None:
    run = {**ON_A_DATABASE, **ON_USERS}[action]
    for service, other in permutations((*SERVICES, "admin"), 2):
        if service != "admin":
            assert_refused(partial(run, connect(service), other))


def test_service_cannot_copy_its_data_into_another_database(
    connect: Callable[[str], Client],
) -> None:
    stage = {"$out": {"db": "payments", "coll": "things"}}
    things = connect("orders").orders.things
    assert_refused(lambda: list(things.aggregate([stage])))


@pytest.mark.parametrize("action", ON_USERS)
def test_service_cannot_manage_its_own_database(
    connect: Callable[[str], Client], action: str
) -> None:
    assert_refused(lambda: ON_USERS[action](connect("orders"), "orders"))


@pytest.mark.parametrize("action", ON_THE_SERVER)
def test_service_cannot_administer_the_server(
    connect: Callable[[str], Client], action: str
) -> None:
    assert_refused(lambda: ON_THE_SERVER[action](connect("orders")))


@pytest.mark.parametrize("action", [*ON_A_DATABASE, *ON_USERS])
def test_client_without_a_password_can_do_nothing(mongo_url: str, action: str) -> None:
    run = {**ON_A_DATABASE, **ON_USERS}[action]
    with Client("mongodb://" + mongo_url.partition("@")[2]) as anonymous:
        assert anonymous.admin.command("hello")["isWritablePrimary"]
        for name in (*SERVICES, "admin"):
            assert_refused(partial(run, anonymous, name))


def test_wrong_password_is_rejected(mongo_url: str) -> None:
    with (
        Client(mongo_url, username="orders", password="wrong") as client,
        pytest.raises(OperationFailure) as refused,
    ):
        client.orders.things.find_one()
    assert refused.value.code == AUTHENTICATION_FAILED


def test_operator_reads_everything_and_manages_nothing(
    connect: Callable[[str], Client],
) -> None:
    operator = connect(OPERATOR)
    for name in SERVICES:
        assert operator[name].things.find_one() == {"_id": "kept"}
    assert operator.local["oplog.rs"].find_one()
    assert operator.admin.command("serverStatus")["ok"]
    for action in ("drop the database", "create a user", "create a role"):
        assert_refused(partial(ON_USERS[action], operator, "orders"))
    for action in ("become root", "reconfigure the replica set", "shut it down"):
        assert_refused(partial(ON_THE_SERVER[action], operator))


async def test_service_connects_as_its_own_user(mongo_url_as: Callable[[str], str]) -> None:
    credentials, _, address = mongo_url_as("orders").partition("@")
    uri = f"mongodb://{address.replace('/?', '/orders?')}"
    password = credentials.rpartition(":")[2]
    async with mongo.connect(uri, [], username="orders", password=password) as database:
        status = await database.command("connectionStatus")
    assert status["authInfo"]["authenticatedUsers"] == [{"user": "orders", "db": "admin"}]


def test_mongod_offers_no_compression(connect: Callable[[str], Client]) -> None:
    hello = connect(ADMIN).admin.command("hello", compression=["zlib", "zstd", "snappy"])
    assert "compression" not in hello
