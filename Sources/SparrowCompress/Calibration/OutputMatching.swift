import SparrowCore
import SparrowPasses
import SparrowRuntime

/// How far a compressed network's activations are from those of the network as it was, and the
/// gradients of that: the mean over its outputs and residual sums of their squared differences, each
/// over its energy about the mean.
final class OutputMatching {
  /// The constants that gradients are taken of: weights, biases, normalisation parameters.
  let parameters: [ValueID]
  /// The numbers of the batches that teach, and of those that only judge.
  let learned: [Int]
  let held: [Int]
  private let batches: Batches
  private let teacher: Session
  private let student: Session
  /// Gives the distance alone.
  private let judge: Session

  init(
    _ graph: Graph, _ original: Graph, _ batches: Batches, threads: Int
  ) throws(CompressError) {
    self.batches = batches
    held = (0..<batches.count).filter { batches.count > 1 && $0 % 8 == min(7, batches.count - 1) }
    learned = (0..<batches.count).filter { [held] in !held.contains($0) }
    let concrete = try graph.specialized(to: batches)
    var whole = try original.specialized(to: batches)
    let matched = concrete.matchedValues().filter { id in
      id.index < whole.values.count && whole.values[id.index].name == concrete[id].name
        && whole[id].type == concrete[id].type
    }
    guard !matched.isEmpty else {
      throw .calibration("no activation of the compressed network is one of the network as it was")
    }
    let chosen = concrete.learnableConstants().filter { graph[$0].constant != nil }
    parameters = chosen
    whole.outputs = matched
    whole.removeDeadNodes()
    let options = SessionOptions(threads: threads)
    do throws(RuntimeError) {
      teacher = try Session(whole, options: options)
      let scales = try Self.scales(try teacher.run(batches.inputs(0)))
      var learning = concrete
      do {
        let loss = try learning.addDistance(of: matched, scales: scales)
        learning.outputs = [loss]
        learning = try learning.promotingConstantsToInputs(chosen)
        judge = try Session(learning, options: options)
        learning.outputs = try learning.addGradients(of: loss, withRespectTo: chosen)
        learning.removeDeadNodes()
      } catch {
        throw RuntimeError.badInput("the network cannot be differentiated: \(error)")
      }
      student = try Session(learning, options: options)
    } catch {
      throw .calibration(error.message)
    }
  }

  /// One tensor a parameter.
  func gradients(batch: Int, _ parameters: [Tensor]) throws(CompressError) -> [Tensor] {
    try results(of: student, batch, parameters)
  }

  /// The mean over the batches that judge, or all where there are none, with these parameters.
  func distance(_ parameters: [Tensor]) throws(CompressError) -> Double {
    var sum = 0.0
    let judging = held.isEmpty ? learned : held
    for batch in judging {
      sum += Double(try results(of: judge, batch, parameters).first?.scalarFloat ?? .nan)
    }
    return sum / Double(judging.count)
  }

  private func results(
    of session: Session, _ batch: Int, _ parameters: [Tensor]
  ) throws(CompressError) -> [Tensor] {
    let inputs = batches.inputs(batch)
    do throws(RuntimeError) {
      return try session.run(inputs + (try teacher.run(inputs)) + parameters)
    } catch {
      throw .calibration(error.message)
    }
  }

  /// One over the energy of each activation about its mean.
  private static func scales(_ activations: [Tensor]) throws(RuntimeError) -> [Float] {
    activations.map { tensor in
      let values = tensor.floats ?? []
      let count = Double(max(1, values.count))
      let mean = values.reduce(0.0) { $0 + Double($1) } / count
      let energy = values.reduce(0.0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / count
      return Float(1 / max(energy, 1e-12) / Double(activations.count))
    }
  }
}

extension Graph {
  /// The float32 outputs, and the sums of two activations of the same shape before them.
  fileprivate func matchedValues() -> [ValueID] {
    var result: [ValueID] = []
    for node in nodes {
      guard case .binary(let op) = node.op, op.function == .add, let a = node.input(0),
        let b = node.input(1), let sum = node.outputs.first, self[a].constant == nil,
        self[b].constant == nil, self[a].type == self[b].type,
        self[sum].type?.dtype == .float32, (self[sum].type?.dimensions?.count ?? 0) > 1
      else { continue }
      result.append(sum)
    }
    for id in outputs where self[id].type?.dtype == .float32 && !result.contains(id) {
      result.append(id)
    }
    return result
  }

  /// Weights, and the vectors that convolutions, products, sums and normalisation take.
  fileprivate func learnableConstants() -> [ValueID] {
    var result = weights().map { $0.value }
    for node in nodes {
      let places: [Int]
      switch node.op {
      case .conv, .gemm: places = [2]
      case .batchNormalization, .layerNormalization: places = [1, 2]
      case .binary(let op) where op.function == .add || op.function == .mul: places = [0, 1]
      default: continue
      }
      for place in places {
        guard let id = node.input(place), let tensor = self[id].constant,
          tensor.dtype == .float32, tensor.rank == 1, tensor.count > 1
        else { continue }
        result.append(id)
      }
    }
    var seen = Set<ValueID>()
    return result.filter { self[$0].constant?.dtype == .float32 && seen.insert($0).inserted }
  }

  /// Appends inputs for what `values` ought to be, and the scaled mean squared distance from them.
  fileprivate mutating func addDistance(
    of values: [ValueID], scales: [Float]
  ) throws(GraphError) -> ValueID {
    var total: ValueID?
    for (i, id) in values.enumerated() {
      let type = self[id].type ?? TensorType(.float32, nil)
      let target = addInput(unusedName("wanted_\(i)"), type)
      let difference = try add(
        .binary(Binary(.sub)), [id, target], name: unusedName("difference_\(i)"))
      let square = try add(
        .binary(Binary(.mul)), [difference, difference], name: unusedName("square_\(i)"))
      let mean = try add(
        .reduce(Reduce(.mean, keepsDimensions: false)), [square], name: unusedName("mean_\(i)"))
      let scale = addConstant(unusedName("scale_\(i)"), Tensor(scalar: scales[i]))
      let term = try add(.binary(Binary(.mul)), [mean, scale], name: unusedName("term_\(i)"))
      total =
        try total.map { sum throws(GraphError) in
          try add(.binary(Binary(.add)), [sum, term], name: unusedName("sum_\(i)"))
        } ?? term
    }
    guard let total else { throw .invalid("there is nothing to match") }
    return total
  }
}
