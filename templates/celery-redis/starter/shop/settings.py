import os

SECRET_KEY = "only-for-the-lab"
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "shop.urls"
WSGI_APPLICATION = "shop.wsgi.application"
USE_TZ = True

# What goes wrong in a view stands in the log of its service.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
}

REDIS_URL = os.environ["REDIS_URL"]
CELERY_BROKER_URL = f"{REDIS_URL}/0"
