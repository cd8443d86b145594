import SparrowCompress
import SparrowCore
import SparrowRuntime

/// What runs a step: one session for weights of any value, and one that knows where they are 0, made
/// anew when masks change.
final class StepSessions {
  private let graph: Graph
  private let inputShapes: [[Int]]
  private let settings: TrainingSettings
  private let options: SessionOptions
  /// The parameters that kernels for sparse weights are known for while these are trained: weights of
  /// convolutions, but depthwise ones.
  private let convolutions: Set<Int>
  private let dense: Session
  /// For the masks of a version.
  private var sparse: (version: Int, session: Session)?

  init(
    _ graph: Graph, _ network: TrainingGraph, inputShapes: [[Int]], _ settings: TrainingSettings,
    threads: Int, convolutions: [Int]
  ) throws(TrainError) {
    (self.graph, self.inputShapes, self.settings) = (graph, inputShapes, settings)
    options = SessionOptions(threads: threads)
    self.convolutions = Set(convolutions)
    dense = try Self.session(network, options)
  }

  private static func session(
    _ network: TrainingGraph, _ options: SessionOptions
  ) throws(TrainError) -> Session {
    do throws(RuntimeError) {
      return try Session(network.graph, options: options)
    } catch {
      throw .runtime(error)
    }
  }

  /// For the present step. What is chosen follows from the masks and `keepsMasks` alone, as kernels of
  /// one kind round otherwise than those of another.
  func session(_ run: TrainingContext, keepsMasks: Bool) throws(TrainError) -> Session {
    guard keepsMasks, !run.masks.isEmpty else { return dense }
    if let sparse, sparse.version == run.maskVersion { return sparse.session }
    sparse = nil
    // Of those that keep more, the products are dense anyway.
    let masks = run.masks.filter { i, words in
      convolutions.contains(i) && words.mask.keptCount * 4 <= words.mask.count
    }
    guard !masks.isEmpty else {
      sparse = (run.maskVersion, dense)
      return dense
    }
    let network = try TrainingGraph(
      graph, inputShapes: inputShapes, loss: settings.loss, gating: settings.gating,
      frozen: settings.frozen, normalization: settings.normalization,
      masks: masks.mapValues { $0.mask })
    let made = try Self.session(network, options)
    sparse = (run.maskVersion, made)
    return made
  }
}
