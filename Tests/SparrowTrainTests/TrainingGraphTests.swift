import Foundation
import SparrowCore
import SparrowRuntime
import SparrowTestSupport
import Testing

@testable import SparrowTrain

/// Losses and their gradients in float64, against central differences and slow formulas.
struct TrainingGraphTests {
  /// Of 1 + the gradient's magnitude; central differences of 1e-5 err by about 1e-10.
  private let tolerance = 2e-7

  struct Case: CustomTestStringConvertible, Sendable {
    var loss: TrainingLoss
    var testDescription: String { "\(loss)" }
  }

  static let losses = [
    TrainingLoss(), TrainingLoss(.crossEntropy(labelSmoothing: 0.1)),
    TrainingLoss(.meanSquaredError),
    TrainingLoss(distillation: Distillation(share: 0.9, temperature: 4)),
    TrainingLoss(
      .crossEntropy(labelSmoothing: 0.2), distillation: Distillation(share: 0.3, temperature: 1.5)),
    TrainingLoss(.meanSquaredError, distillation: Distillation(share: 0.5, temperature: 2)),
  ].map { Case(loss: $0) }

  private func samples(
    _ network: TrainingGraph, _ shape: [Int], _ random: inout SeededGenerator
  ) -> [Tensor] {
    var inputs = [Small.normal(.float64, shape, &random)]
    let width = network.scoresShape[1]
    if network.targetType?.dtype == .int64 {
      inputs.append(
        Tensor((0..<shape[0]).map { _ in Int64.random(in: 0..<Int64(width), using: &random) }))
    } else {
      inputs.append(Small.normal(.float64, network.scoresShape, &random))
    }
    if network.takesTeacher {
      inputs.append(Small.normal(.float64, network.scoresShape, &random, scale: 2))
    }
    return inputs
  }

  private func constants(_ network: TrainingGraph) throws -> [Tensor] {
    try (network.parameters + network.statistics).map {
      try #require(network.source[$0.value].constant)
    }
  }

  @Test(arguments: losses) func gradientsAreDifferences(_ test: Case) throws {
    for (seed, isConvolutional) in [(UInt64(5), false), (6, true)] {
      let graph =
        try isConvolutional
        ? Small.convolutional(dtype: .float64, seed: seed)
        : Small.mlp([4, 5, 3], dtype: .float64, seed: seed)
      let shape = isConvolutional ? [4, 2, 4, 4] : [4, 4]
      let network = try TrainingGraph(graph, inputShapes: [shape], loss: test.loss)
      var random = SeededGenerator(seed: seed)
      let first = samples(network, shape, &random)
      let values = try constants(network)
      let session = try Session(network.graph)
      let outputs = try session.run(first + values)
      try CentralDifferences(session: session, network: network, inputs: first, constants: values)
        .check(
          Array(outputs[(2 + network.statistics.count)...]), tolerance: tolerance, seed: seed)
    }
  }

  /// The formulas of the loss's documentation, written out.
  @Test(arguments: losses) func valuesAreTheFormulas(_ test: Case) throws {
    let graph = try Small.mlp([4, 5, 3], dtype: .float64, seed: 8)
    let network = try TrainingGraph(graph, inputShapes: [[6, 4]], loss: test.loss)
    var random = SeededGenerator(seed: 9)
    let inputs = samples(network, [6, 4], &random)
    let outputs = try Session(network.graph).run(inputs + (try constants(network)))
    let scores = outputs[1].doubles
    func softmax(_ row: Int, _ values: [Double], _ temperature: Double = 1) -> [Double] {
      let powers = (0..<3).map { exp(values[row * 3 + $0] / temperature) }
      return powers.map { $0 / powers.reduce(0, +) }
    }
    var task = 0.0
    for row in 0..<6 {
      switch test.loss.task {
      case .crossEntropy(let smoothing):
        let label = try #require(inputs[1].integers)[row]
        for (c, p) in softmax(row, scores).enumerated() {
          task -= ((c == label ? 1 - smoothing : 0) + smoothing / 3) * log(p) / 6
        }
      case .meanSquaredError:
        for c in 0..<3 {
          let difference = scores[row * 3 + c] - inputs[1].doubles[row * 3 + c]
          task += difference * difference / 18
        }
      case .vicReg: Issue.record("VICRegTests have it")
      }
    }
    var expected = task
    if let distillation = test.loss.distillation {
      let t = distillation.temperature
      var divergence = 0.0
      for row in 0..<6 {
        let own = softmax(row, scores, t)
        let taught = softmax(row, inputs[2].doubles, t)
        for (p, q) in zip(taught, own) { divergence += p * log(p / q) / 6 }
      }
      expected = (1 - distillation.share) * task + distillation.share * t * t * divergence
    }
    #expect(abs(outputs[0].doubles[0] - expected) < 1e-12)
  }

  @Test func runningStatisticsMove() throws {
    let graph = try Small.convolutional(dtype: .float64)
    let network = try TrainingGraph(graph, inputShapes: [[3, 2, 4, 4]])
    #expect(network.statistics.map { $0.name } == ["norm.mean", "norm.variance"])
    #expect(
      network.parameters.map { $0.name }
        == ["conv.weight", "norm.scale", "norm.bias", "head.weight", "head.bias"])
    var random = SeededGenerator(seed: 1)
    let inputs = samples(network, [3, 2, 4, 4], &random)
    let constants = try constants(network)
    let outputs = try Session(network.graph).run(inputs + constants)
    // The convolution's outputs, slowly.
    let (x, w) = (inputs[0].doubles, constants[0].doubles)
    for c in 0..<5 {
      var values: [Double] = []
      for n in 0..<3 {
        for y in 0..<2 {
          for z in 0..<2 {
            var sum = 0.0
            for i in 0..<2 {
              for dy in 0..<3 {
                for dz in 0..<3 {
                  sum +=
                    x[((n * 2 + i) * 4 + y + dy) * 4 + z + dz]
                    * w[((c * 2 + i) * 3 + dy) * 3 + dz]
                }
              }
            }
            values.append(sum)
          }
        }
      }
      let mean = values.reduce(0, +) / 12
      let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 12
      let old = (constants[5].doubles[c], constants[6].doubles[c])
      // The node's momentum is a float32 number.
      let kept = Double(Float(0.9))
      #expect(abs(outputs[2].doubles[c] - (kept * old.0 + (1 - kept) * mean)) < 1e-12)
      #expect(abs(outputs[3].doubles[c] - (kept * old.1 + (1 - kept) * variance)) < 1e-12)
    }
  }

  @Test func frozenNormalizationAndParametersStayConstants() throws {
    let graph = try Small.convolutional()
    let network = try TrainingGraph(
      graph, inputShapes: [[2, 2, 4, 4]], frozen: ["conv*", "norm"], normalization: .frozen)
    #expect(network.statistics.isEmpty)
    #expect(network.parameters.map { $0.name } == ["head.weight", "head.bias"])
    #expect(throws: TrainError.self) {
      _ = try TrainingGraph(graph, inputShapes: [[2, 2, 4, 4]], frozen: ["nothing*"])
    }
    #expect(throws: TrainError.self) {
      _ = try TrainingGraph(graph, inputShapes: [[2, 2, 4, 4]], frozen: ["*"])
    }
  }

  /// Two normalisations with one tensor of means: each gets its own.
  @Test func sharedStatisticsAreSeparated() throws {
    var graph = Graph()
    let x = graph.addInput("x", TensorType(.float32, [.symbol("n"), .known(2)]))
    let ones = graph.addConstant("ones", Tensor([Float(1), 1]))
    let zeros = graph.addConstant("zeros", Tensor([Float(0), 0]))
    var y = x
    for i in 0..<2 {
      y = try graph.add(
        .batchNormalization(BatchNormalization()), [y, ones, zeros, zeros, ones], name: "bn\(i)")
    }
    graph.outputs = [y]
    let network = try TrainingGraph(graph, inputShapes: [[4, 2]])
    #expect(network.statistics.count == 4)
    #expect(Set(network.statistics.map { $0.value }).count == 4)
    #expect(network.parameters.map { $0.name } == ["ones", "zeros"])
    #expect(
      Set(network.parameters.map { $0.value }).isDisjoint(
        with: network.statistics.map { $0.value }))
  }

  /// What is no parameter: constants of preprocessing, bounds, single numbers.
  @Test func constantsOfPreprocessingAreNotTrained() throws {
    var graph = Graph()
    let x = graph.addInput("x", TensorType(.float32, [.symbol("n"), .known(3)]))
    let scale = graph.addConstant("scale", Tensor([Float(2), 3, 4]))
    let scaled = try graph.add(.binary(Binary(.mul)), [x, scale], name: "scaled")
    let w = graph.addConstant("w", Tensor([Float](repeating: 1, count: 6), shape: [3, 2]))
    let product = try graph.add(.matMul(MatMul()), [scaled, w], name: "product")
    let bias = graph.addConstant("bias", Tensor([Float(1), 2]))
    let sum = try graph.add(.binary(Binary(.add)), [product, bias], name: "sum")
    let half = graph.addConstant("half", Tensor(scalar: Float(0.5)))
    graph.outputs = [try graph.add(.binary(Binary(.mul)), [sum, half], name: "out")]
    let network = try TrainingGraph(graph, inputShapes: [[2, 3]])
    #expect(network.parameters.map { $0.name } == ["w", "bias"])
  }

  @Test func inferenceGraphTakesTheSameMemory() throws {
    let graph = try Small.convolutional()
    let network = try TrainingGraph(graph, inputShapes: [[2, 2, 4, 4]])
    var random = SeededGenerator(seed: 4)
    let images = Small.normal(.float32, [3, 2, 4, 4], &random)
    let plain = try Session(graph).run([images])[0]
    let promoted = try Session(network.inferenceGraph()).run(
      [images] + (try constants(network)))[0]
    for (a, b) in zip(plain.doubles, promoted.doubles) { #expect(abs(a - b) < 1e-5) }
    let exported = network.exported(
      parameters: try network.parameters.map { try #require(graph[$0.value].constant) },
      statistics: try network.statistics.map { try #require(graph[$0.value].constant) })
    #expect(exported.tensors == graph.tensors)
  }
}
