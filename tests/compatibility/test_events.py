"""Services of the last release read the events of this one, and the reverse.

During a rollout both run, and a stream keeps events of earlier releases. A new value of an enum, or
a field that is lost or has another type, would make dead letters.
"""

from functools import cache
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from common.events import EVENT_TYPES, Event
from compatibility import released_events
from compatibility.event_values import event_values

TODAY = {event.subject: event for event in EVENT_TYPES}
RELEASED = {event.subject: event for event in released_events.EVENT_TYPES}
EXAMPLES = settings(max_examples=60, derandomize=True, deadline=None)


def test_no_subject_of_the_last_release_is_lost() -> None:
    assert RELEASED.keys() <= TODAY.keys()


@pytest.mark.parametrize("subject", RELEASED)
@EXAMPLES
@given(data=st.data())
def test_event_of_today_is_read_by_the_last_release(subject: str, data: st.DataObject) -> None:
    event = _draw(data, TODAY[subject])

    read = RELEASED[subject].model_validate_json(event.model_dump_json())

    _assert_kept(read.model_dump(mode="json"), event.model_dump(mode="json"))


@pytest.mark.parametrize("subject", RELEASED)
@EXAMPLES
@given(data=st.data())
def test_event_of_the_last_release_is_read_today(subject: str, data: st.DataObject) -> None:
    event = _draw(data, RELEASED[subject])

    read = TODAY[subject].model_validate_json(event.model_dump_json())

    _assert_kept(event.model_dump(mode="json"), read.model_dump(mode="json"))


@pytest.mark.parametrize("subject", RELEASED)
@EXAMPLES
@given(data=st.data())
def test_event_without_new_facts_has_the_bytes_of_the_last_release(
    subject: str, data: st.DataObject
) -> None:
    event = _draw(data, RELEASED[subject]).model_dump_json()

    assert TODAY[subject].model_validate_json(event).model_dump_json() == event


def _draw(data: st.DataObject, event: type[Any]) -> Event:
    return event.model_validate(data.draw(_values_of(event)))


@cache
def _values_of(event: type[Event]) -> SearchStrategy[dict[str, Any]]:
    return event_values(event.model_json_schema(mode="serialization"))


def _assert_kept(fields: Any, others: Any) -> None:
    """Check that the second value has all fields of the first, with the same values."""
    if not isinstance(fields, dict) or not isinstance(others, dict):
        assert fields == others
        return
    for name, value in cast(dict[str, Any], fields).items():
        assert name in others, f"{name} is lost"
        _assert_kept(value, others[name])
