import CZlib
import SparrowCore

/// Why a compressed stream could not be inflated.
package enum ZlibError: Error, Equatable {
  /// The stream holds more than the expected bytes.
  case tooLong
  /// The stream holds fewer than the expected bytes.
  case tooShort
  /// The stream's bytes end early.
  case truncated
  /// The stream breaks the format, or its own checksum.
  case corrupt
  /// Bytes follow the stream.
  case trailing
  /// No memory.
  case noMemory

  /// `expected` is the number of bytes the stream should inflate to.
  package func message(expected: Int) -> String {
    switch self {
    case .tooLong: "it inflates to more than the expected \(expected) bytes"
    case .tooShort: "it inflates to fewer than the expected \(expected) bytes"
    case .truncated: "its compressed data ends early"
    case .corrupt: "its compressed data is damaged"
    case .trailing: "bytes follow the end of its compressed data"
    case .noMemory: "there is no memory to inflate it"
    }
  }

  package init?(_ result: sz_result) {
    switch result {
    case SZ_OK: return nil
    case SZ_TARGET_FULL: self = .tooLong
    case SZ_TOO_SHORT: self = .tooShort
    case SZ_TRUNCATED: self = .truncated
    case SZ_TRAILING: self = .trailing
    case SZ_NO_MEMORY: self = .noMemory
    default: self = .corrupt
    }
  }
}

/// zlib over ``Bytes``.
package enum Zlib {
  /// Inflates a stream that must hold exactly `count` bytes and take up all of `source`.
  package static func inflate(
    _ source: Bytes, count: Int, format: sz_format = SZ_FORMAT_ZLIB
  ) throws(ZlibError) -> Bytes {
    guard let target = Region(available: count) else { throw .noMemory }
    let result = sz_inflate(target.base, count, source.pointer, source.count, format)
    withExtendedLifetime(source) {}
    if let error = ZlibError(result) { throw error }
    return Bytes(target)
  }

  /// CRC-32 of `bytes`, after bytes of checksum `previous`.
  package static func crc32(_ bytes: Bytes, after previous: UInt32 = 0) -> UInt32 {
    defer { withExtendedLifetime(bytes) {} }
    return sz_crc32(previous, bytes.pointer, bytes.count)
  }
}
