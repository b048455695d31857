"""Each address of the page, and each refusal: a sentence and its HTTP status."""

import io
import re
import socket
import sys
import threading
import time
import urllib.request

import numpy as np
import pytest
from PIL import Image

from jem_tf import datasets
from jem_tf.demonstration import (
    answers,
    drawings,
    fresh_chains,
    galleries,
    local_server,
    uploads,
    web_app,
)
from jem_tf.demonstration.shown_models import ShownModel
from jem_tf.errors import InputError
from tests.demonstration.digits_model import digits, offered_models, pixels_of, png
from tests.processes import PATIENCE

pytest.importorskip("flask")

IMAGES = np.asarray(datasets.load("digits").test.images[:2])
PICTURE = png(IMAGES[0, ..., 0])


@pytest.fixture(scope="module")
def client():
    return web_app.make_app(offered_models()).test_client()


def post(client, address, content=PICTURE, **fields):
    fields = {"model": "digits", **fields}
    if content is not None:
        fields["picture"] = (io.BytesIO(content), "picture.png")
    return client.post(address, data=fields)


def test_the_page_and_its_parts_come_with_their_kinds_and_load_nothing_else(client):
    page = client.get("/")
    assert page.mimetype == "text/html"
    parts = re.findall(r'(?:href|src)="(/[^"]+)"', page.text)
    assert {"/colours.css", "/page/page.css", "/page/page.js"} == set(parts)
    scripts = re.findall(r'from "\./(\w+\.js)"', client.get("/page/page.js").text)
    for address in [*parts, *(f"/page/{name}" for name in scripts)]:
        part = client.get(address)
        kind = {"css": "text/css", "js": "text/javascript"}[address.split(".")[1]]
        assert (part.status_code, part.mimetype) == (200, kind)
        assert "http" not in part.text
    assert "default-src 'self'" in page.headers["Content-Security-Policy"]


def test_models_are_listed_and_described(client):
    listed = client.get("/models").json
    assert listed["names"] == offered_models().names
    assert listed["first"] == "digits"
    assert client.get("/model?model=digits").json == digits().describe()


def test_a_picture_is_classified_as_by_the_predictor(client):
    said = post(client, "/classify")
    assert said.status_code == 200
    assert said.json == answers.answer(digits(), IMAGES[0])


def test_a_large_colour_picture_is_made_the_models(client):
    large = np.kron(IMAGES[1], np.ones((30, 30, 3), "uint8"))
    seen = pixels_of(post(client, "/classify", png(large)).json["picture"])
    np.testing.assert_array_equal(seen, uploads.to_model_size(large, (8, 8, 1))[..., 0])


def test_a_picture_that_comes_out_nearly_black_is_named(client):
    content = io.BytesIO()
    Image.fromarray(IMAGES[0, :, :, 0].astype("uint16") * 16).save(content, "PNG")
    said = post(client, "/classify", content.getvalue()).json
    assert "the lower 12 of its 16 bits alone" in said["warning"]
    assert post(client, "/classify").json["warning"] == ""


def test_a_drawing_is_framed_before(client):
    drawing = np.zeros([280, 280, 3], "uint8")
    drawing[200:260, 20:40] = 255
    said = post(client, "/classify", png(drawing), drawn="1").json
    assert said["class"] == "1"
    framed = drawings.frame_drawing(drawing, digits().ink_box)
    assert said["picture"] == post(client, "/classify", png(framed)).json["picture"]


def test_the_nearest_are_shown_with_what_they_are(client):
    (gallery,) = post(client, "/nearest").json["galleries"]
    assert gallery["about"] == "the 1,295 training images"
    assert len(gallery["pictures"]) == 8


def test_chains_are_drawn(client, monkeypatch):
    monkeypatch.setattr(fresh_chains, "FRAMES", 3)
    drawn = post(client, "/chains", None, label="7", seed="1").json
    assert drawn["steps"] == [0, 200, 400]
    assert [chain["class"] for chain in drawn["chains"]] == ["7"] * 4


def test_models_compute_one_answer_at_a_time(monkeypatch):
    inside, most = [], []

    def compute(*_):
        inside.append(1)
        most.append(len(inside))
        time.sleep(0.2)
        inside.pop()
        return {}

    app, model = web_app.make_app(offered_models()), digits()
    assert all((model.features, model.galleries, model.chain_plan))  # made before
    monkeypatch.setattr(answers, "answer", compute)
    monkeypatch.setattr(galleries, "nearest", compute)
    monkeypatch.setattr(fresh_chains, "draw_chains", compute)
    monkeypatch.setattr(ShownModel, "describe", compute)
    asked = [
        threading.Thread(target=post, args=(app.test_client(), address))
        for address in ("/classify", "/nearest", "/chains")
    ]
    describe = app.test_client().get
    asked.append(threading.Thread(target=describe, args=("/model?model=digits",)))
    for thread in asked:
        thread.start()
    for thread in asked:
        thread.join()
    assert most == [1] * 4


@pytest.mark.parametrize("address", ["/classify", "/nearest", "/chains"])
def test_an_upload_that_stalls_keeps_no_other_waiting(address):
    app, arrived = web_app.make_app(offered_models()), threading.Event()
    app.before_request(arrived.set)
    with local_server.listen(0) as listener:
        server = local_server.make_server(app, listener)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    head = f"POST {address} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n"
    kind = "Content-Type: multipart/form-data; boundary=x\r\n\r\n--x"
    try:
        with socket.create_connection(server.server_address) as stalled:
            stalled.sendall((head + kind).encode())
            assert arrived.wait(PATIENCE)
            model = f"{local_server.address(server)}/model?model=digits"
            with urllib.request.urlopen(model, timeout=20) as answer:
                assert b'"class_names"' in answer.read()
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


EMPTY = png(np.zeros([28, 28], "uint8"))
WIDE = png(np.zeros([1, 40_000_001], "uint8"))
LARGE_SEED = {"label": "1", "seed": "12345678901"}
REFUSED = {
    "no picture": (415, "/classify", b"text", {}, "cannot be read as a picture: of no"),
    "cut": (415, "/nearest", PICTURE[:60], {}, "cannot be read as a picture"),
    "none": (400, "/classify", None, {}, "No picture came"),
    "empty": (400, "/classify", EMPTY, {"drawn": "1"}, "The drawing is empty"),
    "pixels": (413, "/classify", WIDE, {}, "40 megapixels; give a smaller one"),
    "large": (413, "/classify", b"0" * (17 << 20), {}, "too large; give one of 16 MB"),
    "model": (404, "/classify", PICTURE, {"model": "x"}, "no model 'x'; choose one of"),
    "class": (400, "/chains", None, {"label": "cat"}, "label is 'cat'; the classes"),
    "no class": (400, "/chains", None, {}, "label is ''; the classes"),
    "seed": (400, "/chains", None, {"label": "1", "seed": "x"}, "give a whole number"),
    "large seed": (400, "/chains", None, LARGE_SEED, "must be from 0 to 2147483647"),
    "address": (404, "/paint", None, {}, "not found"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_wrong_is_refused_in_a_sentence_with_its_status(client, name):
    status, address, content, fields, message = REFUSED[name]
    answer = post(client, address, content, **fields)
    assert answer.status_code == status
    assert message in answer.json["error"]
    assert "\n" not in answer.json["error"]


def test_a_page_of_another_name_may_not_ask(client):
    answer = client.get("/models", base_url="http://elsewhere.example")
    assert answer.status_code == 400


OTHER_PAGES = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site", "Origin": "http://localhost"},  # of another port
    {"Origin": "http://elsewhere.example"},
    {"Origin": "http://localhost:9000"},
    {"Origin": "null"},
]


@pytest.mark.parametrize("headers", OTHER_PAGES)
def test_another_page_may_not_ask_but_may_link_to_this_one(client, headers):
    for address in ("/models", "/page/page.js"):
        assert client.get(address, headers=headers).status_code == 403
    fields = {"model": "digits", "picture": (io.BytesIO(PICTURE), "picture.png")}
    answer = client.post("/classify", data=fields, headers=headers)
    assert answer.status_code == 403
    sentence = "Another page asked this; open http://localhost and ask there."
    assert answer.json["error"] == sentence
    assert client.get("/", headers=headers).status_code == 200


OWN_PAGES = [
    {"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost"},
    {"Sec-Fetch-Site": "none"},
]


@pytest.mark.parametrize("headers", OWN_PAGES)
def test_the_page_itself_and_the_address_bar_may_ask(client, headers):
    assert client.get("/models", headers=headers).status_code == 200
    policy = client.get("/").headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy


def test_a_failure_of_ours_is_a_sentence_too(client, monkeypatch):
    def fail(*_):
        raise RuntimeError("secret")

    monkeypatch.setattr(answers, "answer", fail)
    answer = post(client, "/classify")
    assert answer.status_code == 500
    assert answer.json["error"].startswith("The server failed on this: RuntimeError;")
    assert "secret" not in answer.text


def test_without_flask_a_sentence_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "flask", None)
    with pytest.raises(InputError, match=r"pip install 'jem-tf\[demo\]'"):
        web_app.make_app(offered_models())


def test_hosts_are_checked_by_an_older_flask_too():
    app = web_app.make_app(offered_models())
    app.config["TRUSTED_HOSTS"] = None  # Flask below 3.1 does not know it
    answer = app.test_client().get("/models", base_url="http://elsewhere.example")
    assert answer.status_code == 400
