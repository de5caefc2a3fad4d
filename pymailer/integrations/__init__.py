"""A home in the frameworks that people use: Django, Celery, taskiq.

Each module imports its framework and is imported by nobody but its user. Knows the mailer from outside, as any
application does; nothing in `pymailer` knows these.
"""
