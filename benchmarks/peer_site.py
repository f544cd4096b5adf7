"""A site of dj-stripe's that only takes its webhooks in. It runs in an environment of its own, which has Django."""
# mypy: ignore-errors

import os

import django
from django.conf import settings

settings.configure(
    ALLOWED_HOSTS=["*"],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": os.environ["PEER_DATABASE"],
            "CONN_MAX_AGE": None,
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "timeout": 30,
                "init_command": "PRAGMA journal_mode=wal; PRAGMA synchronous=full; PRAGMA cache_size=-65536;",
            },
        }
    },
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    DJSTRIPE_FOREIGN_KEY_TO_FIELD="id",
    DJSTRIPE_WEBHOOK_EVENT_CALLBACK=lambda *_, **__: None,  # nothing is done about what came in
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "djstripe"],
    LOGGING_CONFIG=None,
    MIDDLEWARE=["django.middleware.common.CommonMiddleware"],  # says how long an answer is
    ROOT_URLCONF=__name__,
    SECRET_KEY="none of this site's pages needs one",
    STRIPE_LIVE_MODE=True,
    STRIPE_LIVE_SECRET_KEY="sk_live_nobody",
    STRIPE_TEST_SECRET_KEY="sk_test_nobody",
    USE_TZ=True,
)
django.setup()

from django.core.management import call_command  # noqa: E402 - it asks for its settings
from django.core.wsgi import get_wsgi_application  # noqa: E402 - it asks for its settings
from django.http import HttpResponse  # noqa: E402 - it asks for its settings
from django.urls import include, path  # noqa: E402 - it asks for its settings
from djstripe.models import WebhookEndpoint, WebhookEventTrigger  # noqa: E402 - it asks for its settings

UUID = "00000000-0000-4000-8000-000000000001"

urlpatterns = [
    path("health/ready", lambda _: HttpResponse("ok")),
    path("stripe/", include("djstripe.urls", namespace="djstripe")),
]
application = get_wsgi_application()


def prepare() -> None:
    """An empty database with one endpoint."""
    call_command("migrate", verbosity=0)
    WebhookEndpoint.objects.create(
        id="we_1", djstripe_uuid=UUID, secret=os.environ["PEER_SECRET"], enabled_events=["*"], status="enabled",
        url="https://shop.example.com/", livemode=True,
    )  # fmt: skip


def kept() -> int:
    """How many webhooks were taken for good ones."""
    return WebhookEventTrigger.objects.filter(valid=True).count()


if __name__ == "__main__":
    print({"prepare": prepare, "kept": kept}[os.environ["PEER_ASKED"]]())
