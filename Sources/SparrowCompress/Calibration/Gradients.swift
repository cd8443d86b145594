import SparrowCore
import SparrowPasses
import SparrowRuntime

/// Gradients of a network's loss with respect to chosen weights, each of one sample or of the mean over
/// a group of samples.
///
/// Every thread runs the gradient graph in a session of its own; gradients are handed over one after
/// the other in their order, which does not depend on the number of threads. Group k of n takes every
/// n-th of samples spread evenly over the data, so that data sorted by class do no harm.
public struct Gradients: Sendable {
  /// How many there are.
  public let count: Int
  /// Samples of each.
  public let groupSize: Int
  private let data: any CalibrationData
  private let labels: [Int]
  private let labelShape: [Int]
  /// Samples of one run; a group is one or more.
  private let runSize: Int
  private let sessions: Sessions

  /// The most samples of one run.
  private static var longestRun: Int { 32 }

  /// Gradients with respect to `weights`, constants of `graph`. `labels` are one class a sample.
  ///
  /// With `takesWeights` every walk is given the weights' values. Throws where the network is no
  /// classifier, cannot be differentiated, or does not fit the data.
  public init(
    _ graph: Graph, of weights: [ValueID], data: any CalibrationData, labels: [Int],
    settings: GradientSettings, threads: Int, takesWeights: Bool = false
  ) throws(CompressError) {
    let declared = graph.inputs.first.flatMap { graph[$0].type?.dimensions?.first?.value }
    let wanted = max(1, min(settings.groupSize, min(data.count, labels.count)))
    if let declared {
      runSize = max(1, declared)
      groupSize = max(1, wanted / runSize) * runSize
    } else {
      groupSize = wanted
      runSize = (1...min(wanted, Self.longestRun)).last { wanted % $0 == 0 } ?? 1
    }
    count = max(0, min(settings.count, min(data.count, labels.count) / groupSize))
    guard count > 0 else {
      throw .calibration(
        "there are \(data.count) samples, but a gradient takes \(groupSize) of them")
    }
    (self.data, self.labels) = (data, labels)
    let size = runSize
    let shapes = data.batch(0..<1).map { [size] + $0.shape.dropFirst() }
    let made = try Self.gradientGraph(
      graph, weights, shapes, temperature: settings.temperature, takesWeights: takesWeights)
    labelShape = made.labelShape
    sessions = try Sessions(made.graph, count: max(1, min(threads, count)))
  }

  /// The graph whose outputs are the gradients, for inputs of `shapes`, then the labels, and then, if
  /// wanted, the weights.
  private static func gradientGraph(
    _ graph: Graph, _ weights: [ValueID], _ shapes: [[Int]], temperature: Double?,
    takesWeights: Bool
  ) throws(CompressError) -> (graph: Graph, labelShape: [Int]) {
    do throws(RuntimeError) {
      var concrete = try graph.specialized(inputShapes: shapes)
      do throws(DifferentiationError) {
        let loss = try concrete.addCrossEntropyLoss()
        guard let type = concrete[loss.labels].type, let shape = type.shape,
          shape.dropFirst().allSatisfy({ $0 == 1 })
        else {
          throw .noScores(
            "the first output is \(concrete[loss.scores].type?.text ?? "?"), expected one vector of "
              + "class scores a sample")
        }
        if let temperature { try concrete.divideScores(of: loss, by: temperature) }
        concrete.outputs = [loss.loss]
        if takesWeights { concrete = try concrete.promotingConstantsToInputs(weights) }
        concrete.outputs = try concrete.addGradients(of: loss.loss, withRespectTo: weights)
        concrete.removeDeadNodes()
        return (concrete, shape)
      } catch {
        throw .badInput(error.message)
      }
    } catch {
      throw .calibration(error.message)
    }
  }

  /// Hands every gradient to `body`, in order: one tensor a weight, in the weights' order.
  ///
  /// `weights` are their values, where the gradients were made to take them.
  public func forEach(
    weights: [Tensor] = [], _ body: (_ index: Int, [Tensor]) throws(CompressError) -> Void
  ) throws(CompressError) {
    for first in stride(from: 0, to: count, by: sessions.count) {
      let wave = min(sessions.count, count - first)
      let results = Parallel.map(wave) { i in gradient(first + i, weights, session: i) }
      for (i, result) in results.enumerated() { try body(first + i, try result.get()) }
    }
  }

  /// The mean of all gradients, in float64.
  public func mean(weights: [Tensor] = []) throws(CompressError) -> [[Double]] {
    var sums: [[Double]] = []
    try forEach(weights: weights) { (_, tensors) throws(CompressError) in
      if sums.isEmpty { sums = tensors.map { [Double](repeating: 0, count: $0.count) } }
      for (i, tensor) in tensors.enumerated() { sums[i].add(tensor) }
    }
    for i in sums.indices { sums[i].scale(by: 1 / Double(count)) }
    return sums
  }

  private func gradient(
    _ index: Int, _ weights: [Tensor], session: Int
  ) -> Result<[Tensor], CompressError> {
    do throws(CompressError) {
      let runs = groupSize / runSize
      let single = try run(index, 0, weights, session: session)
      if runs == 1 { return .success(single) }
      var sums = single.map { [Double](repeating: 0, count: $0.count) }
      for (i, tensor) in single.enumerated() { sums[i].add(tensor) }
      for part in 1..<runs {
        let next = try run(index, part, weights, session: session)
        for (i, tensor) in next.enumerated() { sums[i].add(tensor) }
      }
      for i in sums.indices { sums[i].scale(by: 1 / Double(runs)) }
      return .success(
        zip(sums, single).map { Tensor($1.dtype, $1.shape, doubles: $0) })
    } catch {
      return .failure(error)
    }
  }

  /// One run of a group: its samples `part * runSize` and on.
  private func run(
    _ index: Int, _ part: Int, _ weights: [Tensor], session: Int
  ) throws(CompressError) -> [Tensor] {
    let (total, n) = (count * groupSize, min(data.count, labels.count))
    let samples = (0..<runSize).map { i in
      (index + (part * runSize + i) * count) * n / total
    }
    var inputs: [Tensor] = []
    for sample in samples {
      let one = data.batch(sample..<sample + 1)
      inputs = inputs.isEmpty ? one : zip(inputs, one).map { $0.appendingSamples(of: $1) }
    }
    let classes = Tensor(samples.map { Int64(labels[$0]) }, shape: labelShape)
    do throws(RuntimeError) {
      return try sessions.run(session, inputs + [classes] + weights)
    } catch {
      throw .calibration(error.message)
    }
  }
}

extension Graph {
  /// Puts a division between the scores and the loss, the last node.
  fileprivate mutating func divideScores(
    of loss: CrossEntropyLoss, by temperature: Double
  ) throws(DifferentiationError) {
    guard var last = nodes.popLast() else { return }
    let dtype = self[loss.scores].type?.dtype ?? .float32
    let divisor = addConstant(
      unusedName("temperature"), Tensor(dtype, [], doubles: [temperature]))
    do throws(GraphError) {
      last.inputs[0] = try add(
        .binary(Binary(.div)), [loss.scores, divisor], name: unusedName("tempered"))
    } catch {
      throw .graph(error)
    }
    nodes.append(last)
  }
}

/// A session for each thread; each index is used by one thread at a time.
private final class Sessions: @unchecked Sendable {
  private let sessions: [Session]
  var count: Int { sessions.count }

  init(_ graph: Graph, count: Int) throws(CompressError) {
    var made: [Session] = []
    do throws(RuntimeError) {
      for _ in 0..<count { made.append(try Session(graph)) }
    } catch {
      throw .calibration(error.message)
    }
    sessions = made
  }

  func run(_ i: Int, _ inputs: [Tensor]) throws(RuntimeError) -> [Tensor] {
    try sessions[i].run(inputs)
  }
}

extension Tensor {
  /// This tensor's samples, then `other`'s, along the first axis.
  fileprivate func appendingSamples(of other: Tensor) -> Tensor {
    guard let a = dense().denseBytes, let b = other.dense().denseBytes else { return self }
    let bytes = Bytes(count: a.count + b.count) { target in
      guard let base = target.baseAddress else { return }
      base.copyMemory(from: a.pointer, byteCount: a.count)
      (base + a.count).copyMemory(from: b.pointer, byteCount: b.count)
    }
    let shape = [self.shape[0] + other.shape[0]] + self.shape.dropFirst()
    return Tensor(dtype: dtype, shape: shape, bytes: bytes)
  }
}

extension Tensor {
  /// Of a float32 tensor's elements.
  var sumOfSquares: Double {
    withElements(of: Float.self) { $0.reduce(0.0) { $0 + Double($1) * Double($1) } }
  }
}

extension [Double] {
  /// Adds the elements of a float32 tensor.
  mutating func add(_ tensor: Tensor) {
    precondition(tensor.count == count && tensor.dtype == .float32)
    withUnsafeMutableBufferPointer { sums in
      tensor.withElements(of: Float.self) { values in
        for i in values.indices { sums[i] += Double(values[i]) }
      }
    }
  }

  /// Adds the squares of the elements of a float32 tensor.
  mutating func addSquares(of tensor: Tensor) {
    precondition(tensor.count == count && tensor.dtype == .float32)
    withUnsafeMutableBufferPointer { sums in
      tensor.withElements(of: Float.self) { values in
        for i in values.indices { sums[i] += Double(values[i]) * Double(values[i]) }
      }
    }
  }

  mutating func scale(by factor: Double) {
    withUnsafeMutableBufferPointer { sums in
      for i in sums.indices { sums[i] *= factor }
    }
  }
}
