"""The unprivileged account under which a root-started private PostgreSQL runs.

PostgreSQL refuses to run as root, and a folder that only root can enter (a checkout under
/root, a 0700 temporary folder) hides both its binaries and its data from any other account.
"""

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CANDIDATES = ("postgres", "nobody")


@dataclass(frozen=True)
class Account:
    """A system account that child processes switch to."""

    name: str
    uid: int
    gid: int

    def popen_options(self) -> dict[str, Any]:
        """Keyword arguments of `subprocess.Popen` that drop to this account."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def can_enter(self, path: Path) -> bool:
        """Whether this account can search the folder (or execute the file) at `path`.

        Asks the kernel by trying it, so access lists and mount options count too.
        """
        probe = subprocess.run(
            ["test", "-x", str(path)], cwd="/", check=False, **self.popen_options()
        )
        return probe.returncode == 0

    def own(self, path: Path) -> None:
        os.chown(path, self.uid, self.gid)


def account_for(data: Path) -> Account | None:
    """The account a cluster at `data` runs under; None means: as the present user.

    Data that already exists keep their owner, so that an account added later to the machine
    does not lock an older cluster out. Raises RuntimeError when no account will do.
    """
    if os.geteuid() != 0:
        return None
    if data.exists() and (owner := data.stat().st_uid) != 0:
        entry = pwd.getpwuid(owner)
        return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
    for name in CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
    raise RuntimeError(
        "PostgreSQL does not run as root and this machine has neither an account "
        f"{' nor '.join(CANDIDATES)}. Run as an ordinary user, create one of them "
        "(useradd --system postgres), or set DATABASE_URL to a server you run."
    )
