import Foundation
import SparrowCompress
import SparrowCore
import SparrowRuntime

/// How a run goes on this machine; nothing here changes what comes out, but the number of threads.
public struct TrainingRun {
  public var threads = 1
  /// The bytes that the features of a frozen backbone may take; half of the machine's memory.
  public var memory = CalibrationRun.defaultMemory
  /// Where the state is kept for a run that is interrupted; nil: nowhere.
  public var checkpoints: (any CheckpointStore)?
  /// Tells runs apart: a checkpoint of another one is refused.
  public var signature = ""
  /// Steps between checkpoints; nil: by time alone.
  public var checkpointSteps: Int?
  /// Seconds between checkpoints.
  public var checkpointSeconds = 60.0
  /// Hears of every step and of every epoch's end.
  public var progress: (TrainingProgress) -> Void = { _ in }
  /// Asked after every step; true ends the run there, by ``TrainError/stopped(step:)``.
  public var isStopped: () -> Bool = { false }

  public init() {}
}

/// What training came to.
public struct TrainingResult: Sendable {
  /// The network, its weights dense with zeros.
  public var graph: Graph
  /// Of a network with gates that was trained with and without them: it without them.
  public var dense: Graph?
  public var history: [EpochMetrics]
}

/// Trains a network: steps, epochs, measurements and checkpoints.
///
/// The same network, data, settings, method and number of threads give the same weights, bit by bit,
/// also when a run is interrupted and goes on from a checkpoint.
public final class Trainer {
  let settings: TrainingSettings
  let run: TrainingRun
  let context: TrainingContext
  var method: any SparsityMethod
  var history: [EpochMetrics] = []
  var sums = EpochSums()
  private let network: TrainingGraph
  private let sessions: StepSessions
  private let feed: BatchFeed
  private let held: HeldOut?
  private let measured: [MaskChoice.Entry]
  private var lastCheckpoint = ContinuousClock.now

  /// What an epoch adds up to.
  struct EpochSums {
    var loss = 0.0
    var correct = 0
    /// Samples whose class is known.
    var known = 0
    /// Of the steps, the fraction of multiply-adds that gates left.
    var macs = 0.0
    var seconds = 0.0
  }

  /// `graph` must be cleaned but not fused: batch normalisation apart from convolutions. `data` is
  /// learnt from, `held` only measured on. `teacher` is what the loss's distillation learns from.
  public init(
    _ graph: Graph, data: any TrainingData, held: (any TrainingData)? = nil,
    settings: TrainingSettings, method: any SparsityMethod = DenseTraining(),
    teacher: Graph? = nil, run: TrainingRun = TrainingRun()
  ) throws(TrainError) {
    try settings.check()
    let batch = try Self.batch(graph, settings, data)
    let shapes = data.inputs([0]).map { [batch] + $0.shape.dropFirst() }
    if !settings.augmentation.isNone, shapes.first?.count != 4 {
      throw .setting(
        "augmentation changes images [N, C, H, W]; the samples are \(shapes.first ?? [])")
    }
    let network = try TrainingGraph(
      graph, inputShapes: shapes, loss: settings.loss, gating: settings.gating,
      frozen: settings.frozen, normalization: settings.normalization)
    self.network = network
    (self.settings, self.run, self.method) = (settings, run, method)
    feed = try BatchFeed(
      data, network, settings, batch: batch, teacher: teacher, threads: run.threads)
    context = try TrainingContext(
      network, settings, data, stepsPerEpoch: feed.batches.perEpoch, threads: run.threads)
    let isMeasurable = settings.loss.task.needsLabels || !network.gateShares.isEmpty
    self.held = try (isMeasurable ? held : nil).map { (held) throws(TrainError) in
      try HeldOut(held, network, batch: batch, threads: run.threads)
    }
    let all = MaskSettings(sparsity: 0)
    measured = (try? MaskChoice(all, of: context).entries) ?? []
    sessions = try StepSessions(
      graph, network, inputShapes: shapes, settings, threads: run.threads,
      convolutions: measured.filter { $0.layer.use.kind == .convolution }.map { $0.parameter })
  }

  private static func batch(
    _ graph: Graph, _ settings: TrainingSettings, _ data: any TrainingData
  ) throws(TrainError) -> Int {
    guard data.count > 0 else { throw .data("there is no sample to learn from") }
    let declared = graph.inputs.first.flatMap { graph[$0].type?.dimensions?.first?.value }
    let batch = declared ?? min(settings.batch, data.count)
    guard batch <= data.count else {
      throw .data("the network takes \(batch) samples at once, but there are \(data.count)")
    }
    return batch
  }

  /// Trains from the beginning, or from the last checkpoint where there is one.
  public func train() throws(TrainError) -> TrainingResult {
    try method.prepare(context)
    if try !restore() { try method.begin(context) }
    while context.epoch < context.epochs {
      try trainEpoch()
      context.epoch += 1
      context.stepInEpoch = 0
      try saveIfDue(isStopping: false)
    }
    try method.finish(context)
    context.applyMasks()
    if let last = history.indices.last {
      history[last] = try metrics(last + 1, rate: history[last].learning_rate, history[last])
    }
    return TrainingResult(
      graph: context.exportedGraph(), dense: context.exportedDense(), history: history)
  }

  private func trainEpoch() throws(TrainError) {
    if context.stepInEpoch == 0 {
      sums = EpochSums(seconds: sums.seconds)
      try method.beginEpoch(context)
    }
    let order = feed.batches.order(epoch: context.epoch)
    while context.stepInEpoch < context.stepsPerEpoch {
      let start = ContinuousClock.now
      let first = context.stepInEpoch * feed.batches.size
      try step(Array(order[first..<first + feed.batches.size]))
      sums.seconds += (ContinuousClock.now - start) / .seconds(1)
      tell(endsEpoch: false)
      context.stepInEpoch += 1
      if context.stepInEpoch < context.stepsPerEpoch { try saveIfDue(isStopping: run.isStopped()) }
    }
    try method.endEpoch(context)
    history.append(try metrics(context.epoch + 1, rate: context.rate, nil))
    tell(endsEpoch: true)
  }

  private func step(_ rows: [Int]) throws(TrainError) {
    let cycle = method.cycle(of: context.epoch, epochs: context.epochs)
    let perEpoch = context.stepsPerEpoch
    context.rate = settings.schedule.rate(
      step: context.step - cycle.lowerBound * perEpoch, of: cycle.count * perEpoch,
      stepsPerEpoch: perEpoch)
    try method.prepareWeights(context)
    let (inputs, classes) = try feed.inputs(rows, epoch: context.epoch)
    let session = try sessions.session(context, keepsMasks: method.keepsMasks(context))
    let outputs: [Tensor]
    do throws(RuntimeError) {
      outputs = try session.run(inputs + context.forward + context.statistics.tensors)
    } catch {
      throw .runtime(error)
    }
    try count(outputs, classes)
    let (first, statistics) = (network.firstStatistic, context.statistics.count)
    for i in 0..<statistics { context.statistics.load(outputs[first + i], at: i) }
    context.gradients = GradientBuffers(Array(outputs[(first + statistics)...]))
    try method.afterGradient(context)
    context.maskGradients()
    if let limit = settings.clip { clip(context.gradients, to: limit) }
    context.optimizer.step(context.parameters, context.gradients, rate: context.rate)
    context.applyMasks()
    try method.afterStep(context)
    context.gradients = GradientBuffers([])
  }

  private func count(_ outputs: [Tensor], _ classes: [Int]?) throws(TrainError) {
    let loss = Double(outputs[0].scalarFloat ?? .nan)
    guard loss.isFinite else {
      throw .diverged(epoch: context.epoch + 1, step: context.stepInEpoch + 1, rate: context.rate)
    }
    sums.loss += loss
    if settings.gating != nil { sums.macs += Double(outputs[2].scalarFloat ?? .nan) }
    guard let classes, outputs[1].count % classes.count == 0 else { return }
    sums.correct += ScoreCount.correct(outputs[1], classes, count: classes.count)
    sums.known += classes.count
  }

  /// What an epoch came to; of one that was measured before, with the network as it is now.
  private func metrics(
    _ epoch: Int, rate: Double, _ known: EpochMetrics?
  ) throws(TrainError) -> EpochMetrics {
    try method.prepareWeights(context)
    let found = try held?.measure(context.forward + context.ownStatistics)
    let accuracy = sums.known > 0 ? Double(sums.correct) / Double(sums.known) : nil
    let macs = settings.gating.map { _ in sums.macs / Double(context.stepsPerEpoch) }
    return EpochMetrics(
      epoch: epoch, steps: epoch * context.stepsPerEpoch, learning_rate: rate,
      loss: known?.loss ?? sums.loss / Double(context.stepsPerEpoch),
      accuracy: known == nil ? accuracy : known?.accuracy, test_loss: found?.loss,
      test_accuracy: found?.accuracy, test_mean_per_class_accuracy: found?.meanPerClass,
      macs: known == nil ? macs : known?.macs, test_macs: found?.macs, sparsity: sparsity(),
      seconds: sums.seconds)
  }

  /// The fraction of zeros among the weights that may be pruned.
  private func sparsity() -> Double {
    var (zeros, all) = (0, 0)
    for entry in measured {
      let tensor = context.forward[entry.parameter]
      zeros += tensor.withElements(of: Float.self) { VectorLoops.zeroCount($0) }
      all += tensor.count
    }
    return all == 0 ? 0 : Double(zeros) / Double(all)
  }

  private func tell(endsEpoch: Bool) {
    let inEpoch = context.stepInEpoch + (endsEpoch ? 0 : 1)
    run.progress(
      TrainingProgress(
        fraction: Double(context.epoch * context.stepsPerEpoch + inEpoch) / Double(context.steps),
        epoch: context.epoch + 1, epochs: context.epochs, loss: sums.loss / Double(max(1, inEpoch)),
        history: history, endsEpoch: endsEpoch))
  }

  /// Keeps the state where it is time to; where the run is to stop, stops it after that.
  private func saveIfDue(isStopping: Bool) throws(TrainError) {
    let elapsed = (ContinuousClock.now - lastCheckpoint) / .seconds(1)
    let byStep = run.checkpointSteps.map { context.step % max(1, $0) == 0 } ?? false
    if run.checkpoints != nil, isStopping || byStep || elapsed >= run.checkpointSeconds {
      try save()
      lastCheckpoint = ContinuousClock.now
    }
    if isStopping { throw .stopped(step: context.step) }
  }
}
