"""What the log tells of requests."""

import logging


class Expected(logging.Filter):
    """An answer below 500 (no such page, no right to it) is one line, without a traceback."""

    def filter(self, record: logging.LogRecord) -> bool:
        if getattr(record, "status_code", 500) < 500:
            record.exc_info = None
        return True
