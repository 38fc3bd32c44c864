"""Accounts: making one, proving to be its owner, changing its password."""

import re
import unicodedata
from contextlib import suppress

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from werkzeug.exceptions import ServiceUnavailable

from ..database import changes_one_row, db
from ..mail import send_mail
from ..models import User
from ..security.audit import audit
from ..security.throttle import Attempt, begin_attempt, begin_registration
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

USER_BY_EMAIL = sa.select(User).where(User.email == sa.bindparam("email"))


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


def make_account(email: str, password: str) -> User:
    """Make an account for a visitor. Raises TooManyAttempts and what `create_user` raises."""
    begin_registration()
    return create_user(email, password)


def authenticate(email: str, password: str) -> tuple[User, Attempt]:
    """Return the user whose password this is, and the attempt that the throttle counted.

    An unknown address, a wrong password and a disabled account cannot be told apart, by the answer
    or by its time. Raises WrongCredentials, or TooManyAttempts before it looks at anything.
    """
    attempt, user = _find(email)
    if not _fits(user, password, attempt) or user is None or user.disabled:
        audit("sign_in_failed", user_id=user.id if user else None)
        raise WrongCredentials
    return user, attempt


def _fits(user: User | None, password: str, attempt: Attempt) -> bool:
    try:
        return verify_password(user.password_hash if user else None, password)
    except ServiceUnavailable:
        attempt.withdraw()  # nobody has looked at the password
        raise


def _prove_again(user: User, password: str) -> None:
    """Check the signed-in user's password. Raises WrongCredentials or TooManyAttempts.

    Counted for the session and not for the account: strangers cannot use the limit up.
    """
    attempt = begin_attempt(f"session {current_session().public_id}")
    if not _fits(user, password, attempt):
        audit("sign_in_failed", user_id=user.id)
        raise WrongCredentials
    attempt.note_success()


def _find(email: str) -> tuple[Attempt, User | None]:
    """Count an attempt at this address, and return it with the user who has the address."""
    try:
        email = normalize_email(email)
    except InvalidEmail:
        return begin_attempt(email), None
    return begin_attempt(email), db.session.scalar(USER_BY_EMAIL, {"email": email})


def sign_in_with_password(email: str, password: str, *, remember: bool) -> User:
    """Sign in and return the user. Raises WrongCredentials or TooManyAttempts."""
    user, attempt = authenticate(email, password)
    # First of all: it takes the epoch from the row that was read when the password was checked.
    sign_in(user, remember=remember, attempt=attempt)
    if needs_rehash(user.password_hash):
        with suppress(ServiceUnavailable):  # the next sign-in will do
            _replace_hash(user, hash_password(password))
            db.session.commit()
    return user


def confirm_password(user: User, password: str) -> None:
    """Prove again to be the signed-in user. Raises WrongCredentials or TooManyAttempts."""
    _prove_again(user, password)
    note_reauthentication()
    user_id = user.id
    current_session().after_save.append(lambda: audit("reauthenticated", user_id=user_id))


def change_password(user: User, password: str, new_password: str) -> None:
    """Change the password, and end every other session of the user.

    Raises WrongCredentials, TooManyAttempts or WeakPassword.
    """
    _prove_again(user, password)
    check_strength(new_password, email=user.email)
    if not _replace_hash(user, hash_password(new_password)):
        raise WrongCredentials
    begin_new_epoch(user)
    note_reauthentication()
    # At once: the password is changed now, whatever becomes of this session.
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
    return changes_one_row(change)
