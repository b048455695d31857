"""`jem-tf demo`: a local page that asks a packed run about pictures."""

from absl import flags

from jem_tf.commands import run_flags
from jem_tf.commands.command import Command, FlagGroup
from jem_tf.demonstration import local_server, shown_models, web_app
from jem_tf.system import console

HIGHEST_PORT = 65535


def define(values: flags.FlagValues) -> None:
    """Defines the command's flags."""
    group = FlagGroup(values, "The model")
    group.text(
        "model",
        "cifar10",
        "name of a pretrained model (jem-tf pretrained), or folder of a packed run. "
        "The page offers all pretrained models beside it",
    )
    group.alias("workdir", "model")
    run_flags.define_data_dir(group)
    page = FlagGroup(values, "The page")
    page.integer(
        "port", 8000, "port of this machine; 0 takes one that is free", 0, HIGHEST_PORT
    )


def run(values: flags.FlagValues) -> None:
    """Serves the page until it is interrupted."""
    web_app.import_flask()
    with local_server.listen(values.port) as listener:
        models = shown_models.ModelShelf(values.model, values.data_dir)
        server = local_server.make_server(web_app.make_app(models), listener)
    console.say(f"open {local_server.address(server)} in a browser; Ctrl-C ends it")
    server.serve_forever()  # until Ctrl-C
    console.say("ended")


COMMAND = Command(
    "demo",
    """
Serves a page to the browsers of this machine. Drop a picture on it, or draw a digit: it
shows classes, confidence, whether the model knows such pictures, and the pictures that
are nearest by the model. It also draws chains from noise to pictures, with a slider
over their steps. It needs Flask (pip install 'jem-tf[demo]') and no network.

    jem-tf demo
    jem-tf demo --model=digits --port=0
""",
    define,
    run,
)
