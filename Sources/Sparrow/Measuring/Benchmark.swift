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
  public struct Latency: Codable, Sendable {
    public var median: Double
    public var mean: Double
    public var min: Double
    public var p95: Double
    public var p99: Double
  }

  public var model: String
  public var latency_ms: Latency
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
      model: path, latency_ms: .init(measured.milliseconds),
      throughput: Double(measured.milliseconds.count * batch) / measured.seconds, batch: batch,
      threads: options.threads, mode: options.mode, iterations: measured.milliseconds.count,
      isa: Session.instructionSet, peak_memory_bytes: sp_peak_memory(),
      packed_weight_bytes: measured.weightBytes, activation_bytes: measured.activationBytes,
      input_shapes: Dictionary(
        zip(names, inputs.map { $0.shape }), uniquingKeysWith: { first, _ in first }))
  }

  /// At least five runs are timed, however long they take.
  private func time(
    _ session: Session, _ inputs: [Tensor], _ options: BenchmarkOptions,
    _ progress: (Double) -> Void
  ) throws(SparrowError) -> StreamTimes {
    let clock = ContinuousClock()
    let warm = clock.now + .seconds(options.warmup)
    repeat { _ = try run(session, inputs) } while clock.now < warm
    let begin = clock.now
    let end = begin + .seconds(options.seconds)
    var milliseconds: [Double] = []
    var start = begin
    while start < end || milliseconds.count < 5 {
      _ = try run(session, inputs)
      let now = clock.now
      milliseconds.append((now - start).seconds * 1e3)
      start = now
      if milliseconds.count % 16 == 0 { progress((now - begin).seconds / options.seconds) }
    }
    return StreamTimes(
      milliseconds: milliseconds, seconds: (start - begin).seconds,
      weightBytes: session.packedWeightBytes,
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
      all.milliseconds += one.milliseconds
      all.seconds = max(all.seconds, one.seconds)
      (all.weightBytes, all.activationBytes) = (one.weightBytes, one.activationBytes)
    }
    return all
  }
}

/// The latency of each run, how long all took together, and the memory of one stream.
private struct StreamTimes: Sendable {
  var milliseconds: [Double] = []
  var seconds = 0.0
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

extension BenchmarkReport.Latency {
  /// Statistics of at least one time.
  init(_ milliseconds: [Double]) {
    let latency = LatencyStatistics(milliseconds)
    (median, mean, min) = (latency.median, latency.mean, latency.min)
    (p95, p99) = (latency.p95, latency.p99)
  }
}
