"""From a host's name to a connection: names, routes, proxies, TLS, and the channel that bytes go through.

Knows sockets and runtimes; must not know SMTP or messages.
"""
