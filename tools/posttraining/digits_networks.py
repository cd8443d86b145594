"""The digits MLP by five seeds: networks, and images that none of them was trained on to calibrate."""

import pathlib
import sys

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "fixtures"))
import digits  # noqa: E402
from training import Momentum, train  # noqa: E402

CALIBRATION = 512


def prepare(folder, data, seed):
    """Paths of digits-mlp-SEED.onnx (64-128-64-10, 100 epochs of gradient descent on 835 images) and
    digits-SEED.npz: the other 512 training images, and the test images. Made where they are not there.
    """
    model, samples = folder / f"digits-mlp-{seed}.onnx", folder / f"digits-{seed}.npz"
    if not (model.exists() and samples.exists()):
        folder.mkdir(parents=True, exist_ok=True)
        arrays = np.load(data)
        rng = np.random.default_rng(seed)
        order = rng.permutation(len(arrays["x_train"]))
        held, trained = np.split(order, [CALIBRATION])
        layers = digits.mlp(rng)
        images, labels = arrays["x_train"].astype(np.float32), arrays["y_train"]
        train(layers, images[trained].reshape(-1, 64), labels[trained], rng, epochs=100, rate=0.1,
              batch=128, rule=Momentum)
        digits.write_npz(samples, x_train=images[held], y_train=labels[held],
                         x_test=arrays["x_test"].astype(np.float32), y_test=arrays["y_test"])
        digits.export(model, "digits-mlp", layers, (64,))
    return model, samples
