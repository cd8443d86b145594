import SparrowCore
import SparrowPasses
import SparrowRuntime
import SparrowTestSupport
import Testing

/// Runs a graph node by node through the operators' reference implementations, in float64 where its
/// inputs are.
func reference(_ graph: Graph, _ inputs: [Tensor]) throws -> [Tensor] {
  var values = graph.values.map { $0.constant }
  for (id, tensor) in zip(graph.inputs, inputs) { values[id.index] = tensor }
  for node in graph.nodes {
    let operands = node.inputs.map { $0.flatMap { values[$0.index] } }
    let results = try results(of: node, operands)
    for (id, tensor) in zip(node.outputs, results) { values[id.index] = tensor }
  }
  return try graph.outputs.map { try #require(values[$0.index]) }
}

/// Operators that only move elements have no reference implementation; the runtime moves any type.
private func results(of node: Node, _ operands: [Tensor?]) throws -> [Tensor] {
  if let made = try? node.op.compute(Operands(operands, outputCount: node.outputs.count)) {
    return made
  }
  return try Evaluator.evaluate(
    node.op, inputs: operands, outputCount: node.outputs.count, label: node.label)
}

/// An operand of an operator whose gradient is checked.
enum GradientOperand {
  /// Differentiated; random numbers in a range.
  case random([Int], ClosedRange<Double>)
  case constant(Tensor)
  case absent

  static func random(_ shape: Int...) -> Self { .random(shape, -1.5...1.5) }
  static func positive(_ shape: Int...) -> Self { .random(shape, 0.3...2) }
  static func integers(_ values: [Int64]) -> Self { .constant(Tensor(values)) }
}

/// One operator applied to operands.
struct GradientCase: CustomTestStringConvertible {
  var name: String
  var op: Op
  var operands: [GradientOperand]
  var outputs = 1
  /// Which outputs the scalar depends on.
  var used = Set([0])

  init(
    _ name: String, _ op: Op, _ operands: [GradientOperand], outputs: Int = 1, used: Set<Int> = [0]
  ) {
    (self.name, self.op, self.operands) = (name, op, operands)
    (self.outputs, self.used) = (outputs, used)
  }

  var testDescription: String { name }
}

extension SeededGenerator {
  mutating func doubles(_ shape: [Int], in range: ClosedRange<Double> = -1...1) -> Tensor {
    Tensor(
      (0..<shape.elementCount).map { _ in Double.random(in: range, using: &self) }, shape: shape)
  }
}

/// Central differences of this step err by about 1e-10 of a third derivative near 1.
private let step = 1e-5
/// Of 1 + the gradient's magnitude.
let differenceTolerance = 2e-7

/// Compares the gradient graph of a case with central differences of the reference implementation:
/// of the sum of the outputs, each element times a random number.
func expectGradient(_ test: GradientCase, seed: UInt64) throws {
  var random = SeededGenerator(seed: seed)
  var graph = Graph()
  var (ids, wanted, inputs): ([ValueID?], [ValueID], [Tensor]) = ([], [], [])
  for (i, operand) in test.operands.enumerated() {
    switch operand {
    case .absent: ids.append(nil)
    case .constant(let tensor): ids.append(graph.addConstant("c\(i)", tensor))
    case .random(let shape, let range):
      let id = graph.addInput("x\(i)", TensorType(.float64, shape: shape))
      ids.append(id)
      wanted.append(id)
      inputs.append(random.doubles(shape, in: range))
    }
  }
  let made = try graph.add(
    test.op, ids, name: "node", outputs: (0..<test.outputs).map { "y\($0)" })
  var loss: ValueID?
  for (i, output) in made.enumerated() where test.used.contains(i) {
    let shape = try #require(graph[output].type?.shape)
    let factors = graph.addConstant("f\(i)", random.doubles(shape))
    let product = try graph.add(.binary(Binary(.mul)), [output, factors], name: "p\(i)")
    let sum = try graph.add(
      .reduce(Reduce(.sum, keepsDimensions: false)), [product], name: "s\(i)")
    loss = try loss.map { try graph.add(.binary(Binary(.add)), [$0, sum], name: "l\(i)") } ?? sum
  }
  let scalar = try #require(loss)
  graph.outputs = [scalar]
  var differentiated = graph
  let gradients = try differentiated.addGradients(of: scalar, withRespectTo: wanted)
  differentiated.outputs = gradients
  try differentiated.verify()
  let found = try reference(differentiated, inputs)
  try expectDifferences(graph, inputs, found, "\(test.name), seed \(seed)")
}

/// Compares gradients with central differences of a graph's first output, element by element.
func expectDifferences(
  _ graph: Graph, _ inputs: [Tensor], _ gradients: [Tensor], _ label: String,
  sourceLocation: SourceLocation = #_sourceLocation
) throws {
  for (i, gradient) in gradients.enumerated() {
    #expect(gradient.shape == inputs[i].shape, "\(label)", sourceLocation: sourceLocation)
    let analytic = gradient.doubles
    var worst = 0.0
    for j in analytic.indices {
      func value(_ offset: Double) throws -> Double {
        var numbers = inputs[i].doubles
        numbers[j] += offset
        var moved = inputs
        moved[i] = Tensor(numbers, shape: inputs[i].shape)
        return try reference(graph, moved)[0].doubles[0]
      }
      let numeric = try (value(step) - value(-step)) / (2 * step)
      worst = max(worst, abs(analytic[j] - numeric) / (1 + abs(numeric)))
    }
    #expect(
      worst <= differenceTolerance, "\(label): input \(i) differs by \(worst)",
      sourceLocation: sourceLocation)
  }
}
