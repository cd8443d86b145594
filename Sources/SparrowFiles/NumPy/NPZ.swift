import CZlib
import SparrowCore
import SparrowRuntime

/// Writes npz files that `numpy.load` reads; see ``NPZArchive`` for reading them.
public enum NPZ {
  /// How arrays are kept in the archive. A program that only stores holds no code that deflates.
  public struct Compression: Sendable {
    /// A deflate stream of the bytes, one part after the other; nil where that is not smaller.
    fileprivate let deflate: @Sendable (Bytes, Bytes) -> Bytes?

    /// As they are, as by `numpy.savez`.
    public static var stored: Self { Self { _, _ in nil } }

    /// Deflated where that is smaller, as by `numpy.savez_compressed`.
    public static var deflated: Self {
      Self { header, elements in
        let raw = header + elements
        let method = Deflate.Method(level: 6, strategy: SZ_STRATEGY_MATCHES)
        return Deflate.compressed(raw, method, SZ_FORMAT_RAW, capacity: raw.count)
      }
    }
  }

  /// Writes named arrays in the given order, decoded where they are sparse. The same arrays give the
  /// same bytes. Throws for names that are empty or used twice.
  public static func write(
    _ arrays: [(String, Tensor)], to path: String, compression: Compression = .deflated
  ) throws(FormatError) {
    try checkNames(arrays.map { $0.0 }, path)
    let file = try AtomicFile(path)
    var directory = ByteWriter()
    for (name, tensor) in arrays {
      let entry = Entry(name, tensor, compression, offset: file.count)
      try file.write(entry.localHeader)
      for part in entry.parts { try file.write(part) }
      directory.append(entry.directoryEntry)
    }
    try file.write(directory.bytes + endRecords(arrays.count, directory.count, file.count))
    try file.commit()
  }

  private static func checkNames(_ names: [String], _ file: String) throws(FormatError) {
    var seen = Set<String>()
    for name in names {
      guard !name.isEmpty, name.utf8.count < 60_000, seen.insert(name).inserted else {
        throw .unsupported(
          file: file, offset: nil,
          reason: "the array name '\(name)' is empty, too long or used twice")
      }
    }
  }

  /// What ends the archive: the ZIP64 records where a number does not fit 32 bits, and the end record.
  private static func endRecords(_ count: Int, _ size: Int, _ offset: Int) -> [UInt8] {
    var writer = ByteWriter()
    if count >= Int(UInt16.max) || size >= Int(UInt32.max) || offset >= Int(UInt32.max) {
      writer.append(UInt32(0x0606_4b50))
      writer.append(UInt64(44))
      writer.append(UInt16(45))
      writer.append(UInt16(45))
      writer.append(UInt64(0))
      for number in [count, count, size, offset] { writer.append(UInt64(number)) }
      writer.append(UInt32(0x0706_4b50))
      writer.append(UInt32(0))
      writer.append(UInt64(offset + size))
      writer.append(UInt32(1))
    }
    writer.append(UInt32(0x0605_4b50))
    writer.append(UInt32(0))
    writer.append(UInt16(clamping: count))
    writer.append(UInt16(clamping: count))
    writer.append(UInt32(clamping: size))
    writer.append(UInt32(clamping: offset))
    writer.append(UInt16(0))
    return writer.bytes
  }
}

/// One array ready to be written.
private struct Entry {
  let name: [UInt8]
  let isDeflated: Bool
  let checksum: UInt32
  let rawCount: Int
  let parts: [Bytes]
  let offset: Int

  var storedCount: Int { parts.reduce(0) { $0 + $1.count } }

  init(_ name: String, _ tensor: Tensor, _ compression: NPZ.Compression, offset: Int) {
    let (headerBytes, elements) = NPY.parts(of: tensor)
    let header = Bytes(copying: headerBytes)
    (self.name, self.offset) = (Array((name + ".npy").utf8), offset)
    checksum = Zlib.crc32(elements, after: Zlib.crc32(header))
    rawCount = header.count + elements.count
    let deflated = compression.deflate(header, elements)
    (isDeflated, parts) = deflated.map { (true, [$0]) } ?? (false, [header, elements])
  }

  private var isLarge: Bool {
    max(rawCount, storedCount, offset) >= Int(UInt32.max)
  }

  /// From the version needed up to the length of the name: the same in both headers.
  private var common: [UInt8] {
    var writer = ByteWriter()
    writer.append(UInt16(isLarge ? 45 : 20))
    // Bit 11: the name is UTF-8.
    writer.append(UInt16(name.allSatisfy { $0 < 0x80 } ? 0 : 1 << 11))
    writer.append(UInt16(isDeflated ? 8 : 0))
    // Midnight of 1 January 1980, always: the same arrays give the same bytes.
    writer.append(UInt16(0))
    writer.append(UInt16(1 << 5 | 1))
    writer.append(checksum)
    writer.append(isLarge ? UInt32.max : UInt32(storedCount))
    writer.append(isLarge ? UInt32.max : UInt32(rawCount))
    writer.append(UInt16(name.count))
    return writer.bytes
  }

  /// The sizes that do not fit 32 bits.
  private func extra(withOffset: Bool) -> [UInt8] {
    guard isLarge else { return [] }
    var writer = ByteWriter()
    writer.append(UInt16(1))
    writer.append(UInt16(withOffset ? 24 : 16))
    writer.append(UInt64(rawCount))
    writer.append(UInt64(storedCount))
    if withOffset { writer.append(UInt64(offset)) }
    return writer.bytes
  }

  var localHeader: [UInt8] {
    var writer = ByteWriter()
    let extra = extra(withOffset: false)
    writer.append(UInt32(0x0403_4b50))
    writer.append(common)
    writer.append(UInt16(extra.count))
    writer.append(name + extra)
    return writer.bytes
  }

  var directoryEntry: [UInt8] {
    var writer = ByteWriter()
    let extra = extra(withOffset: true)
    writer.append(UInt32(0x0201_4b50))
    writer.append(UInt16(isLarge ? 45 : 20))
    writer.append(common)
    writer.append(UInt16(extra.count))
    writer.append([UInt8](repeating: 0, count: 6))
    writer.append(UInt32(0))
    writer.append(isLarge ? UInt32.max : UInt32(offset))
    writer.append(name + extra)
    return writer.bytes
  }
}

extension Bytes {
  /// One after the other, copied.
  fileprivate static func + (a: Bytes, b: Bytes) -> Bytes {
    Bytes(count: a.count + b.count) { target in
      guard let base = target.baseAddress else { return }
      base.copyMemory(from: a.pointer, byteCount: a.count)
      base.advanced(by: a.count).copyMemory(from: b.pointer, byteCount: b.count)
    }
  }
}
