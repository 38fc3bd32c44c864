"""Flask-Login on Flask-Session: a user from the database on every signed-in page."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from flask import Flask
from flask_login import LoginManager, UserMixin, current_user, login_required, login_user
from flask_sqlalchemy import SQLAlchemy

from benchmarks.peers.flask_session import add_sessions
from benchmarks.views import EMAIL, add_views


def make_app(environment: Mapping[str, str], database: str, *, tuned: bool = False) -> Flask:
    """Return the application, with sessions in Redis and one user in the database."""
    app = Flask("flask_login_peer")
    app.config["SECRET_KEY"] = secrets.token_hex(32)
    app.config["SQLALCHEMY_DATABASE_URI"] = database
    db = SQLAlchemy(app)

    class User(UserMixin, db.Model):  # type: ignore[name-defined, misc]
        id = db.Column(db.Integer, primary_key=True)
        email = db.Column(db.String(254), unique=True, nullable=False)

    with app.app_context():
        db.create_all()
        db.session.add(User(email=EMAIL))
        db.session.commit()
    add_sessions(app, "redis", environment, tuned=tuned)

    def load(user_id: str) -> Any:
        return db.session.get(User, int(user_id))

    LoginManager(app).user_loader(load)
    add_views(
        app,
        sign_in=lambda: login_user(load("1")),
        user_email=lambda: str(current_user.email),
        guarded=login_required,
    )
    return app
