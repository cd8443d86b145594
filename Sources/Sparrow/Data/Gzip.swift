import CZlib
import SparrowCore
import SparrowRuntime

/// gzip files of one member. (RFC 1952.)
enum Gzip {
  static func isCompressed(_ bytes: Bytes) -> Bool {
    bytes.count >= 2 && bytes.slice(0, 2).array(of: UInt8.self) == [0x1f, 0x8b]
  }

  /// The first bytes that it inflates to, fewer where there are no more.
  static func first(_ limit: Int, of bytes: Bytes) throws(ReadError) -> Bytes {
    let target = Region(count: limit)
    var written = 0
    let result = sz_inflate_prefix(
      target.base, limit, &written, bytes.pointer, bytes.count, SZ_FORMAT_GZIP)
    withExtendedLifetime(bytes) {}
    if let error = ZlibError(result) { throw readError(error, expected: limit) }
    return Bytes(region: target, offset: 0, count: written)
  }

  /// All that it inflates to, which must be `count` bytes.
  static func inflate(_ bytes: Bytes, count: Int) throws(ReadError) -> Bytes {
    do throws(ZlibError) {
      return try Zlib.inflate(bytes, count: count, format: SZ_FORMAT_GZIP)
    } catch {
      throw readError(error, expected: count)
    }
  }

  private static func readError(_ error: ZlibError, expected: Int) -> ReadError {
    .malformed(offset: 0, reason: error.message(expected: expected))
  }
}
