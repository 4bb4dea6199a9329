"""Comparison of two JSON schemas: is each value of the one a value of the other?"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from operator import ge, le
from typing import Any, Final

Schema = dict[str, Any]

BOUNDS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "minimum": le,
    "exclusiveMinimum": le,
    "minLength": le,
    "minItems": le,
    "maximum": ge,
    "exclusiveMaximum": ge,
    "maxLength": ge,
    "maxItems": ge,
}
"""How the wider schema's bound compares with the narrower one's."""
EXACT: Final = ("format", "pattern", "multipleOf")


@dataclass(frozen=True, slots=True)
class SchemaComparison:
    """Compares a schema of one OpenAPI document with a narrower one of another.

    Attributes:
        wide: the document of the schema that has to accept the values.
        narrow: the document of the schema that the values have.
        narrow_is_older: whether the narrow document is the older one. A field of the older document
            must be in both, because a field that is ignored, or never sent, is lost.
    """

    wide: Schema
    narrow: Schema
    narrow_is_older: bool
    _seen: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])

    def compare(self, where: str, wide: Schema, narrow: Schema) -> Iterator[str]:
        """Yield each difference that makes a value of `narrow` no value of `wide`."""
        key = (wide.get("$ref", ""), narrow.get("$ref", ""))
        if key in self._seen:
            return
        if all(key):
            self._seen.add(key)
        wide, narrow = _resolve(self.wide, wide), _resolve(self.narrow, narrow)
        if "anyOf" in wide or "anyOf" in narrow:
            yield from self._compare_branches(where, wide, narrow)
            return
        yield from self._compare_values(where, wide, narrow)
        yield from self._compare_objects(where, wide, narrow)
        if "items" in wide:
            yield from self.compare(f"{where}[]", wide["items"], narrow.get("items", {}))

    def _compare_branches(self, where: str, wide: Schema, narrow: Schema) -> Iterator[str]:
        """Compare each alternative of the narrow schema with the wide one's that is closest."""
        for branch in narrow.get("anyOf", [narrow]):
            changes = [
                list(
                    SchemaComparison(
                        self.wide, self.narrow, self.narrow_is_older, set(self._seen)
                    ).compare(where, candidate, branch)
                )
                for candidate in wide.get("anyOf", [wide])
            ]
            yield from min(changes, key=len)

    def _compare_values(self, where: str, wide: Schema, narrow: Schema) -> Iterator[str]:
        if "type" in wide and narrow.get("type") not in _accepted_types(wide["type"]):
            yield f"{where} is {narrow.get('type', 'anything')} instead of {wide['type']}"
        if _enum(wide) is not None:
            values = _enum(narrow)
            added = ["any value"] if values is None else [v for v in values if v not in _enum(wide)]
            if added:
                yield f"{where} has values that are not accepted: {added}"
        for name, is_wider in BOUNDS.items():
            if name in wide and not (name in narrow and is_wider(wide[name], narrow[name])):
                yield f"{where} has {name} {narrow.get(name)}, accepted is {wide[name]}"
        for name in EXACT:
            if name in wide and narrow.get(name) != wide[name]:
                yield f"{where} has {name} {narrow.get(name)}, accepted is {wide[name]}"

    def _compare_objects(self, where: str, wide: Schema, narrow: Schema) -> Iterator[str]:
        accepted, sent = wide.get("properties", {}), narrow.get("properties", {})
        for name in set(wide.get("required", ())) - set(narrow.get("required", ())):
            yield f"{where}.{name} is required, but optional"
        older, newer = (sent, accepted) if self.narrow_is_older else (accepted, sent)
        for name in older:
            if name not in newer:
                yield f"{where}.{name} is lost"
                continue
            yield from self.compare(f"{where}.{name}", accepted[name], sent[name])


def _resolve(document: Schema, schema: Schema) -> Schema:
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def _accepted_types(wide: str) -> set[str]:
    return {wide, "integer"} if wide == "number" else {wide}


def _enum(schema: Schema) -> Any:
    return [schema["const"]] if "const" in schema else schema.get("enum")
