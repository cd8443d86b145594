/// Collects the bytes of a little-endian format.
package struct ByteWriter {
  package private(set) var bytes: [UInt8] = []

  package init() {}

  package var count: Int { bytes.count }

  package mutating func append<T: FixedWidthInteger>(_ value: T) {
    withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
  }

  package mutating func append(_ more: [UInt8]) { bytes += more }

  /// Zeros up to a size.
  package mutating func pad(to size: Int) {
    if size > count { bytes += [UInt8](repeating: 0, count: size - count) }
  }

  /// A count in 32 bits. Counts come from graphs in memory, far below the limit.
  package mutating func append(count: Int) { append(UInt32(clamping: count)) }

  /// The UTF-8 bytes after their 32-bit count.
  package mutating func append(_ text: String) {
    append(count: text.utf8.count)
    bytes += text.utf8
  }
}
