"""All addresses as they are where a provider is set."""

from django.urls import include, path

from config.urls import handler404, handler500  # noqa: F401 (Django reads them here)
from config.urls import urlpatterns as without

urlpatterns = [path("", include("annotate.pages.sign_in")), *without]
