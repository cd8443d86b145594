import SparrowCore
import SparrowPasses
import SparrowTestSupport
import Testing

/// Random graphs made of the pieces that passes look for, and pieces that nearly are.
@Suite struct PipelinePropertyTests {
  /// Deep random graphs add up rounding.
  private let tolerance: Float = 2e-4

  @Test(arguments: UInt64(1)...40) func images(seed: UInt64) throws {
    try check(RandomGraph(seed: seed, shape: [2, 4, 6, 6]).graph(pieces: 14), seed)
  }

  @Test(arguments: UInt64(1)...40) func sequences(seed: UInt64) throws {
    try check(RandomGraph(seed: seed, shape: [2, 5, 4]).graph(pieces: 14), seed)
  }

  /// The random graphs are of use only where passes find something in them.
  @Test func everyPassFindsWork() throws {
    var busy = Set<String>()
    for seed in UInt64(1)...40 {
      for shape in [[2, 4, 6, 6], [2, 5, 4]] {
        var graph = try RandomGraph(seed: seed, shape: shape).graph(pieces: 14)
        let log = try PassDriver(pipeline: .deployment).run(&graph)
        busy.formUnion(log.map { $0.pass })
      }
    }
    let idle = Set([any Pass].deployment.map { type(of: $0).name }).subtracting(busy)
    #expect(
      idle == [
        "branch-selection", "constant-captures", "constant-folding", "global-pool-recognition",
      ])
  }

  private func check(_ graph: Graph, _ seed: UInt64) throws {
    try graph.verify()
    for pass in [any Pass].deployment {
      var rewritten = graph
      try PassDriver(pipeline: [pass]).run(&rewritten)
      try expectEqualOutputs(graph, rewritten, within: tolerance, seed: seed)
    }
    var rewritten = graph
    let changes = try PassDriver(pipeline: .deployment).run(&rewritten).reduce(0) {
      $0 + $1.changes
    }
    try expectEqualOutputs(graph, rewritten, within: tolerance, seed: seed)
    #expect(rewritten.outputs.map { rewritten[$0].name } == graph.outputs.map { graph[$0].name })
    #expect(rewritten.nodes.count <= graph.nodes.count)

    var again = rewritten
    let log = try PassDriver(pipeline: .deployment).run(&again)
    #expect(log.isEmpty, "seed \(seed)")

    var half = graph
    let options = PassOptions(stopAfter: changes / 2)
    try PassDriver(pipeline: .deployment, options: options).run(&half)
    try expectEqualOutputs(graph, half, within: tolerance, seed: seed)
  }
}

/// Builds graphs whose values all have one shape, channels along axis 1 (rank 4) or the last (rank 3).
private struct RandomGraph {
  private var random: SeededGenerator
  private var graph = Graph(name: "random")
  private var made: [ValueID] = []
  private let shape: [Int]
  private let channels = 4
  private var kernels: [ValueID] = []

  init(seed: UInt64, shape: [Int]) {
    (random, self.shape) = (SeededGenerator(seed: seed), shape)
    made = [graph.addInput("x", TensorType(.float32, shape: shape))]
  }

  func graph(pieces: Int) throws -> Graph {
    var copy = self
    for _ in 0..<pieces { copy.made.append(try copy.piece(copy.pick())) }
    var result = copy.graph
    let others = copy.made.dropFirst().dropLast().filter { _ in copy.chance(0.1) }
    result.outputs = Array(others) + [copy.made[copy.made.count - 1]]
    return result
  }

  private mutating func chance(_ p: Double) -> Bool { Double.random(in: 0..<1, using: &random) < p }

  /// Mostly the newest value, so that chains form.
  private mutating func pick() -> ValueID {
    if chance(0.7) { return made[made.count - 1] }
    return made[Int.random(in: 0..<made.count, using: &random)]
  }

  private mutating func op(_ op: Op, _ inputs: [ValueID?]) throws -> ValueID {
    try graph.add(op, inputs, name: graph.unusedName("v"))
  }

  private mutating func binary(
    _ function: Binary.Function, _ a: ValueID, _ b: ValueID
  ) throws -> ValueID {
    let commutes = function == .add || function == .mul
    let inputs = commutes && chance(0.5) ? [b, a] : [a, b]
    return try op(.binary(Binary(function)), inputs)
  }

  private mutating func unary(_ function: Unary.Function, _ x: ValueID) throws -> ValueID {
    try op(.unary(Unary(function)), [x])
  }

  private mutating func constant(
    _ shape: [Int], in range: ClosedRange<Float> = -1...1
  ) -> ValueID {
    graph.addConstant(graph.unusedName("c"), random.tensor(shape, in: range))
  }

  private mutating func scalar(_ value: Float) -> ValueID {
    graph.addConstant(
      graph.unusedName("s"), Tensor([value], shape: chance(0.5) ? [] : [1]))
  }

  /// A constant along the channels, or one that only looks like it.
  private mutating func parameters() -> ValueID {
    let range: ClosedRange<Float> = 0.5...1.5
    if chance(0.3) { return constant([1], in: range) }
    if shape.count == 4 {
      return constant(
        chance(0.2) ? [6] : [[4, 1, 1], [1, 4, 1, 1]][chance(0.5) ? 0 : 1], in: range)
    }
    return constant(chance(0.2) ? [5, 1] : [[4], [1, 1, 4]][chance(0.5) ? 0 : 1], in: range)
  }

  private mutating func piece(_ x: ValueID) throws -> ValueID {
    switch Int.random(in: 0..<14, using: &random) {
    case 0, 1, 2: return try linear(x)
    case 3: return try normalization(x)
    case 4: return try binary(.mul, x, parameters())
    case 5: return try binary(.add, x, parameters())
    case 6: return try binary(chance(0.5) ? .sub : .div, x, parameters())
    case 7: return try op(.identity(Identity(isDropout: chance(0.5))), [x])
    case 8: return try binary(.add, x, pick())
    case 9: return try binary(.mul, x, scalar(chance(0.5) ? 1 : 0.5))
    case 10: return try op(.clip(Clip()), [x, scalar(-1), scalar(2)])
    case 11: return try spelledOut(x)
    default:
      let all: [Unary.Function] = [.relu, .sigmoid, .tanh, .hardSigmoid, .gelu, .abs]
      return try unary(all[Int.random(in: 0..<all.count, using: &random)], x)
    }
  }

  /// A convolution or matrix product; sometimes its weight is one that others use too.
  private mutating func linear(_ x: ValueID) throws -> ValueID {
    let isImage = shape.count == 4
    var weight = kernels.last
    if weight == nil || chance(0.7) {
      let kernel = isImage ? [channels, channels, 3, 3] : [channels, channels]
      let fresh = constant(kernel, in: isImage ? -0.3...0.3 : -0.8...0.8)
      kernels.append(fresh)
      weight = fresh
    }
    let bias = chance(0.5) ? constant([channels]) : nil
    guard isImage else { return try op(.matMul(MatMul()), [x, weight, bias]) }
    return try op(convolution(), [x, weight, bias])
  }

  private mutating func normalization(_ x: ValueID) throws -> ValueID {
    guard shape.count == 4 else { return try layerNorm(x) }
    let (scale, bias, mean) = (
      constant([channels], in: 0.5...1.5), constant([channels]), constant([channels])
    )
    let variance = constant([channels], in: 0.5...1.5)
    return try op(.batchNormalization(BatchNormalization()), [x, scale, bias, mean, variance])
  }

  private mutating func layerNorm(_ x: ValueID) throws -> ValueID {
    let axes = graph.addConstant(graph.unusedName("axes"), Tensor([Int64(-1)]))
    let c = try binary(.sub, x, op(.reduce(Reduce(.mean)), [x, axes]))
    let variance = try op(.reduce(Reduce(.mean)), [binary(.mul, c, c), axes])
    let deviation = try unary(.sqrt, binary(.add, variance, scalar(0.1)))
    let scaled = try binary(.mul, binary(.div, c, deviation), constant([4], in: 0.5...1.5))
    return chance(0.7) ? try binary(.add, scaled, constant([4])) : scaled
  }

  private mutating func spelledOut(_ x: ValueID) throws -> ValueID {
    switch Int.random(in: 0..<4, using: &random) {
    case 0:
      let erf = try unary(.erf, binary(.div, x, scalar(1.41421354)))
      return try binary(.mul, binary(.mul, x, binary(.add, erf, scalar(1))), scalar(0.5))
    case 1:
      let clip = try op(
        .clip(Clip()), [binary(.add, x, scalar(3)), scalar(0), scalar(6)])
      return try binary(.div, binary(.mul, x, clip), scalar(chance(0.8) ? 6 : 5))
    case 2:
      var gate = Unary(.hardSigmoid)
      gate.alpha = chance(0.5) ? 1 / 6 : 0.2
      return try binary(.mul, x, op(.unary(gate), [x]))
    default: return try binary(.mul, x, unary(.sigmoid, x))
    }
  }
}
