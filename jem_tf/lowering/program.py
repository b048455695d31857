"""A model's training step as a StableHLO program that owns nothing.

All that a step reads is an argument of the program: the training images, and the state,
which is the weights, the optimizer's slots, the replay buffer and the number of the
step. The batch is made inside, by the function of (seed, step) that `datasets.batches`
has, so that a runtime need not wait for the host between steps.

Letters: N training images [H, W, C]; K steps an execution; R readings of a step.
"""

import re
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from tensorflow.python.framework import auto_control_deps_utils

from jem_tf.jem import JEM

DATA, COUNT, STEP = ("images", "labels"), "count", "step"
WORD = r'(?:[^()"]|"[^"\n]*")'
LOCATION = re.compile(rf" ?\bloc\((?:{WORD}|\({WORD}*\))*\)")
MAIN = re.compile(r"^  func\.func (?:public )?@main\((.*?)\) -> (.*) \{$", re.M)
FUNCTION = re.compile(r"^  func\.func private @([\w.$-]+)\(.*?^  }$\n", re.M | re.S)

# (images uint8 [N, H, W, C], labels int32 [N], step int64 []) -> (x, y) of `JEM.learn`
Batch = Callable[[tf.Tensor, tf.Tensor, tf.Tensor], tuple[Any, tf.Tensor]]


class Argument(NamedTuple):
    """An argument of the program.

    name: "images", "labels" or "count"; "step", "network/...", "optimizer/..." or
      "buffer/..." for a variable; "constant/..." for what never changes.
    shape, dtype: of its value.
    result: which result of the program is the variable's next value; None if there is
      none. The argument's memory becomes the result's.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    result: int | None


class Program(NamedTuple):
    """A lowered training step.

    text: StableHLO. The program takes `count` <= K steps.
    arguments: in order.
    values: {name: array} of the arguments, without the data and `count`.
    readings: names of the R columns of result 0, float32 [K, R]; rows from `count` on
      are zeros.
    """

    text: str
    arguments: list[Argument]
    values: dict[str, np.ndarray]
    readings: list[str]


def lower(
    model: JEM,
    batch: Batch,
    images: tf.Tensor,
    labels: tf.Tensor,
    *,
    step: int = 0,
    steps_per_execution: int = 1,
) -> Program:
    """Lowers the training step of a compiled model with one replica.

    Args:
      model: JEM, compiled with `jit_compile=False`.
      batch: makes a step's batch, in operations that XLA compiles.
      images: uint8 [N, H, W, C], the training images.
      labels: int32 [N].
      step: how many steps were taken.
      steps_per_execution: K.
    """
    names: list[str] = []
    counter = tf.Variable(step, dtype=tf.int64, trainable=False)

    def learn(i: tf.Tensor, rows: tf.TensorArray) -> tuple:
        readings = model.learn(*batch(*data, counter.read_value()))
        names[:] = readings
        counter.assign_add(1)
        row = tf.stack([tf.cast(value, tf.float32) for value in readings.values()])
        return i + 1, rows.write(i, row)

    def execute(images: tf.Tensor, labels: tf.Tensor, count: tf.Tensor) -> tf.Tensor:
        nonlocal data
        data = images, labels
        rows = tf.TensorArray(tf.float32, steps_per_execution)
        _, rows = tf.while_loop(lambda i, _: i < count, learn, (0, rows))
        return rows.stack()

    data = images, labels
    given = images, labels, tf.constant(steps_per_execution)
    program = tf.function(execute, jit_compile=True, autograph=False)
    concrete = program.get_concrete_function(*given)
    variables = variables_of(model) | {STEP: counter}
    arguments, values = _describe_arguments(concrete, given, variables)
    text = program.experimental_get_compiler_ir(*given)(stage="stablehlo")
    return Program(_tidy(text, arguments), arguments, values, names)


def variables_of(model: JEM) -> dict[str, tf.Variable]:
    """All variables that training may change: {"network/conv_0/kernel": ...}."""
    variables: dict[str, tf.Variable] = {}
    groups = {
        "network": model.network.variables,
        "optimizer": model.optimizer.variables,
    }
    for group, members in groups.items():
        for member in members:
            name = f"{group}/{member.path}"
            while name in variables:
                name += "_"
            variables[name] = member.value
    for name, value in vars(model.buffer or object).items():
        if isinstance(value, tf.Variable):
            variables[f"buffer/{name}"] = value
    return variables


def _describe_arguments(
    concrete: Any, given: tuple, variables: dict[str, tf.Variable]
) -> tuple[list[Argument], dict[str, np.ndarray]]:
    """The arguments in the program's order, and the values of those captured."""
    named = {id(value.handle): (name, value) for name, value in variables.items()}
    unchanged = auto_control_deps_utils.get_read_only_resource_input_indices_graph(
        concrete.graph
    )
    arguments = [
        Argument(name, tuple(value.shape), value.dtype.name, None)
        for name, value in zip((*DATA, COUNT), given, strict=True)
    ]
    values, results = {}, 1
    for place, captured in enumerate(concrete.captured_inputs, start=len(given)):
        if captured.dtype == tf.resource:
            name, source = named[id(captured)]
            changes = place not in unchanged
        else:
            name, source, changes = f"constant/{place}", captured, False
        values[name] = source.numpy()
        result = results if changes else None
        results += changes
        shape, dtype = tuple(source.shape), source.dtype.name
        arguments.append(Argument(name, shape, dtype, result))
    return arguments, values


def _tidy(text: str, arguments: list[Argument]) -> str:
    """Checks the program's signature; adds aliases; drops what says nothing."""
    text = LOCATION.sub("", text)
    text = "\n".join(line for line in text.splitlines() if not line.startswith("#loc"))
    text = _without_unused_functions(text + "\n")
    head = MAIN.search(text)
    assert head, "A StableHLO module has a function called main."
    takes = re.findall(r"%arg\d+: tensor<(.*?)>", head[1])
    gives = re.findall(r"tensor<(.*?)>", head[2])
    changed = [each for each in arguments if each.result is not None]
    assert len(takes) == len(arguments), (len(takes), len(arguments))
    assert len(gives) == 1 + len(changed), (len(gives), 1 + len(changed))
    parameters = []
    for i, (kind, each) in enumerate(zip(takes, arguments, strict=True)):
        alias = ""
        if each.result is not None:
            assert gives[each.result] == kind, each
            alias = f" {{tf.aliasing_output = {each.result} : i32}}"
        parameters.append(f"%arg{i}: tensor<{kind}>{alias}")
    return text[: head.start(1)] + ", ".join(parameters) + text[head.end(1) :]


def _without_unused_functions(text: str) -> str:
    """Drops the functions that nothing calls: copies of the loops' bodies."""
    while True:
        called = set(re.findall(r"(?:call|composite) @([\w.$-]+)", text))
        called |= set(re.findall(r"(?<!private )@([\w.$-]+)", text))
        shorter = FUNCTION.sub(
            lambda match, called=called: match[0] if match[1] in called else "", text
        )
        if shorter == text:
            return text
        text = shorter
