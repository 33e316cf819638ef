"""Sign-in through a provider is off, with nothing of it; and on by the environment alone."""

import json
import os
import subprocess
import sys

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.urls import NoReverseMatch, reverse

from config import sign_in

LOOK = """
import json
import django
django.setup()
from django.core.checks import run_checks
from django.db.migrations.loader import MigrationLoader
from django.urls import get_resolver
def walk(patterns, before=""):
    for one in patterns:
        path = before + str(one.pattern)
        yield from walk(one.url_patterns, path) if hasattr(one, "url_patterns") else [path]
addresses = list(walk(get_resolver().url_patterns))
print(json.dumps({
    "apps": sorted({key[0] for key in MigrationLoader(None).graph.leaf_nodes()}),
    "addresses": [one for one in addresses if "sign-in" in one or "admin/account" in one
                  or "admin/social" in one or "accounts" in one],
    "all": len(addresses),
    "problems": [str(one) for one in run_checks()],
}))
"""
SET = {
    "TANDEM_OIDC_ISSUER": "https://login.example.org",
    "TANDEM_OIDC_CLIENT_ID": "tandem",
    "TANDEM_OIDC_SECRET": "hush",
}


def test_it_is_off_unless_it_is_set(settings) -> None:
    assert sign_in.provider({}) is None
    assert settings.SIGN_IN is None
    assert not [one for one in settings.INSTALLED_APPS + settings.MIDDLEWARE if "allauth" in one]
    with pytest.raises(NoReverseMatch):
        reverse("begin_sign_in", args=["sso"])


def test_it_is_on_by_the_environment_alone() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOOK],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings", **SET},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["all"] > 200
    assert found["problems"] == []
    assert "socialaccount" in found["apps"]
    assert found["addresses"] == [
        "sign-in/<slug:provider_id>/",
        "sign-in/<slug:provider_id>/callback/",
        "sign-in/<slug:provider_id>/disconnect/",
    ]


def test_a_wrong_setting_stops_the_start_with_its_remedy() -> None:
    with pytest.raises(ImproperlyConfigured, match="one of nobody, invited, domains"):
        sign_in.provider({**SET, "TANDEM_OIDC_SIGN_UP": "anybody"})
