"""The site that the Python package tracks, in Django and in Flask; also for gunicorn: `sites:django_app`."""

import os
import time

# Simulates a database query in the handler.
HANDLER_SECONDS = float(os.environ.get("HANDLER_MS", "0")) / 1000


def _answer():
    if HANDLER_SECONDS:
        time.sleep(HANDLER_SECONDS)
    return "Hello"


def _is_tracked(tracked):
    return os.environ.get("TRACKED", "1") == "1" if tracked is None else tracked


def _settings():
    return {
        "PROJECT_ID": "p",
        "PROJECT_TOKEN": "t",
        "BACKEND_ENDPOINT": os.environ.get("ENDPOINT", "http://127.0.0.1:9") + "/",
        "DEBUG_DISABLE_ANALYTICS": False,
    }


def django_app(tracked=None):
    """Creates a Django WSGI app with sessions in signed cookies.

    Untracked means without the middleware: disabled by its setting, the Python package answers every page with 500.
    """
    import django
    from django.conf import settings
    from django.core.wsgi import get_wsgi_application
    from django.http import HttpResponse
    from django.urls import path

    if not settings.configured:
        urls = type("urls", (), {"urlpatterns": [path("hello/<name>/", lambda request, name: HttpResponse(_answer()))]})
        settings.configure(
            SECRET_KEY="key",
            DEBUG=False,
            ALLOWED_HOSTS=["*"],
            ROOT_URLCONF=urls,
            SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
            RIGID_ANALYTICS=_settings(),
        )
        django.setup()
    settings.MIDDLEWARE = ["django.contrib.sessions.middleware.SessionMiddleware"]
    if _is_tracked(tracked):
        settings.MIDDLEWARE.append("rigidanalytics_tracker.middleware.Analytics")
    return get_wsgi_application()


def flask_app(tracked=None):
    """Creates a Flask WSGI app."""
    from flask import Flask
    from rigidanalytics_tracker.flask import Tracker

    app = Flask("site")
    app.secret_key = "key"
    app.config["RIGID_ANALYTICS"] = _settings()
    app.route("/hello/<name>/", endpoint="hello")(lambda name: _answer())
    if _is_tracked(tracked):
        Tracker(app)
    return app
