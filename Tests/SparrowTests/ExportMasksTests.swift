import Foundation
import Sparrow
import SparrowTestSupport
import Testing

/// `sparrow export-masks`, and the way back by `sparrow convert --weights`.
struct ExportMasksTests {
  @Test func masksGoOutAndTrainedWeightsComeBack() throws {
    let folder = try TemporaryFolder()
    let (sparse, file) = (folder.path("sparse.onnx"), folder.path("sparse.safetensors"))
    for arguments in [
      ["compress", "fixtures/digits-mlp.onnx", sparse, "--sparsity", "0.8"],
      ["export-masks", sparse, file],
    ] {
      let outcome = try CommandLineTool.run(arguments)
      #expect(outcome.status == 0, "\(outcome.errors)")
    }
    let graph = try Model.load(path: sparse).graph
    let weights = graph.weights().map { graph[$0.value] }
    var exported = try Safetensors.read(file)
    #expect(exported.metadata["format"] == "pt")
    for value in weights {
      let values = try #require(value.constant?.floats)
      #expect(exported[value.name]?.floats == values)
      let mask = try #require(exported[value.name + ".mask"])
      #expect(mask.doubles.map { $0 != 0 } == values.map { $0 != 0 })
    }

    // Trained elsewhere, under the masks.
    exported.tensors = exported.tensors.filter { !$0.name.hasSuffix(".mask") }.map {
      ($0.name, Tensor(($0.tensor.floats ?? []).map { 2 * $0 }, shape: $0.tensor.shape))
    }
    let (tuned, back) = (folder.path("tuned.safetensors"), folder.path("tuned.onnx"))
    try exported.write(to: tuned)
    let outcome = try CommandLineTool.run("convert", sparse, back, "--weights", tuned)
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.output.contains("\(exported.tensors.count) constants replaced"))
    let result = try Model.load(path: back).graph
    let byName = Dictionary(uniqueKeysWithValues: result.values.map { ($0.name, $0.constant) })
    for value in weights {
      let doubled = (value.constant?.floats ?? []).map { 2 * $0 }
      #expect(byName[value.name]??.floats == doubled)
    }
  }

  @Test func filesThatDoNotFitAreRefused() throws {
    let folder = try TemporaryFolder()
    let model = "fixtures/digits-mlp.onnx"
    let name = try #require(try Model.load(path: model).graph.weights().first).value
    let weight = try Model.load(path: model).graph[name].name
    for (tensors, says) in [
      ([(name: "other", tensor: Tensor([Float(1)]))], "none of its 1 tensors"),
      ([(name: weight, tensor: Tensor([Float(1)]))], "expected f32["),
      ([(name: weight, tensor: Tensor([Int64(1)]))], "'\(weight)' is i64[1]"),
    ] {
      let path = folder.path("w.safetensors")
      try Safetensors(tensors).write(to: path)
      let outcome = try CommandLineTool.run(
        "convert", model, folder.path("x.onnx"), "--weights", path)
      #expect(outcome.status == 2)
      #expect(outcome.errors.contains(says), "\(outcome.errors)")
    }
    #expect(!FileManager.default.fileExists(atPath: folder.path("x.onnx")))
  }
}
