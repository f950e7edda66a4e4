"""Every setting of Indexsite, read from the environment and from nowhere else.

A value that cannot be read is remembered in ENVIRONMENT_ERRORS and replaced by its default, so that
`indexsite.checks` can stop the start with one sentence for each.
"""

import ipaddress
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import environ
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

T = TypeVar("T")
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

VERSION = "0.1.0"
BASE_DIR = Path(__file__).resolve().parent.parent
ENVIRONMENT_ERRORS: list[tuple[str, str]] = []
env = environ.Env()


def read_secret(name: str, default: str = "") -> str:
    """A secret from `NAME`, or from the file that `NAME_FILE` names."""
    path = env.str(f"{name}_FILE", default="")
    if not path:
        return env.str(name, default=default)
    try:
        return Path(path).read_text().strip()
    except OSError as error:
        ENVIRONMENT_ERRORS.append((f"{name}_FILE", f"{path} cannot be read: {error.strerror}"))
        return default


def read(name: str, cast: Callable[[str], T], default: T) -> T:
    """The variable `name` as `cast` reads it; its default, and a remembered error, if it cannot."""
    text = read_secret(name)
    if text == "":
        return default
    try:
        return cast(text)
    except (ValueError, ImproperlyConfigured, KeyError, TypeError) as error:
        ENVIRONMENT_ERRORS.append((name, str(error)))
        return default


def boolean(text: str) -> bool:
    """Yes or no, spelled in one of the usual ways."""
    if text.lower() in {"1", "true", "yes", "on"}:
        return True
    if text.lower() in {"0", "false", "no", "off"}:
        return False
    raise ValueError(f"{text!r} is neither yes nor no")


def names(text: str) -> list[str]:
    """A comma-separated list without its empty parts."""
    return [part.strip() for part in text.split(",") if part.strip()]


def networks(text: str) -> list[Network]:
    """A comma-separated list of network addresses in CIDR form."""
    return [ipaddress.ip_network(part) for part in names(text)]


def site_url(text: str) -> str:
    """An http or https origin, as browsers write it: without a path, its slash or a usual port."""
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path not in {"", "/"}:
        raise ValueError(f"{text!r} is not an address such as https://index.example.org")
    if parts.query or parts.fragment or parts.username:
        raise ValueError(f"{text!r} must hold a scheme, a host name and perhaps a port, no more")
    usual_port = {"http": ":80", "https": ":443"}[parts.scheme]
    return f"{parts.scheme}://{parts.netloc.lower().removesuffix(usual_port)}"


def web_address(text: str) -> str:
    """An http or https address, with one slash at its end."""
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError(f"{text!r} is not an address such as https://breaches.example.org/range/")
    return f"{text.rstrip('/')}/"


def one_of(*choices: str) -> Callable[[str], str]:
    """A reader that accepts only the given words."""

    def cast(text: str) -> str:
        if text not in choices:
            raise ValueError(f"{text!r} is none of {', '.join(choices)}")
        return text

    return cast


def contact(text: str) -> str:
    """A mail address, as mailto:, or the address of a page, on one line."""
    if "@" in text and ":" not in text:
        text = f"mailto:{text}"
    if not text.startswith(("mailto:", "https://", "tel:")) or len(text.split()) != 1:
        raise ValueError(f"{text!r} is neither a mail address nor an https:// address")
    return text


def whole(text: str) -> int:
    """A whole number, zero or above."""
    if not text.isascii() or not text.isdigit():
        raise ValueError(f"{text!r} is not a whole number")
    return int(text)


def positive(text: str) -> int:
    """A whole number above zero."""
    if not text.isascii() or not text.isdigit() or int(text) == 0:
        raise ValueError(f"{text!r} is not a whole number above zero")
    return int(text)


def days(text: str) -> timedelta | None:
    """A whole number of days."""
    return timedelta(days=positive(text))


def rates(text: str) -> list[tuple[int, int]]:
    """Attempts and seconds, from text such as `5/5m, 20/1h, 50/1d`."""
    found = []
    for part in names(text):
        times, slash, span = part.partition("/")
        if not slash or span[-1:] not in SECONDS:
            raise ValueError(f"{part!r} is not a number of attempts and a time, such as 10/5m")
        found.append((positive(times), positive(span[:-1]) * SECONDS[span[-1]]))
    if not found:
        raise ValueError("at least one rate is needed, such as 10/5m")
    return found


SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


# Where the site's data is
DATA = Path(env.str("INDEXSITE_DATA", default="") or BASE_DIR / "var").absolute()
FILES_ROOT = DATA / "files"
INCOMING_ROOT = DATA / "incoming"  # beside the files: the last step is a rename
INDEX_ROOT = DATA / "index"  # the root index as it is sent; can be made anew at any time

STORAGES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    "contents": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": FILES_ROOT},
    },
}
S3_BUCKET = env.str("S3_BUCKET", default="")
S3_DOWNLOADS = read("S3_DOWNLOADS", one_of("stream", "redirect"), "stream")
if S3_BUCKET:
    STORAGES["contents"] = {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": S3_BUCKET,
            "location": env.str("S3_PREFIX", default=""),
            "endpoint_url": env.str("S3_ENDPOINT_URL", default="") or None,
            "region_name": env.str("S3_REGION", default="") or "us-east-1",
            "access_key": read_secret("S3_ACCESS_KEY") or None,
            "secret_key": read_secret("S3_SECRET_KEY") or None,
            "addressing_style": "path",
            "signature_version": "s3v4",
        },
    }

# Secrets
SECRET_KEY = read_secret("SECRET_KEY")
if not SECRET_KEY and (DATA / "secret-key").is_file():
    SECRET_KEY = (DATA / "secret-key").read_text().strip()
if not SECRET_KEY:
    raise ImproperlyConfigured(
        "SECRET_KEY is not set. Start with `make run`, which makes one, or set SECRET_KEY or "
        "SECRET_KEY_FILE."
    )
SECRET_KEY_FALLBACKS = names(read_secret("SECRET_KEY_FALLBACKS"))

# Where the site is
SITE_NAME = env.str("SITE_NAME", default="Indexsite")
SITE_URL = read("SITE_URL", site_url, "http://localhost:8000")
SITE_HOST = urlsplit(SITE_URL).hostname or "localhost"
SITE_IS_SECURE = SITE_URL.startswith("https://")
FORMER_SITE_NAMES: list[str] = read("FORMER_SITE_NAMES", names, [])
WEBAUTHN_RP_ID = env.str("WEBAUTHN_RP_ID", default="") or SITE_HOST
SITE_IS_LOCAL = SITE_HOST in {"localhost", "127.0.0.1", "::1"}
ALLOWED_HOSTS = [SITE_HOST, *FORMER_SITE_NAMES]
if SITE_IS_LOCAL:
    ALLOWED_HOSTS += ["localhost", "127.0.0.1", "[::1]"]
TRUSTED_PROXIES: list[Network] = read("TRUSTED_PROXIES", networks, [])
DEBUG = read("DEBUG", boolean, False)

# Who may do what
STAFF_NETWORKS: list[Network] = read("STAFF_NETWORKS", networks, [])
REGISTRATION = read("REGISTRATION", one_of("open", "invitation", "closed"), "invitation")
SEND_FILES_BY = read("SEND_FILES_BY", one_of("", "nginx", "x-sendfile"), "")
SECURITY_CONTACT = read("SECURITY_CONTACT", contact, "")
# A proxy of Camo's kind; without one, images in descriptions are shown as links
IMAGE_PROXY = read("IMAGE_PROXY", site_url, "")
IMAGE_PROXY_KEY = read_secret("IMAGE_PROXY_KEY")
UPLOAD_SIZE_LIMIT = read("UPLOAD_SIZE_LIMIT_MIB", positive, 100) * 1024 * 1024  # bytes
TOKEN_MAX_LIFETIME: timedelta | None = read("TOKEN_MAX_DAYS", days, None)
RECOVERY_WAITING_DAYS = read("RECOVERY_WAITING_DAYS", positive, 3)
PROJECT_SIZE_LIMIT = read("PROJECT_SIZE_LIMIT_GIB", positive, 10) * 1024**3  # bytes
NEW_PROJECTS_PER_USER = read("NEW_PROJECTS_PER_USER", positive, 100)  # in an hour
NEW_PROJECTS_PER_ADDRESS = read("NEW_PROJECTS_PER_ADDRESS", positive, 200)  # in an hour

# What an index refuses because everybody may upload to it and anybody install from it: all of it,
# or one by one
PUBLIC_INDEX_RULES = read("PUBLIC_INDEX_RULES", boolean, False)
REFUSE_LOCAL_VERSIONS = read("REFUSE_LOCAL_VERSIONS", boolean, PUBLIC_INDEX_RULES)
REFUSE_PRIVATE_CLASSIFIERS = read("REFUSE_PRIVATE_CLASSIFIERS", boolean, PUBLIC_INDEX_RULES)
REFUSE_DIRECT_URLS = read("REFUSE_DIRECT_URLS", boolean, PUBLIC_INDEX_RULES)
REFUSE_OTHER_PLATFORMS = read("REFUSE_OTHER_PLATFORMS", boolean, PUBLIC_INDEX_RULES)
REFUSE_STANDARD_LIBRARY_NAMES = read("REFUSE_STANDARD_LIBRARY_NAMES", boolean, True)
RELEASE_OPEN_DAYS = read("RELEASE_OPEN_DAYS", whole, 14 if PUBLIC_INDEX_RULES else 0)  # 0: always

# Who must have a second factor, and from which day on (until then it is only asked for)
SECOND_FACTOR_REQUIRED = read(
    "SECOND_FACTOR_REQUIRED", one_of("nobody", "staff", "publishers", "everybody"), "publishers"
)
SECOND_FACTOR_REQUIRED_FROM: date | None = read(
    "SECOND_FACTOR_REQUIRED_FROM", date.fromisoformat, None
)

# How often secrets may be guessed: by account, by network address, on the whole site
RATE_LIMITS = {
    name: read(f"LIMIT_{name}", rates, rates(default))
    for name, default in {
        "PASSWORD_USER": "10/5m",
        "PASSWORD_NETWORK": "10/5m",
        "PASSWORD_SITE": "1000/5m",
        "FACTOR_USER": "5/5m, 20/1h, 50/1d",
        "FACTOR_NETWORK": "10/5m, 50/1h",
        "FACTOR_SITE": "1000/5m",
        "REGISTRATION_NETWORK": "10/1h",
        "REGISTRATION_FORMS": "60/1h",
        "VERIFICATION_MAIL": "3/6h",
        "RESET_NETWORK": "10/1h",
        "RESET_USER": "5/6h",
        "IN_USE_MAIL": "3/1d",
    }.items()
}

# Database
DATABASES: dict[str, dict[str, Any]] = {
    "default": read("DATABASE_URL", env.db_url_config, {})
    or {"ENGINE": "django.db.backends.sqlite3", "NAME": str(DATA / "db.sqlite3")}
}
if password := read_secret("DATABASE_PASSWORD"):
    DATABASES["default"]["PASSWORD"] = password
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["ENGINE"] = "indexsite.sqlite"
    DATABASES["default"]["OPTIONS"] = {
        # A transaction that reads and then writes must own the write lock from its first line on.
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,  # seconds
        # The worker copies the log into the database each second; pages, if it does not: 64 MiB
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; "
        "PRAGMA wal_autocheckpoint=16000;",
    }
    DATABASES["default"]["CONN_MAX_AGE"] = None  # one for each thread, which costs it nothing
    DATABASES["default"]["TEST"] = {"NAME": str(DATA / "test.sqlite3")}
else:
    DATABASES["default"].setdefault("OPTIONS", {}).setdefault(
        "pool", {"min_size": 1, "max_size": 20, "timeout": 20}
    )
# Set by ./run while it migrates under another role (MIGRATE_DATABASE_URL)
APPLICATION_DATABASE_ROLE = read(
    "APPLICATION_DATABASE_URL", lambda text: str(env.db_url_config(text).get("USER") or ""), ""
)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Applications, in the order of their floors
INSTALLED_APPS = [
    "audit",
    "accounts",
    "projects",
    "tokens",
    "uploads",
    "indexsite.apps.IndexsiteConfig",
    "indexsite.apps.StaffSiteConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.forms",
    "django_otp",
    "django_otp.plugins.otp_static",  # two_factor imports both; their tables stay empty
    "django_otp.plugins.otp_totp",
    "formtools",
    "two_factor",
    "csp",
    "rest_framework",
]
MIDDLEWARE = [
    "indexsite.middleware.StrictTransportMiddleware",
    "indexsite.middleware.NulMiddleware",
    "indexsite.middleware.HealthMiddleware",
    "indexsite.middleware.TrustedProxyMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django_permissions_policy.PermissionsPolicyMiddleware",
    "indexsite.middleware.NoStoreMiddleware",
    "indexsite.middleware.LimitMiddleware",
    "indexsite.middleware.PageSessionMiddleware",
    "indexsite.middleware.HumanLocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "indexsite.cookies.SessionCookieMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "audit.middleware.ActorMiddleware",
    "indexsite.read_only.SwitchMiddleware",
    "indexsite.middleware.DeviceCookieMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "indexsite.urls"
WSGI_APPLICATION = "indexsite.wsgi.application"

# Who is let in, and by what
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "accounts.backends.PasswordBackend",  # user name and password: browsers
    "tokens.backends.UploadTokenBackend",  # upload_token=…: the upload endpoint alone, no session
    "uploads.backends.UploadPasswordBackend",  # upload_user=…, upload_password=…: likewise
]
PASSWORD_HASHERS = [
    "accounts.hashers.LimitedArgon2PasswordHasher",
    # Imported accounts: these verify once, and the hash is then made anew by the first
    "accounts.former_hashers.BcryptHasher",
    "accounts.former_hashers.BcryptSHA256Hasher",
    "accounts.former_hashers.PasslibBcryptSHA256Hasher",
    "accounts.former_hashers.PBKDF2SHA256Hasher",
    "accounts.former_hashers.PBKDF2SHA1Hasher",
    "accounts.former_hashers.PasslibPBKDF2Hasher",
]
AUTH_PASSWORD_VALIDATORS = [{"NAME": "accounts.passwords.StrengthValidator"}]
BREACHED_PASSWORDS_URL = read("BREACHED_PASSWORDS_URL", web_address, "")  # "": not asked
LOGIN_URL = "two_factor:login"
LOGIN_REDIRECT_URL = "projects:my-projects"
LOGOUT_REDIRECT_URL = "projects:home"
TWO_FACTOR_PATCH_ADMIN = False
TWO_FACTOR_LOGIN_TIMEOUT = 600  # seconds between the password and the second factor

# Sessions, cookies, headers
SESSION_ENGINE = "accounts.sessions"
SESSION_COOKIE_AGE = int(timedelta(hours=12).total_seconds())
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_COOKIE_NAME = "__Host-session" if SITE_IS_SECURE else "session"
SESSION_COOKIE_SECURE = SITE_IS_SECURE
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
DEVICE_COOKIE_NAME = "__Host-device" if SITE_IS_SECURE else "device"
CSRF_COOKIE_NAME = "__Host-csrf" if SITE_IS_SECURE else "csrf"
CSRF_COOKIE_SECURE = SITE_IS_SECURE
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_AGE = None
CSRF_FAILURE_VIEW = "indexsite.cookies.refuse_form"
CSRF_TRUSTED_ORIGINS = [SITE_URL] if SITE_IS_SECURE else []
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
SECURE_HSTS_SECONDS = 31_536_000 if SITE_IS_SECURE else 0
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, *filter(None, [IMAGE_PROXY])],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
PERMISSIONS_POLICY: dict[str, list[str]] = {
    "camera": [],
    "geolocation": [],
    "microphone": [],
    "payment": [],
    "usb": [],
    "publickey-credentials-get": ["self"],
    "publickey-credentials-create": ["self"],
}

# Requests: the upload endpoint reads its own body, so these bound the pages only
DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * 1024 * 1024  # bytes of all fields that are not files
DATA_UPLOAD_MAX_NUMBER_FIELDS = 10_000
FILE_UPLOAD_PERMISSIONS = 0o644
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "UNAUTHENTICATED_USER": None,
}

# Pages
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
                "indexsite.context_processors.site",
            ]
        },
    }
]
FORM_RENDERER = "indexsite.forms.FormRenderer"
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = True
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

# Mail
MAIL_ROOT = DATA / "mail"
EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
EMAIL_FILE_PATH = str(MAIL_ROOT)
vars().update(read("EMAIL_URL", env.email_url_config, {}))
EMAIL_IS_FILED = EMAIL_BACKEND == "django.core.mail.backends.filebased.EmailBackend"
EMAIL_TIMEOUT = 20  # seconds
DEFAULT_FROM_EMAIL = env.str("MAIL_FROM", default="") or f"{SITE_NAME} <noreply@{SITE_HOST}>"
SERVER_EMAIL = DEFAULT_FROM_EMAIL

# Logs: to standard error, in UTC, without query strings (one-use links are query strings)
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "plain": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"},
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {
        "django": {"handlers": [], "level": "INFO", "propagate": True},
        "django.server": {"handlers": [], "level": "WARNING", "propagate": True},
    },
}
SILENCED_SYSTEM_CHECKS = [
    "security.W008",  # the redirect to TLS belongs to the reverse proxy, which alone sees port 80
]
