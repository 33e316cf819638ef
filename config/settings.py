"""Django settings. Everything that differs between machines comes from the environment.

`TANDEM_ENV=production` demands SECRET_KEY, ALLOWED_HOSTS and DATABASE_URL; without it a
private server and a generated key under `var/` serve one machine.
"""

import os
import secrets
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from psycopg.conninfo import conninfo_to_dict

from annotate.chat.keys import read_keys
from config import postgres, sign_in
from config.media import media_storage

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = Path(os.environ.get("TANDEM_VAR", BASE_DIR / "var")).resolve()
DATA_DIR = Path(os.environ.get("TANDEM_DATA_DIR", BASE_DIR.parent / "shared" / "data"))
PRODUCTION = os.environ.get("TANDEM_ENV", "local") == "production"
DEBUG = os.environ.get("TANDEM_DEBUG", "") == "1"


def _required(name: str) -> str:
    value = os.environ.get(name, "")
    if not value:
        raise ImproperlyConfigured(f"{name} must be set when TANDEM_ENV=production.")
    return value


def _local_secret_key() -> str:
    """The key of this machine: made once, readable by the owner alone."""
    path = VAR_DIR / "secret_key"
    VAR_DIR.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    with os.fdopen(descriptor, "w") as handle:
        key = secrets.token_urlsafe(50)
        handle.write(key)
    return key


SECRET_KEY = (
    _required("SECRET_KEY") if PRODUCTION else os.environ.get("SECRET_KEY") or _local_secret_key()
)
ALLOWED_HOSTS = [
    host
    for host in (
        _required("ALLOWED_HOSTS")
        if PRODUCTION
        else os.environ.get("ALLOWED_HOSTS", "127.0.0.1,localhost,[::1],testserver")
    ).split(",")
    if host
]
CSRF_TRUSTED_ORIGINS = [
    origin for origin in os.environ.get("CSRF_TRUSTED_ORIGINS", "").split(",") if origin
]

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django_htmx",
    "template_partials",
    "rest_framework",
    "drf_spectacular",
    "django_celery_beat",
    "config",
    "annotate",
    "routing",
    "training",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "annotate.pages.security.content_security_policy",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "annotate.pages.languages.LanguageMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

# None: people log in with passwords alone, and django-allauth is not loaded: docs/sign-in.md.
SIGN_IN = sign_in.provider(os.environ)
if SIGN_IN is not None:
    INSTALLED_APPS += sign_in.APPS
    MIDDLEWARE += sign_in.MIDDLEWARE
SOCIALACCOUNT_ADAPTER = sign_in.ADAPTER

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]


def _database() -> dict:
    """DATABASE_URL in Django's words; the private server's when none is set."""
    parts = conninfo_to_dict(_required("DATABASE_URL") if PRODUCTION else postgres.database_url())
    database = {
        "ENGINE": "config.database",
        "NAME": parts.pop("dbname", "tandem"),
        "USER": parts.pop("user", ""),
        "PASSWORD": parts.pop("password", ""),
        "HOST": parts.pop("host", ""),
        "PORT": parts.pop("port", ""),
        "CONN_MAX_AGE": int(os.environ.get("DATABASE_CONN_MAX_AGE", "60")),
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": dict(parts),
        # Append-only tables refuse TRUNCATE outside the test run.
        "TEST": {"NAME": os.environ.get("TANDEM_TEST_DATABASE")},
    }
    if os.environ.get("DATABASE_POOL") == "1":
        database["CONN_MAX_AGE"] = 0
        database["OPTIONS"]["pool"] = {"min_size": 1, "max_size": 16, "timeout": 10}
    return database


DATABASES = {"default": _database()}
# See annotate/statements.py.
PREPARED_STATEMENTS = os.environ.get("TANDEM_PREPARED_STATEMENTS", "1") == "1"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "annotate.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "login"

LANGUAGE_CODE = "en"
# Each but English has a catalogue in locale/; see docs/translating.md.
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
FORMAT_MODULE_PATH = "config.formats"
LOCALE_PATHS = [VAR_DIR / "locale"]  # compiled from locale/ by config/translations.py
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "media": media_storage(VAR_DIR / "media"),
    "staticfiles": {"BACKEND": "config.static.VersionedFiles"},
}
WHITENOISE_USE_FINDERS = True
WHITENOISE_MAX_AGE = 3600

SESSION_COOKIE_AGE = 60 * 60 * 24 * 14
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PRODUCTION
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if PRODUCTION else None
X_FRAME_OPTIONS = "DENY"

# One image, recording or film (bytes); what an image may unfold to.
MEDIA_MAX_BYTES = {
    "image": int(os.environ.get("TANDEM_MAX_IMAGE_BYTES", 20_000_000)),
    "audio": int(os.environ.get("TANDEM_MAX_AUDIO_BYTES", 100_000_000)),
    "video": int(os.environ.get("TANDEM_MAX_VIDEO_BYTES", 500_000_000)),
}
MEDIA_MAX_PIXELS = int(os.environ.get("TANDEM_MAX_IMAGE_PIXELS", 100_000_000))

# One prompt or response, one line of an import, one whole upload after decompression (bytes).
MAX_TEXT_BYTES = int(os.environ.get("TANDEM_MAX_TEXT_BYTES", 1_000_000))
MAX_LINE_BYTES = int(os.environ.get("TANDEM_MAX_LINE_BYTES", 10_000_000))
MAX_UPLOAD_BYTES = int(os.environ.get("TANDEM_MAX_UPLOAD_BYTES", 20_000_000_000))
DATA_UPLOAD_MAX_MEMORY_SIZE = 5_000_000
# A project that asks much has many fields: a tree of labels has two for each.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 10_000
FILE_UPLOAD_TEMP_DIR = None

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "annotate.api.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["annotate.api.permissions.HasScope"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["annotate.api.bodies.PlainJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "annotate.api.document.DocumentedSchema",
    "DEFAULT_THROTTLE_CLASSES": ["annotate.api.throttling.Limits"],
    "EXCEPTION_HANDLER": "annotate.api.problems.problem_handler",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
    "URL_FORMAT_OVERRIDE": None,  # ?format= names a file format here, never a renderer
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Tandem",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "annotate.api.errors.close_bodies",
    ],
    "ENUM_NAME_OVERRIDES": {
        "Role": "annotate.models.Membership.Role",
        "InvitationRole": ["annotator", "reviewer", "manager"],
        "InvitationState": ["open", "used", "expired", "revoked"],
        "ProjectState": "annotate.models.Project.State",
        "TaskRoute": "annotate.models.Task.Route",
        "JobState": "annotate.models.JobState",
        "JudgementSource": "annotate.models.Judgement.Source",
        "MediaKind": "annotate.models.MediaFile.Kind",
        "ModelVersionState": "training.models.ModelVersion.State",
        "ModelVersionKind": "training.models.ModelVersion.Kind",
        "LoopState": "training.models.Loop.State",
        "LoopRoundPhase": "training.models.LoopRound.Phase",
        "TrainingRunPhase": "training.models.TrainingRun.Phase",
        "TrainingRunTrigger": "training.models.TrainingRun.Trigger",
        "ServingKind": "training.models.ServingJob.Kind",
        "RoutingPolicyKind": "routing.models.RoutingPolicy.Kind",
        "RoutingPolicyState": "routing.models.RoutingPolicy.State",
        "FittedPolicyKind": "routing.settings.policy.FITTED",
        "SelectionStrategy": "routing.settings.selection.NAMES",
    },
}

# Mail goes out only where a server is named.
EMAIL_HOST = os.environ.get("EMAIL_HOST", "")
EMAIL_PORT = int(os.environ.get("EMAIL_PORT", "25"))
EMAIL_HOST_USER = os.environ.get("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = os.environ.get("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS = os.environ.get("EMAIL_USE_TLS", "") == "1"
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = os.environ.get("DEFAULT_FROM_EMAIL", "tandem@localhost")

# How often in so many seconds: see annotate/services/people/rates.py.
INVITATION_LIMITS = {
    "made": {"most": 200, "seconds": 3600},  # links, of one manager
    "accepted": {"most": 30, "seconds": 600},  # of one account
    "registered": {"most": 60, "seconds": 600},  # accounts by one link from one address
    "wrong": {"most": 60, "seconds": 600},  # links that are none, from one address
}
REAUTHENTICATION_LIMIT = {"most": 10, "seconds": 600}  # passwords asked for again, of one account

# Requests to the API, 0 for no limit; see docs/api.md#limits.
API_LIMITS = {
    name: {"most": int(os.environ.get(f"TANDEM_API_{name.upper()}_A_MINUTE", most)), "seconds": 60}
    for name, most in {
        "requests": 6000,  # of one token, or of one account that is signed in
        "costly": 120,  # of these, what takes the server long: exports, imports, runs
        "anonymous": 600,  # of one address: without a token, or with a wrong one
    }.items()
}

# How long a process believes a token that it found: see annotate/services/people/tokens.py.
TOKEN_MEMORY_SECONDS = 5

CELERY_BROKER_URL = os.environ.get("CELERY_BROKER_URL") or "spool://localhost"

# A worker silent for so long has lost its job; another one takes it up.
JOB_LEASE_SECONDS = float(os.environ.get("TANDEM_JOB_LEASE_SECONDS", "60"))
# Base models in folders must lie in here; every project's managers may train from them.
BASE_MODELS_DIR = Path(os.environ.get("TANDEM_BASE_MODELS", VAR_DIR / "base_models")).resolve()
# Processes that share a fine-tuning, one a GPU: see docs/training.md.
TRAINING_PROCESSES = int(os.environ.get("TANDEM_TRAINING_PROCESSES", 1))
# CPU threads of a training child. It runs at nice 10, so the web goes first on every core.
TRAINING_THREADS = int(os.environ.get("TANDEM_TRAINING_THREADS", os.cpu_count() or 1))
# Where models are evaluated: beside training runs, or ("training") one after the other with them.
EVALUATION_QUEUE = os.environ.get("TANDEM_EVALUATION_QUEUE", "serving")
if EVALUATION_QUEUE not in ("serving", "training"):
    raise ImproperlyConfigured(
        f"TANDEM_EVALUATION_QUEUE={EVALUATION_QUEUE!r}: set it to serving or training."
    )
# What programs may ask of models at once, and how models are kept: docs/serving.md.
SERVING = {
    name: int(os.environ.get(f"TANDEM_SERVING_{name.upper()}", default))
    for name, default in {
        "rows": 1000,  # of one request
        "chars": 2_000_000,  # of all texts of one request
        "responses": 32,  # of one row
        "samples": 2000,  # prompts times responses of one request
        "new_tokens": 1024,  # of one sampled response
        "requests_a_minute": 120,  # of one token
        "rows_a_minute": 20_000,  # of one token
        "waiting": 100,  # jobs of one project
        "small": 64,  # responses to score, or tokens / 4 to draw, whose answers are waited for
        "wait": 5,  # seconds of that, unless the caller says otherwise
        "memory_mb": 2048,  # of weights that a worker keeps, of reward models and policies each
        "idle": 600,  # seconds without a request after which a worker lets go of its models
        "deadline": 300,  # seconds for some rows, loading included
        "keep_hours": 24,  # rows and answers
        # Callers that one web process lets wait. Each holds one of its threads.
        "lines": max(1, int(os.environ.get("WEB_THREADS", "8")) // 2),
    }.items()
}
# How much worse than the version in service a candidate may be: training/evaluation/gate.py.
PROMOTION_GATE = {
    "p_value": float(os.environ.get("TANDEM_GATE_P_VALUE", "0.05")),
    "ece": float(os.environ.get("TANDEM_GATE_ECE", "0.05")),
    "accuracy": float(os.environ.get("TANDEM_GATE_ACCURACY", "0.05")),
    "rows": int(os.environ.get("TANDEM_GATE_ROWS", "30")),
    "subset_rows": int(os.environ.get("TANDEM_GATE_SUBSET_ROWS", "50")),
}

# Live chat; see docs/chat.md. Hosts in private networks (or this machine) that managers may name
# as models' addresses, each with or without a port.
CHAT_PRIVATE_HOSTS = tuple(
    os.environ.get("TANDEM_CHAT_PRIVATE_HOSTS", "" if PRODUCTION else "localhost,127.0.0.1,[::1]")
    .replace(",", " ")
    .split()
)
# The same of the addresses that managers give webhooks; see docs/webhooks.md.
WEBHOOK_PRIVATE_HOSTS = tuple(
    os.environ.get(
        "TANDEM_WEBHOOK_PRIVATE_HOSTS", "" if PRODUCTION else "localhost,127.0.0.1,[::1]"
    )
    .replace(",", " ")
    .split()
)
try:
    CHAT_KEYS = read_keys(os.environ)
except ValueError as error:
    raise ImproperlyConfigured(str(error)) from None
# Replies that one web process streams at once. Each holds one of its threads, so some must be left.
CHAT_LINES = int(
    os.environ.get("TANDEM_CHAT_LINES", max(1, int(os.environ.get("WEB_THREADS", "8")) - 3))
)
# Seconds to wait for a reply's first words, between two pieces of it, and for the whole.
CHAT_PATIENCE = {"first": 120.0, "silence": 30.0, "total": 300.0}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "filters": {"expected": {"()": "config.logs.Expected"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": os.environ.get("TANDEM_LOG_LEVEL", "INFO")},
    # Two lines for every sweep, six times a minute, would bury what matters.
    "loggers": {
        "django.request": {"filters": ["expected"]},
        "celery.worker.strategy": {"level": "WARNING"},
        "celery.app.trace": {"level": "WARNING"},
        # One line a request of our own clients, such as simulated people.
        "httpx": {"level": "WARNING"},
    },
}
