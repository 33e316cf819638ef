"""Webhooks without Django: how a message is signed, sent and tried again."""
