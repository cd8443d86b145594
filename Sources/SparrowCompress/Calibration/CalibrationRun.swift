import Foundation
import SparrowCore

/// Calibration data, and how this machine works through it.
public struct CalibrationRun {
  public var data: any CalibrationData
  public var threads: Int
  /// Bytes of activations kept in memory; beyond it they go to files in ``folder``.
  public var memory: Int
  public var folder: String
  /// Where finished layers are kept, for a run that is interrupted; nil: nowhere.
  public var journal: (any LayerJournal)?
  /// Hears of every step.
  public var progress: (CalibrationProgress) -> Void

  /// Half of the machine's memory by default.
  public static var defaultMemory: Int { Int(ProcessInfo.processInfo.physicalMemory / 2) }

  /// One for each CPU that is at work.
  public static var defaultThreads: Int { ProcessInfo.processInfo.activeProcessorCount }

  public init(
    _ data: any CalibrationData, threads: Int = CalibrationRun.defaultThreads,
    memory: Int = CalibrationRun.defaultMemory, folder: String = NSTemporaryDirectory(),
    journal: (any LayerJournal)? = nil, progress: @escaping (CalibrationProgress) -> Void = { _ in }
  ) {
    (self.data, self.threads, self.memory, self.folder) = (data, threads, memory, folder)
    (self.journal, self.progress) = (journal, progress)
  }
}

/// How far a calibrated compression has come.
public struct CalibrationProgress: Hashable, Sendable {
  /// What is being done: `layer conv1`, `gradients`.
  public var stage: String
  /// From 0 to 1, of the whole pass.
  public var fraction: Double
}

/// Keeps the results of finished layers, so that an interrupted run goes on from the last of them.
public protocol LayerJournal {
  /// What was recorded for a layer by a run of the same model, data and settings.
  func entry(for layer: String) -> [String: Tensor]?
  func record(_ entry: [String: Tensor], for layer: String) throws(CompressError)
}

/// Calibration data cut into batches of one size.
struct Batches {
  let count: Int
  let size: Int
  private let data: any CalibrationData

  /// Of the size the network declares, where it does; else of that up to `most` which uses most
  /// samples.
  init(_ data: any CalibrationData, of graph: Graph, most: Int) throws(CompressError) {
    let declared = graph.inputs.first.flatMap { graph[$0].type?.dimensions?.first?.value }
    let n = data.count
    let limit = max(1, most)
    if let declared {
      size = max(1, declared)
    } else if n <= limit {
      size = max(1, n)
    } else {
      size = (limit / 2 + 1...limit).max { a, b in (n / a * a, a) < (n / b * b, b) } ?? limit
    }
    count = n / size
    self.data = data
    guard count > 0 else {
      throw .calibration("there are \(n) samples, but the network takes \(size) at once")
    }
  }

  var samples: Int { count * size }

  /// Of ``CalibrationSettings/batch``, or smaller where there would be too few to hold some out.
  init(
    learning data: any CalibrationData, of graph: Graph, _ settings: CalibrationSettings
  ) throws(CompressError) {
    let most = min(settings.batch, max(1, data.count / Self.fewest))
    try self.init(data, of: graph, most: most)
  }

  private static var fewest: Int { 8 }

  /// Whether a batch of `count` only judges what others taught: one of each `interval`, or the last of
  /// a few. A single batch teaches.
  static func isHeld(_ batch: Int, of count: Int, each interval: Int = 4) -> Bool {
    count >= interval ? batch % interval == interval - 1 : batch > 0 && batch == count - 1
  }

  func inputs(_ batch: Int) -> [Tensor] { data.batch(batch * size..<(batch + 1) * size) }
}
