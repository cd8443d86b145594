import SparrowCompress
import SparrowCore
import SparrowPasses

/// A training run as sparsity methods see and change it.
public final class TrainingContext {
  public let network: TrainingGraph
  public let settings: TrainingSettings
  public let data: any TrainingData
  /// What is trained, in the order of the network's parameters.
  public let parameters: ParameterMemory
  /// Running means and variances, those of a second stream last.
  public let statistics: ParameterMemory
  public let optimizer: Optimizer
  public let threads: Int
  public let stepsPerEpoch: Int
  /// The present epoch, from 0.
  public internal(set) var epoch = 0
  /// The present step of the epoch, from 0.
  public internal(set) var stepInEpoch = 0
  /// The present learning rate.
  public internal(set) var rate = 0.0
  /// Of the present step; only between the gradient and the end of the step.
  public internal(set) var gradients = GradientBuffers([])
  /// What holds zeros in place, by parameter: applied to gradients before each update and to the
  /// parameters after it.
  public private(set) var masks: [Int: MaskWords] = [:]
  /// Counts how often masks were set.
  private(set) var maskVersion = 0
  /// What the network is run with: parameters, or in their place what a method makes of them.
  public private(set) var forward: [Tensor]
  private var effective: [Int: ParameterMemory] = [:]

  init(
    _ network: TrainingGraph, _ settings: TrainingSettings, _ data: any TrainingData,
    stepsPerEpoch: Int, threads: Int
  ) throws(TrainError) {
    (self.network, self.settings, self.data) = (network, settings, data)
    (self.stepsPerEpoch, self.threads) = (stepsPerEpoch, threads)
    parameters = try network.source.memory(network.parameters)
    statistics = try network.source.memory(network.statistics + network.secondStatistics)
    forward = parameters.tensors
    optimizer = try Optimizer(settings.optimizer, shapes: network.parameters.map { $0.shape })
  }

  public var epochs: Int { settings.epochs }
  /// The present step of the run, from 0.
  public var step: Int { epoch * stepsPerEpoch + stepInEpoch }
  public var steps: Int { epochs * stepsPerEpoch }

  /// Sets masks in the place of the present ones, zeroes what they drop, and makes the optimiser forget
  /// what it remembers of that.
  public func setMasks(_ new: [Int: WeightMask]) {
    masks = new.mapValues { MaskWords($0) }
    maskVersion += 1
    applyMasks()
    for (i, mask) in masks { optimizer.forget(i, outside: mask) }
  }

  /// Lets every weight go free.
  public func removeMasks() { masks = [:] }

  func applyMasks() {
    for (i, mask) in masks { mask.apply(to: parameters[i]) }
  }

  func maskGradients() {
    for (i, mask) in masks { mask.apply(to: gradients[i]) }
  }

  /// Memory that the network reads in the place of a parameter; the same in every call.
  public func effectiveMemory(_ i: Int) -> UnsafeMutableBufferPointer<Float> {
    if let known = effective[i] { return known[0] }
    let made = ParameterMemory(zerosOf: [network.parameters[i].shape])
    made.load(parameters.tensors[i], at: 0)
    effective[i] = made
    forward[i] = made.tensors[0]
    return made[0]
  }

  /// Makes what the network reads in the place of parameters the parameters themselves.
  public func adoptEffectiveMemory() {
    for (i, memory) in effective { parameters.load(memory.tensors[0], at: i) }
    effective = [:]
    forward = parameters.tensors
  }

  /// The statistics that the network is run with.
  var ownStatistics: [Tensor] { Array(statistics.tensors.prefix(network.statistics.count)) }

  /// The network as it is now.
  public func exportedGraph() -> Graph {
    network.exported(
      parameters: forwardCopies(),
      statistics: Array(statistics.copies().prefix(network.statistics.count)))
  }

  /// The network as it is now without its gates, with the statistics that it has without them; nil
  /// where it was not trained so.
  public func exportedDense() -> Graph? {
    network.exportedSecond(
      parameters: forwardCopies(),
      statistics: Array(statistics.copies().dropFirst(network.statistics.count)))
  }

  private func forwardCopies() -> [Tensor] {
    forward.map { tensor in
      Tensor(of: Float.self, shape: tensor.shape) { target in
        tensor.withElements(of: Float.self) { _ = target.update(from: $0) }
      }
    }
  }
}

extension Graph {
  /// The values of parameters.
  fileprivate func memory(_ parameters: [Parameter]) throws(TrainError) -> ParameterMemory {
    try ParameterMemory(
      parameters.map { (self[$0.value].constant ?? Tensor([Float]())).dense() },
      names: parameters.map { $0.name })
  }
}
