import SparrowCore
import SparrowFormats
import SparrowRuntime
import SparrowTestSupport
import Testing

@testable import SparrowArchitectures

/// Networks that others trained: ours with their weights put in must give their scores.
struct SharedNetworkTests {
  static let hasNetworks =
    Repository.shared("models/resnet20-cifar10.onnx") != nil
    && Repository.shared("models/efficientnet-lite0.onnx") != nil

  @Test(.enabled(if: hasNetworks, "needs ../shared/models"))
  func efficientNetLite0() throws {
    let path = try #require(Repository.shared("models/efficientnet-lite0.onnx"))
    let theirs = try ONNX.read(path)
    var ours = try blank(.efficientNetLite0)
    let (from, to) = (layers(theirs), layers(ours))
    #expect(from.map { $0.form } == to.map { $0.form })
    #expect(epsilons(theirs) == epsilons(ours))
    for (a, b) in zip(from, to) {
      for (source, target) in zip(a.constants, b.constants) {
        ours[target].constant = theirs[source].constant
      }
    }
    try expectEqualScores(theirs, ours, [1, 3, 224, 224])
  }

  /// Its file has batch norm folded: ours gets the folded weights, and norms that only add the biases.
  @Test(.enabled(if: hasNetworks, "needs ../shared/models"))
  func resNet20() throws {
    let path = try #require(Repository.shared("models/resnet20-cifar10.onnx"))
    let theirs = try ONNX.read(path)
    var ours = try blank(.resNet20)
    let norms = ours.nodes.filter { if case .batchNormalization = $0.op { true } else { false } }
    let from = layers(theirs)
    let to = layers(ours).filter { !$0.form.hasPrefix("BatchNormalization") }
    #expect(from.map { $0.form } == to.map { $0.form })
    for (a, b) in zip(from, to) {
      ours[b.constants[0]].constant = theirs[a.constants[0]].constant
    }
    for (a, norm) in zip(from.dropLast(), norms) {
      guard let scale = norm.input(1), let bias = norm.input(2), let variance = norm.input(4),
        let folded = theirs[a.constants[1]].constant
      else { continue }
      let ones = [Float](repeating: 1, count: folded.count)
      ours[scale].constant = Tensor(ones)
      ours[bias].constant = folded
      ours[variance].constant = Tensor(ones.map { $0 - 1e-5 })
    }
    let (last, classifier) = (try #require(from.last), try #require(to.last))
    ours[classifier.constants[1]].constant = theirs[last.constants[1]].constant
    try expectEqualScores(theirs, ours, [1, 3, 32, 32])
  }

  private func blank(_ architecture: Architecture) throws -> Graph {
    var settings = ArchitectureSettings()
    settings.drawsParameters = false
    return try architecture.graph(settings)
  }

  /// Nodes with parameters in order: operator, shape of the weight, strides, pads and groups.
  private func layers(_ graph: Graph) -> [(form: String, constants: [ValueID])] {
    graph.nodes.compactMap { node in
      // Bounds are vectors in some files.
      if case .clip = node.op { return nil }
      let constants = node.inputs.compactMap { $0 }.filter {
        graph[$0].constant.map { $0.dtype == .float32 && $0.rank > 0 } ?? false
      }
      guard let weight = constants.first.flatMap({ graph[$0].constant }) else { return nil }
      var form = "\(node.op.name) \(weight.shape)"
      if case .conv(let op) = node.op {
        let strides = op.window.strides ?? [1, 1]
        let pads = op.window.pads ?? [0, 0, 0, 0]
        form += " strides \(strides) pads \(pads) groups \(op.group)"
      }
      return (form, constants)
    }
  }

  private func epsilons(_ graph: Graph) -> [Float] {
    graph.nodes.compactMap { node in
      if case .batchNormalization(let op) = node.op { op.epsilon } else { nil }
    }
  }

  private func expectEqualScores(_ theirs: Graph, _ ours: Graph, _ shape: [Int]) throws {
    var random = ParameterRandom(name: "image", seed: 1)
    let image = Tensor(of: Float.self, shape: shape) { random.fillNormal($0, deviation: 0.5) }
    let a = try Session(theirs, options: SessionOptions(threads: 2)).run([image])
    let b = try Session(ours, options: SessionOptions(threads: 2)).run([image])
    let (x, y) = (try #require(a[0].floats), try #require(b[0].floats))
    #expect(x.count == y.count)
    let largest = x.reduce(0) { max($0, abs($1)) }
    let difference = zip(x, y).reduce(Float(0)) { max($0, abs($1.0 - $1.1)) }
    #expect(difference <= 1e-4 * largest, "\(difference) of \(largest)")
  }
}
