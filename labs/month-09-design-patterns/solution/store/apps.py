# goal: taken-apart
from django.apps import AppConfig


class StoreConfig(AppConfig):
    name = "store"

    def ready(self):
        # Plug-ins may import models, which are not there any earlier.
        from . import plugins

        plugins.load()
# end
