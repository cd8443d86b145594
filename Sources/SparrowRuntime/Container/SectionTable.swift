import SparrowCore

/// One entry of the section table.
struct Section {
  var kind: SectionKind
  var codec: SectionCodec
  var offset: Int
  var storedCount: Int
  var rawCount: Int
  var checksum: UInt32
}

/// The header and the section table: checked against each other and against the file's size, so
/// that the sections cover the file exactly, in order, without overlaps or gaps.
struct SectionTable {
  let sections: [Section]

  init(_ bytes: Bytes, file: String) throws(ContainerError) {
    try Self.verifyHeader(bytes, file)
    do throws(ReadError) {
      var cursor = ByteCursor(bytes)
      try cursor.seek(16, "the header")
      let fileSize: UInt64 = try cursor.integer("file size")
      guard fileSize == UInt64(bytes.count) else {
        throw .malformed(
          offset: 16,
          reason:
            "the file should have \(fileSize) bytes and has \(bytes.count): it is cut off, or "
            + "something was appended")
      }
      let count: UInt32 = try cursor.integer("section count")
      let checksum: UInt32 = try cursor.integer("section table checksum")
      let reserved = try cursor.take(32, "reserved header bytes")
      guard reserved.isZero else {
        throw .malformed(offset: 32, reason: "reserved header bytes are not 0")
      }
      let size = UInt64(count) * UInt64(ContainerLayout.sectionEntrySize)
      let table = try cursor.take(Int(clamping: size), "the section table")
      guard Zlib.crc32(table) == checksum else {
        throw .malformed(
          offset: ContainerLayout.headerSize,
          reason: "the section table's checksum is wrong: the file is damaged")
      }
      sections = try Self.sections(table, Int(count), bytes)
    } catch {
      throw ContainerError(error, file: file)
    }
  }

  private static func verifyHeader(_ bytes: Bytes, _ file: String) throws(ContainerError) {
    let magic = ContainerLayout.magic
    let start = bytes.slice(0, min(bytes.count, magic.count)).array(of: UInt8.self)
    guard bytes.count > 0, start == Array(magic[..<start.count]) else {
      throw .notContainer(file: file)
    }
    let version: (major: UInt16, minor: UInt16)
    do throws(ReadError) {
      version = try readVersion(bytes)
    } catch {
      throw ContainerError(error, file: file)
    }
    guard version.major == ContainerLayout.majorVersion else {
      throw .newerVersion(
        file: file, found: "\(version.major).\(version.minor)",
        supported: "\(ContainerLayout.majorVersion).\(ContainerLayout.minorVersion)")
    }
  }

  private static func readVersion(
    _ bytes: Bytes
  ) throws(ReadError) -> (major: UInt16, minor: UInt16) {
    var cursor = ByteCursor(bytes)
    let header = try cursor.take(ContainerLayout.headerSize, "the header")
    cursor = ByteCursor(header)
    try cursor.seek(ContainerLayout.magic.count, "the header")
    let major: UInt16 = try cursor.integer("major version")
    let minor: UInt16 = try cursor.integer("minor version")
    let expected: UInt32 = try cursor.integer("header checksum")
    let before = header.slice(0, ContainerLayout.headerChecksumOffset)
    let after = header.slice(cursor.offset, cursor.remaining)
    let zeros = Bytes(copying: [UInt8](repeating: 0, count: 4))
    guard Zlib.crc32(after, after: Zlib.crc32(zeros, after: Zlib.crc32(before))) == expected else {
      throw .malformed(offset: 0, reason: "the header's checksum is wrong: the file is damaged")
    }
    return (major, minor)
  }

  private static func sections(
    _ table: Bytes, _ count: Int, _ bytes: Bytes
  ) throws(ReadError) -> [Section] {
    var cursor = ByteCursor(table, origin: ContainerLayout.headerSize)
    var sections: [Section] = []
    sections.reserveCapacity(count)
    var end = ContainerLayout.headerSize + table.count
    for _ in 0..<count {
      let at = cursor.position
      let section = try section(&cursor, limit: bytes.count)
      guard section.offset == ContainerLayout.aligned(end) else {
        throw .malformed(
          offset: at,
          reason: "the section starts at byte \(section.offset), expected "
            + "\(ContainerLayout.aligned(end)), the first aligned byte after the one before")
      }
      guard section.storedCount <= bytes.count - section.offset else {
        throw .malformed(offset: at, reason: "the section reaches beyond the end of the file")
      }
      guard bytes.slice(end, section.offset - end).isZero else {
        throw .malformed(offset: end, reason: "bytes between sections are not 0")
      }
      end = section.offset + section.storedCount
      sections.append(section)
    }
    guard end == bytes.count else {
      throw .malformed(offset: end, reason: "bytes follow the last section")
    }
    return sections
  }

  private static func section(
    _ cursor: inout ByteCursor, limit: Int
  ) throws(ReadError) -> Section {
    let at = cursor.position
    let kindCode: UInt16 = try cursor.integer("section kind")
    let codecCode: UInt8 = try cursor.integer("section codec")
    let reservedByte: UInt8 = try cursor.integer("reserved")
    let checksum: UInt32 = try cursor.integer("section checksum")
    let offset = try cursor.size("section offset", limit: limit)
    let stored = try cursor.size("stored size", limit: limit)
    let raw = try cursor.size("raw size", limit: ContainerLayout.largestSection)
    let reserved = try cursor.take(16, "reserved")
    guard let kind = SectionKind(rawValue: kindCode) else {
      throw .malformed(offset: at, reason: "section kind \(kindCode) does not exist")
    }
    guard let codec = SectionCodec(rawValue: codecCode) else {
      throw .malformed(offset: at, reason: "section codec \(codecCode) does not exist")
    }
    guard reservedByte == 0, reserved.isZero else {
      throw .malformed(offset: at, reason: "reserved bytes of a section entry are not 0")
    }
    switch codec {
    case .none:
      guard raw == stored else {
        throw .malformed(
          offset: at, reason: "an uncompressed section has \(stored) stored and \(raw) raw bytes")
      }
    case .zlib:
      guard raw / ContainerLayout.largestInflation <= stored else {
        throw .malformed(
          offset: at, reason: "\(stored) compressed bytes cannot inflate to \(raw)")
      }
    }
    return Section(
      kind: kind, codec: codec, offset: offset, storedCount: stored, rawCount: raw,
      checksum: checksum)
  }
}

extension Bytes {
  var isZero: Bool {
    for i in 0..<count where pointer.load(fromByteOffset: i, as: UInt8.self) != 0 { return false }
    return true
  }
}
