"""Tests of event schemas: forward and backward compatibility."""

import json
from pathlib import Path
from typing import Any, cast

import pytest
from pydantic import ValidationError

from common.events import EVENT_TYPES, STREAMS, Event, TicketCreated, TicketUpdated, stream_of
from common.messaging.bus import handlers
from common.testing.events import EventProbe
from common.values.clock import utc_now
from common.values.ids import new_id

GOLDEN = Path(__file__).parent / "golden"
IDS = [event.subject for event in EVENT_TYPES]


def golden(event: type[Event]) -> dict[str, Any]:
    return json.loads((GOLDEN / f"{event.subject}.json").read_text())


@pytest.mark.parametrize("event", EVENT_TYPES, ids=IDS)
def test_event_round_trip_keeps_all_fields_of_golden_event(event: type[Event]) -> None:
    yesterday = golden(event)

    reserialized = json.loads(event.model_validate_json(json.dumps(yesterday)).model_dump_json())

    assert reserialized.items() >= yesterday.items()


@pytest.mark.parametrize("event", EVENT_TYPES, ids=IDS)
def test_event_unknown_field_is_ignored(event: type[Event]) -> None:
    tomorrow = {**golden(event), "addedTomorrow": {"a": [1]}}

    assert event.model_validate(tomorrow) == event.model_validate(golden(event))


@pytest.mark.parametrize("event", EVENT_TYPES, ids=IDS)
def test_event_requires_only_fields_of_golden_event(event: type[Event]) -> None:
    """A field that is added later must be optional, so that older events can be read."""
    required = {
        field.alias for field in event.model_fields.values() if field.is_required() and field.alias
    }

    assert required <= set(golden(event))
    for name in required:
        with pytest.raises(ValidationError):
            event.model_validate({k: v for k, v in golden(event).items() if k != name})


def test_events_and_golden_files_match() -> None:
    assert sorted(f"{event.subject}.json" for event in EVENT_TYPES) == sorted(
        path.name for path in GOLDEN.iterdir()
    )


def test_events_and_streams_match() -> None:
    assert {stream_of(event) for event in EVENT_TYPES} == set(STREAMS)


async def test_publish_sends_cloud_event_in_binary_mode(published: EventProbe) -> None:
    ticket_id = new_id()
    event = TicketCreated(id=ticket_id, version=0, title="x", price=50, user_id=new_id())
    before = utc_now()

    await published.publish(event, aggregate_id=ticket_id, event_id="the-id")

    stored = await published.bus.connection.js.get_msg(
        published.bus.connection.stream("tickets"), seq=1
    )
    headers = dict(cast(dict[str, str], stored.headers or {}))
    assert before.isoformat() <= headers.pop("ce-time") <= utc_now().isoformat()
    assert headers == {
        "Nats-Msg-Id": "the-id",
        "ce-specversion": "1.0",
        "ce-id": "the-id",
        "ce-source": "/tests",
        "ce-type": "dev.ticketing.ticket.created",
        "ce-subject": ticket_id,
        "content-type": "application/json",
    }
    assert json.loads(stored.data or b"") == json.loads(event.model_dump_json())


def test_handlers_maps_each_event_of_a_union_to_its_function() -> None:
    async def on_ticket(_: TicketCreated | TicketUpdated, _sequence: int = 0) -> None: ...

    assert handlers(on_ticket) == {TicketCreated: on_ticket, TicketUpdated: on_ticket}


def test_handlers_with_two_functions_for_an_event_raises() -> None:
    async def on_ticket(_: TicketCreated | TicketUpdated) -> None: ...
    async def on_ticket_created(_: TicketCreated) -> None: ...

    with pytest.raises(ValueError, match="TicketCreated has two handlers"):
        handlers(on_ticket, on_ticket_created)
