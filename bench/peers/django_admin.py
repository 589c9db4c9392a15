"""Django admin in one module: defaults, or tuned (DJ_TUNED=1)."""
import os
import sys
from urllib.parse import parse_qs, urlsplit

import django
from django.conf import settings

u = urlsplit(os.environ["PEER_DSN"])
TUNED = os.environ.get("DJ_TUNED") == "1"
if not settings.configured:
    settings.configure(
        SECRET_KEY="bench", ALLOWED_HOSTS=["*"], ROOT_URLCONF="django_admin", USE_TZ=False,
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        INSTALLED_APPS=["django.contrib.admin", "django.contrib.auth",
                        "django.contrib.contenttypes", "django.contrib.sessions",
                        "django.contrib.messages", "django.contrib.staticfiles", "pool"],
        MIDDLEWARE=["django.middleware.security.SecurityMiddleware",
                    "django.contrib.sessions.middleware.SessionMiddleware",
                    "django.middleware.common.CommonMiddleware",
                    "django.contrib.auth.middleware.AuthenticationMiddleware",
                    "django.contrib.messages.middleware.MessageMiddleware"],
        TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates",
                    "APP_DIRS": True, "OPTIONS": {"context_processors": [
                        "django.template.context_processors.request",
                        "django.contrib.auth.context_processors.auth",
                        "django.contrib.messages.context_processors.messages"]}}],
        STATIC_URL="/static/",
        DATABASES={"default": {"ENGINE": "django.db.backends.postgresql",
                               "NAME": u.path.lstrip("/"), "USER": u.username or "",
                               "HOST": parse_qs(u.query)["host"][0], "CONN_MAX_AGE": None}})
    django.setup()

from django.contrib import admin  # noqa: E402
from django.contrib.staticfiles.urls import staticfiles_urlpatterns  # noqa: E402,F401
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.urls import path  # noqa: E402

urlpatterns = [path("admin/", admin.site.urls)]
application = get_wsgi_application()


def setup():
    """Django's own tables and one superuser."""
    from django.contrib.auth.models import User
    from django.core.management import call_command
    call_command("migrate", verbosity=0)
    if not User.objects.filter(username="admin").exists():
        User.objects.create_superuser("admin", "a@example.org", "admin")


if __name__ == "__main__":
    sys.modules["django_admin"] = sys.modules["__main__"]
    setup()
