import SparrowCore
import SparrowPasses
import SparrowRuntime

/// What a network in training reads in a step, beside its parameters: samples, once or in two views,
/// targets, what a teacher says of them, and the noise of gates.
struct BatchFeed {
  let batches: ShuffledBatches
  private let data: any TrainingData
  private let network: TrainingGraph
  private let augmentation: Augmentation
  private let gating: GatingSettings?
  private let epochs: Int
  private let teacher: Session?

  init(
    _ data: any TrainingData, _ network: TrainingGraph, _ settings: TrainingSettings, batch: Int,
    teacher: Graph?, threads: Int
  ) throws(TrainError) {
    (self.data, self.network) = (data, network)
    (augmentation, gating) = (settings.augmentation, settings.gating)
    epochs = settings.epochs
    batches = ShuffledBatches(samples: data.count, size: batch, seed: settings.seed)
    self.teacher = try teacher.map { (graph) throws(TrainError) in
      try Self.session(graph, threads: threads)
    }
    guard network.takesTeacher == (teacher != nil) else {
      throw .setting(
        network.takesTeacher
          ? "distillation learns from a teacher; name one"
          : "there is a teacher, but the loss has no distillation")
    }
  }

  private static func session(_ graph: Graph, threads: Int) throws(TrainError) -> Session {
    let scores: Graph
    do throws(DifferentiationError) {
      scores = try graph.scoresOnly()
    } catch {
      throw .differentiation(error)
    }
    do throws(RuntimeError) {
      return try Session(scores, options: SessionOptions(threads: threads))
    } catch {
      throw .runtime(error)
    }
  }

  /// The inputs of the samples `rows` in an epoch, and their classes where the targets are classes.
  func inputs(
    _ rows: [Int], epoch: Int
  ) throws(TrainError) -> (tensors: [Tensor], classes: [Int]?) {
    let plain = data.inputs(rows)
    let samples = view(.first, of: plain, rows, epoch: epoch)
    var classes: [Int]?
    var result = samples
    switch network.loss.task {
    case .vicReg: result += view(.second, of: plain, rows, epoch: epoch)
    case .crossEntropy:
      let labels = try data.classes(rows, width: network.scoresShape[1])
      let shape = network.targetType?.shape ?? [rows.count]
      guard shape.elementCount == labels.count else {
        throw .data(
          "the network scores \(network.scoresShape), expected one vector of class scores a sample")
      }
      result.append(Tensor(labels.map { Int64($0) }, shape: shape))
      classes = labels
    case .meanSquaredError:
      result.append(try data.targets(rows, shape: network.scoresShape))
      if data.labels != nil, network.scoresShape.count == 2 {
        classes = try data.classes(rows, width: network.scoresShape[1])
      }
    }
    if let teacher { result.append(try taught(teacher, samples)) }
    if let gating {
      result +=
        gating.isNoisy(epoch: epoch, of: epochs)
        ? GateNoise.tensors(network.noiseShapes, rows, seed: batches.seed, epoch: epoch)
        : GateNoise.none(network.noiseShapes)
      result.append(Tensor(scalar: Float(gating.tightness(epoch: epoch))))
    }
    return (result, classes)
  }

  private func view(
    _ view: Augmentation.View, of plain: [Tensor], _ rows: [Int], epoch: Int
  ) -> [Tensor] {
    guard !augmentation.isNone, let images = plain.first else { return plain }
    var result = plain
    result[0] = augmentation.apply(
      to: images, rows: rows, seed: batches.seed, epoch: epoch, view: view)
    return result
  }

  private func taught(_ teacher: Session, _ samples: [Tensor]) throws(TrainError) -> Tensor {
    let outputs: [Tensor]
    do throws(RuntimeError) {
      outputs = try teacher.run(samples)
    } catch {
      throw .runtime(error)
    }
    guard let scores = outputs.first, scores.shape == network.scoresShape else {
      let found = outputs.first.map { TensorType($0.dtype, shape: $0.shape).text } ?? "nothing"
      throw .network(
        "the teacher's scores are \(found), expected \(network.scoresShape) as the network's own")
    }
    return scores
  }
}
