"""The page is served to this machine alone."""

import threading
import urllib.request

import pytest

from jem_tf.demonstration import local_server
from jem_tf.errors import InputError
from tests.demonstration.digits_model import offered_models

flask = pytest.importorskip("flask")


def test_it_answers_at_its_address_of_this_machine():
    from jem_tf.demonstration import web_app

    with local_server.listen(0) as listener:
        server = local_server.make_server(web_app.make_app(offered_models()), listener)
    assert server.server_address[0] == "127.0.0.1"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        answer = urllib.request.urlopen(f"{local_server.address(server)}/models")
        assert b'"digits"' in answer.read()
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_port_that_is_used_is_refused_in_a_sentence():
    with local_server.listen(0) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(InputError, match=f"port={port} cannot be listened on"):
            local_server.listen(port)
