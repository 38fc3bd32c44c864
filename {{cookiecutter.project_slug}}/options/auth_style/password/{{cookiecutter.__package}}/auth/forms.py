"""What the forms of signing in may contain."""

from wtforms import BooleanField, Form, HiddenField, PasswordField, StringField
from wtforms.validators import InputRequired, Length

from .accounts import LONGEST_EMAIL
from .passwords import LONGEST, SHORTEST

# A password above the limit is refused by its length, in every form alike.
_length = Length(max=LONGEST, message="Use at most %(max)d characters for a password.")
_password = [InputRequired("Enter your password."), _length]
_new_password = [InputRequired("Enter a new password."), _length]
_email = [
    InputRequired("Enter your e-mail address."),
    Length(max=LONGEST_EMAIL, message="Use at most %(max)d characters for an e-mail address."),
]
_advice = f"At least {SHORTEST} characters. A few words make a good password."
LONGEST_PATH = 2000


def _short_path(target: str | None) -> str:
    """Drop a path that is too long: nobody typed it, so nobody could correct it."""
    return target if target and len(target) <= LONGEST_PATH else ""


class LoginForm(Form):
    """Sign in."""

    email = StringField("E-mail address", _email)
    password = PasswordField("Password", _password)
    remember = BooleanField("Keep me signed in on this device")
    next = HiddenField(filters=[_short_path])


class RegisterForm(Form):
    """Make an account."""

    email = StringField("E-mail address", _email)
    password = PasswordField("Password", _password, description=_advice)


class ReauthenticateForm(Form):
    """Prove again to be the signed-in user."""

    password = PasswordField("Password", _password)
    next = HiddenField(filters=[_short_path])


class ChangePasswordForm(Form):
    """Choose a new password."""

    password = PasswordField("Current password", _password)
    new_password = PasswordField("New password", _new_password, description=_advice)
