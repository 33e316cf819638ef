"""The models that a project's annotators talk to: set up, retired, tried out."""

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from annotate.chat.addresses import clean_base_url
from annotate.chat.completions import Target, stream_reply
from annotate.chat.failures import ModelFailure
from annotate.chat.keys import clean_key_name
from annotate.chat.reading import Patience, read_pieces
from annotate.inputs import InvalidValue, clean_json, clean_text
from annotate.models import ChatModel, Project, User
from annotate.services import audit
from annotate.wording import Told

# What this server decides itself.
OWN_PARAMETERS = ("messages", "model", "n", "stream")
TRIAL = Patience(first=20, silence=10, total=30)
TRIAL_MESSAGE = "Say hello in one short sentence."


def add_chat_model(
    *,
    project: Project,
    actor: User,
    name: str,
    base_url: str,
    model: str,
    key_name: str = "",
    parameters: object = None,
    address: str | None = None,
) -> ChatModel:
    """Set one up. Raises InvalidValue."""
    url = clean_base_url("base_url", base_url, private_hosts=settings.CHAT_PRIVATE_HOSTS)
    key_name = clean_text("key_name", key_name, max_chars=50, lines=False)
    fields = {
        "name": clean_text("name", name, max_chars=100, required=True, lines=False).strip(),
        "base_url": url,
        "model": clean_text("model", model, max_chars=200, required=True, lines=False).strip(),
        "key_name": clean_key_name("key_name", key_name, base_url=url, keys=settings.CHAT_KEYS),
        "parameters": _clean_parameters({} if parameters is None else parameters),
    }
    try:
        with transaction.atomic():
            made = ChatModel.objects.create(project=project, created_by=actor, **fields)
            audit.record(
                action="chat_model.added",
                target=made,
                actor=actor,
                project=project,
                address=address,
                **fields,
            )
    except IntegrityError as error:
        if error.__cause__.diag.constraint_name != "chat_model_name_unique":
            raise
        raise InvalidValue(
            "name", "is taken by another model here; retire that one first"
        ) from error
    return made


@transaction.atomic
def retire_chat_model(*, model: ChatModel, actor: User, address: str | None = None) -> ChatModel:
    """Draw it for no new conversation; those that have begun go on. Twice changes nothing."""
    model = ChatModel.objects.select_for_update().select_related("project").get(pk=model.pk)
    if model.retired_at is None:
        model.retired_at = timezone.now()
        model.save(update_fields=["retired_at"])
        audit.record(
            action="chat_model.retired",
            target=model,
            actor=actor,
            project=model.project,
            address=address,
        )
    return model


def target_of(model: ChatModel) -> Target:
    """Whom to ask, with the key. Raises ModelFailure when the key is gone or bound elsewhere."""
    secret = ""
    if model.key_name:
        key = settings.CHAT_KEYS.get(model.key_name)
        if key is None or not key.opens(model.base_url):
            raise ModelFailure(
                "refused",
                Told("the server has no key {name} for this address", name=model.key_name),
            )
        secret = key.secret
    return Target(model.base_url, model.model, model.parameters, secret)


def try_chat_model(*, model: ChatModel) -> str:
    """What it says to a greeting. Raises ModelFailure. Call it outside of transactions."""
    pieces = stream_reply(
        target_of(model),
        [{"role": "user", "content": TRIAL_MESSAGE}],
        private_hosts=settings.CHAT_PRIVATE_HOSTS,
    )
    text = "".join(piece.text for piece in read_pieces(pieces, TRIAL) if piece)
    if not text.strip():
        raise ModelFailure("empty", Told("it answered without a text"))
    return text[:1000]


def _clean_parameters(value: object) -> dict:
    field = "parameters"
    if not isinstance(value, dict):
        raise InvalidValue(field, 'must be a JSON object, such as {"temperature": 0.7}')
    for name in value:
        if name in OWN_PARAMETERS:
            raise InvalidValue(f"{field}.{name}", "is set by this server; leave it out")
    return clean_json(field, value, max_bytes=5_000)
