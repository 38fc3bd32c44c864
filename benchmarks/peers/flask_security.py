"""Flask-Security: its own models, its own guard, sessions in Redis by Flask-Session."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from flask import Flask
from flask_security import (
    Security,
    SQLAlchemyUserDatastore,
    auth_required,
    current_user,
    login_user,
)
from flask_security.models import fsqla_v3
from flask_sqlalchemy import SQLAlchemy

from benchmarks.peers.flask_session import add_sessions
from benchmarks.views import EMAIL, add_views


def make_app(environment: Mapping[str, str], database: str) -> Flask:
    """Return the application, with one user in the database."""
    app = Flask("flask_security_peer")
    app.config["SECRET_KEY"] = secrets.token_hex(32)
    app.config["SECURITY_PASSWORD_SALT"] = secrets.token_hex(16)
    app.config["SQLALCHEMY_DATABASE_URI"] = database
    db = SQLAlchemy(app)
    fsqla_v3.FsModels.set_db_info(db)

    class Role(db.Model, fsqla_v3.FsRoleMixin):  # type: ignore[name-defined, misc]
        pass

    class User(db.Model, fsqla_v3.FsUserMixin):  # type: ignore[name-defined, misc]
        pass

    users = SQLAlchemyUserDatastore(db, User, Role)
    add_sessions(app, "redis", environment)
    Security(app, users)
    with app.app_context():
        db.create_all()
        users.create_user(email=EMAIL)
        db.session.commit()
    add_views(
        app,
        sign_in=lambda: login_user(users.find_user(email=EMAIL)),
        user_email=lambda: str(current_user.email),
        guarded=auth_required("session"),
    )
    return app
