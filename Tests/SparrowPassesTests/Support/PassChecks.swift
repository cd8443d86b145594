import SparrowCore
import SparrowPasses
import SparrowRuntime
import SparrowTestSupport
import Testing

/// How far outputs may lie apart after a rewrite, as a share of the largest magnitude.
enum Tolerance {
  /// Nothing is computed differently.
  static let exact: Float = 0
  /// Sums are taken in another order, or constants rounded once more.
  static let rounding: Float = 2e-5
}

/// Applies one pass until it finds nothing more to do, compares the text with `after`, and checks
/// that the outputs stay equal on random inputs.
func expect(
  _ pass: any Pass, on graph: Graph, gives after: String, within tolerance: Float,
  location: SourceLocation = #_sourceLocation
) throws {
  var rewritten = graph
  try PassDriver(pipeline: [pass]).run(&rewritten)
  #expect(rewritten.text == after, sourceLocation: location)
  try expectEqualOutputs(graph, rewritten, within: tolerance, location: location)
}

/// Checks that the pass leaves the graph alone.
func expectUnchanged(
  _ pass: any Pass, on graph: Graph, location: SourceLocation = #_sourceLocation
) throws {
  var rewritten = graph
  let log = try PassDriver(pipeline: [pass]).run(&rewritten)
  #expect(log.isEmpty, sourceLocation: location)
  #expect(rewritten.text == graph.text, sourceLocation: location)
}

/// Runs both graphs on the same random inputs and compares their outputs.
func expectEqualOutputs(
  _ a: Graph, _ b: Graph, within tolerance: Float, seed: UInt64 = 1,
  location: SourceLocation = #_sourceLocation
) throws {
  let inputs = randomInputs(of: a, seed: seed)
  let expected = try Session(a).run(inputs)
  let found = try Session(b).run(inputs)
  #expect(expected.count == found.count, sourceLocation: location)
  for (i, (x, y)) in zip(expected, found).enumerated() {
    #expect(x.shape == y.shape && x.dtype == y.dtype, sourceLocation: location)
    guard let p = x.floats, let q = y.floats, p.count == q.count else {
      #expect(x == y, sourceLocation: location)
      continue
    }
    let largest = p.map { abs($0) }.max() ?? 0
    let difference = zip(p, q).map { abs($0 - $1) }.max() ?? 0
    #expect(
      difference <= tolerance * largest,
      "output \(i) differs by \(difference) of \(largest) (seed \(seed))",
      sourceLocation: location)
  }
}

/// One tensor an input; each named length is 3, each unknown one 4.
func randomInputs(of graph: Graph, seed: UInt64) -> [Tensor] {
  var random = SeededGenerator(seed: seed)
  return graph.inputs.map { id in
    let type = graph[id].type ?? TensorType(.float32, [])
    let shape = (type.dimensions ?? []).map { dimension in
      switch dimension {
      case .known(let length): length
      case .symbol: 3
      case .unknown: 4
      }
    }
    guard type.dtype == .float32 else {
      return Tensor((0..<shape.elementCount).map { Int64($0 % 3) }, shape: shape)
    }
    return random.tensor(shape)
  }
}

extension SeededGenerator {
  mutating func tensor(_ shape: [Int], in range: ClosedRange<Float> = -2...2) -> Tensor {
    var values: [Float] = []
    for _ in 0..<shape.elementCount { values.append(Float.random(in: range, using: &self)) }
    return Tensor(values, shape: shape)
  }
}

/// Builds a graph for a test.
struct Builder {
  var graph: Graph
  private var random = SeededGenerator(seed: 7)

  init(_ name: String) { graph = Graph(name: name) }

  mutating func input(_ name: String, _ dimensions: [Dimension], _ dtype: DType = .float32)
    -> ValueID
  {
    graph.addInput(name, TensorType(dtype, dimensions))
  }

  mutating func input(_ name: String, _ shape: [Int], _ dtype: DType = .float32) -> ValueID {
    graph.addInput(name, TensorType(dtype, shape: shape))
  }

  /// A random constant.
  mutating func weight(
    _ name: String, _ shape: [Int], in range: ClosedRange<Float> = -2...2
  ) -> ValueID {
    graph.addConstant(name, random.tensor(shape, in: range))
  }

  mutating func scalar(_ value: Float, shape: [Int] = []) -> ValueID {
    graph.addConstant(graph.unusedName("c"), Tensor([value], shape: shape))
  }

  mutating func integers(_ values: [Int64]) -> ValueID {
    graph.addConstant(graph.unusedName("i"), Tensor(values))
  }

  mutating func op(_ op: Op, _ inputs: ValueID?..., name: String) throws -> ValueID {
    try graph.add(op, inputs, name: name)
  }

  mutating func binary(
    _ function: Binary.Function, _ a: ValueID, _ b: ValueID, name: String
  ) throws -> ValueID {
    try graph.add(.binary(Binary(function)), [a, b], name: name)
  }

  mutating func unary(_ function: Unary.Function, _ x: ValueID, name: String) throws -> ValueID {
    try graph.add(.unary(Unary(function)), [x], name: name)
  }

  func returning(_ outputs: ValueID...) -> Graph {
    var result = graph
    result.outputs = outputs
    return result
  }
}

/// A 3x3 convolution that keeps lengths.
func convolution(group: Int = 1, activation: Activation = .none) -> Op {
  .conv(Conv(window: Window(pads: [1, 1, 1, 1]), group: group, activation: activation))
}
