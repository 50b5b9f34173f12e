SECRET_KEY = "only for tests"
DEBUG = False
ALLOWED_HOSTS = ["web"]
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["shop"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "/tmp/shop.sqlite3"}}
PAGE_SIZE = 25
