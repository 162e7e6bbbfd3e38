"""All settings, from the environment; docs/settings.md explains each variable."""

import os
from pathlib import Path
from typing import Any

import dj_database_url
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from . import environment as env
from .logs import logging_config
from .secrets import field_keys, secret_key
from .single_sign_on import check_sign_up, provider_settings

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = Path(env.text("CODESTAR_DASH_DATA", str(BASE_DIR / "var"))).expanduser()
VERSION = "0.1.0"

# --- Where it listens, and for whom -------------------------------------------------------------
HOST = env.text("HOST", "127.0.0.1")
PORT = env.port("PORT", 8000)
HTTPS = env.switch("HTTPS")
DEBUG = env.switch("DEBUG")
SITE_URL = env.url("SITE_URL", ("http", "https"))
# Where people open the dashboard it answers, and takes forms, too.
SITE_HOST, SITE_ORIGIN = env.host_and_origin(SITE_URL)
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", f"localhost,127.0.0.1,[::1],{HOST}") + SITE_HOST
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS") + SITE_ORIGIN

# --- Secrets: the signing key and the keys of encrypted columns are apart, so each can be rotated -
SECRET_KEY = secret_key(env.text("SECRET_KEY"), DATA_DIR)
FIELD_KEYS = field_keys(env.words("FIELD_KEYS"), DATA_DIR)

# --- Database, Redis, cache ---------------------------------------------------------------------
DATABASE_URL = env.text("DATABASE_URL")
REDIS_URL = env.url("REDIS_URL", ("redis", "rediss", "unix"))
SQLITE: dict[str, Any] = {
    "ENGINE": "django.db.backends.sqlite3",
    "NAME": str(DATA_DIR / "codestar-dash.sqlite3"),
    "CONN_MAX_AGE": None,
    "OPTIONS": {
        # One writer at a time is SQLite's nature: say so when a transaction begins, and wait.
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": (
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-16000;"
            "PRAGMA mmap_size=67108864; PRAGMA temp_store=MEMORY;"
        ),
    },
    "TEST": {"NAME": env.text("TEST_SQLITE") or None},
}
DATABASES: dict[str, dict[str, Any]]
if DATABASE_URL:
    try:
        DATABASES = {"default": dict(dj_database_url.parse(DATABASE_URL, conn_max_age=600))}
    except ValueError:
        raise ImproperlyConfigured(
            "DATABASE_URL cannot be read. It looks like postgres://user:password@host:5432/name"
        ) from None
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
else:
    DATABASES = {"default": SQLITE}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES: dict[str, dict[str, Any]]
if REDIS_URL:
    CACHES = {
        alias: {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": REDIS_URL,
            "KEY_PREFIX": f"codestar-dash-{alias}",
        }
        for alias in ("default", "fragments")
    }
else:
    CACHES = {
        alias: {
            "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
            "LOCATION": alias,
            "OPTIONS": {"MAX_ENTRIES": entries},
        }
        # Leases, learned rates and drafts must not be pushed out by pictures of rows.
        for alias, entries in (("default", 100_000), ("fragments", 5_000))
    }

# --- Apps ---------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "csp",
    "django_htmx",
    "template_partials",
    "lucide",
    "apps.live",
    "apps.audit",
    "apps.mirror",
    "apps.people",
    "apps.projects",
    "apps.aws",
    "apps.sites",
    "apps.deeds",
    "apps.wiki",
    "apps.adoption",
    "apps.source",
    "apps.issues",
    "apps.codecommit",
    "apps.codebuild",
    "apps.codepipeline",
    "apps.codedeploy",
    "apps.cloudformation",
    "apps.beanstalk",
    "apps.awslambda",
    "apps.ecs",
    "apps.ec2",
    "apps.cloudwatch",
    "apps.github",
    "apps.jira",
    "apps.delivery",
    "apps.dashboard",
    "apps.wizard",
    "apps.api",
    "apps.sandbox",
    "codestar_dash",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "apps.people.sessions.SessionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
ROOT_URLCONF = "codestar_dash.urls"
ASGI_APPLICATION = "codestar_dash.asgi.application"
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

# --- Sign-in ------------------------------------------------------------------------------------
AUTHENTICATION_BACKENDS = ["apps.people.backends.NameOrAddress"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_LOGOUT_REDIRECT_URL = "/accounts/login/"
ACCOUNT_ADAPTER = "apps.people.accounts.ClosedAccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
# apps.people.limits slows down who guesses; these are allauth's for the same doors.
ACCOUNT_RATE_LIMITS = {"login": None, "login_failed": None, "reauthenticate": None}
ACCOUNT_SESSION_REMEMBER = True
SESSION_COOKIE_AGE = 14 * 24 * 3600
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
MFA_ADAPTER = "apps.people.second_factor.SealingAdapter"
MFA_FORMS = {
    "authenticate": "apps.people.second_factor.AuthenticateForm",
    "reauthenticate": "apps.people.second_factor.ReauthenticateForm",
    "activate_totp": "apps.people.second_factor.ActivateForm",
}
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = "CodeStar Dash"
# Clocks of phones are half a minute wrong at most; a code is taken once all the same.
MFA_TOTP_TOLERANCE = 1
# No mail is sent, so no address of ours is ever unverified in allauth's sense.
MFA_ALLOW_UNVERIFIED_EMAIL = True
EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"

# --- Sign-in by the team's own provider (OpenID Connect) -----------------------------------------
OIDC_ISSUER = env.url("OIDC_ISSUER", ("https", "http"))
OIDC_CLIENT_ID = env.text("OIDC_CLIENT_ID")
OIDC_CLIENT_SECRET = env.text("OIDC_CLIENT_SECRET")
OIDC_NAME = env.text("OIDC_NAME", "single sign-on")
OIDC_SIGN_UP = check_sign_up(env.words("OIDC_SIGN_UP", "none"))
SOCIALACCOUNT_ADAPTER = "apps.people.provider_adapter.ProviderAdapter"
SOCIALACCOUNT_PROVIDERS = provider_settings(
    OIDC_ISSUER, OIDC_CLIENT_ID, OIDC_CLIENT_SECRET, OIDC_NAME
)

# --- What a browser may do with our pages -------------------------------------------------------
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "manifest-src": [SELF],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_HSTS_SECONDS = 31536000 if HTTPS else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None

# --- Time, language, static files ---------------------------------------------------------------
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-gb"
USE_I18N = False
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "build" / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG or env.switch("PLAIN_STATIC")
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}

# --- Celery -------------------------------------------------------------------------------------
CELERY_BROKER_URL = REDIS_URL or "memory://localhost/"
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TIMEZONE = "UTC"
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# Threads: the work is waiting for AWS. botocore gains nothing beyond 16 (docs/performance.md).
CELERY_WORKER_POOL = "threads"
CELERY_WORKER_CONCURRENCY = env.number("WORKER_CONCURRENCY", 16)
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_TRANSPORT_OPTIONS = (
    {"visibility_timeout": 3600} if REDIS_URL else {"polling_interval": 0.1}
)
CELERY_BEAT_SCHEDULE = {
    "sweep what is due": {"task": "mirror.tick", "schedule": 1.0, "options": {"expires": 5}},
    "listen": {"task": "aws.listen_everywhere", "schedule": 1.0, "options": {"expires": 5}},
    "keep the house": {"task": "mirror.housekeeping", "schedule": 3600.0},
    "keep the door": {"task": "people.housekeeping", "schedule": 3600.0},
    "forget points": {"task": "cloudwatch.housekeeping", "schedule": 3600.0},
    "check credentials": {"task": "aws.identify", "schedule": 10.0, "options": {"expires": 20}},
    "follow what is held": {"task": "projects.follow", "schedule": 5.0, "options": {"expires": 5}},
    "propose projects": {"task": "adoption.propose", "schedule": 5.0, "options": {"expires": 5}},
    "tell results": {"task": "delivery.tell", "schedule": 5.0, "options": {"expires": 5}},
    "link trackers": {
        "task": "delivery.link_trackers",
        "schedule": 10.0,
        "options": {"expires": 10},
    },
    "do what people let be done": {
        "task": "deeds.resume",
        "schedule": 2.0,
        "options": {"expires": 5},
    },
    "go on with projects in the making": {
        "task": "wizard.resume",
        "schedule": 2.0,
        "options": {"expires": 5},
    },
    "forget empty drafts of projects": {"task": "wizard.tidy", "schedule": 6 * 3600.0},
    "resume removals": {"task": "aws.resume_purges", "schedule": 30.0},
    "resume removals of sites": {"task": "sites.resume_purges", "schedule": 30.0},
    "keep the memory of sites": {"task": "sites.housekeeping", "schedule": 3600.0},
}
CELERY_BEAT_SCHEDULE_FILENAME = str(DATA_DIR / "celerybeat-schedule")

# --- The mirror ---------------------------------------------------------------------------------
CALLS_AT_ONCE = env.number("CALLS_AT_ONCE", 8)
CALL_TIMEOUT = env.number("CALL_TIMEOUT", 20)
CHANGE_RETENTION_DAYS = env.number("CHANGE_RETENTION_DAYS", 30)
METRICS_MINUTES = max(1, env.number("METRICS_MINUTES", 5))
EVENT_QUEUE_NAME = env.text("EVENT_QUEUE_NAME", "codestar-dash-events")
LOG_LOOK_MAX_LINES = env.number("LOG_LOOK_MAX_LINES", 20_000)
LOG_LOOK_MAX_BYTES = env.number("LOG_LOOK_MAX_BYTES", 8_000_000)
# Hosts inside the network that an account's endpoint may name, besides what `make up` sets up.
ALLOWED_ENDPOINTS = env.words("ALLOWED_ENDPOINTS")
AWS_MODE = env.choice("AWS", "sandbox", ("sandbox", "real", "none"))
# Whether proposed projects are accepted without asking.
ADOPT = env.choice("ADOPT", "auto" if AWS_MODE == "sandbox" else "ask", ("auto", "ask"))
AWS_REGIONS = env.words("AWS_REGIONS")
SANDBOX_PORT = env.port("SANDBOX_PORT", 0)
SANDBOX_SEED = env.number("SANDBOX_SEED", 1)
SANDBOX_SCENARIO = env.scenario("SANDBOX_SCENARIO", "default")
SANDBOX_SPEED = env.pace("SANDBOX_SPEED")
SANDBOX_POLICY = env.text("SANDBOX_POLICY", "")

# --- Logs ---------------------------------------------------------------------------------------
LOG_LEVEL = env.choice("LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR"))
LOG_FORMAT = env.choice("LOG_FORMAT", "text", ("text", "json"))
LOGGING_CONFIG = None
LOGGING = logging_config(LOG_LEVEL, LOG_FORMAT)

# Celery reads os.environ too; Django's own name keeps child processes on these settings.
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "codestar_dash.settings")
