import os
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent

SECRET_KEY = os.environ.get("SECRET_KEY", "only-for-the-lab")
DEBUG = False
ALLOWED_HOSTS = ["*"]

INSTALLED_APPS = ["store"]
MIDDLEWARE = []
ROOT_URLCONF = "shop.urls"
WSGI_APPLICATION = "shop.wsgi.application"

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ.get("DATABASE", "/data/shop.sqlite3"),
        # Who wants to write waits for the others instead of giving up.
        "OPTIONS": {
            "timeout": 20,
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL;",
        },
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True

# What goes wrong stands in the log of the service.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
}

EMAIL_BACKEND = os.environ.get(
    "EMAIL_BACKEND", "django.core.mail.backends.smtp.EmailBackend"
)
EMAIL_HOST = os.environ.get("EMAIL_HOST", "localhost")
EMAIL_PORT = int(os.environ.get("EMAIL_PORT", "25"))
EMAIL_TIMEOUT = 2
DEFAULT_FROM_EMAIL = "hello@shop.example"

# The bank, the wallet company, the warehouse and the bookkeeper.
PARTNERS_URL = os.environ.get("PARTNERS_URL", "http://localhost:8080")
BANK_MERCHANT = "shop"
BANK_KEY = "bank-of-the-lab"
WALLET_KEY = "wallet-of-the-lab"
