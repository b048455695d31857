import json
import socket

import pytest
import tensorflow as tf

from jem_tf.errors import InputError
from jem_tf.options import Training
from jem_tf.training import cluster

WORKERS = {"worker": ["127.0.0.1:1234", "127.0.0.1:1235"]}
FIRST = {"type": "worker", "index": 0}


def refused(monkeypatch, config):
    """What a worker with this TF_CONFIG, a text or what JSON can hold, ends with."""
    text = config if isinstance(config, str) else json.dumps(config)
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(InputError) as raised:
        cluster.join_cluster(Training(strategy="multiworker"))
    assert "\n" not in str(raised.value)
    assert str(raised.value).endswith(".")
    return str(raised.value)


@pytest.fixture
def port():
    """A port of ours that another process, so to speak, is listening on."""
    with socket.socket() as taken:
        taken.bind(("", 0))
        taken.listen()
        yield taken.getsockname()[1]


@pytest.mark.parametrize("empty", [False, True])
def test_workers_without_tf_config_are_shown_one(monkeypatch, empty):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    if empty:
        monkeypatch.setenv("TF_CONFIG", "")
    with pytest.raises(InputError) as raised:
        cluster.join_cluster(Training(strategy="multiworker"))
    message = str(raised.value)
    assert "strategy=multiworker needs TF_CONFIG" in message
    assert f"'{cluster.EXAMPLE}'" in message
    assert "\n" not in message


def test_the_example_is_a_tf_config():
    config = json.loads(cluster.EXAMPLE)
    assert set(config["cluster"]) <= set(cluster.JOBS)
    assert config["task"]["type"] in config["cluster"]


@pytest.mark.parametrize(
    ("config", "why"),
    [
        ("{", "line 1 column 2"),
        ("worker", "line 1 column 1"),
        ("[]", ""),
        ("3", ""),
        ('{\n  "cluster": {}\n}', "'task'"),  # as an editor breaks the lines
        ({}, "it lacks 'cluster'"),
        ({"task": FIRST}, "it lacks 'cluster'"),
        ({"cluster": WORKERS}, "it lacks 'task'"),
        ({"cluster": WORKERS, "task": {"index": 0}}, "it lacks 'type'"),
        ({"cluster": WORKERS, "task": {"type": "worker"}}, "it lacks 'index'"),
        ({"cluster": WORKERS, "task": "worker 0"}, ""),
        ({"cluster": "here", "task": FIRST}, ""),
        ({"cluster": {"worker": None}, "task": FIRST}, ""),
        ({"cluster": {}, "task": FIRST}, "its cluster has no worker 0"),
        ({"cluster": {"ps": ["a:1"]}, "task": FIRST}, "it has a job 'ps'"),
        (
            {"cluster": WORKERS, "task": {"type": "worker", "index": 2}},
            "its cluster has no worker 2",
        ),
        (
            {"cluster": WORKERS, "task": {"type": "worker", "index": -1}},
            "its cluster has no worker -1",
        ),
        (
            {"cluster": WORKERS, "task": {"type": "chief", "index": 0}},
            "its cluster has no chief 0",
        ),
        (
            {"cluster": {"worker": ["a:1", "a:1"]}, "task": FIRST},
            "it names one address twice",
        ),
        (
            {"cluster": {"chief": ["a:1"], "worker": ["a:1"]}, "task": FIRST},
            "it names one address twice",
        ),
        ({"cluster": {"worker": ["a:b"]}, "task": FIRST}, "'a:b' is no HOST:PORT"),
        ({"cluster": {"worker": ["a:"]}, "task": FIRST}, "'a:' is no HOST:PORT"),
        ({"cluster": {"worker": [1234]}, "task": FIRST}, ""),
    ],
    ids=str,
)
def test_a_tf_config_that_is_none_is_answered_with_why_and_an_example(
    monkeypatch, config, why
):
    message = refused(monkeypatch, config)
    assert message.startswith("TF_CONFIG=")
    assert f"is malformed ({why}" in message if why[:2] == "it" else why in message
    assert f"write it as {cluster.EXAMPLE}." in message


@pytest.mark.parametrize("worker", ["localhost", "a:1"])
def test_an_address_without_a_port_is_named(monkeypatch, worker):
    message = refused(
        monkeypatch, {"cluster": {"worker": [worker, "nowhere"]}, "task": FIRST}
    )
    reason = message.split("is malformed (")[1].split("); write")[0]
    assert repr("localhost" if worker == "localhost" else "nowhere") in reason


@pytest.mark.parametrize("job", ["worker", "chief"])
def test_a_port_in_use_is_named(monkeypatch, port, job):
    address = f"127.0.0.1:{port}"
    jobs = {"worker": ["127.0.0.1:1", address]}
    if job == "chief":
        jobs = {"chief": [address], "worker": ["127.0.0.1:1"]}
    task = {"type": job, "index": len(jobs[job]) - 1}
    message = refused(monkeypatch, {"cluster": jobs, "task": task})
    assert f"the address {address}, but port {port} cannot be used" in message


def test_a_port_beyond_all_ports_is_refused(monkeypatch):
    config = {"cluster": {"worker": ["127.0.0.1:65536"]}, "task": FIRST}
    assert "'127.0.0.1:65536' is no HOST:PORT" in refused(monkeypatch, config)


@pytest.mark.parametrize("job", ["worker", "chief"])
def test_a_job_is_a_list_with_one_chief_at_most(monkeypatch, job):
    jobs = {"worker": ["a:1"], job: "a:2" if job == "worker" else ["a:2", "a:3"]}
    why = "a job is a list" if job == "worker" else "it has more than one chief"
    assert why in refused(monkeypatch, {"cluster": jobs, "task": FIRST})


@pytest.mark.parametrize("text", ["", "{"])
def test_one_process_alone_asks_for_no_tf_config(monkeypatch, text):
    monkeypatch.setenv("TF_CONFIG", text)
    assert cluster.join_cluster(Training()).replicas == 1


@pytest.mark.parametrize(
    ("strategy", "why"),
    [
        ("multiworker", "is for strategy=mirrored"),
        ("mirrored", "cannot be set once TensorFlow is in use"),  # too late here
    ],
)
def test_logical_cpus_are_made_for_replicas_of_one_process(strategy, why):
    tf.zeros([])
    with pytest.raises(InputError, match=f"^logical_cpus=3 {why}"):
        cluster.join_cluster(Training(strategy=strategy, logical_cpus=3))


def test_a_process_alone_decides_alone():
    alone = cluster.join_cluster(Training())
    assert (alone.processes, alone.index, alone.chief) == (1, 0, True)
    assert (alone.replicas, [*alone.own], alone.devices) == (1, [0], None)
    assert alone.all_true(True)
    assert not alone.all_true(False)
    for number in (0, 1, 2**31, 2**53 + 1):
        assert alone.from_chief(number) == number


def test_a_process_of_two_replicas_has_a_device_for_each(two_replicas):
    both = cluster.Cluster(two_replicas)
    assert (both.replicas, [*both.own], both.chief) == (2, [0, 1], True)
    assert [tf.DeviceSpec.from_string(name).device_index for name in both.devices] == [
        0,
        1,
    ]
    assert both.all_true(True)
    assert not both.all_true(False)
    assert both.from_chief(12_345_678) == 12_345_678


@pytest.mark.parametrize(("index", "own"), [(0, [0]), (1, [1])])
def test_the_replicas_of_a_process_are_consecutive(two_replicas, index, own):
    part = cluster.Cluster(two_replicas, processes=2, index=index)
    assert [*part.own] == own
    assert part.chief == (index == 0)


@pytest.mark.parametrize(
    ("error", "who"),
    [
        ("Socket closed", ""),
        ("/job:worker/replica:0/task:1 is down\nAdditional", " (heard of worker 1)"),
        ("RPC to /job:chief/task:0: gone", " (heard of chief 0)"),
    ],
)
def test_a_process_that_is_gone_is_explained(error, who):
    sentence = cluster.explain(tf.errors.UnavailableError(None, None, error))
    assert f"cluster is gone{who};" in sentence
    assert "same commands" in sentence
    assert "\n" not in sentence
