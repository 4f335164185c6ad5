"""The one settings file. Everything that differs between installations comes from the environment.

The table of variables is in README.md. Nothing but Django reads this module.
"""

from pathlib import Path
from urllib.parse import urlsplit

from . import environment

BASE_DIR = Path(__file__).resolve().parent.parent.parent
env = environment.Environment()

MUSTER_MODE = env.read("MUSTER_MODE", environment.one_of("demo", "live"), "demo")
LIVE = MUSTER_MODE == "live"
MUSTER_DATA_DIR = Path(env.text("MUSTER_DATA_DIR", str(BASE_DIR))).resolve()
if not MUSTER_DATA_DIR.is_dir():
    env.complain(
        f"MUSTER_DATA_DIR：目录 {MUSTER_DATA_DIR} 不存在，请先建好它。",
        f"MUSTER_DATA_DIR: there is no folder {MUSTER_DATA_DIR}; make it first.",
    )

# Secrets

SECRET_KEY = env.text("MUSTER_SECRET_KEY")
SECRET_KEY_FALLBACKS = env.read("MUSTER_SECRET_KEY_FALLBACKS", environment.words, None) or []
if LIVE and len(SECRET_KEY) < 50:
    env.complain(
        "MUSTER_SECRET_KEY：正式运行必须设置，至少 50 个随机字符，例如 openssl rand -base64 48 的输出。",
        "MUSTER_SECRET_KEY: a live installation needs one, at least 50 random characters, "
        "for example from: openssl rand -base64 48.",
    )
elif not SECRET_KEY and MUSTER_DATA_DIR.is_dir():
    try:
        SECRET_KEY = environment.key_kept_in(MUSTER_DATA_DIR / "secret_key")
    except environment.Nonsense as nonsense:
        env.complain(f"MUSTER_DATA_DIR：{nonsense.zh}", f"MUSTER_DATA_DIR: {nonsense.en}")

# Where people reach us

MUSTER_BASE_URL = env.read("MUSTER_BASE_URL", environment.web_address, "")
if LIVE and not MUSTER_BASE_URL.startswith("https://"):
    env.complain(
        "MUSTER_BASE_URL：正式运行必须设为专家能打开的 https:// 网址，答复链接由它生成。",
        "MUSTER_BASE_URL: a live installation needs the https:// address that experts can open; "
        "the answer links are made from it.",
    )
MUSTER_BASE_URL = MUSTER_BASE_URL or "http://127.0.0.1:8000"
ALLOWED_HOSTS = env.read("MUSTER_ALLOWED_HOSTS", environment.words, None) or [
    str(urlsplit(MUSTER_BASE_URL).hostname),
    *([] if LIVE else ["localhost", "127.0.0.1", "[::1]"]),
]
CSRF_TRUSTED_ORIGINS = [MUSTER_BASE_URL]
ROOT_URLCONF = "coordination.config.urls"
ASGI_APPLICATION = "coordination.config.asgi.application"
WSGI_APPLICATION = "coordination.config.wsgi.application"

# Who we are to them

MUSTER_SENDER_NAME = env.text("MUSTER_SENDER_NAME", "" if LIVE else "演示应急指挥中心")
MUSTER_DUTY_PHONE = env.text("MUSTER_DUTY_PHONE", "" if LIVE else "0311-0000-0000")

_mail = env.read("MUSTER_SMTP_URL", environment.mail_server, None)
EMAIL_HOST = _mail.host if _mail else "localhost"
EMAIL_PORT = _mail.port if _mail else 25
EMAIL_HOST_USER = _mail.user if _mail else ""
EMAIL_HOST_PASSWORD = _mail.password if _mail else ""
EMAIL_USE_SSL = bool(_mail and _mail.use_ssl)
EMAIL_USE_TLS = bool(_mail and _mail.use_starttls)
EMAIL_TIMEOUT = 8
DEFAULT_FROM_EMAIL = env.text("MUSTER_MAIL_FROM", "" if LIVE else "muster@demo.invalid")
SERVER_EMAIL = DEFAULT_FROM_EMAIL
if _mail and "@" not in DEFAULT_FROM_EMAIL:
    env.complain(
        "MUSTER_MAIL_FROM：设了发信服务器就必须有发件地址，例如 yingji@example.cn。",
        "MUSTER_MAIL_FROM: with a mail server set, the sender's address is needed, "
        "for example duty@example.cn.",
    )

# The ways out, in a file of [[channel]] tables; without one a live installation has e-mail alone.
MUSTER_CHANNELS = env.read("MUSTER_CHANNELS", environment.channels_file, None)
# By these names the gateways inside the network reach us.
ALLOWED_HOSTS += environment.called_back_at(MUSTER_CHANNELS or [])

# Called every ten seconds while the watch finds nothing wrong; empty is nobody.
MUSTER_DEADMAN_URL = env.read("MUSTER_DEADMAN_URL", environment.web_address, "")

# What Prometheus has to say to read /metrics; empty is that nobody may.
MUSTER_METRICS_TOKEN = env.text("MUSTER_METRICS_TOKEN")

# Applications: ours first, so that our templates go before those of the same name elsewhere

INSTALLED_APPS = [
    "coordination",
    "incidents",
    "contracts",
    "experts",
    "ground",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_htmx",
    "django_filters",
    "django_tables2",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "csp",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "coordination.config.static_files.StaticFilesMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "ground.sessions.IdleSessionMiddleware",
    "ground.plain_text.PlainTextMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "coordination.chrome.chrome",
            ],
        },
    }
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# The database, which is also the queue and the scheduler

_pool_size = env.read("MUSTER_DATABASE_POOL", environment.whole_number(0, 1000), 20)
DATABASES = {
    "default": env.read(
        "DATABASE_URL",
        lambda url: environment.database(url, pool_size=_pool_size),
        environment.sqlite_in(MUSTER_DATA_DIR),
    )
}

# How far the database had come when this machine last sent from it: a restored one is behind that.
SENT_UP_TO = MUSTER_DATA_DIR / "sent_up_to"

# Where driving times come from; whatever fails there, the straight line is estimated.
TRAVEL_TIME = env.read("MUSTER_TRAVEL_TIME", environment.travel_time, "estimate")

# Who finds addresses, asked by commands only; empty is nobody, and a county's seat stands for its addresses.
GEOCODER = env.read("MUSTER_GEOCODER", environment.geocoder, "")

# Redis: only nudges between processes; without it everything runs in one process

REDIS_URL = env.read("REDIS_URL", environment.redis_address, "")
# A page that passes by waits this long, in seconds, for a server that is there but does not answer.
REDIS_OPTIONS = {"socket_connect_timeout": 0.2, "socket_timeout": 0.5}
CACHES = {
    "default": {
        "BACKEND": "ground.shared_cache.SharedCache",
        "LOCATION": REDIS_URL,
        "OPTIONS": REDIS_OPTIONS,
    }
    if REDIS_URL
    else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "muster"}
}

CELERY_BROKER_URL = REDIS_URL or "memory://"
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_TIMEOUT = 0.2
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "max_retries": 0,
    **REDIS_OPTIONS,
    "visibility_timeout": 60,
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 1,
}
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_TIME_LIMIT = 30
CELERY_TASK_SOFT_TIME_LIMIT = 20
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_DISABLE_PREFETCH = True
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 10
CELERY_WORKER_ENABLE_SOFT_SHUTDOWN_ON_IDLE = True
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
CELERY_WORKER_MAX_TASKS_PER_CHILD = 500
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "Asia/Shanghai"

# Language and time

LANGUAGES = [("zh-hans", "中文"), ("en", "English")]
LANGUAGE_CODE = env.read("MUSTER_LANGUAGE", environment.one_of("zh-hans", "en"), "zh-hans")
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "Asia/Shanghai"
USE_TZ = True

# Static files come straight from the source folders: nothing to collect before a start

STATIC_URL = "static/"
WHITENOISE_USE_FINDERS = True
WHITENOISE_ALLOW_ALL_ORIGINS = False

# People

AUTH_USER_MODEL = "ground.User"
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "sign-in"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/"
# A session ends after this long without a request, and when the browser is closed.
SESSION_COOKIE_AGE = env.read("MUSTER_SESSION_MINUTES", environment.whole_number(5, 24 * 60), 60) * 60
SESSION_EXPIRE_AT_BROWSER_CLOSE = True

# Safety on the wire

SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
if LIVE:
    SECURE_SSL_REDIRECT = True
    # A gateway in the same network calls back as plainly as `callback_base` says. It follows no redirect, and
    # what it had to say would be lost; nothing would be hidden by one, as the secret has been said by then.
    SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz|metrics)$", r"^callbacks/"]
    SECURE_HSTS_SECONDS = 365 * 24 * 3600
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SESSION_COOKIE_SECURE = True
    SESSION_COOKIE_NAME = "__Host-sessionid"
    CSRF_COOKIE_SECURE = True
    CSRF_COOKIE_NAME = "__Host-csrftoken"
    if env.read("MUSTER_BEHIND_PROXY", environment.yes_or_no, False):
        # Only a proxy that overwrites this header may stand in front; otherwise anyone could send it.
        SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "manifest-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2000

# The REST face

REST_FRAMEWORK = {
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    # The key first: its refusal is a 401 that says how to come in.
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "coordination.api.authentication.KeyAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["coordination.api.bodies.TextParser"],
    "EXCEPTION_HANDLER": "coordination.api.problems.handler",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Muster 集结",
    "DESCRIPTION": "Experts and rescue teams, matched and called out until every seat is filled.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SCHEMA_PATH_PREFIX": "/api/v1/",
    "COMPONENT_SPLIT_REQUEST": True,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "coordination.api.schema.problems_everywhere",
    ],
    # Several things have a kind or a status; each is named for what it is of.
    "ENUM_NAME_OVERRIDES": {
        "AccidentLevel": "incidents.levels.AccidentLevel.choices",
        "AgreementKind": "contracts.models.AgreementKind.choices",
        "AgreementStatus": "contracts.periods.AgreementStatus.choices",
        "CalloutStatus": "coordination.paging.CalloutStatus.choices",
        "ContactKind": "ground.models.ContactKind.choices",
        "DeploymentStatus": "coordination.paging.DeploymentStatus.choices",
        "GuidanceKind": "coordination.visits.GuidanceKind.choices",
        "GuidanceStatus": "coordination.visits.GuidanceStatus.choices",
        "IncidentKind": "ground.kinds.KIND_CHOICES",
        "IncidentStatus": "incidents.lifecycle.IncidentStatus.choices",
        "InterestKind": "contracts.models.InterestKind.choices",
        "InvitationStatus": "coordination.paging.InvitationStatus.choices",
        "InviteeKind": "coordination.paging.InviteeKind.choices",
        "LogKind": "incidents.models.LogKind.choices",
        "TeamKind": "contracts.models.TeamKind.choices",
    },
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": "coordination.config.log_lines.KeyValueFormatter"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {
        "django": {"handlers": [], "level": "INFO"},
        # A refused host or a 404 is the caller's mistake, not ours; keep it out of the log of faults.
        "django.security.DisallowedHost": {"handlers": [], "propagate": False},
        "django.server": {"handlers": [], "level": "WARNING"},
        # Two lines for every ring of the doorbell say nothing.
        "celery.worker.strategy": {"handlers": [], "level": "WARNING"},
        "celery.app.trace": {"handlers": [], "level": "WARNING"},
    },
}

env.stop_if_wrong()
