"""ONNX's backend test cases as folders: a model.onnx, and data sets of TensorProto files."""

import dataclasses
import pathlib
import shutil
import warnings

import numpy as np
import onnx
from onnx import numpy_helper

PACKAGED = ("simple", "pytorch-operator", "pytorch-converted")
GROUPS = ("node",) + PACKAGED + ("light",)
RTOL, ATOL = 1e-3, 1e-7


@dataclasses.dataclass
class Case:
    name: str
    group: str
    model: pathlib.Path
    data_sets: list  # folders of input_N.pb and output_N.pb
    rtol: float = RTOL
    atol: float = ATOL


def collect(work):
    """Every case, sorted by group and name; those made in memory are kept as files in `work`."""
    folder = work / f"cases-{onnx.__version__}"
    if not (folder / "complete").exists():
        shutil.rmtree(folder, ignore_errors=True)
        write_node_cases(folder / "node")
        write_light_data(folder / "light")
        (folder / "complete").touch()
    data = pathlib.Path(onnx.__file__).parent / "backend" / "test" / "data"
    cases = [from_folder("node", f) for f in sorted((folder / "node").iterdir())]
    for group in PACKAGED:
        cases += [from_folder(group, f) for f in sorted((data / group).iterdir())]
    for f in sorted((folder / "light").iterdir()):
        # The tolerance that onnx's own runner has for this one.
        rtol = 2e-3 if f.name == "light_densenet121" else RTOL
        cases.append(Case(f.name, "light", data / "light" / f"{f.name}.onnx", [f], rtol))
    return cases


def from_folder(group, folder):
    return Case(folder.name, group, folder / "model.onnx", sorted(folder.glob("test_data_set_*")))


def write_node_cases(folder):
    # Some of the cases draw their inputs from numpy's global generator.
    np.random.seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from onnx.backend.test.case.node import collect_testcases
        cases = collect_testcases(None)
    for case in cases:
        target = folder / case.name
        target.mkdir(parents=True)
        onnx.save(case.model, target / "model.onnx")
        for i, (inputs, outputs) in enumerate(case.data_sets):
            data = target / f"test_data_set_{i}"
            data.mkdir()
            for kind, values in (("input", inputs), ("output", outputs)):
                for j, value in enumerate(values):
                    write_value(data / f"{kind}_{j}.pb", value)


def write_value(path, value):
    """Sequences and optionals become empty files: no route gives or takes them."""
    if isinstance(value, (list, type(None))):
        path.touch()
        return
    if not isinstance(value, onnx.TensorProto):
        value = numpy_helper.from_array(np.asarray(value))
    path.write_bytes(value.SerializeToString())


def write_light_data(folder):
    """The light models have outputs only; their input is n / count, as in onnx's own runner."""
    source = pathlib.Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"
    for path in sorted(source.glob("*.onnx")):
        target = folder / path.stem
        target.mkdir(parents=True)
        graph = onnx.load(path).graph
        initialized = {i.name for i in graph.initializer}
        for i, value in enumerate(v for v in graph.input if v.name not in initialized):
            shape = [d.dim_value or 1 for d in value.type.tensor_type.shape.dim]
            count = int(np.prod(shape))
            write_value(target / f"input_{i}.pb",
                        (np.arange(count).reshape(shape) / count).astype(np.float32))
        for output in source.glob(f"{path.stem}_output_*.pb"):
            shutil.copy(output, target / output.name[len(path.stem) + 1:])
