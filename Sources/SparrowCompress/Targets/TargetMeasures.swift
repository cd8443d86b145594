import SparrowCore
import SparrowRuntime

/// What targets other than sparsity are measured with, beyond what a recipe says.
public struct TargetMeasures: Sendable {
  /// One tensor a graph input, for one inference at batch 1. Latency is measured on them.
  public var inputs: [Tensor]?
  /// The shapes multiply-adds are counted for; nil: those of ``inputs``, else the declared ones at
  /// batch 1.
  public var inputShapes: [[Int]]?
  /// How the network is run.
  public var session: SessionOptions
  /// The bytes of the file that a graph is written as.
  public var fileSize: (@Sendable (Graph) throws(CompressError) -> Int)?
  /// A latency table measured before; it is measured anew where it does not fit the network.
  public var latencyTable: LatencyTable?
  /// Is told what is measured and the fraction of it that is done.
  public var progress: @Sendable (String, Double) -> Void

  public init(
    inputs: [Tensor]? = nil, inputShapes: [[Int]]? = nil,
    session: SessionOptions = SessionOptions(), latencyTable: LatencyTable? = nil,
    fileSize: (@Sendable (Graph) throws(CompressError) -> Int)? = nil,
    progress: @escaping @Sendable (String, Double) -> Void = { _, _ in }
  ) {
    (self.inputs, self.inputShapes, self.session) = (inputs, inputShapes, session)
    (self.latencyTable, self.fileSize, self.progress) = (latencyTable, fileSize, progress)
  }

  func shapes(for graph: Graph) -> [[Int]]? {
    inputShapes ?? inputs?.map { $0.shape } ?? graph.assumedInputShapes()
  }
}

/// How a target was met.
public struct TargetOutcome: Hashable, Codable, Sendable {
  /// `flops`, `size` or `latency`.
  public var kind: String
  /// In multiply-adds, bytes or milliseconds, as the others.
  public var asked: Double
  /// Of the network before the step.
  public var before: Double
  /// What counts or the table of latencies say of the pruned network.
  public var predicted: Double
  /// What the pruned network was measured to have; absent where the prediction is exact.
  public var measured: Double?
}
