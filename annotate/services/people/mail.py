"""Mail: only where a server is named (EMAIL_HOST)."""

import logging
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import send_mail
from django.utils.translation import gettext as _

from annotate.models import Invitation

logger = logging.getLogger(__name__)


def is_mail_set_up() -> bool:
    return bool(settings.EMAIL_HOST)


def mail_invitation(*, invitation: Invitation, link: str) -> bool:
    """Send the link to the invitation's address, in the language now spoken; whether it went out.

    Call it outside of transactions: it waits for the server, EMAIL_TIMEOUT seconds at most.
    """
    values = {"project": invitation.project.name, "link": link}
    text = _(
        "You are invited to judge texts in the project “%(project)s”.\n\n"
        "Open this link to take part:\n\n%(link)s\n"
    )
    subject = " ".join((_("Invitation to “%(project)s”") % values).split())
    try:
        send_mail(subject, text % values, settings.DEFAULT_FROM_EMAIL, [invitation.email])
    except (SMTPException, OSError) as error:
        logger.warning("Invitation %s could not be mailed: %s", invitation.pk, error)
        return False
    return True
