"""Changes between two OpenAPI documents that break a client of the older one.

A request that was valid must stay valid, and a response may only have what such a client can read:
new fields are allowed, a new value of an enum is not.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from compatibility.schema_changes import SchemaComparison

Doc = dict[str, Any]
METHODS: Final = ("get", "put", "post", "delete", "patch", "head")
JSON: Final = "application/json"


def breaking_changes(released: Doc, today: Doc) -> list[str]:
    """Return the changes that break a client of the released document."""
    comparison = _Comparison(released, today)
    return [
        f"{method.upper()} {path}: {change}"
        for path, path_item in released["paths"].items()
        for method in METHODS
        if method in path_item
        for change in comparison.operation(
            path_item[method], today["paths"].get(path, {}).get(method)
        )
    ]


@dataclass(frozen=True, slots=True)
class _Comparison:
    released: Doc
    today: Doc

    def operation(self, released: Doc, today: Doc | None) -> Iterator[str]:
        if today is None:
            yield "is lost"
            return
        yield from self._parameters(released, today)
        yield from self._body(released.get("requestBody"), today.get("requestBody"))
        for status, response in released["responses"].items():
            if status not in today["responses"]:
                yield f"the response {status} is lost"
                continue
            yield from self._response(status, response, today["responses"][status])
        if "security" in today and "security" not in released:
            yield "requires a session"

    def _parameters(self, released: Doc, today: Doc) -> Iterator[str]:
        before, after = _parameters(released), _parameters(today)
        for key, parameter in before.items():
            if key not in after:
                yield f"the parameter {key[1]} is lost"
                continue
            yield from self._request_schema(
                f"the parameter {key[1]}", parameter["schema"], after[key]["schema"]
            )
        for key, parameter in after.items():
            is_known = key in before and before[key].get("required", False)
            if parameter.get("required", False) and not is_known:
                yield f"the parameter {key[1]} is required"

    def _body(self, released: Doc | None, today: Doc | None) -> Iterator[str]:
        if today is not None and today.get("required") and not (released or {}).get("required"):
            yield "a body is required"
        if released is None:
            return
        for media_type, content in released["content"].items():
            if today is None or media_type not in today["content"]:
                yield f"a body of the type {media_type} is refused"
                continue
            yield from self._request_schema(
                "the body", content.get("schema", {}), today["content"][media_type]["schema"]
            )

    def _request_schema(self, where: str, released: Doc, today: Doc) -> Iterator[str]:
        return SchemaComparison(self.today, self.released, narrow_is_older=True).compare(
            where, today, released
        )

    def _response(self, status: str, released: Doc, today: Doc) -> Iterator[str]:
        for media_type, content in released.get("content", {}).items():
            if media_type not in today.get("content", {}):
                yield f"the response {status} of the type {media_type} is lost"
            elif media_type == JSON:
                yield from SchemaComparison(
                    self.released, self.today, narrow_is_older=False
                ).compare(
                    f"the response {status}",
                    content["schema"],
                    today["content"][media_type]["schema"],
                )


def _parameters(operation: Doc) -> dict[tuple[str, str], Doc]:
    return {(one["in"], one["name"]): one for one in operation.get("parameters", ())}
