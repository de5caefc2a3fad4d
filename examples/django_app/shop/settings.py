"""The settings of the shop; those about mail are at the end."""

import os

import django

SECRET_KEY = "not a secret: this is an example"
ALLOWED_HOSTS = ["127.0.0.1", "localhost", "testserver"]
ROOT_URLCONF = "shop.urls"
WSGI_APPLICATION = "shop.wsgi.application"
USE_TZ = True
MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]

DEFAULT_FROM_EMAIL = "Shop <orders@example.com>"
BACKEND = "pymailer.integrations.django.EmailBackend"
HOST = os.environ.get("SMTP_HOST", "localhost")
PORT = int(os.environ.get("SMTP_PORT", "1025"))

if django.VERSION >= (6, 1):
    MAILERS = {"default": {"BACKEND": BACKEND, "OPTIONS": {"host": HOST, "port": PORT}}}
else:
    EMAIL_BACKEND, EMAIL_HOST, EMAIL_PORT = BACKEND, HOST, PORT

# Holds for all mailers: at most three connections a process, and no request waits longer than this for its mail.
PYMAILER = {"max_connections": 3, "send_timeout": 20}
