"""Commands for whoever runs the application: `flask users`, `flask sessions`, `flask secret`."""

import secrets
import sys

import click
import sqlalchemy as sa
from flask import Flask
from flask.cli import AppGroup

from .account.devices import devices_of, revoke
from .auth.accounts import EmailTaken, InvalidEmail, create_user, normalize_email
from .auth.identity import end_all_sessions
from .auth.passwords import WeakPassword
from .database import db
from .models import User
from .security.audit import audit
from .security.throttle import forget_old_attempts
from .sessions import session_rules

users = AppGroup("users", help="Accounts.")
sessions = AppGroup("sessions", help="Sessions of signed-in users.")


def init_app(app: Flask) -> None:
    """Add the commands to `flask`."""
    app.cli.add_command(users)
    app.cli.add_command(sessions)
    app.cli.add_command(secret)


@click.command()
def secret() -> None:
    """Print a fresh SECRET_KEY."""
    click.echo(secrets.token_hex(32))


@users.command("create")
@click.argument("email")
def create(email: str) -> None:
    """Make an account; asks for the password, or reads one line from standard input."""
    if sys.stdin.isatty():
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    try:
        user = create_user(email, password)
    except (InvalidEmail, WeakPassword, EmailTaken) as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"Created {user.email}.")


@users.command("disable")
@click.argument("email")
def disable(email: str) -> None:
    """Lock an account and end all of its sessions."""
    user = _find(email)
    user.disabled = True
    audit("user_disabled", user_id=user.id)
    end_all_sessions(user)
    click.echo(f"Disabled {user.email} and ended all sessions.")


@users.command("enable")
@click.argument("email")
def enable(email: str) -> None:
    """Unlock an account."""
    user = _find(email)
    user.disabled = False
    db.session.commit()
    audit("user_enabled", user_id=user.id)
    click.echo(f"Enabled {user.email}.")


@sessions.command("list")
@click.argument("email")
def list_sessions(email: str) -> None:
    """Print a user's sessions: id, last use, address, browser."""
    for device in devices_of(_find(email)):
        seen = device.seen_at.isoformat(timespec="seconds")
        click.echo(f"{device.id}  {seen}  {device.ip}  {device.user_agent}")


@sessions.command("revoke")
@click.argument("email", required=False)
@click.option("--id", "public_id", help="Only this session, as `flask sessions list` shows it.")
@click.option("--all", "everybody", is_flag=True, help="All sessions of all users.")
def revoke_sessions(email: str | None, public_id: str | None, everybody: bool) -> None:
    """End one session of a user, all of them, or everybody's."""
    if everybody == (email is not None) or (everybody and public_id):
        raise click.UsageError("Name a user, or give --all alone.")
    if email is None:
        db.session.execute(sa.update(User).values(session_epoch=User.session_epoch + 1))
        db.session.commit()
        audit("all_sessions_revoked")
        click.echo("Ended all sessions of all users.")
    elif public_id is None:
        end_all_sessions(_find(email))
        click.echo(f"Ended all sessions of {email}.")
    elif revoke(_find(email), public_id):
        click.echo("Ended the session.")
    else:
        raise click.ClickException(f"{email} has no session {public_id}.")


@sessions.command("prune")
def prune() -> None:
    """Delete expired sessions and old counters of failed sign-ins. Run it once a day."""
    rules = session_rules()
    count = rules.store.prune(rules.clock())
    forget_old_attempts(rules.clock())
    click.echo(f"Deleted {count} expired sessions.")


def _find(email: str) -> User:
    try:
        address = normalize_email(email)
    except InvalidEmail as error:
        raise click.ClickException(str(error)) from None
    user: User | None = db.session.scalar(sa.select(User).where(User.email == address))
    if user is None:
        raise click.ClickException(f"There is no account {address}.")
    return user
