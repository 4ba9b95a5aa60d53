"""Checks a call against the Bot API as python-telegram-bot declares it: names, required ones, types, nested objects."""

from __future__ import annotations

import inspect
import json
import re
from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import Any

import telegram
from telegram import Bot

from rehearsal.refusals import bad_request
from rehearsal.request import Call

# python-telegram-bot's own conveniences, which never go over the wire.
NOT_ON_THE_WIRE = {
    "self", "read_timeout", "write_timeout", "connect_timeout", "pool_timeout", "api_kwargs", "filename",
    "filename_depr", "reply_to_message_id", "allow_sending_without_reply", "disable_web_page_preview",
}  # fmt: skip
NOT_IN_ALBUMS = {"caption", "parse_mode", "caption_entities"}
MISSING = {
    "chat_id": "chat_id is empty",
    "text": "message text is empty",
    "photo": "there is no photo in the request",
    "document": "there is no document in the request",
    "media": "there is no media in the request",
    "message_id": "message identifier is not specified",
    "user_id": "invalid user_id specified",
    "callback_query_id": "query ID is invalid",
    "action": "wrong parameter action in request",
    "file_id": "file_id is not specified",
}
REPLY_MARKUPS = {
    "inline_keyboard": telegram.InlineKeyboardMarkup,
    "keyboard": telegram.ReplyKeyboardMarkup,
    "remove_keyboard": telegram.ReplyKeyboardRemove,
    "force_reply": telegram.ForceReply,
}
CHOSEN_BY_TYPE = {"BotCommandScope", "ReactionType", "MenuButton"}
SET_BY_CLASS = {"type", "force_reply", "remove_keyboard"}  # no choice of the caller, so no parameter either
MEDIA = {"photo": telegram.InputMediaPhoto, "document": telegram.InputMediaDocument}


class Kind(Enum):
    """How a value looks on the wire."""

    INTEGER = "Integer"
    ID = "Integer or String"
    STRING = "String"
    BOOLEAN = "Boolean"
    NUMBER = "Float"
    LIST = "Array"
    FILE = "InputFile or String"
    OBJECT = "Object"


@dataclass(frozen=True)
class Parameter:
    """One parameter of a method or field of an object."""

    name: str
    kind: Kind
    required: bool
    nested: str  # name of a telegram class, or ''


def kind_of(annotation: str) -> Kind:
    """The kind behind a type annotation of python-telegram-bot."""
    words = re.sub(r"telegram\._utils\.defaultvalue\.DefaultValue\[[^\]]*\]", "", annotation)
    for pattern, kind in (
        (r"FileInput", Kind.FILE),
        (r"Sequence\[", Kind.LIST),
        (r"\bbool\b", Kind.BOOLEAN),
        (r"\bint\b.*\bstr\b|\bstr\b.*\bint\b", Kind.ID),
        (r"\bfloat\b|timedelta", Kind.NUMBER),
        (r"\bint\b|datetime", Kind.INTEGER),
        (r"\bstr\b", Kind.STRING),
    ):
        if re.search(pattern, words):
            return kind
    return Kind.OBJECT


def nested_in(annotation: str) -> str:
    """The telegram class whose objects the annotation speaks of."""
    names: list[str] = re.findall(r"[A-Z]\w+", annotation)
    for name in names:
        if isinstance(found := getattr(telegram, name, None), type) and issubclass(found, telegram.TelegramObject):
            return name
    return "ReplyMarkup" if "ReplyMarkup" in annotation else ""


def parameters_of(function: Any, leave_out: set[str]) -> dict[str, Parameter]:
    """What a method or constructor takes, by its name on the wire."""
    found = {}
    for name, declared in inspect.signature(function).parameters.items():
        if name in leave_out:
            continue
        text = declared.annotation if isinstance(declared.annotation, str) else str(declared.annotation)
        wire = "from" if name == "from_user" else name
        required = declared.default is inspect.Parameter.empty
        found[wire] = Parameter(wire, kind_of(text), required, nested_in(text))
    return found


@cache
def of_method(method: str) -> dict[str, Parameter]:
    """The parameters of a Bot API method, named as on the wire."""
    snake = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", method).lower()
    leave_out = NOT_ON_THE_WIRE | (NOT_IN_ALBUMS if method == "sendMediaGroup" else set())
    return parameters_of(getattr(Bot, snake), leave_out)


@cache
def of_class(name: str) -> dict[str, Parameter]:
    """The fields of a Bot API object."""
    return parameters_of(getattr(telegram, name).__init__, NOT_ON_THE_WIRE)


def checked(method: str, call: Call) -> dict[str, Any]:
    """The call's arguments with their real types. Raises Refusal for what the Bot API does not know or take."""
    known = of_method(method)
    sent_files = {name for name in call.uploads if name in known}
    attached = {name for name in call.uploads if name not in known}
    arguments = {}
    for name, value in call.arguments.items():
        if name not in known:
            raise bad_request(f'unknown parameter "{name}" in {method}')
        arguments[name] = converted(known[name], value)
    for name, parameter in known.items():
        if parameter.required and arguments.get(name) in (None, "") and name not in sent_files:
            raise bad_request(MISSING.get(name, f'parameter "{name}" is required'))
    check_attachments(arguments, attached)
    return arguments


def check_attachments(arguments: dict[str, Any], attached: set[str]) -> None:
    """Every uploaded part must be meant by an `attach://…`."""
    text = json.dumps(arguments)
    for name in attached:
        if f"attach://{name}" not in text:
            raise bad_request(f'uploaded file "{name}" is not used')


def converted(parameter: Parameter, value: Any) -> Any:
    """One value from the wire with its real type. Raises Refusal."""
    if parameter.kind in (Kind.LIST, Kind.OBJECT):
        value = from_json(parameter.name, value)
    elif isinstance(value, str):
        value = from_string(parameter, value)
    check_kind(parameter, value)
    check_nested(parameter, value)
    return value


def from_json(name: str, value: Any) -> Any:
    """A nested value that came as JSON text."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError as error:
        raise bad_request(f"can't parse {name} JSON object") from error


def from_string(parameter: Parameter, value: str) -> Any:
    """A plain value that came as text."""
    if parameter.kind is Kind.BOOLEAN and value.lower() in ("true", "false", "1", "0"):
        return value.lower() in ("true", "1")
    if parameter.kind is Kind.INTEGER and re.fullmatch(r"-?\d+", value):
        return int(value)
    if parameter.kind is Kind.NUMBER and re.fullmatch(r"-?\d+(\.\d+)?", value):
        return float(value)
    return value


FITS: dict[Kind, tuple[type, ...]] = {
    Kind.INTEGER: (int,), Kind.ID: (int, str), Kind.STRING: (str,), Kind.NUMBER: (int, float), Kind.LIST: (list,),
    Kind.FILE: (str,), Kind.OBJECT: (dict,), Kind.BOOLEAN: (bool,),
}  # fmt: skip


def check_kind(parameter: Parameter, value: Any) -> None:
    """Raises Refusal unless the value is of the declared kind."""
    fits = isinstance(value, FITS[parameter.kind])
    if isinstance(value, bool) and parameter.kind is not Kind.BOOLEAN:
        fits = False
    if not fits:
        raise bad_request(f'parameter "{parameter.name}" must be of type {parameter.kind.value}')


def check_nested(parameter: Parameter, value: Any) -> None:
    """Checks the objects inside a value, to any depth."""
    for one in flat(value):
        if isinstance(one, dict) and (name := class_of(parameter, one)):
            check_object(name, one, parameter.name)


def flat(value: Any) -> list[Any]:
    """The values of lists in lists."""
    return [inner for one in value for inner in flat(one)] if isinstance(value, list) else [value]


def class_of(parameter: Parameter, value: dict[str, Any]) -> str:
    """Which telegram class an object must be; '' when anything goes."""
    if parameter.name == "reply_markup":
        if not value:
            return ""  # an empty object is no markup; python-telegram-bot sends it for an empty keyboard
        found = next((REPLY_MARKUPS[key] for key in value if key in REPLY_MARKUPS), None)
        if found is None:
            raise bad_request("object expected as reply markup")
        return found.__name__
    if parameter.name == "media":
        if value.get("type") not in MEDIA:
            raise bad_request("can't parse InputMedia: the rehearsal chat knows photo and document")
        return MEDIA[value["type"]].__name__
    return kind_by_type(parameter.nested, value) if parameter.nested in CHOSEN_BY_TYPE else parameter.nested


def kind_by_type(family: str, value: dict[str, Any]) -> str:
    """The class of an object whose `type` says which one of a family it is."""
    name = family + "".join(part.title() for part in str(value.get("type", "")).split("_"))
    if not hasattr(telegram, name):
        raise bad_request(f"can't parse {family}: unsupported type")
    return name


def check_object(name: str, value: dict[str, Any], path: str) -> None:
    """Raises Refusal for a field that the object does not have, lacks, or has with another type."""
    fields = of_class(name)
    for key, inner in value.items():
        if key in SET_BY_CLASS:
            continue
        if key not in fields:
            raise bad_request(f'unknown field "{key}" in {path} ({name})')
        check_kind(fields[key], inner)
        check_nested(fields[key], inner)
    for key, declared in fields.items():
        if declared.required and key != "type" and key not in value:
            raise bad_request(f'can\'t find field "{key}" in {path} ({name})')
