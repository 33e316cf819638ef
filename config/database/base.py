"""The backend that settings.DATABASES names."""

import select

from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection that is asked whether it lives before every request that uses it.

    Django would send a SELECT each time. The server says nothing on an idle connection unless
    it ends it, so a connection without anything to read is taken to be alive; with something
    to read it is asked properly. After a restart of the server everybody reconnects.
    """

    def is_usable(self) -> bool:
        if self.connection is None or self.connection.closed:
            return False
        poll = select.poll()
        poll.register(self.connection.fileno(), select.POLLIN)
        return not poll.poll(0) or super().is_usable()
