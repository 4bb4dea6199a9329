"""Parse form parameters into typed values.

Names and types come from the parameter types of the installed SDK, and follow its upgrades.
"""

import functools
import importlib
import re
import sys
import types
from typing import Any, Literal, Union, cast, get_args, get_origin, get_type_hints
from urllib.parse import parse_qsl

import stripe

from stripe_local.documents import Document
from stripe_local.errors import RequestRejected, invalid

_REQUEST_OPTIONS = frozenset(stripe.RequestOptions.__annotations__)
_BOOLEANS = {"true": True, "false": False}


def decode_form(*forms: str) -> Document:
    """Parse forms into nested values: `a[b][0]=c` becomes `{"a": {"b": ["c"]}}`."""
    root: Document = {}
    for form in forms:
        for name, value in parse_qsl(form, keep_blank_values=True):
            _insert(root, re.findall(r"[^\[\]]+|\[\]", name), value)
    return {name: _lists_from_numeric_keys(value) for name, value in root.items()}


def _insert(root: Document, path: list[str], value: str) -> None:
    node = root
    for part in path[:-1]:
        child: object = node.setdefault(part, {})
        if not isinstance(child, dict):
            raise invalid(f"Invalid {part}: a value and a hash at the same time", part)
        node = cast("Document", child)
    if path and path[-1] == "[]":
        node[str(len(node))] = value
    elif path:
        node[path[-1]] = value


def _lists_from_numeric_keys(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    entries: Document = {name: _lists_from_numeric_keys(inner) for name, inner in value.items()}  # pyright: ignore[reportUnknownVariableType]  # JSON-like
    if entries and all(name.isdigit() for name in entries):
        return [entries[name] for name in sorted(entries, key=int)]
    return entries


def validate(params: Document, params_type: str | type) -> Document:
    """Validate parameters against a type, or against the type of the SDK with this name."""
    return _validate_hash(
        params, load_params_type(params_type) if isinstance(params_type, str) else params_type, ""
    )


@functools.cache
def load_params_type(type_name: str) -> type:
    """Import the parameter type of the SDK; importing all of them would slow down the start."""
    module, _, name = f"stripe.params.{type_name}".rpartition(".")
    return getattr(importlib.import_module(module), name)


def _validate_hash(value: Document, shape: Any, path: str) -> Document:
    hints = _hints(shape)
    for name in value:
        if name not in hints:
            raise _unknown_parameter(_join_path(path, name))
    for name in sorted(shape.__required_keys__):
        if value.get(name) in (None, ""):
            where = _join_path(path, name)
            raise invalid(f"Missing required param: {where}.", where, "parameter_missing")
    return {
        name: _validate_value(inner, hints[name], _join_path(path, name))
        for name, inner in value.items()
    }


def _validate_value(value: Any, hint: Any, path: str) -> Any:
    options = _options(hint)
    if value is None and type(None) in options:
        return None
    if isinstance(value, dict):
        shape = next((each for each in options if hasattr(each, "__required_keys__")), None)
        if shape:
            return _validate_hash(value, shape, path)  # pyright: ignore[reportUnknownArgumentType]  # JSON-like
        if any(get_origin(each) is dict for each in options):
            return value  # pyright: ignore[reportUnknownVariableType]  # JSON-like
        raise invalid(f"Invalid {path}", path)
    if isinstance(value, list):
        item = next((get_args(each)[0] for each in options if get_origin(each) is list), None)
        if item is None:
            raise invalid(f"Invalid {path}", path)
        return [_validate_value(inner, item, f"{path}[{n}]") for n, inner in enumerate(value)]  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]  # JSON-like
    return _validate_scalar(value, options, path)


def _validate_scalar(value: Any, options: list[Any], path: str) -> Any:
    if not isinstance(value, str):  # JSON
        if type(value) not in options:
            raise invalid(f"Invalid {path}", path)
        return value
    if value == "":
        return value
    if bool in options:
        if value not in _BOOLEANS:
            raise invalid(f"Invalid boolean: {value}", path)
        return _BOOLEANS[value]
    if int in options:
        if not re.fullmatch(r"-?\d+", value):
            raise invalid(f"Invalid integer: {value}", path, "parameter_invalid_integer")
        return int(value)
    choices = [word for each in options if get_origin(each) is Literal for word in get_args(each)]
    if any(choices) and value not in choices:
        raise invalid(f"Invalid {path}: must be one of {', '.join(filter(None, choices))}", path)
    if not choices and str not in options:
        raise invalid(f"Invalid {path}", path)
    return value


def _options(hint: Any) -> list[Any]:
    """Return the members of a union, nested ones too."""
    if get_origin(hint) in {Union, types.UnionType}:
        return [option for member in get_args(hint) for option in _options(member)]
    return [hint]


@functools.cache
def _hints(shape: type) -> dict[str, Any]:
    """Return the names and types of parameters, without the options that are headers."""
    own = {n: hint for n, hint in shape.__annotations__.items() if n not in _REQUEST_OPTIONS}
    holder = types.SimpleNamespace(__annotations__=own)
    return get_type_hints(holder, vars(sys.modules[shape.__module__]))


def _join_path(path: str, name: str) -> str:
    return f"{path}[{name}]" if path else name


def _unknown_parameter(path: str) -> RequestRejected:
    if path == "payment_method_types":
        return invalid(
            "payment_method_types is no longer supported; use dynamic payment methods, "
            "excluded_payment_method_types or allowed_payment_method_types.",
            path,
            "payment_method_types_no_longer_supported",
        )
    return invalid(f"Received unknown parameter: {path}", path, "parameter_unknown")
