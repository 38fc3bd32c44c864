"""A rendered project, in production's settings, with the benchmark's views beside its own."""

from __future__ import annotations

import hashlib
import importlib
import os
import secrets
import sys
from typing import Any

from flask_migrate import upgrade

from benchmarks.calls import ORIGIN
from benchmarks.plan import Place
from benchmarks.views import EMAIL, add_views, note_user

PASSWORD = "benchmark horse battery staple"
USERS = 64
SECRET_KEY = secrets.token_hex(32)


def production(place: Place) -> dict[str, str]:
    """Return the settings of a deployment behind no proxy."""
    return {
        **place.environment,
        "APP_ENV": "production",
        "SECRET_KEY": SECRET_KEY,
        "EXTERNAL_URL": ORIGIN,
    }


def make_app(place: Place) -> Any:
    """Return the application, with tables and users."""
    if place.project not in sys.path:
        sys.path.insert(0, place.project)
    settings = production(place)
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    try:
        package = importlib.import_module(place.package)
        app: Any = package.create_app()
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
    with app.app_context():
        upgrade()
    _add_users(place.package, app)
    access = importlib.import_module(f"{place.package}.security.access")
    identity = importlib.import_module(f"{place.package}.auth.identity")
    add_views(
        app,
        sign_in=note_user,
        user_email=lambda: identity.current_user().email,
        public=access.public,
    )
    return app


def _add_users(package: str, app: Any) -> None:
    db = importlib.import_module(f"{package}.database").db
    user = importlib.import_module(f"{package}.models").User
    passwords = importlib.import_module(f"{package}.auth.passwords")
    with app.app_context():
        hashed = passwords.hash_password(PASSWORD)
        emails = [EMAIL, *(f"user{number}@example.org" for number in range(1, USERS))]
        db.session.add_all(user(email=email, password_hash=hashed) for email in emails)
        db.session.commit()


def key_of(cookie: str) -> str:
    """Return the key under which the session of a cookie is stored."""
    return hashlib.sha256(cookie.partition("=")[2].encode()).hexdigest()
