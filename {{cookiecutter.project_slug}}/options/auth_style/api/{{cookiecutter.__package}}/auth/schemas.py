"""What the bodies of signing in may contain."""

from marshmallow import Schema, ValidationError, fields, validate

from .accounts import LONGEST_EMAIL
from .passwords import LONGEST


def _is_storable(text: str) -> None:
    # JSON can spell what a database can not hold: NUL and half of a surrogate pair.
    if "\0" in text or any("\ud800" <= char <= "\udfff" for char in text):
        raise ValidationError("Not valid text.")


def _email() -> fields.String:
    return fields.String(required=True, validate=[validate.Length(1, LONGEST_EMAIL), _is_storable])


def _password() -> fields.String:
    return fields.String(required=True, validate=[validate.Length(1, LONGEST), _is_storable])


class Credentials(Schema):
    """A new account."""

    email = _email()
    password = _password()


class SignIn(Credentials):
    """A sign-in."""

    remember = fields.Boolean(load_default=False, truthy={True}, falsy={False})


class Confirmation(Schema):
    """The password, once more."""

    password = _password()


class PasswordChange(Confirmation):
    """A new password, and the one that it replaces."""

    new_password = _password()
