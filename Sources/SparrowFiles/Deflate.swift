import CZlib
import SparrowCore
import SparrowRuntime

/// Compression with zlib.
package enum Deflate {
  /// How a stream is made.
  package struct Method {
    package var level: Int32
    package var strategy: sz_strategy

    package init(level: Int32, strategy: sz_strategy) {
      (self.level, self.strategy) = (level, strategy)
    }
  }

  // Trained weights shrink by 5 to 12 %, which is not worth inflating them at every load; masks of
  // 90 % zeros shrink to half.
  private static var worthwhileFraction: Double { 0.85 }
  private static var smallest: Int { 256 }
  private static var sampleSize: Int { 16 << 10 }
  private static var sampleCount: Int { 4 }
  /// Up to this size thorough compression is quick enough, where there are matches to find.
  private static var thoroughLimit: Int { 1 << 20 }

  /// The bytes compressed in zlib format; nil where that would not save at least 15 %.
  package static func compressedWhereItWins(_ raw: Bytes) -> Bytes? {
    guard raw.count >= smallest, let method = estimate(raw) else { return nil }
    return compressed(raw, method, SZ_FORMAT_ZLIB, capacity: worthwhileSize(raw.count))
  }

  /// The bytes compressed; nil where they take more than `capacity`.
  package static func compressed(
    _ raw: Bytes, _ method: Method, _ format: sz_format, capacity: Int
  ) -> Bytes? {
    let target = Region(count: capacity)
    var written = 0
    let result = sz_deflate(
      target.base, capacity, &written, raw.pointer, raw.count, method.level, method.strategy,
      format)
    withExtendedLifetime(raw) {}
    guard result == SZ_OK else { return nil }
    return Bytes(region: target, offset: 0, count: written)
  }

  private static func worthwhileSize(_ count: Int) -> Int {
    Int(Double(count) * worthwhileFraction)
  }

  /// Tries samples with matches and with Huffman codes alone: the latter is as small on masks of
  /// scattered weights, and several times faster both ways. nil where neither saves enough.
  private static func estimate(_ raw: Bytes) -> Method? {
    let samples = samples(of: raw)
    let total = samples.reduce(0) { $0 + $1.count }
    let matches = Method(level: 1, strategy: SZ_STRATEGY_MATCHES)
    let codes = Method(level: 1, strategy: SZ_STRATEGY_HUFFMAN_ONLY)
    let withCodes = size(of: samples, codes)
    let withMatches = size(of: samples, matches)
    guard min(withCodes, withMatches) <= worthwhileSize(total) else { return nil }
    if withCodes <= withMatches + withMatches / 32 { return codes }
    return raw.count < thoroughLimit && withMatches <= total / 2
      ? Method(level: 6, strategy: SZ_STRATEGY_MATCHES) : matches
  }

  private static func samples(of raw: Bytes) -> [Bytes] {
    let whole = sampleSize * sampleCount
    guard raw.count > whole else { return [raw] }
    let step = (raw.count - sampleSize) / (sampleCount - 1)
    return (0..<sampleCount).map { raw.slice($0 * step, sampleSize) }
  }

  private static func size(of samples: [Bytes], _ method: Method) -> Int {
    samples.reduce(0) { total, sample in
      let stream = compressed(sample, method, SZ_FORMAT_ZLIB, capacity: sample.count)
      return total + (stream?.count ?? sample.count)
    }
  }
}
