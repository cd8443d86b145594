/// Why bytes from a file could not be read.
public enum ReadError: Error, Equatable {
  /// The bytes end too early: at `offset`, `needed` more were to follow for `what`.
  case truncated(offset: Int, needed: Int, what: String)
  /// The bytes at `offset` are not what the format allows.
  case malformed(offset: Int, reason: String)
  /// A size at `offset` goes beyond a named limit.
  case overLimit(offset: Int, what: String, found: UInt64, limit: UInt64)

  public var offset: Int {
    switch self {
    case .truncated(let offset, _, _), .malformed(let offset, _), .overLimit(let offset, _, _, _):
      offset
    }
  }

  /// What was found, and what was expected.
  public var reason: String {
    switch self {
    case .truncated(_, let needed, let what):
      "the file ends where \(needed) more bytes of \(what) were expected"
    case .malformed(_, let reason): reason
    case .overLimit(_, let what, let found, let limit):
      "\(what) is \(found), more than the limit of \(limit)"
    }
  }

  public var message: String { "at byte \(offset): \(reason)" }
}

/// A position in untrusted bytes; every read is checked against the end. Little-endian.
public struct ByteCursor {
  public let bytes: Bytes
  /// Relative to `bytes`.
  public private(set) var offset = 0
  /// Added to offsets in errors: where `bytes` start in their file.
  public let origin: Int

  public init(_ bytes: Bytes, origin: Int = 0) { (self.bytes, self.origin) = (bytes, origin) }

  public var remaining: Int { bytes.count - offset }
  /// The offset in the file, for messages.
  public var position: Int { origin + offset }

  /// Moves to an offset inside the bytes.
  public mutating func seek(_ target: Int, _ what: String) throws(ReadError) {
    guard target >= 0, target <= bytes.count else {
      throw .malformed(offset: position, reason: "\(what) points to \(target), outside the file")
    }
    offset = target
  }

  /// The next `count` bytes, not copied.
  public mutating func take(_ count: Int, _ what: String) throws(ReadError) -> Bytes {
    guard count >= 0, count <= remaining else {
      throw .truncated(offset: position, needed: count, what: what)
    }
    let result = bytes.slice(offset, count)
    offset += count
    return result
  }

  /// The next little-endian integer.
  public mutating func integer<T: FixedWidthInteger & BitwiseCopyable>(
    _ what: String, as type: T.Type = T.self
  ) throws(ReadError) -> T {
    let part = try take(MemoryLayout<T>.size, what)
    return T(littleEndian: part.pointer.loadUnaligned(as: T.self))
  }

  /// A 64-bit size that must fit `limit`.
  public mutating func size(_ what: String, limit: Int) throws(ReadError) -> Int {
    let at = position
    let value: UInt64 = try integer(what)
    guard value <= UInt64(limit), let size = Int(exactly: value) else {
      throw .overLimit(offset: at, what: what, found: value, limit: UInt64(limit))
    }
    return size
  }

  /// A UTF-8 string of 32-bit length.
  public mutating func string(_ what: String, limit: Int = 1 << 20) throws(ReadError) -> String {
    let at = position
    let count: UInt32 = try integer(what)
    guard count <= limit else {
      throw .overLimit(offset: at, what: what, found: UInt64(count), limit: UInt64(limit))
    }
    let text = try take(Int(count), what)
    guard let result = String(validating: text.array(of: UInt8.self), as: UTF8.self) else {
      throw .malformed(offset: at, reason: "\(what) is not valid UTF-8")
    }
    return result
  }
}
