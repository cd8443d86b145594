"""Runs one case by every route and compares what comes out with what is expected."""

import pathlib
import subprocess
import tempfile
import zipfile

import numpy as np
import onnx
from onnx import numpy_helper

ROUTES = ("imported", "optimized", "container", "exported")
TIMEOUT = 120
# Two units in the last place, as onnx's own runner allows.
BFLOAT16_RTOL = 2.0**-6


class Failed(Exception):
    pass


class Runner:
    """One case in a temporary folder; `outcomes` are per route None or the reason of the failure."""

    def __init__(self, sparrow, runtime, case, folder):
        self.sparrow, self.runtime = sparrow, runtime
        self.case, self.folder = case, pathlib.Path(folder)
        graph = onnx.load(case.model, load_external_data=False).graph
        initialized = {i.name for i in graph.initializer}
        # Files are numbered over the inputs that are not initialised too, where there are both.
        self.inputs = [v for v in graph.input if v.name not in initialized]
        self.outputs = list(graph.output)

    def outcomes(self):
        result = {}
        for route in ROUTES:
            try:
                getattr(self, route)()
                result[route] = None
            except Failed as failure:
                result[route] = str(failure)
        return result

    def imported(self):
        self.run(self.case.model, "--no-optimize")

    def optimized(self):
        self.run(self.case.model)

    def container(self):
        written = self.convert(self.case.model, "model.sparrow")
        self.run(written)
        if self.runtime:
            self.run_by_runtime(written)

    def exported(self):
        written = self.convert(self.case.model, "model.sparrow")
        for source, name in ((self.case.model, "again.onnx"), (written, "back.onnx")):
            back = self.convert(source, name)
            try:
                onnx.checker.check_model(str(back), full_check=True)
            except Exception as error:
                raise Failed(f"{name}: onnx.checker: {first_line(error)}")
            self.run(back)

    def convert(self, source, name):
        target = self.folder / name
        if not target.exists():
            self.call("convert", "-q", source, target)
        return target

    def given(self, data):
        """The name and file of each input that the data set has a tensor for."""
        for i, value in enumerate(self.inputs):
            file = data / f"input_{i}.pb"
            if file.exists() and file.stat().st_size and value.type.HasField("tensor_type"):
                yield value.name, file

    def run(self, model, *flags):
        out = self.folder / "out.npz"
        for data in self.case.data_sets:
            inputs = []
            for name, file in self.given(data):
                inputs += ["-i", f"{name}={file}"]
            out.unlink(missing_ok=True)
            self.call("run", "-q", model, "-o", out, "--threads", "1", *inputs, *flags)
            self.compare(out, data)

    def run_by_runtime(self, model):
        """The same by sparrow-run, which reads npy; data sets that npy has no types for are left out."""
        out = self.folder / "embedded.npz"
        for data in self.case.data_sets:
            inputs = []
            for name, file in self.given(data):
                array = numpy_helper.to_array(onnx.load_tensor(str(file)))
                if array.dtype.isbuiltin != 1:
                    return
                written = self.folder / f"{file.stem}.npy"
                np.save(written, array)
                inputs += ["-i", f"{name}={written}"]
            out.unlink(missing_ok=True)
            self.call(model, "-q", "-o", out, "--threads", "1", *inputs, program=self.runtime)
            self.compare(out, data)

    def call(self, *command, program=None):
        command = [str(c) for c in (program or self.sparrow, *command)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, errors="replace",
                                  timeout=TIMEOUT)
        except subprocess.TimeoutExpired:
            raise Failed(f"{command[1]}: no end within {TIMEOUT} s")
        if done.returncode < 0:
            raise Failed(f"{command[1]}: ended by signal {-done.returncode}")
        if done.returncode:
            text = done.stderr.strip() or f"exit {done.returncode}"
            for path in (self.case.model, self.folder / "model.sparrow", self.folder / "again.onnx",
                         self.folder / "back.onnx"):
                text = text.replace(f"{path}: ", "").replace(str(path), path.name)
            raise Failed(text.removeprefix("sparrow: "))

    def compare(self, out, data):
        try:
            with np.load(out) as archive:
                found = {name: archive[name] for name in archive.files}
        except (OSError, ValueError, zipfile.BadZipFile) as error:
            raise Failed(f"numpy cannot read the outputs: {first_line(error)}")
        for i, value in enumerate(self.outputs):
            if not value.type.HasField("tensor_type"):
                raise Failed("an output is not a tensor")
            tensor = onnx.TensorProto()
            tensor.ParseFromString((data / f"output_{i}.pb").read_bytes())
            if tensor.data_type == onnx.TensorProto.STRING:
                raise Failed("an output is a tensor of strings")
            if value.name not in found:
                raise Failed(f"output '{value.name}' is missing")
            difference(value.name, numpy_helper.to_array(tensor), found[value.name],
                       self.case.rtol, self.case.atol)


def difference(name, expected, found, rtol, atol):
    """Throws Failed where they differ."""
    if found.dtype.kind == "V" and found.dtype.itemsize == expected.dtype.itemsize:
        # numpy does not have the type: the file holds its bits.
        found = found.view(expected.dtype)
    if found.dtype != expected.dtype:
        raise Failed(f"output '{name}' is {found.dtype}, expected {expected.dtype}")
    if found.shape != expected.shape:
        raise Failed(f"wrong shape: output '{name}' is {list(found.shape)}, "
                     f"expected {list(expected.shape)}")
    kind = expected.dtype.name
    if kind.startswith(("float", "bfloat")):
        if kind == "bfloat16":
            rtol = max(rtol, BFLOAT16_RTOL)
        e, f = expected.astype(np.float64), found.astype(np.float64)
        with np.errstate(all="ignore"):
            near = (np.abs(f - e) <= atol + rtol * np.abs(e)) & np.isfinite(e)
        same = near | (f == e) | (np.isnan(e) & np.isnan(f))
    else:
        e, f = expected, found
        same = e == f
    if not np.all(same):
        at = np.unravel_index(int(np.argmin(same)), np.shape(same))
        raise Failed(f"wrong values: output '{name}' differs in {np.size(same) - np.sum(same)} of "
                     f"{np.size(same)}, at {list(map(int, at))} it is {f[at]}, expected {e[at]}")


def first_line(error):
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0][:300] if lines else type(error).__name__


def outcomes(sparrow, runtime, case, scratch):
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        try:
            return Runner(sparrow, runtime, case, folder).outcomes()
        except Exception as error:  # a case that cannot be read fails, and the others go on
            return {route: f"the case cannot be run: {first_line(error)}" for route in ROUTES}
