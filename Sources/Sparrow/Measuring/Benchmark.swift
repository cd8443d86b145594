import CPlatform
import Foundation
import SparrowCore
import SparrowHost
import SparrowRuntime

/// How a model is timed.
public struct BenchmarkOptions: Sendable {
  public enum Mode: String, CaseIterable, Codable, Sendable {
    /// One run after the other; threads work together on each.
    case sync
    /// As many independent single-threaded streams as threads.
    case async
  }

  public var mode = Mode.sync
  public var seconds = 5.0
  public var warmup = 1.0
  public var threads = 1
  /// Whether the model is optimised before it runs; see ``Model/optimized()``.
  public var optimizes = true
  public var tuning = Tuning.off
  /// Whether convolutions leave out channels that gates close.
  public var skipsClosedChannels = true

  public init() {}
}

/// A model's timing; the keys of its JSON form are part of the command line's interface.
public struct BenchmarkReport: Codable, Sendable {
  public var model: String
  public var latency_ms: LatencyStatistics
  /// Samples a second: runs x batch / time.
  public var throughput: Double
  public var batch: Int
  public var threads: Int
  public var mode: BenchmarkOptions.Mode
  public var iterations: Int
  /// The instruction set of the kernels.
  public var isa: String
  /// Of the process.
  public var peak_memory_bytes: UInt64
  /// What any run must hold, in one stream: weights as the kernels read them, and activations.
  public var packed_weight_bytes: Int
  public var activation_bytes: Int
  /// Each input's shape by name.
  public var input_shapes: [String: [Int]]
}

extension Model {
  /// Runs the model on `inputs` for the time the options say. `progress` is told the fraction done,
  /// from the calling thread.
  public func benchmark(
    _ inputs: [Tensor], options: BenchmarkOptions, progress: (Double) -> Void = { _ in }
  ) throws(SparrowError) -> BenchmarkReport {
    let streams = options.mode == .async ? max(1, options.threads) : 1
    let measured: StreamTimes
    if streams == 1 {
      let session = try session(
        threads: options.threads, optimizes: options.optimizes, tuning: options.tuning,
        skipsClosedChannels: options.skipsClosedChannels)
      measured = try time(session, inputs, options, progress)
    } else {
      let model = options.optimizes ? try optimized() : self
      measured = try model.timeStreams(streams, inputs, options)
    }
    let batch = inputs.first?.shape.first ?? 1
    let names = graph.inputs.map { graph[$0].name }
    return BenchmarkReport(
      model: path, latency_ms: LatencyStatistics(measured.runs.milliseconds),
      throughput: measured.runs.throughput(batch: batch), batch: batch,
      threads: options.threads, mode: options.mode, iterations: measured.runs.milliseconds.count,
      isa: Session.instructionSet, peak_memory_bytes: sp_peak_memory(),
      packed_weight_bytes: measured.weightBytes, activation_bytes: measured.activationBytes,
      input_shapes: Dictionary(
        zip(names, inputs.map { $0.shape }), uniquingKeysWith: { first, _ in first }))
  }

  private func time(
    _ session: Session, _ inputs: [Tensor], _ options: BenchmarkOptions,
    _ progress: (Double) -> Void
  ) throws(SparrowError) -> StreamTimes {
    let runs = try TimedRuns(seconds: options.seconds, warmup: options.warmup, progress: progress) {
      () throws(SparrowError) in _ = try run(session, inputs)
    }
    return StreamTimes(
      runs: runs, weightBytes: session.packedWeightBytes,
      activationBytes: (try? session.arenaBytes(inputs)) ?? 0)
  }

  private func timeStreams(
    _ count: Int, _ inputs: [Tensor], _ options: BenchmarkOptions
  ) throws(SparrowError) -> StreamTimes {
    let results = StreamResults()
    let group = DispatchGroup()
    for _ in 0..<count {
      group.enter()
      let thread = Thread {
        do throws(SparrowError) {
          let session = try session(
            optimizes: false, tuning: options.tuning,
            skipsClosedChannels: options.skipsClosedChannels)
          results.add(.success(try time(session, inputs, options) { _ in }))
        } catch {
          results.add(.failure(error))
        }
        group.leave()
      }
      thread.stackSize = 8 << 20
      thread.start()
    }
    group.wait()
    var all = StreamTimes()
    for result in results.values {
      let one = try result.get()
      all.runs.milliseconds += one.runs.milliseconds
      all.runs.seconds = max(all.runs.seconds, one.runs.seconds)
      (all.weightBytes, all.activationBytes) = (one.weightBytes, one.activationBytes)
    }
    return all
  }
}

/// The runs of all streams, and the memory of one.
private struct StreamTimes: Sendable {
  var runs = TimedRuns()
  var weightBytes = 0
  var activationBytes = 0
}

/// Collects what the streams measured.
private final class StreamResults: @unchecked Sendable {
  private let lock = NSLock()
  private var collected: [Result<StreamTimes, SparrowError>] = []

  func add(_ result: Result<StreamTimes, SparrowError>) {
    lock.withLock { collected.append(result) }
  }
  var values: [Result<StreamTimes, SparrowError>] { lock.withLock { collected } }
}
