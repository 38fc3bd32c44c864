"""Accounts: making one, proving to be its owner, changing its password."""

import re
import unicodedata

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from ..database import db
from ..mail import send_mail
from ..models import User
from ..security.audit import audit
from ..security.throttle import Attempt, begin_attempt
from ..sessions import current_session
from .identity import begin_new_epoch, forget_other_devices, note_reauthentication, sign_in
from .passwords import check_strength, hash_password, needs_rehash, verify_password

# What browsers take for <input type="email"> (WHATWG HTML, "valid e-mail address"), in ASCII:
# addresses that only look alike can then not be two accounts.
EMAIL = re.compile(
    r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}"
    r"@[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*"
)
LONGEST_EMAIL = 254


class InvalidEmail(ValueError):
    """Not an e-mail address. The message is for the user."""


class EmailTaken(ValueError):
    """There is an account with this address. The message is for the user."""


class WrongCredentials(Exception):
    """Who they are was not proved; why not is nobody's business (CWE-204)."""


def normalize_email(text: str) -> str:
    """Return an address in the one form in which it is stored and looked up.

    Raises InvalidEmail.
    """
    email = unicodedata.normalize("NFKC", text).strip().lower()
    if len(email) > LONGEST_EMAIL or not EMAIL.fullmatch(email):
        raise InvalidEmail("Enter an e-mail address, such as ada@example.org.")
    return email


def create_user(email: str, password: str) -> User:
    """Make an account. Raises InvalidEmail, WeakPassword or EmailTaken."""
    email = normalize_email(email)
    check_strength(password, email=email)
    user = User(email=email, password_hash=hash_password(password))
    db.session.add(user)
    try:
        db.session.commit()
    except IntegrityError:
        db.session.rollback()
        raise EmailTaken("There is an account with this address.") from None
    audit("user_created", user_id=user.id)
    return user


def authenticate(email: str, password: str) -> tuple[User, Attempt]:
    """Return the user whose password this is, and the attempt that the throttle counted.

    An unknown address, a wrong password and a disabled account cannot be told apart, by the answer
    or by its time. Raises WrongCredentials, or TooManyAttempts before it looks at anything.
    """
    attempt, user = _find(email)
    fits = verify_password(user.password_hash if user else None, password)
    if user is None or not fits or user.disabled:
        audit("sign_in_failed", user_id=user.id if user else None)
        raise WrongCredentials
    return user, attempt


def _find(email: str) -> tuple[Attempt, User | None]:
    """Count an attempt at this address, and return it with the user who has the address."""
    try:
        email = normalize_email(email)
    except InvalidEmail:
        return begin_attempt(email), None
    return begin_attempt(email), db.session.scalar(sa.select(User).where(User.email == email))


def sign_in_with_password(email: str, password: str, *, remember: bool) -> User:
    """Sign in and return the user. Raises WrongCredentials or TooManyAttempts."""
    user, attempt = authenticate(email, password)
    # First of all: it takes the epoch from the row that was read when the password was checked.
    sign_in(user, remember=remember, attempt=attempt)
    if needs_rehash(user.password_hash):
        _replace_hash(user, hash_password(password))
        db.session.commit()
    return user


def confirm_password(user: User, password: str) -> None:
    """Prove again to be the signed-in user. Raises WrongCredentials or TooManyAttempts."""
    _, attempt = authenticate(user.email, password)
    note_reauthentication()
    user_id = user.id

    def stored() -> None:
        attempt.succeeded()
        audit("reauthenticated", user_id=user_id)

    current_session().after_save.append(stored)


def change_password(user: User, password: str, new_password: str) -> None:
    """Change the password, and end every other session of the user.

    Raises WrongCredentials, TooManyAttempts or WeakPassword.
    """
    _, attempt = authenticate(user.email, password)
    check_strength(new_password, email=user.email)
    if not _replace_hash(user, hash_password(new_password)):
        raise WrongCredentials
    begin_new_epoch(user)
    note_reauthentication()
    # At once: the password is changed now, whatever becomes of this session.
    attempt.succeeded()
    audit("password_changed", user_id=user.id)
    send_mail(
        user.email,
        "Your password was changed",
        "The password of your account was changed, and all other devices were signed out.\n\n"
        "If that was not you, ask for help at once.",
    )
    forget_other_devices(user)


def _replace_hash(user: User, password_hash: str) -> bool:
    """Store a new hash; False when another request has changed the password meanwhile."""
    unchanged = (User.id == user.id) & (User.password_hash == user.password_hash)
    change = sa.update(User).where(unchanged).values(password_hash=password_hash)
    return db.session.scalar(change.returning(User.id)) is not None
