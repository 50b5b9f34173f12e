# goal: configuration
import os
# end
from pathlib import Path

# goal: configuration
import dj_database_url

# end
BASE_DIR = Path(__file__).resolve().parent.parent

# goal: configuration
DEBUG = os.environ.get("DEBUG") == "1"
# Without a key there is nothing to sign with: better not to start than to start with one that everybody knows.
SECRET_KEY = "only-for-development" if DEBUG else os.environ["SECRET_KEY"]
# without
#- SECRET_KEY = "django-insecure-7yq!k0v2m-everybody-who-reads-this-knows-it"
#- DEBUG = True
# end
ALLOWED_HOSTS = ["*"]

# Shown by /about, so that everybody can tell which release answers.
# goal: configuration
RELEASE = os.environ.get("RELEASE", "development")
# without
#- RELEASE = "development"
# end

INSTALLED_APPS = ["notes"]
MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
ROOT_URLCONF = "board.urls"
WSGI_APPLICATION = "board.wsgi.application"

# goal: configuration
DATABASES = {"default": dj_database_url.config(default=f"sqlite:///{BASE_DIR / 'db.sqlite3'}")}
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
if "CACHE_URL" in os.environ:
    CACHES["default"] = {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": os.environ["CACHE_URL"],
    }
# without
#- DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": BASE_DIR / "db.sqlite3"}}
#- CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
# end

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True

# What goes wrong in a view stands in the log.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": "INFO"},
}
