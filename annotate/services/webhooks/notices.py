"""Telling a project's owners and managers that a webhook was switched off."""

import logging
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import send_mail
from django.utils.translation import gettext as _

from annotate.models import Membership, Webhook
from annotate.pages.reasons import in_words
from annotate.services.people.mail import is_mail_set_up
from annotate.wording import Told

logger = logging.getLogger(__name__)


def tell_managers(*, webhook: Webhook, why: Told) -> int:
    """By mail, where a server is named; returns to how many. Call it outside of transactions.

    The page of the webhooks and the audit trail tell it in any case.
    """
    if not is_mail_set_up():
        return 0
    roles = [Membership.Role.OWNER, Membership.Role.MANAGER]
    members = Membership.objects.filter(project=webhook.project_id, role__in=roles)
    to = [email for email in members.values_list("user__email", flat=True) if email]
    values = {"project": webhook.project.name, "url": webhook.url, "why": in_words(why)}
    subject = " ".join((_("A webhook of “%(project)s” is switched off") % values).split())
    text = _(
        "The webhook %(url)s of the project “%(project)s” was switched off: %(why)s.\n\n"
        "What it was not told waits. Switch it on again under Settings, Webhooks.\n"
    )
    told = 0
    for one in to:
        try:
            send_mail(subject, text % values, settings.DEFAULT_FROM_EMAIL, [one])
        except (SMTPException, OSError) as error:
            logger.warning("The notice on %s could not be mailed: %s", webhook, error)
        else:
            told += 1
    return told
