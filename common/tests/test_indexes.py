"""Tests of the indexes that are created when a database is opened."""

from beanie import Document
from pymongo import IndexModel

from common.persistence import mongo


class TwiceIndexedThing(Document):
    class Settings:
        name = "things"
        indexes = [  # noqa: RUF012 - Beanie reads it from here
            IndexModel("at", name="open", partialFilterExpression={"state": "open"}),
            IndexModel("at", name="ended", partialFilterExpression={"state": "ended"}),
        ]


async def test_indexes_on_one_field_are_all_created(mongo_uri: str) -> None:
    async with mongo.connect(mongo_uri, [TwiceIndexedThing]) as database:
        indexes = await database["things"].index_information()

    assert indexes.keys() == {"_id_", "open", "ended"}
