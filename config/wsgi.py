"""The WSGI entry point."""

import gc
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application = get_wsgi_application()

# What is loaded now stays: the collector need not look at it again. And an import makes far more
# objects than the default threshold expects; nearly all of them die by reference count.
gc.collect()
gc.freeze()
gc.set_threshold(25_000, 20, 20)
