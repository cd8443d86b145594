import CZlib
import SparrowCore
import SparrowRuntime

/// A npz file: named arrays in a zip archive, as written by `numpy.savez` and
/// `numpy.savez_compressed`.
///
/// The file stays mapped; arrays are read when they are asked for.
public struct NPZArchive: Sendable {
  private let bytes: Bytes
  private let entries: [ZipEntry]
  /// For messages.
  private let file: String

  private static var suffix: String { ".npy" }

  /// Opens the file at `path` and reads its directory.
  public init(path: String) throws(FormatError) {
    let region: Region
    do throws(FileError) {
      region = try Region(mapping: path)
    } catch {
      throw .file(error)
    }
    try self.init(bytes: Bytes(region), file: path)
  }

  /// Reads the directory of an archive that is in memory already; `file` is for messages.
  public init(bytes: Bytes, file: String = "the archive") throws(FormatError) {
    (self.bytes, self.file) = (bytes, file)
    do throws(ReadError) {
      entries = try ZipDirectory.entries(of: bytes).filter { $0.name.hasSuffix(Self.suffix) }
    } catch {
      throw FormatError(error, file: file)
    }
  }

  /// The arrays' names, in the archive's order.
  public var names: [String] { entries.map { String($0.name.dropLast(Self.suffix.count)) } }

  /// Reads one array. Throws when there is none of that name, or its bytes are not what its checksum,
  /// its header and the archive's directory say.
  public func tensor(named name: String) throws(FormatError) -> Tensor {
    guard let entry = entries.first(where: { $0.name == name + Self.suffix }) else {
      let known = names.map { "'\($0)'" }.joined(separator: ", ")
      throw .malformed(
        file: file, offset: nil, reason: "there is no array '\(name)'; the archive has \(known)")
    }
    do throws(ReadError) {
      return try tensor(entry)
    } catch {
      throw FormatError(error.naming(name), file: file)
    }
  }

  private func tensor(_ entry: ZipEntry) throws(ReadError) -> Tensor {
    let stored = bytes.slice(entry.dataOffset, entry.storedCount)
    let raw: Bytes
    let header: NPYHeader
    switch entry.method {
    case .stored:
      guard entry.rawCount == entry.storedCount else {
        throw .malformed(
          offset: entry.headerOffset,
          reason: "it is not compressed, but has \(entry.storedCount) stored and \(entry.rawCount) "
            + "raw bytes")
      }
      raw = stored
      header = try NPYHeader(raw, origin: entry.dataOffset)
    case .deflated:
      header = try deflatedHeader(stored, entry)
      raw = try inflated(stored, entry, header)
    }
    guard Zlib.crc32(raw) == entry.checksum else {
      throw .malformed(offset: entry.dataOffset, reason: "its checksum is wrong: it is damaged")
    }
    // Offsets inside inflated bytes have no place in the file: its start has to do.
    return try NPY.tensor(raw, header, origin: entry.dataOffset)
  }

  /// The header of a deflated array, from as few inflated bytes as it takes.
  private func deflatedHeader(_ stored: Bytes, _ entry: ZipEntry) throws(ReadError) -> NPYHeader {
    // Most headers take 128 bytes.
    let short = try prefix(of: stored, min(entry.rawCount, 1 << 10), entry)
    do throws(ReadError) {
      return try NPYHeader(short, origin: entry.dataOffset)
    } catch .truncated where short.count < entry.rawCount {
      let long = try prefix(of: stored, min(entry.rawCount, NPYHeader.largestText + 12), entry)
      return try NPYHeader(long, origin: entry.dataOffset)
    } catch {
      throw error
    }
  }

  private func prefix(
    of stored: Bytes, _ count: Int, _ entry: ZipEntry
  ) throws(ReadError) -> Bytes {
    let target = Region(count: count)
    var written = 0
    let result = sz_inflate_prefix(
      target.base, count, &written, stored.pointer, stored.count, SZ_FORMAT_RAW)
    withExtendedLifetime(stored) {}
    if let error = ZlibError(result) { throw failure(error, entry) }
    return Bytes(region: target, offset: 0, count: written)
  }

  /// Inflates an array once its header and the directory agree on the size.
  private func inflated(
    _ stored: Bytes, _ entry: ZipEntry, _ header: NPYHeader
  ) throws(ReadError) -> Bytes {
    let (expected, overflow) = header.size.addingReportingOverflow(header.elementBytes)
    guard !overflow, entry.rawCount == expected else {
      throw .malformed(
        offset: entry.headerOffset,
        reason:
          "it inflates to \(entry.rawCount) bytes, its shape \(header.shape) takes \(expected)")
    }
    guard expected / ContainerLayout.largestInflation <= stored.count else {
      throw .malformed(
        offset: entry.headerOffset,
        reason: "\(stored.count) compressed bytes cannot inflate to \(expected)")
    }
    do throws(ZlibError) {
      return try Zlib.inflate(stored, count: expected, format: SZ_FORMAT_RAW)
    } catch {
      throw failure(error, entry)
    }
  }

  private func failure(_ error: ZlibError, _ entry: ZipEntry) -> ReadError {
    .malformed(offset: entry.dataOffset, reason: error.message(expected: entry.rawCount))
  }
}

extension ReadError {
  /// The same error, said of an array.
  fileprivate func naming(_ name: String) -> ReadError {
    switch self {
    case .truncated(let offset, let needed, let what):
      .malformed(
        offset: offset,
        reason: "array '\(name)': it ends where \(needed) more bytes of \(what) were expected")
    case .malformed(let offset, let reason):
      .malformed(offset: offset, reason: "array '\(name)': \(reason)")
    case .overLimit(let offset, let what, let found, let limit):
      .overLimit(offset: offset, what: "array '\(name)': \(what)", found: found, limit: limit)
    }
  }
}
