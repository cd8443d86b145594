import Foundation
import SparrowCore
import SparrowPasses
import SparrowRuntime

/// The flow of an input of ones through a network with absolute weights, and how much of it each weight
/// carries.
///
/// What is not linear becomes so: activations, softmax and normalisations of samples pass everything
/// on, biases are zero, batch normalisation is its scale. The flow is then the sum over all paths of
/// the products of their weights.
struct SynapticFlow {
  private let layers: [Layer]
  private let graph: Graph
  private let session: SessionBox
  private let inputs: [Tensor]

  /// `sample` are the inputs' shapes for one sample, where the graph leaves them open.
  init(
    _ graph: Graph, _ layers: [Layer], sample: [[Int]]?, threads: Int
  ) throws(CompressError) {
    self.layers = layers
    let shapes = try Self.inputShapes(graph, sample)
    do throws(RuntimeError) {
      var linear = try graph.specialized(inputShapes: shapes)
      linear.makeLinearAndPositive(except: Set(layers.map { $0.use.value }))
      do throws(DifferentiationError) {
        linear = try linear.promotingConstantsToInputs(layers.map { $0.use.value })
        let flow = try linear.addFlow()
        let gradients = try linear.addGradients(
          of: flow, withRespectTo: layers.map { $0.use.value })
        linear.outputs = [flow] + gradients
      } catch {
        throw .badInput(error.message)
      }
      linear.removeDeadNodes()
      self.graph = linear
      session = SessionBox(try Session(linear, options: SessionOptions(threads: threads)))
    } catch {
      throw .calibration(error.message)
    }
    inputs = zip(graph.inputs, shapes).map { id, shape in
      let dtype = graph[id].type?.dtype ?? .float32
      return Tensor(dtype, shape, doubles: [Double](repeating: 1, count: shape.elementCount))
    }
  }

  private static func inputShapes(
    _ graph: Graph, _ sample: [[Int]]?
  ) throws(CompressError) -> [[Int]] {
    if let sample, sample.count == graph.inputs.count { return sample }
    var shapes: [[Int]] = []
    for id in graph.inputs {
      var dimensions = graph[id].type?.dimensions ?? []
      if let first = dimensions.first, first.value == nil { dimensions[0] = .known(1) }
      guard let shape = TensorType(.float32, dimensions).shape else {
        throw .calibration(
          "input '\(graph[id].name)' is \(graph[id].type?.text ?? "of unknown type"); give calibration "
            + "data, whose shapes say how long it is")
      }
      shapes.append(shape)
    }
    return shapes
  }

  /// R and each layer's |w dR/dw| for absolute weights, up to one factor for all of them that keeps
  /// them within float32's range.
  func saliencies(_ weights: [Tensor]) throws(CompressError) -> (flow: Double, layers: [[Float]]) {
    // The flow is proportional to the input: a smaller one where many layers make it overflow.
    for scale in [1, 1e-10, 1e-20, 1e-30] {
      let scaled = inputs.map { tensor in
        guard tensor.dtype.isFloatingPoint else { return tensor }
        return Tensor(tensor.dtype, tensor.shape, doubles: tensor.doubles.map { $0 * scale })
      }
      let results: [Tensor]
      do throws(RuntimeError) {
        results = try session.value.run(scaled + weights)
      } catch {
        throw .calibration(error.message)
      }
      let flow = results[0].doubles.first ?? 0
      guard flow.isFinite else { continue }
      let saliencies = zip(weights, results.dropFirst()).map { weight, gradient in
        zip(weight.floats ?? [], gradient.floats ?? []).map { abs($0 * $1) }
      }
      if saliencies.allSatisfy({ $0.allSatisfy { $0.isFinite } }) { return (flow, saliencies) }
    }
    throw .calibration("the synaptic flow of the network is not finite")
  }

  /// For each weight the round in which it goes, counted from 1; for those that stay, numbers above
  /// `rounds` in the order of their last saliencies.
  func removalOrder(sparsity: Double, rounds: Int) throws(CompressError) -> [[Float]] {
    let total = layers.reduce(0) { $0 + $1.count }
    var weights = layers.map { layer in
      (layer.weight.floats ?? []).map { abs($0) }
    }
    var order = layers.map { [Float](repeating: 0, count: $0.count) }
    for round in 1...rounds {
      let tensors = zip(layers, weights).map { Tensor($1, shape: $0.weight.shape) }
      let saliencies = try saliencies(tensors).layers
      let units = zip(order, saliencies).map { order, saliency in
        // Those that went stay below those that carry nothing.
        UnitScores(
          scores: Scores(
            zip(order, saliency).map { $0 > 0 ? 0 : max($1, Float.leastNonzeroMagnitude) }))
      }
      let kept = pow(1 - sparsity, Double(round) / Double(rounds))
      let drops = LowestSelection.distribution(
        units, dropping: Rounding.dropCount(1 - kept, of: total))
      for (i, layer) in layers.enumerated() {
        let mask = UnstructuredPattern().mask(units[i], view: layer.use.view, dropping: drops[i])
        for j in order[i].indices where !mask[j] && order[i][j] == 0 {
          order[i][j] = Float(round)
          weights[i][j] = 0
        }
      }
      guard round == rounds else { continue }
      let largest = saliencies.joined().max() ?? 0
      for i in order.indices {
        for j in order[i].indices where order[i][j] == 0 {
          order[i][j] = Float(rounds + 1) + (largest > 0 ? saliencies[i][j] / largest : 0)
        }
      }
    }
    return order
  }
}

/// A session used by one thread at a time.
private final class SessionBox {
  let value: Session
  init(_ value: Session) { self.value = value }
}

extension Graph {
  /// Appends the sum of the first output's elements.
  fileprivate mutating func addFlow() throws(DifferentiationError) -> ValueID {
    guard let output = outputs.first else { throw .noScores("the graph has no output") }
    do throws(GraphError) {
      return try add(
        .reduce(Reduce(.sum, keepsDimensions: false)), [output], name: unusedName("flow"))
    } catch {
      throw .graph(error)
    }
  }

  /// Makes the network linear in its input and every constant not negative.
  fileprivate mutating func makeLinearAndPositive(except kept: Set<ValueID>) {
    for i in nodes.indices {
      if nodes[i].op.takesActivation { nodes[i].op.activation = .none }
      switch nodes[i].op {
      case .unary(let op) where op.function.isActivation: passOn(i)
      case .clip, .softmax, .layerNormalization, .rmsNormalization, .groupNormalization,
        .lpNormalization, .lrn, .meanVarianceNormalization:
        passOn(i)
      case .conv, .gemm, .convTranspose, .matMul: clear(nodes[i].input(2))
      case .batchNormalization:
        clear(nodes[i].input(2))
        clear(nodes[i].input(3))
      case .binary(let op) where op.function == .add || op.function == .sub:
        for id in nodes[i].inputs { clear(id) }
      default: break
      }
    }
    for i in values.indices where !kept.contains(ValueID(i)) {
      guard let constant = values[i].constant, constant.dtype.isFloatingPoint else { continue }
      values[i].constant = Tensor(
        constant.dtype, constant.shape, doubles: constant.doubles.map { abs($0) })
    }
  }

  private mutating func passOn(_ i: Int) {
    nodes[i].op = .identity(Identity())
    nodes[i].inputs = Array(nodes[i].inputs.prefix(1))
    nodes[i].outputs = Array(nodes[i].outputs.prefix(1))
  }

  /// Zeros in the place of a constant.
  private mutating func clear(_ id: ValueID?) {
    guard let id, let constant = self[id].constant, constant.dtype.isFloatingPoint else { return }
    self[id].constant = Tensor(
      constant.dtype, constant.shape, doubles: [Double](repeating: 0, count: constant.count))
  }
}

extension Unary.Function {
  /// Whether networks have it between layers, and it grows with its argument.
  fileprivate var isActivation: Bool {
    switch self {
    case .celu, .elu, .erf, .gelu, .hardSigmoid, .hardSwish, .leakyRelu, .mish, .relu, .selu,
      .shrink, .sigmoid, .softplus, .softsign, .swish, .tanh, .thresholdedRelu:
      true
    case .abs, .acos, .acosh, .asin, .asinh, .atan, .atanh, .bitwiseNot, .ceil, .cos, .cosh, .exp,
      .floor, .isNaN, .log, .neg, .not, .reciprocal, .round, .sign, .sin, .sinh, .sqrt, .tan:
      false
    }
  }
}
