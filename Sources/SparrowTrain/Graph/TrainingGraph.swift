import SparrowCompress
import SparrowCore
import SparrowPasses
import SparrowRuntime

/// A constant of a graph that training changes.
public struct Parameter: Hashable, Sendable {
  public var name: String
  /// Where it is in ``TrainingGraph/source``.
  public var value: ValueID
  public var dtype: DType
  public var shape: [Int]

  public var count: Int { shape.elementCount }
}

/// A graph that computes a loss of one batch and its gradients.
///
/// ```
/// inputs:  samples..., [second views...], [targets], [teacher's scores], [noise of each gate..., p],
///          parameters..., running statistics..., [those of the second stream...]
/// outputs: loss, scores, [share of multiply-adds], new running statistics..., gradients of the
///          parameters...
/// ```
/// Second views are there where the loss compares two (``TrainingLoss/Task/vicReg(_:)``), targets where
/// it does not, noise and p (``GatingSettings``) where gates are trained.
///
/// Parameters are constants of ``source`` made inputs, so that their memory can change between runs
/// without another plan. Batch normalisations with constant statistics are in training mode unless they
/// are frozen: the new statistics are what the given ones become by ONNX's momentum (population
/// variance). Dropout stays what it is in inference: nothing.
public struct TrainingGraph: Sendable {
  /// The network itself, its parameters and statistics as constants.
  public let source: Graph
  public let graph: Graph
  public let parameters: [Parameter]
  /// Running means and variances, of each batch normalisation the mean before the variance.
  public let statistics: [Parameter]
  /// The same of the second stream, by the names they have in the first: those that it starts from.
  public let secondStatistics: [Parameter]
  /// The tensors of a sample.
  public let inputCount: Int
  /// Whether each sample comes in two views.
  public let takesTwoViews: Bool
  /// nil where the loss takes no targets.
  public let targetType: TensorType?
  public let scoresShape: [Int]
  public let takesTeacher: Bool
  public let loss: TrainingLoss
  /// The shapes of the gates' noise; empty where no gates are trained.
  public let noiseShapes: [[Int]]
  /// How much of the multiply-adds of convolutions each gate decides on; of the gates that the network
  /// has, trained or not.
  let gateShares: [Double]

  /// How batch normalisations are trained.
  public enum Normalization: String, CaseIterable, Hashable, Sendable {
    /// By the statistics of each batch.
    case training
    /// The same, after what was folded into convolutions has been taken out again: see
    /// ``SparrowCore/Graph/restoringBatchNormalization(_:_:)``.
    case restored
    /// By the running statistics, which stay as they are.
    case frozen
  }

  /// For batches of `inputShapes`, one an input.
  ///
  /// Parameters whose names, or whose nodes' names, match one of `frozen` stay constants. Throws where
  /// nothing is left to train, the loss does not fit the first output, or an operator on the way has
  /// no gradient.
  ///
  /// With `masks`, by parameter, the graph is one for weights that are 0 where these drop, and gives no
  /// gradients there; it may compute with kernels for sparse weights.
  public init(
    _ graph: Graph, inputShapes: [[Int]], loss: TrainingLoss = TrainingLoss(),
    gating: GatingSettings? = nil, frozen: [String] = [],
    normalization: Normalization = .training, masks: [Int: WeightMask] = [:]
  ) throws(TrainError) {
    var source = graph
    source.separateRunningStatistics()
    let trainable = try Self.trainable(source, frozen)
    let running = normalization == .frozen ? [] : source.runningStatistics()
    var streams = TwoStreams(graph: source, statistics: [])
    if loss.task.takesTwoViews { streams = try source.withSecondStream(running) }
    let promoted = trainable + running + streams.statistics.map { $0.second }
    let shapes = streams.graph.inputs.count == source.inputs.count ? 1 : 2
    var concrete = try Self.concrete(
      streams.graph, (0..<shapes).flatMap { _ in inputShapes }, promoted)
    let samples = Array(concrete.inputs.prefix(streams.graph.inputs.count))
    gateShares = concrete.costShares(of: concrete.channelGates())
    let gates = try gating.map { (settings) throws(TrainError) in
      try concrete.trainGates(settings)
    }
    let firsts = Dictionary(
      uniqueKeysWithValues: streams.statistics.map { ($0.second, $0.own) })
    var moved = concrete.trainBatchNormalization { promoted.contains($0) }
    moved = moved.filter { firsts[$0.old] == nil } + moved.filter { firsts[$0.old] != nil }
    for (i, mask) in masks.sorted(by: { $0.key < $1.key }) {
      concrete.addMask(mask, to: trainable[i])
    }
    var values = try concrete.addTrainingLoss(loss)
    if let gates { values.loss = try concrete.addMixture(values.loss, 1, gates.penalty, 1) }
    guard let scoresShape = concrete[values.scores].type?.shape else {
      throw .network("the shape of '\(concrete[values.scores].name)' is not known")
    }
    let optional = [values.targets, values.teacher].compactMap { $0 }
    let gateInputs = gates.map { $0.noise + [$0.tightness] } ?? []
    concrete.inputs = samples + optional + gateInputs + trainable + moved.map { $0.old }
    let gradients: [ValueID]
    do throws(DifferentiationError) {
      gradients = try concrete.addGradients(of: values.loss, withRespectTo: trainable)
    } catch {
      throw .differentiation(error)
    }
    let measured = [values.loss, values.scores] + (gates.map { [$0.share] } ?? [])
    concrete.outputs = measured + moved.map { $0.new } + gradients
    concrete.removeDeadNodes()
    self.source = source
    self.graph = concrete
    parameters = trainable.map { source.parameter($0) }
    statistics = moved.filter { firsts[$0.old] == nil }.map { source.parameter($0.old) }
    secondStatistics = moved.compactMap { firsts[$0.old].map { source.parameter($0) } }
    (inputCount, takesTwoViews) = (source.inputs.count, shapes == 2)
    targetType = values.targets.flatMap { concrete[$0].type }
    self.scoresShape = scoresShape
    takesTeacher = values.teacher != nil
    noiseShapes = (gates?.noise ?? []).map { concrete[$0].type?.shape ?? [] }
    self.loss = loss
  }

  private static func trainable(
    _ source: Graph, _ frozen: [String]
  ) throws(TrainError) -> [ValueID] {
    let all = source.trainableConstants()
    guard !all.isEmpty else {
      throw .network("the network has no weights that could be trained")
    }
    let readers = source.consumers()
    let globs = frozen.map { Glob($0) }
    func names(_ id: ValueID) -> [String] {
      [source[id].name] + readers[id.index].map { source.nodes[$0].name }
    }
    for glob in globs where !all.contains(where: { names($0).contains(where: glob.matches) }) {
      throw .setting("'\(glob.pattern)' matches no parameter and no node; nothing is frozen by it")
    }
    let left = all.filter { id in
      !names(id).contains { name in globs.contains { $0.matches(name) } }
    }
    guard !left.isEmpty else {
      throw .setting("every parameter is frozen: nothing is left to train")
    }
    return left
  }

  /// The source for inputs of the shapes, with `promoted` as further inputs.
  private static func concrete(
    _ source: Graph, _ inputShapes: [[Int]], _ promoted: [ValueID]
  ) throws(TrainError) -> Graph {
    let open: Graph
    do throws(DifferentiationError) {
      open = try source.promotingConstantsToInputs(promoted)
    } catch {
      throw .differentiation(error)
    }
    let shapes = inputShapes + promoted.map { source[$0].constant?.shape ?? [] }
    do throws(RuntimeError) {
      return try open.specialized(inputShapes: shapes)
    } catch {
      throw .runtime(error)
    }
  }

  /// The position of the first running statistic among the outputs.
  var firstStatistic: Int { noiseShapes.isEmpty ? 2 : 3 }

  /// The network for inference with its parameters and statistics as further inputs: samples, then
  /// parameters, then statistics. Its outputs are what the loss takes (scores before a softmax at the
  /// end, else the first output), and what each gate leaves open.
  public func inferenceGraph() throws(TrainError) -> Graph {
    let promoted = (parameters + statistics).map { $0.value }
    let gates = source.channelGates().map { $0.open }
    do throws(DifferentiationError) {
      var graph = source
      switch loss.task {
      case .crossEntropy: graph = try source.scoresOnly()
      case .meanSquaredError, .vicReg: graph.outputs = Array(graph.outputs.prefix(1))
      }
      graph.outputs += gates
      graph.removeDeadNodes()
      return try graph.promotingConstantsToInputs(promoted)
    } catch {
      throw .differentiation(error)
    }
  }

  /// The network with other values of parameters and statistics, in their order.
  public func exported(parameters values: [Tensor], statistics running: [Tensor]) -> Graph {
    precondition(values.count == parameters.count && running.count == statistics.count)
    return source.with(parameters + statistics, values + running)
  }

  /// The second stream's network, gates taken out, with other values of parameters and of the
  /// statistics of that stream; nil where there is no second stream, or there are no gates.
  public func exportedSecond(
    parameters values: [Tensor], statistics running: [Tensor]
  ) -> Graph? {
    precondition(values.count == parameters.count && running.count == secondStatistics.count)
    guard takesTwoViews, !gateShares.isEmpty else { return nil }
    return source.with(parameters + secondStatistics, values + running).withoutGates()
  }
}

extension Graph {
  /// Puts a mask between a value and those that read it.
  ///
  /// Pattern: conv(x, w) -> conv(x, masked(w, flags))
  fileprivate mutating func addMask(_ mask: WeightMask, to id: ValueID) {
    guard let type = self[id].type, let shape = type.shape else { return }
    let name = self[id].name
    let flags = (0..<mask.count).map { UInt64(mask[$0] ? 1 : 0) }
    let constant = addConstant(unusedName("\(name).mask"), Tensor(.bool, shape, words: flags))
    let kept = addValue(unusedName("\(name).masked"), type)
    for i in nodes.indices {
      for j in nodes[i].inputs.indices where nodes[i].inputs[j] == id { nodes[i].inputs[j] = kept }
    }
    let node = Node(
      name: self[kept].name, op: .masked(Masked()), inputs: [id, constant], outputs: [kept])
    nodes.insert(node, at: 0)
  }

  fileprivate func with(_ parameters: [Parameter], _ values: [Tensor]) -> Graph {
    var graph = self
    for (parameter, tensor) in zip(parameters, values) {
      graph[parameter.value].constant = tensor
    }
    return graph
  }

  fileprivate func parameter(_ id: ValueID) -> Parameter {
    let tensor = self[id].constant
    return Parameter(
      name: self[id].name, value: id, dtype: tensor?.dtype ?? .float32, shape: tensor?.shape ?? [])
  }

  /// The graph up to the scores of its first output: before a softmax at its end.
  func scoresOnly() throws(DifferentiationError) -> Graph {
    var graph = self
    graph.outputs = [try graph.addCrossEntropyLoss().scores]
    graph.inputs = inputs
    graph.removeDeadNodes()
    return graph
  }
}
