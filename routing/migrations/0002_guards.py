"""Decisions and judge calls only grow."""

from importlib import import_module

from django.db import migrations

guard = import_module("annotate.migrations.0002_guards").guard


class Migration(migrations.Migration):
    dependencies = [("routing", "0001_initial"), ("annotate", "0002_guards")]
    operations = [guard("routing_judgecall"), guard("routing_decision")]
