"""The EXIF orientation of files, within a graph."""

import struct
import time

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageOps

from jem_tf.serving import orientation
from tests.datasets import odd_pictures

WHOLE = odd_pictures.encoded(odd_pictures.RGB)
JPEG = odd_pictures.encoded(odd_pictures.RGB, "JPEG")
LIMIT = 20.0  # seconds, for what takes a hundredth


BYTES = [tf.TensorSpec([None], tf.uint8)]
PNG_GRAPH = tf.function(orientation.png_orientation, BYTES, autograph=False)
JPEG_GRAPH = tf.function(orientation.jpeg_orientation, BYTES, autograph=False)


def of_png(content):
    return int(PNG_GRAPH(tf.io.decode_raw(content, tf.uint8)))


def of_jpeg(content):
    return int(JPEG_GRAPH(tf.io.decode_raw(content, tf.uint8)))


def with_exif(exif):
    return odd_pictures.with_chunk(WHOLE, b"eXIf", exif)


def segment(marker, body):
    return marker + struct.pack(">H", len(body) + 2) + body


@pytest.mark.parametrize("turn", range(1, 9))
@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("kind", [3, 4])
def test_it_is_read_in_either_order_of_bytes_as_a_short_or_a_long(turn, big, kind):
    exif = odd_pictures.exif(turn, big=big, kind=kind)
    assert of_png(with_exif(exif)) == turn
    segments = segment(b"\xff\xfe", b"words") + segment(b"\xff\xe1", b"http://other")
    segments += segment(b"\xff\xe1", b"Exif\0\0" + exif)
    assert of_jpeg(JPEG[:2] + segments + JPEG[2:]) == turn


def test_bytes_that_fill_the_room_before_a_marker_are_passed_over():
    exif = segment(b"\xff\xff\xff\xe1", b"Exif\0\0" + odd_pictures.exif(6))
    assert of_jpeg(JPEG[:2] + exif + JPEG[2:]) == 6


def test_a_prefix_that_a_chunk_should_not_have_is_passed_over():
    assert of_png(with_exif(b"Exif\0\0" + odd_pictures.exif(6))) == 6


def test_a_picture_without_exif_stands_as_it_is_stored():
    assert of_png(WHOLE) == of_jpeg(JPEG) == 1


@pytest.mark.parametrize("turn", [0, 9, 65535])
def test_an_orientation_that_is_none_turns_nothing(turn):
    assert of_png(with_exif(odd_pictures.exif(turn))) == 1


def test_exif_that_breaks_off_anywhere_turns_nothing_or_as_it_says():
    exif = odd_pictures.exif(6)
    for end in range(len(exif)):
        assert of_png(with_exif(exif[:end])) in (1, 6)
    for end in range(8, len(WHOLE)):
        assert of_png(WHOLE[:end]) == 1


def test_a_chunk_is_found_by_its_kind():
    file = tf.io.decode_raw(with_exif(b"words"), tf.uint8)
    assert bytes(orientation.png_chunk(file, b"eXIf").numpy()) == b"words"
    assert bytes(orientation.png_chunk(file, b"tRNS").numpy()) == b""


def test_segments_after_the_picture_has_begun_are_not_looked_at():
    exif = segment(b"\xff\xe1", b"Exif\0\0" + odd_pictures.exif(6))
    assert of_jpeg(JPEG[:-2] + exif + JPEG[-2:]) == 1


@pytest.mark.parametrize("part", [b"\xff\xe2\0\2", b"\xff\xe2\0\0", b"\xff\xff", b"\0"])
def test_a_file_of_a_million_segments_comes_to_an_end(part):
    begin = time.monotonic()
    assert of_jpeg(b"\xff\xd8" + part * 1_000_000) == 1
    assert of_png(WHOLE[:8] + b"\0\0\0\0abcdefgh" * 100_000) == 1
    assert time.monotonic() - begin < LIMIT


@pytest.mark.parametrize("turn", range(1, 9))
def test_an_image_is_turned_as_pillow_turns_it(turn):
    exif = Image.Exif()
    exif[0x0112] = turn
    image = Image.fromarray(odd_pictures.RGB)
    image.info["exif"] = exif.tobytes()
    image.getexif()[0x0112] = turn
    seen = np.asarray(ImageOps.exif_transpose(image))
    found = orientation.upright(tf.constant(odd_pictures.RGB), tf.constant(turn))
    np.testing.assert_array_equal(found, seen)
