import pathlib
import re

import setuptools

HERE = pathlib.Path(__file__).parent
VERSION = re.search(r'__version__ = "(.+)"', (HERE / "jem_tf/__init__.py").read_text())

# setuptools builds the wheel that tests/test_wheel.py installs.
# What run.py of a lowered run compiles with.
JAX = 'jax>=0.10,<0.12; python_version >= "3.11"'
FLASK = "flask>=3.1"
PYTEST = ["pytest>=7", "pytest-xdist>=3.7", "setuptools>=70.1"]

setuptools.setup(
    name="jem-tf",
    version=VERSION[1],
    description="Joint energy-based models in Keras 3 and TensorFlow",
    long_description=(HERE / "README.md").read_text(),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.10",
    packages=[*setuptools.find_packages(include=["jem_tf*"]), "jem_tf.flags"],
    package_dir={"jem_tf.flags": "flags"},
    package_data={
        "jem_tf": ["py.typed", "pretrained_runs/**/*", "demonstration/page/*"],
        "jem_tf.flags": ["*.flags"],
    },
    entry_points={"console_scripts": ["jem-tf = jem_tf.commands.main:main"]},
    install_requires=[
        "absl-py>=2.0",
        "foolbox>=3.3.4",
        "importlib_resources",  # tensorflow-datasets needs it and does not say so
        "keras>=3.10",
        "matplotlib>=3.8",
        "numpy>=1.26",
        "pillow>=10",
        "scikit-learn>=1.4",
        "scipy>=1.10",
        "tensorboard>=2.20",
        "tensorflow>=2.20",  # tested on 2.21
        "tensorflow-datasets>=4.9.7",
        "tensorflow-probability[tf]>=0.25",
        "tqdm>=4.60",
    ],
    extras_require={
        "test": [JAX, FLASK, "selenium>=4.15", *PYTEST],
        "dev": [JAX, FLASK, "selenium>=4.15", *PYTEST, "mypy", "pre-commit", "ruff"],
        "demo": [FLASK],  # jem-tf demo
        "jax": [JAX],
        "pytorch": ["torch>=2.6"],  # jem-tf import-pytorch; older ones run code
        "serving": [*PYTEST, "nvidia-pytriton>=0.7"],  # tests/serving; no JAX: NumPy
    },
    classifiers=[
        "Programming Language :: Python :: 3",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
    ],
)
