"""Talking to models behind OpenAI-compatible addresses. docs/chat.md tells how to set them up."""
