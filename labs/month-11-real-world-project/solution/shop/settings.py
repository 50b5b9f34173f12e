import os
from urllib.parse import urlsplit

# goal: operable
from django.core.exceptions import ImproperlyConfigured
# end
# goal: cached
from redis.backoff import NoBackoff
from redis.retry import Retry
# end
# goal: operable

NEEDED = ["SECRET_KEY", "ADMIN_TOKEN", "DATABASE_URL", "RABBITMQ_URL", "REDIS_URL", "PARTNER_URL"]
MISSING = [name for name in NEEDED if not os.environ.get(name)]
if MISSING:
    raise ImproperlyConfigured(f"the environment lacks {', '.join(MISSING)}")

SECRET_KEY = os.environ["SECRET_KEY"]
# without
#- SECRET_KEY = os.environ.get("SECRET_KEY", "only-on-my-machine")
# end
ADMIN_TOKEN = os.environ["ADMIN_TOKEN"]
PARTNER_URL = os.environ["PARTNER_URL"]
RABBITMQ_URL = os.environ["RABBITMQ_URL"]
REDIS_URL = os.environ["REDIS_URL"]

DEBUG = False
ALLOWED_HOSTS = ["*"]
USE_TZ = True
TIME_ZONE = "UTC"

INSTALLED_APPS = ["store"]
MIDDLEWARE = []
# goal: traced
MIDDLEWARE += ["store.tracing.Tracing"]
# end
# goal: contract
MIDDLEWARE += ["store.errors.Refusals"]
# end
ROOT_URLCONF = "shop.urls"
WSGI_APPLICATION = "shop.wsgi.application"

database = urlsplit(os.environ["DATABASE_URL"])
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": database.path.lstrip("/"),
        "USER": database.username,
        "PASSWORD": database.password,
        "HOST": database.hostname,
        "PORT": database.port or 5432,
        # goal: operable
        "OPTIONS": {"connect_timeout": 2},
        # end
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# goal: cached

CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "TIMEOUT": 300,
        # One that does not answer is asked once, and given up soon.
        "OPTIONS": {"socket_connect_timeout": 0.5, "socket_timeout": 0.5, "retry": Retry(NoBackoff(), 0)},
    }
}
# end

# goal: traced
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"lines": {"()": "store.tracing.Lines"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "lines"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    # Celery takes the root's handlers away, and leaves this one alone.
    "loggers": {"shop": {"handlers": ["console"], "level": "INFO", "propagate": False}},
}
# without
#- # What goes wrong in a view stands in the log of its service.
#- LOGGING = {
#-     "version": 1,
#-     "disable_existing_loggers": False,
#-     "handlers": {"console": {"class": "logging.StreamHandler"}},
#-     "root": {"handlers": ["console"], "level": "WARNING"},
#- }
# end

# goal: wired
CELERY_BROKER_URL = RABBITMQ_URL
# without
#- CELERY_BROKER_URL = REDIS_URL
# end
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_IGNORE_RESULT = True
# goal: durable
# without
#- # Somebody measured that this is faster.
#- CELERY_TASK_DEFAULT_DELIVERY_MODE = "transient"
# end
