"""``proctor serve``: the whole service in one process."""

import errno
import gc
import importlib
import os
import socket
import sys
from pathlib import Path
from typing import Annotated, Any

import structlog
import typer
import uvicorn

from proctor.settings import Settings

_WS_MAX_BYTES = 256 * 1024
# beyond it new requests get 503 at once, and those being served go on
_MAX_CONNECTIONS = 4096


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
    tls_cert: Annotated[Path | None, typer.Option(help="Certificate chain, PEM.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="Private key, PEM.")] = None,
) -> None:
    """Start the service. Cameras need HTTPS, or localhost."""
    given = {"host": host, "port": port, "tls_cert": tls_cert, "tls_key": tls_key}
    chosen: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    settings = Settings(**chosen)
    if (settings.tls_cert is None) != (settings.tls_key is None):
        sys.exit("--tls-cert and --tls-key go together")
    _refuse_taken_port(settings)
    _log_as_json()
    collect_rarely()
    # recordings and the database are for this account only
    os.umask(0o077)
    # by name: the rooms of the service do not import its edges
    create_app = importlib.import_module("web.app").create_app
    uvicorn.run(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        log_level="warning",
        ssl_certfile=settings.tls_cert,
        ssl_keyfile=settings.tls_key,
        limit_concurrency=_MAX_CONNECTIONS,
        ws_max_size=_WS_MAX_BYTES,
        ws_per_message_deflate=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=5,
    )


def collect_rarely() -> None:
    """Let the cyclic collector look at what is new far less often.

    At its defaults it runs for every 700 objects, which some sittings make in a second.
    """
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def _log_as_json() -> None:
    """One line of JSON an event, where all commands log; no tracebacks with values in them."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ]
    )


def _refuse_taken_port(settings: Settings) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            sys.exit(f"port {settings.port} is taken; set PROCTOR_PORT or pass --port")
