import CZlib
import SparrowCore

/// A stream and the number of bytes it must inflate to.
struct CompressedStream {
  var stored: Bytes
  var count: Int
}

extension Zlib {
  /// Inflates streams in zlib format, each on one worker. The first stream (in their order) that
  /// fails decides the error, whichever was met first.
  static func inflate(
    _ streams: [CompressedStream], _ pool: ThreadPool
  ) throws(InflationFailure) -> [Bytes] {
    var targets: [Region] = []
    for (i, stream) in streams.enumerated() {
      guard let target = Region(available: stream.count) else {
        throw InflationFailure(stream: i, error: .noMemory)
      }
      targets.append(target)
    }
    // Large streams first, so that the workers end at about the same time.
    let order = streams.indices.sorted {
      (streams[$1].count, $0) < (streams[$0].count, $1)
    }
    let results = pool.map(streams.count, SZ_OK) { place in
      let stream = streams[order[place]]
      return sz_inflate(
        targets[order[place]].base, stream.count, stream.stored.pointer, stream.stored.count,
        SZ_FORMAT_ZLIB)
    }
    withExtendedLifetime((streams, targets)) {}
    var failure: InflationFailure?
    for (place, stream) in order.enumerated() {
      guard let error = ZlibError(results[place]) else { continue }
      if stream < failure?.stream ?? .max {
        failure = InflationFailure(stream: stream, error: error)
      }
    }
    if let failure { throw failure }
    return targets.map { Bytes($0) }
  }
}

/// The stream that could not be inflated.
struct InflationFailure: Error {
  var stream: Int
  var error: ZlibError
}
