import Foundation
import Sparrow
import SparrowTestSupport
import Testing

/// Targets of what is written.
struct TargetFileTests {
  private func model() throws -> Model {
    var generator = SeededGenerator(seed: 41)
    var graph = Graph(name: "row")
    var x = graph.addInput("x", TensorType(.float32, [.symbol("N"), .known(128)]))
    for (i, shape) in [[256, 128], [192, 256], [10, 192]].enumerated() {
      let weight = Tensor(
        (0..<shape[0] * shape[1]).map { _ in Float.random(in: -1...1, using: &generator) },
        shape: shape)
      let w = graph.addConstant("w\(i)", weight)
      x = try graph.add(.gemm(Gemm(transposesB: true)), [x, w], name: "node\(i)")
    }
    graph.outputs = [x]
    return Model(graph: graph, path: "row.onnx")
  }

  private func size(_ path: String) throws -> Double {
    let attributes = try FileManager.default.attributesOfItem(atPath: path)
    return (attributes[.size] as? NSNumber)?.doubleValue ?? 0
  }

  /// Of the size asked for.
  private static let tolerance = 0.01

  @Test(arguments: ["uniform", "global", "sensitivity"], ["0.6x", "0.25x", "20kB"])
  func filesAreAsSmallAsAsked(allocation: String, target: String) throws {
    try TemporaryFolder.use { folder in
      let model = try model()
      let whole = folder + "/whole.sparrow"
      try model.deployable().model.save(to: whole)
      let target = try CompressionTarget(.fileSize, target)
      let step = PruneStep(target: target, allocation: allocation)
      let compressed = try model.compressed(Recipe(prune: step))
      let path = folder + "/small.sparrow"
      try compressed.model.deployable().model.save(to: path)
      guard case .fileSize(let amount) = target else { return }
      let asked = amount.value(of: try size(whole))
      let written = try size(path)
      #expect(abs(written - asked) <= Self.tolerance * asked)
      #expect(compressed.result.targets.first?.measured == written)
    }
  }

  @Test func flagsThatExcludeEachOther() throws {
    try TemporaryFolder.use { folder in
      let model = folder + "/model.onnx"
      try self.model().save(to: model)
      for (flags, output, expected) in [
        (["--target-flops", "0.3x", "--target-size", "1kB"], "a.sparrow", "--target-size"),
        (["--target-size", "0.3x"], "a.onnx", ".onnx"),
        (["--target-latency", "3"], "a.sparrow", "3ms"),
        (["--target-flops", "0.3x", "--sparsity", "0.5"], "a.sparrow", "both given"),
        (["--target-size", "100"], "a.sparrow", "the least"),
      ] {
        let run = try CommandLineTool.run(["compress", model, folder + "/" + output] + flags)
        #expect(run.status != 0 && run.errors.contains(expected), "\(flags): \(run.errors)")
      }
    }
  }
}
