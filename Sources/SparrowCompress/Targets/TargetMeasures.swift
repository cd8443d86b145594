import SparrowCore
import SparrowRuntime

/// What targets other than sparsity are measured with, beyond what a recipe says.
public struct TargetMeasures {
  /// One tensor a graph input, for one inference at batch 1. Latency is measured on them.
  public var inputs: [Tensor]?
  /// The shapes multiply-adds are counted for; nil: those of ``inputs``, else the declared ones at
  /// batch 1.
  public var inputShapes: [[Int]]?
  /// How the network is run.
  public var session: SessionOptions
  /// The bytes of the file that a graph is written as; the names are those of its pruned weights.
  public var fileSize: FileSize?
  /// A latency table measured before; it is measured anew where it does not fit the network.
  public var latencyTable: LatencyTable?
  /// Is given a table that was measured.
  public var keepTable: (LatencyTable) throws(CompressError) -> Void
  /// Is told what is measured and the fraction of it that is done.
  public var progress: (String, Double) -> Void

  public typealias FileSize = (Graph, Set<String>) throws(CompressError) -> Int

  public init(
    inputs: [Tensor]? = nil, inputShapes: [[Int]]? = nil,
    session: SessionOptions = SessionOptions(), latencyTable: LatencyTable? = nil,
    fileSize: FileSize? = nil,
    keepTable: @escaping (LatencyTable) throws(CompressError) -> Void = { _ in },
    progress: @escaping (String, Double) -> Void = { _, _ in }
  ) {
    (self.inputs, self.inputShapes, self.session) = (inputs, inputShapes, session)
    (self.latencyTable, self.fileSize) = (latencyTable, fileSize)
    (self.keepTable, self.progress) = (keepTable, progress)
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
