"""Django: the middleware of `startproject`, sessions in its cache, which is Redis."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

import django
from django.conf import settings
from django.contrib.auth import get_user_model, login
from django.contrib.auth.decorators import login_required
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import path

from benchmarks.calls import HOST, Application
from benchmarks.views import DATA, EMAIL, THEME

urlpatterns: list[Any] = []


def fill(request: HttpRequest) -> HttpResponse:
    """Sign in."""
    request.session.update(DATA)
    login(request, get_user_model().objects.get(pk=1))
    return HttpResponse(THEME)


def account(request: HttpRequest) -> HttpResponse:
    """Answer with the signed-in user's address."""
    return HttpResponse(request.user.email)


def make_app(environment: Mapping[str, str], database: str) -> Application:
    """Return the application, with one user in the database."""
    middleware = (
        "django.middleware.security.SecurityMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
        "django.middleware.clickjacking.XFrameOptionsMiddleware",
    )
    # A connection that is kept open, as in all the others.
    sqlite = {"ENGINE": "django.db.backends.sqlite3", "NAME": database, "CONN_MAX_AGE": None}
    cache = "django.core.cache.backends.redis.RedisCache"
    settings.configure(
        SECRET_KEY=secrets.token_hex(32),
        ALLOWED_HOSTS=[HOST],
        ROOT_URLCONF=__name__,
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "django.contrib.messages",
        ],
        MIDDLEWARE=list(middleware),
        DATABASES={"default": sqlite},
        CACHES={"default": {"BACKEND": cache, "LOCATION": environment["REDIS_URL"]}},
        SESSION_ENGINE="django.contrib.sessions.backends.cache",
        LOGGING_CONFIG=None,
    )
    django.setup()
    urlpatterns.extend(
        [
            path("benchmark/fill", fill),
            path("benchmark/account", login_required(account)),
        ]
    )
    call_command("migrate", verbosity=0)
    get_user_model().objects.create_user("ada", EMAIL)
    application: Application = get_wsgi_application()
    return application
