"""Values of a JSON schema, with which the events of two releases are compared."""

from collections.abc import Callable
from datetime import UTC
from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

Schema = dict[str, Any]

TEXT: Final = "0123456789abcdef01234567"
"""Valid wherever a field takes any text, or an id."""
MAX_INTEGER: Final = 1_000_000
MAX_ITEMS: Final = 3


def event_values(event_schema: Schema) -> SearchStrategy[dict[str, Any]]:
    """Return a strategy of JSON objects, in which each optional field may be absent."""
    return _objects(event_schema, event_schema.get("$defs", {}))


def _objects(schema: Schema, definitions: Schema) -> SearchStrategy[dict[str, Any]]:
    required = set(schema.get("required", ()))
    fields = {name: _values(field, definitions) for name, field in schema["properties"].items()}
    return st.fixed_dictionaries(
        {name: values for name, values in fields.items() if name in required},
        optional={name: values for name, values in fields.items() if name not in required},
    )


def _values(schema: Schema, definitions: Schema) -> SearchStrategy[Any]:
    if "$ref" in schema:
        return _values(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    if "anyOf" in schema:
        return st.one_of(*(_values(branch, definitions) for branch in schema["anyOf"]))
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if schema["type"] == "object":
        return _objects(schema, definitions)
    if schema["type"] == "array":
        return st.lists(_values(schema["items"], definitions), max_size=MAX_ITEMS)
    return _SCALARS[schema["type"]](schema)


def _integers(schema: Schema) -> SearchStrategy[int]:
    return st.integers(schema.get("minimum", 0), schema.get("maximum", MAX_INTEGER))


def _texts(schema: Schema) -> SearchStrategy[str]:
    if schema.get("format") == "date-time":
        return st.datetimes(timezones=st.just(UTC)).map(lambda time: time.isoformat())
    return st.just(TEXT[: schema.get("maxLength", len(TEXT))])


_SCALARS: Final[dict[str, Callable[[Schema], SearchStrategy[Any]]]] = {
    "string": _texts,
    "integer": _integers,
    "boolean": lambda _: st.booleans(),
    "null": lambda _: st.none(),
}
