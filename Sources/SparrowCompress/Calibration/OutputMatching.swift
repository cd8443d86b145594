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
  private let teacher: Teacher
  private let student: Session
  /// Gives the distance alone.
  private let judge: Session

  init(
    _ graph: Graph, _ original: Graph, _ batches: Batches, _ run: CalibrationRun
  ) throws(CompressError) {
    self.batches = batches
    let isHeld = { Batches.isHeld($0, of: batches.count, each: 8) }
    held = (0..<batches.count).filter(isHeld)
    learned = (0..<batches.count).filter { !isHeld($0) }
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
    teacher = try Teacher(whole, run)
    let learning = try concrete.learning(
      matched, chosen, scales: Self.scales(try teacher.outputs(0, of: batches)))
    let options = SessionOptions(threads: run.threads)
    do throws(RuntimeError) {
      judge = try Session(learning.judge, options: options)
      student = try Session(learning.student, options: options)
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
    let inputs = batches.inputs(batch) + (try teacher.outputs(batch, of: batches)) + parameters
    do throws(RuntimeError) {
      return try session.run(inputs)
    } catch {
      throw .calibration(error.message)
    }
  }

  /// One over the energy of each activation about its mean.
  private static func scales(_ activations: [Tensor]) -> [Float] {
    activations.map { tensor in
      let values = tensor.floats ?? []
      let count = Double(max(1, values.count))
      let mean = values.reduce(0.0) { $0 + Double($1) } / count
      let energy = values.reduce(0.0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / count
      return Float(1 / max(energy, 1e-12) / Double(activations.count))
    }
  }
}

/// The network as it was: each batch runs once, and what it gave is kept.
private final class Teacher {
  private let session: Session
  private let values: [ValueID]
  private let store: ActivationStore

  init(_ graph: Graph, _ run: CalibrationRun) throws(CompressError) {
    values = graph.outputs
    store = ActivationStore(ActivationStore.Budget(limit: run.memory, folder: run.folder))
    do throws(RuntimeError) {
      session = try Session(graph, options: SessionOptions(threads: run.threads))
    } catch {
      throw .calibration(error.message)
    }
  }

  func outputs(_ batch: Int, of batches: Batches) throws(CompressError) -> [Tensor] {
    let known = values.compactMap { store.tensor($0, batch: batch) }
    if known.count == values.count { return known }
    let made: [Tensor]
    do throws(RuntimeError) { made = try session.run(batches.inputs(batch)) } catch {
      throw .calibration(error.message)
    }
    for (id, tensor) in zip(values, made) { try store.keep(tensor, id, batch: batch) }
    return made
  }
}

extension Graph {
  /// The graphs that give the distance of `values` from what they ought to be, and its gradients with
  /// respect to `parameters`. Both take the inputs, the wanted values, and the parameters.
  fileprivate func learning(
    _ values: [ValueID], _ parameters: [ValueID], scales: [Float]
  ) throws(CompressError) -> (judge: Graph, student: Graph) {
    var judge = self
    let loss: ValueID
    do throws(GraphError) { loss = try judge.addDistance(of: values, scales: scales) } catch {
      throw .calibration(error.message)
    }
    judge.outputs = [loss]
    do throws(DifferentiationError) {
      judge = try judge.promotingConstantsToInputs(parameters)
      var student = judge
      student.outputs = try student.addGradients(of: loss, withRespectTo: parameters)
      student.removeDeadNodes()
      return (judge, student)
    } catch {
      throw .calibration("the network cannot be differentiated: \(error.message)")
    }
  }

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
