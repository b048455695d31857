"""Serves a web application to the browsers of this machine, and to no other."""

import logging
import os
import socket
from typing import TYPE_CHECKING

from jem_tf.errors import InputError, argument

if TYPE_CHECKING:
    import flask
    from werkzeug.serving import BaseWSGIServer

HOST = "127.0.0.1"


def listen(port: int) -> socket.socket:
    """Listens on a port of this machine.

    Args:
      port: its number; 0 for one that is free.

    Raises:
      InputError: if it is used, or may not be.
    """
    try:
        return socket.create_server((HOST, port))
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise InputError(
            f"{argument('port', port)} cannot be listened on ({reason}); give "
            f"another, or {argument('port', 0)} for one that is free."
        ) from error


def make_server(app: "flask.Flask", listener: socket.socket) -> "BaseWSGIServer":
    """Makes the server of an application; its `serve_forever` serves it.

    Args:
      app: the application.
      listener: as `listen` returned it; it may be closed then.
    """
    from werkzeug import serving

    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # not a line a request
    port = listener.getsockname()[1]
    return serving.make_server(HOST, port, app, threaded=True, fd=listener.fileno())


def address(server: "BaseWSGIServer") -> str:
    """The address of the page, such as http://127.0.0.1:8000."""
    return f"http://{HOST}:{server.port}"
