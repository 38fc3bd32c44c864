"""Reading the body of a request: JSON, an object, and nothing that was not asked for."""

from typing import Any

from flask import json, request
from marshmallow import Schema, ValidationError
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

JSON_TYPES = ("application/json", "application/json;charset=utf-8")


class InvalidBody(BadRequest):
    """The body is JSON, but not what was asked for. `errors` says what is wrong, by field."""

    description = "Some fields are not right."

    def __init__(self, errors: Any) -> None:
        super().__init__()
        self.errors = errors


def read_body(schema: Schema) -> dict[str, Any]:
    """Return the body's fields. Raises UnsupportedMediaType, BadRequest or InvalidBody.

    Only `application/json` is read: a form on another site can send every other type.
    """
    if (request.content_type or "").lower().replace(" ", "") not in JSON_TYPES:
        raise UnsupportedMediaType("Send application/json.")
    try:
        body = json.loads(request.get_data(cache=False))
    except (ValueError, RecursionError):
        raise BadRequest("The body is not JSON.") from None
    try:
        fields: dict[str, Any] = schema.load(body)
    except ValidationError as error:
        raise InvalidBody(error.messages) from None
    return fields
