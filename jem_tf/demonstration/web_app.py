"""The page's addresses, and their errors: a sentence each, with its HTTP status.

    GET  /           the page; /page/... and /colours.css are parts of it
    GET  /models     the names of the models, and the largest picture in bytes
    GET  /model      what the page needs of a model
    POST /classify   what a model says of a picture
    POST /nearest    the nearest pictures by the model
    POST /chains     chains from noise to pictures

`model` names the model in each; a picture is the file `picture`, which is a drawing
where `drawn` is 1. Models are loaded and compute one answer at a time; what a browser
sends is read before, so that one which stalls keeps no other waiting.
"""

import pathlib
import re
import threading
from typing import TYPE_CHECKING, Any

import numpy as np

from jem_tf.datasets.picture_files import Picture, UnreadableError
from jem_tf.demonstration import answers, drawings, fresh_chains, galleries, uploads
from jem_tf.demonstration.shown_models import ModelShelf, ShownModel
from jem_tf.errors import InputError
from jem_tf.evaluation.report_page.style import COLOURS

if TYPE_CHECKING:
    import flask

PAGE = pathlib.Path(__file__).parent / "page"
# Other programs may have taught Python's `mimetypes` others, with which no page works.
MEDIA_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
MOST_BYTES = 16 << 20  # of a picture
HOSTS = ["127.0.0.1", "localhost"]
# The page loads nothing from elsewhere, and no other page shows it inside.
POLICY = "default-src 'self'; img-src 'self' data: blob:; frame-ancestors 'none'"


def make_app(models: ModelShelf) -> "flask.Flask":
    """Makes the Flask application of the page.

    Raises:
      InputError: if Flask is not installed.
    """
    flask = import_flask()
    app = flask.Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MOST_BYTES + (1 << 16)  # the form's other parts
    app.config["TRUSTED_HOSTS"] = HOSTS
    app.json.sort_keys = False
    _refuse_other_pages(app)
    _add_page(app)
    _add_answers(app, models)
    _add_errors(app)

    @app.after_request
    def set_policy(response):
        response.headers["Content-Security-Policy"] = POLICY
        return response

    return app


def import_flask() -> Any:
    """Imports Flask.

    Raises:
      InputError: if it is not installed.
    """
    try:
        import flask
    except ImportError as error:
        raise InputError(
            "Flask, which serves the page, is not installed; install it by pip install "
            "'jem-tf[demo]'."
        ) from error
    return flask


def _refuse_other_pages(app: "flask.Flask") -> None:
    """Other pages of the browser may link to the page, and ask nothing."""
    import flask

    @app.before_request
    def refuse_other_page():
        request = flask.request
        if request.host.partition(":")[0] not in HOSTS:  # Flask below 3.1 takes any
            flask.abort(400, f"Open the page at {' or '.join(HOSTS)}.")
        site = request.headers.get("Sec-Fetch-Site", "none")
        own = request.host_url.rstrip("/")
        is_own = site in ("same-origin", "none")
        is_own &= request.headers.get("Origin", own) == own
        if not is_own and request.endpoint != "page":
            flask.abort(403, f"Another page asked this; open {own} and ask there.")


def _add_page(app: "flask.Flask") -> None:
    import flask

    def send(name):
        kind = MEDIA_TYPES.get(pathlib.PurePath(name).suffix)
        return flask.send_from_directory(PAGE, name, mimetype=kind)

    app.add_url_rule("/", "page", lambda: send("page.html"))
    app.add_url_rule("/page/<name>", "part", send)

    @app.get("/colours.css")
    def send_colours():
        return flask.Response(COLOURS, mimetype=MEDIA_TYPES[".css"])


def _add_answers(app: "flask.Flask", models: ModelShelf) -> None:
    import flask

    one_at_a_time = threading.Lock()

    @app.get("/models")
    def list_models():
        return {"names": models.names, "first": models.first, "most_bytes": MOST_BYTES}

    @app.get("/model")
    def describe():
        name = _model_name(models, flask.request.args)
        with one_at_a_time:
            return models.load(name).describe()

    @app.post("/classify")
    def classify():
        form = flask.request.form
        name, picture = _model_name(models, form), _read_picture(flask.request)
        with one_at_a_time:
            model = models.load(name)
            image = _fit(picture, form, model)
            return answers.answer(model, image, uploads.warn(picture))

    @app.post("/nearest")
    def nearest():
        form = flask.request.form
        name, picture = _model_name(models, form), _read_picture(flask.request)
        with one_at_a_time:
            model = models.load(name)
            image, names = _fit(picture, form, model), model.predictor.class_names
            rows = galleries.nearest(image, model.galleries, model.features, names)
            return {"galleries": rows}

    @app.post("/chains")
    def draw():
        form = flask.request.form
        name, label = _model_name(models, form), form.get("label", "")
        seed = form.get("seed", "0")
        number = int(seed) if re.fullmatch("-?[0-9]{1,99}", seed) else seed
        with one_at_a_time:
            model = models.load(name)
            plan = model.chain_plan
            return fresh_chains.draw_chains(model.predictor, plan, label, number)


def _add_errors(app: "flask.Flask") -> None:
    from werkzeug.exceptions import HTTPException

    @app.errorhandler(InputError)
    def refuse(error):
        return {"error": str(error)}, 400

    @app.errorhandler(UnreadableError)
    def refuse_file(error):
        sentence = f"This file cannot be read as a picture: {error}; give another."
        return {"error": sentence}, 415

    @app.errorhandler(uploads.TooManyPixelsError)
    def refuse_pixels(error):
        return {"error": str(error)}, 413

    @app.errorhandler(413)
    def refuse_size(_):
        most = f"{MOST_BYTES >> 20} MB"
        return {"error": f"This picture is too large; give one of {most} at most."}, 413

    @app.errorhandler(HTTPException)
    def refuse_request(error):
        return {"error": error.description}, error.code

    @app.errorhandler(Exception)
    def fail(error):
        app.logger.exception("an answer failed")
        about = f"{type(error).__name__}; the terminal of jem-tf demo says more"
        return {"error": f"The server failed on this: {about}."}, 500


def _model_name(models: ModelShelf, arguments: Any) -> str:
    """The name of the model that is asked, one that there is."""
    import flask

    name = arguments.get("model", models.first)
    if name not in models.names:
        known = ", ".join(models.names)
        flask.abort(404, f"There is no model {name!r}; choose one of {known}.")
    return name


def _read_picture(request: Any) -> Picture:
    """The picture that came."""
    if "picture" not in request.files:
        raise InputError("No picture came; choose a file or draw one.")
    return uploads.read_upload(request.files["picture"].read())


def _fit(picture: Picture, form: Any, model: ShownModel) -> np.ndarray:
    """A picture as the model takes it: uint8 [H, W, C]."""
    image = picture.over_white()
    if form.get("drawn") == "1" and model.ink_box is not None:
        image = drawings.frame_drawing(image, model.ink_box)
    return uploads.to_model_size(image, model.predictor.image_shape)
