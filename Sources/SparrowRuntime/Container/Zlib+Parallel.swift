import CPlatform
import CZlib
import SparrowCore

/// A stream and the number of bytes it must inflate to.
struct CompressedStream {
  var stored: Bytes
  var count: Int
}

extension Zlib {
  /// Below this many bytes a thread takes longer to start than it saves.
  private static var bytesPerThread: Int { 1 << 18 }
  private static var mostThreads: Int { 16 }

  /// Inflates streams in zlib format, each on one thread and several at a time. The first stream (in
  /// their order) that fails decides the error, whichever was met first.
  static func inflate(
    _ streams: [CompressedStream]
  ) throws(InflationFailure) -> [Bytes] {
    // Large streams first, so that the threads end at about the same time.
    let order = streams.indices.sorted {
      (streams[$1].count, $0) < (streams[$0].count, $1)
    }
    var targets: [Region] = []
    for (i, stream) in streams.enumerated() {
      guard let target = Region(available: stream.count) else {
        throw InflationFailure(stream: i, error: .noMemory)
      }
      targets.append(target)
    }
    let jobs = UnsafeMutablePointer<InflationJob>.allocate(capacity: max(1, streams.count))
    defer { jobs.deallocate() }
    for (place, i) in order.enumerated() {
      (jobs + place).initialize(
        to: InflationJob(
          stream: i, source: streams[i].stored.pointer, sourceCount: streams[i].stored.count,
          target: targets[i].base, count: streams[i].count, result: SZ_OK))
    }
    let total = streams.reduce(0) { $0 + $1.count }
    let threads = min(
      streams.count, total / bytesPerThread, mostThreads, Int(sp_cpu_count()))
    run(jobs, streams.count, threads: threads)
    withExtendedLifetime((streams, targets)) {}
    var failure: InflationFailure?
    for place in streams.indices {
      guard let error = ZlibError(jobs[place].result) else { continue }
      let stream = jobs[place].stream
      if stream < failure?.stream ?? .max {
        failure = InflationFailure(stream: stream, error: error)
      }
    }
    if let failure { throw failure }
    return targets.map { Bytes($0) }
  }

  /// Runs the jobs on `threads` threads, the calling one included.
  private static func run(
    _ jobs: UnsafeMutablePointer<InflationJob>, _ count: Int, threads: Int
  ) {
    // In memory of its own: the counter is aligned to a cache line.
    let memory = Region(count: MemoryLayout<InflationQueue>.size)
    let queue = memory.base.bindMemory(to: InflationQueue.self, capacity: 1)
    queue.initialize(to: InflationQueue(jobs: jobs, count: count))
    var others: [OpaquePointer] = []
    while others.count + 1 < threads {
      let thread = sp_thread_start(
        { $0.map { InflationQueue.work($0.assumingMemoryBound(to: InflationQueue.self)) } }, queue)
      guard let thread else { break }
      others.append(thread)
    }
    InflationQueue.work(queue)
    for thread in others { sp_thread_join(thread) }
    withExtendedLifetime(memory) {}
  }
}

/// The stream that could not be inflated.
struct InflationFailure: Error {
  var stream: Int
  var error: ZlibError
}

private struct InflationJob {
  let stream: Int
  let source: UnsafeRawPointer
  let sourceCount: Int
  let target: UnsafeMutableRawPointer
  let count: Int
  var result: sz_result
}

/// Jobs that threads take one after the other.
private struct InflationQueue {
  var next = sp_atomic()
  let jobs: UnsafeMutablePointer<InflationJob>
  let count: Int

  static func work(_ queue: UnsafeMutablePointer<InflationQueue>) {
    while true {
      let i = Int(sp_atomic_add(&queue.pointee.next, 1))
      guard i < queue.pointee.count else { return }
      let job = queue.pointee.jobs + i
      job.pointee.result = sz_inflate(
        job.pointee.target, job.pointee.count, job.pointee.source, job.pointee.sourceCount,
        SZ_FORMAT_ZLIB)
    }
  }
}
