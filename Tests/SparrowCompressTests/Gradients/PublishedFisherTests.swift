import SparrowCore
import SparrowFormats
import SparrowRuntime
import SparrowTestSupport
import Testing

@testable import SparrowCompress

/// The MNIST network of 784-40-20-10 without biases, which lies beside the package.
@Suite struct PublishedFisherTests {
  private static let files = ["models/mnist-mlp.onnx", "data/mnist-subset.npz"]
  private static let isAvailable = files.allSatisfy { Repository.shared($0) != nil }

  private func tensor(_ archive: NPZArchive, _ name: String) throws -> Tensor {
    let pixels = try archive.tensor(named: name)
    let scaled = pixels.doubles.map { ($0 / 255 - 0.1307) / 0.3081 }
    return Tensor(.float32, [pixels.shape[0], 784], doubles: scaled)
  }

  private func accuracy(_ graph: Graph, _ archive: NPZArchive) throws -> Double {
    let classes = try archive.tensor(named: "y_test").integers ?? []
    let scores = try Session(graph).run([try tensor(archive, "x_test")])[0].floats ?? []
    let correct = classes.indices.reduce(0) { sum, i in
      let row = scores[i * 10..<(i + 1) * 10]
      return sum + (row.firstIndex(of: row.max() ?? 0) == i * 10 + classes[i] ? 1 : 0)
    }
    return 100 * Double(correct) / Double(classes.count)
  }

  /// 95 % in one shot by one threshold: WoodFisher's published 84.18 (arXiv 2004.14340, table 1); the
  /// diagonal alone, without its change of the survivors, is worse.
  @Test(.enabled(if: isAvailable, "no MNIST network")) func mnistAt95Percent() throws {
    let graph = try ONNX.read(try #require(Repository.shared(Self.files[0])))
    let archive = try NPZArchive(path: try #require(Repository.shared(Self.files[1])))
    let labels = try archive.tensor(named: "y_train").integers ?? []
    let data = TensorData([try tensor(archive, "x_train")], labels: labels)
    func pruned(_ criterion: String) throws -> Double {
      let step = PruneStep(sparsity: 0.95, criterion: criterion, allocation: "global")
      let result = try Compression(Recipe(prune: step)).run(
        on: graph, calibration: CalibrationRun(data))
      return try accuracy(result.graph, archive)
    }
    let blocks = try pruned("block-fisher")
    let diagonal = try pruned("fisher")
    #expect(blocks >= 84.2)
    #expect(diagonal < blocks - 3, "diagonal \(diagonal), blocks \(blocks)")
  }
}
