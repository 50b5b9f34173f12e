import os
from urllib.parse import urlsplit

SECRET_KEY = os.environ.get("SECRET_KEY", "only-on-my-machine")
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
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# What goes wrong in a view stands in the log of its service.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
}

CELERY_BROKER_URL = REDIS_URL
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_IGNORE_RESULT = True
# Somebody measured that this is faster.
CELERY_TASK_DEFAULT_DELIVERY_MODE = "transient"
