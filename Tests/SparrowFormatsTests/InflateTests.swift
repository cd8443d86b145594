import CZlib
import SparrowTestSupport
import Testing

/// The decoder of flawless streams against zlib's own, which ``sz_inflate_prefix`` always uses.
struct InflateTests {
  enum Content: CaseIterable {
    case noise, mask, runs, text

    func bytes(_ count: Int, _ random: inout SeededGenerator) -> [UInt8] {
      switch self {
      case .noise: (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
      case .mask:
        (0..<count).map { _ in
          (0..<8).reduce(0) { $0 | (Int.random(in: 0..<10, using: &random) == 0 ? 1 << $1 : 0) }
        }
      case .runs: (0..<count).map { UInt8($0 / 700 % 3) }
      case .text: (0..<count).map { UInt8($0 % 7 + Int.random(in: 0..<50, using: &random) / 49) }
      }
    }
  }

  private func deflated(_ raw: [UInt8], level: Int32, _ strategy: sz_strategy, _ format: sz_format)
    -> [UInt8]
  {
    var target = [UInt8](repeating: 0, count: raw.count + raw.count / 100 + 100)
    var written = 0
    let result = sz_deflate(
      &target, target.count, &written, raw, raw.count, level, strategy, format)
    #expect(result == SZ_OK)
    return Array(target.prefix(written))
  }

  @Test(arguments: Content.allCases, [0, 1, 15, 16, 17, 300, 70_000])
  func roundTrips(_ content: Content, _ count: Int) {
    var random = SeededGenerator(seed: UInt64(count))
    let raw = content.bytes(count, &random)
    for strategy in [SZ_STRATEGY_MATCHES, SZ_STRATEGY_HUFFMAN_ONLY] {
      for (level, format) in [(1, SZ_FORMAT_ZLIB), (9, SZ_FORMAT_ZLIB), (6, SZ_FORMAT_RAW)] {
        let stream = deflated(raw, level: Int32(level), strategy, format)
        var found = [UInt8](repeating: 0xee, count: count)
        #expect(sz_inflate(&found, count, stream, stream.count, format) == SZ_OK)
        #expect(found == raw)
        #expect(
          sz_inflate(&found, count, stream + [0], stream.count + 1, format) == SZ_TRAILING)
      }
    }
  }

  /// A damaged stream is taken only where zlib takes it too, and then for the same bytes.
  @Test(arguments: Content.allCases)
  func damage(_ content: Content) {
    var random = SeededGenerator(seed: 7)
    for round in 0..<400 {
      let raw = content.bytes(Int.random(in: 1...2_000, using: &random), &random)
      let format = round % 2 == 0 ? SZ_FORMAT_ZLIB : SZ_FORMAT_RAW
      let strategy = round % 3 == 0 ? SZ_STRATEGY_MATCHES : SZ_STRATEGY_HUFFMAN_ONLY
      var stream = deflated(raw, level: 6, strategy, format)
      let place = Int.random(in: stream.indices, using: &random)
      stream[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
      if round % 5 == 0 { stream.removeLast(Int.random(in: 1...stream.count, using: &random)) }
      var found = [UInt8](repeating: 0, count: raw.count)
      guard sz_inflate(&found, found.count, stream, stream.count, format) == SZ_OK else { continue }
      var expected = [UInt8](repeating: 0, count: raw.count + 1)
      var written = 0
      let result = sz_inflate_prefix(
        &expected, expected.count, &written, stream, stream.count, format)
      #expect(result == SZ_OK && written == raw.count && Array(expected.dropLast()) == found)
    }
  }
}
