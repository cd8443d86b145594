"""The networks of the results table: their files, what calibrates them, and what measures them."""

import dataclasses
import pathlib

import numpy as np

import digits_networks
import packages
import token_ids
from digits import write_npz


class Missing(Exception):
    """A file that is not on this machine."""


@dataclasses.dataclass(frozen=True)
class Sources:
    """Where files are: models/ and data/ in `shared`, generated networks, and a folder to work in."""
    shared: pathlib.Path
    generated: pathlib.Path | None
    work: pathlib.Path

    def file(self, path):
        return existing(self.shared / path, "name the folder that has models/ and data/")

    def network(self, name):
        if self.generated is None:
            raise Missing("--networks FOLDER is not given")
        return existing(self.generated / name, "--networks names another folder")


def existing(path, hint):
    if not path.exists():
        raise Missing(f"{path} does not exist; {hint}")
    return path


@dataclasses.dataclass(frozen=True)
class Files:
    """One seed's: the model, the .npz that calibrates it and the one that measures it."""
    model: pathlib.Path
    calibration: pathlib.Path
    test: pathlib.Path


@dataclasses.dataclass(frozen=True)
class Network:
    """`files(sources, seed)` finds or makes the files. A network `is_trained` anew for each seed; the
    seed `draws` the samples that calibrate where there are more than are used."""
    title: str
    files: object
    samples: int
    preprocess: str | None = None
    metric: str = "top1"
    pool: str | None = None
    is_trained: bool = False
    draws: bool = True


def digits_mlp(sources, seed):
    model, data = digits_networks.prepare(
        sources.work / "digits", sources.file("data/digits.npz"), seed)
    return Files(model, data, data)


def shared(model, data):
    def files(sources, seed):
        path = sources.file(f"data/{data}.npz")
        return Files(sources.file(f"models/{model}.onnx"), path, path)
    return files


def efficientnet(sources, seed):
    """Even images calibrate, odd ones measure."""
    split = sources.work / "imagenet-split.npz"
    if not split.exists():
        split.parent.mkdir(parents=True, exist_ok=True)
        arrays = np.load(sources.file("data/imagenet-sample-300.npz"))
        x, y = (arrays[key] for key in keys_of(arrays))
        write_npz(split, x_train=x[0::2], y_train=y[0::2], x_test=x[1::2], y_test=y[1::2])
    return Files(sources.file("models/efficientnet-lite0.onnx"), split, split)


def keys_of(arrays):
    return next(keys for keys in (("x_test", "y_test"), ("x", "y"), ("images", "labels"))
                if keys[0] in arrays)


def minilm(sources, seed):
    folder = sources.work / "sentences"
    files = Files(packages.MINILM.path(sources.work), folder / "calibration.npz", folder / "test.npz")
    if not (files.calibration.exists() and files.test.exists()):
        token_ids.write(folder, sources.work)
    return files


def resnet50(sources, seed):
    data = sources.file("data/imagenet-sample-300.npz")
    return Files(sources.network("resnet50-unstructured-0-b1.onnx"), data, data)


NETWORKS = {
    "digits": Network("Digits MLP 64-128-64-10", digits_mlp, 512, is_trained=True,
                      draws=False),
    "mnist": Network(
        "MNIST MLP 784-40-20-10", shared("mnist-mlp", "mnist-subset"), 1024, preprocess="mnist"),
    "resnet20": Network(
        "ResNet-20, CIFAR-10", shared("resnet20-cifar10", "cifar10-subset"), 1024,
        preprocess="cifar"),
    "efficientnet": Network(
        "EfficientNet-Lite0, ImageNet", efficientnet, 150, preprocess="lite", draws=False),
    "minilm": Network("MiniLM, 6 layers", minilm, 4608, metric="cosine", pool="mean", draws=False),
    "resnet50": Network("ResNet-50, random weights", resnet50, 128, preprocess="imagenet"),
}
