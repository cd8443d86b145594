import SparrowCore

/// One file inside a zip archive.
struct ZipEntry {
  enum Method { case stored, deflated }

  var name: String
  var method: Method
  var checksum: UInt32
  var rawCount: Int
  /// Where the local header starts.
  var headerOffset: Int
  var storedCount: Int
  /// Where the stored bytes start; found by way of the local header.
  var dataOffset = 0
}

/// Parses the central directory of a zip archive, ZIP64 included (PKWARE APPNOTE 6.3).
///
/// Names are only names: nothing is ever extracted to them. Entries may not overlap, so an archive
/// cannot use the same compressed bytes twice.
struct ZipDirectory {
  private let bytes: Bytes

  /// The entries in the directory's order.
  static func entries(of bytes: Bytes) throws(ReadError) -> [ZipEntry] {
    try ZipDirectory(bytes: bytes).entries()
  }

  private func entries() throws(ReadError) -> [ZipEntry] {
    let directory = try locate()
    var cursor = ByteCursor(bytes.slice(0, directory.end))
    try cursor.seek(directory.start, "the zip directory")
    guard directory.count <= UInt64(cursor.remaining / 46) else {
      throw .overLimit(
        offset: directory.start, what: "the number of zip entries", found: directory.count,
        limit: UInt64(cursor.remaining / 46))
    }
    var entries: [ZipEntry] = []
    var names = Set<String>()
    for _ in 0..<directory.count {
      let at = cursor.position
      var entry = try centralEntry(&cursor)
      guard names.insert(entry.name).inserted else {
        throw .malformed(offset: at, reason: "the entry '\(entry.name)' is listed twice")
      }
      try findData(of: &entry, before: directory.start)
      entries.append(entry)
    }
    try requireDisjoint(entries)
    return entries
  }

  /// The central directory's place, from the record at the archive's end.
  private func locate() throws(ReadError) -> (start: Int, end: Int, count: UInt64) {
    let end = try endRecord()
    var cursor = ByteCursor(bytes)
    try cursor.seek(end + 8, "the end record")
    let onDisk: UInt16 = try cursor.integer("entry count")
    let total: UInt16 = try cursor.integer("entry count")
    let size: UInt32 = try cursor.integer("directory size")
    let start: UInt32 = try cursor.integer("directory offset")
    let isLarge = total == .max || size == .max || start == .max
    if isLarge, let large = try largeEndRecord(before: end) { return large }
    guard onDisk == total else {
      throw .malformed(offset: end, reason: "archives of several parts are not supported")
    }
    return try directory(UInt64(start), UInt64(size), UInt64(total), before: end)
  }

  /// The offset of the end record: the last place whose comment ends with the file.
  private func endRecord() throws(ReadError) -> Int {
    var offset = bytes.count - 22
    let first = max(0, bytes.count - 22 - Int(UInt16.max))
    while offset >= first {
      if signature(offset) == 0x0605_4b50 {
        let comment = bytes.pointer.loadUnaligned(fromByteOffset: offset + 20, as: UInt16.self)
        if offset + 22 + Int(UInt16(littleEndian: comment)) == bytes.count { return offset }
      }
      offset -= 1
    }
    throw .malformed(
      offset: bytes.count, reason: "this is not a zip archive, or its end is missing")
  }

  private func signature(_ offset: Int) -> UInt32 {
    UInt32(littleEndian: bytes.pointer.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
  }

  /// The ZIP64 end record, where its locator stands before the end record; else nil.
  private func largeEndRecord(
    before end: Int
  ) throws(ReadError) -> (start: Int, end: Int, count: UInt64)? {
    guard end >= 20, signature(end - 20) == 0x0706_4b50 else { return nil }
    var cursor = ByteCursor(bytes.slice(0, end - 20))
    var locator = ByteCursor(bytes.slice(end - 20, 20), origin: end - 20)
    try locator.seek(8, "the ZIP64 locator")
    let at = try locator.size("ZIP64 end record offset", limit: end - 20)
    try cursor.seek(at, "the ZIP64 end record")
    let signature: UInt32 = try cursor.integer("ZIP64 end record")
    guard signature == 0x0606_4b50 else {
      throw .malformed(offset: at, reason: "the ZIP64 end record is not where it should be")
    }
    _ = try cursor.take(20, "ZIP64 end record")
    let onDisk: UInt64 = try cursor.integer("entry count")
    let total: UInt64 = try cursor.integer("entry count")
    let size: UInt64 = try cursor.integer("directory size")
    let start: UInt64 = try cursor.integer("directory offset")
    guard onDisk == total else {
      throw .malformed(offset: at, reason: "archives of several parts are not supported")
    }
    return try directory(start, size, total, before: at)
  }

  private func directory(
    _ start: UInt64, _ size: UInt64, _ count: UInt64, before end: Int
  ) throws(ReadError) -> (start: Int, end: Int, count: UInt64) {
    guard let first = Int(exactly: start), let length = Int(exactly: size), first <= end,
      length <= end - first
    else {
      throw .malformed(
        offset: end, reason: "the zip directory (\(size) bytes at \(start)) is outside the file")
    }
    return (first, first + length, count)
  }

  private func centralEntry(_ cursor: inout ByteCursor) throws(ReadError) -> ZipEntry {
    let at = cursor.position
    let signature: UInt32 = try cursor.integer("directory entry")
    guard signature == 0x0201_4b50 else {
      throw .malformed(offset: at, reason: "a zip directory entry is expected")
    }
    _ = try cursor.take(4, "versions")
    let flags: UInt16 = try cursor.integer("flags")
    let methodCode: UInt16 = try cursor.integer("method")
    _ = try cursor.take(4, "time")
    let checksum: UInt32 = try cursor.integer("checksum")
    let stored: UInt32 = try cursor.integer("stored size")
    let raw: UInt32 = try cursor.integer("raw size")
    let nameLength: UInt16 = try cursor.integer("name length")
    let extraLength: UInt16 = try cursor.integer("extra length")
    let commentLength: UInt16 = try cursor.integer("comment length")
    _ = try cursor.take(8, "attributes")
    let offset: UInt32 = try cursor.integer("header offset")
    let name = try self.name(try cursor.take(Int(nameLength), "entry name"), at)
    var large = LargeFields(try cursor.take(Int(extraLength), "extra fields"), at, name)
    _ = try cursor.take(Int(commentLength), "entry comment")
    guard flags & 1 == 0 else {
      throw .malformed(offset: at, reason: "the entry '\(name)' is encrypted")
    }
    let method: ZipEntry.Method
    switch methodCode {
    case 0: method = .stored
    case 8: method = .deflated
    default:
      throw .malformed(
        offset: at,
        reason: "the entry '\(name)' has compression method \(methodCode), expected 0 (none) or 8 "
          + "(deflate)")
    }
    // The order of the fields in the ZIP64 extra field.
    let rawCount = try large.resolve(raw)
    let storedCount = try large.resolve(stored)
    return ZipEntry(
      name: name, method: method, checksum: checksum, rawCount: rawCount,
      headerOffset: try large.resolve(offset), storedCount: storedCount)
  }

  private func name(_ bytes: Bytes, _ at: Int) throws(ReadError) -> String {
    guard let name = String(validating: bytes.array(of: UInt8.self), as: UTF8.self) else {
      throw .malformed(offset: at, reason: "an entry's name is not valid UTF-8")
    }
    return name
  }

  /// Follows the local header to the entry's bytes, which must end before the directory.
  private func findData(of entry: inout ZipEntry, before limit: Int) throws(ReadError) {
    let at = entry.headerOffset
    var cursor = ByteCursor(bytes.slice(0, limit))
    try cursor.seek(at, "the entry '\(entry.name)'")
    let signature: UInt32 = try cursor.integer("local header")
    guard signature == 0x0403_4b50 else {
      throw .malformed(offset: at, reason: "the entry '\(entry.name)' has no local header here")
    }
    _ = try cursor.take(22, "local header")
    let nameLength: UInt16 = try cursor.integer("name length")
    let extraLength: UInt16 = try cursor.integer("extra length")
    let name = try cursor.take(Int(nameLength), "entry name")
    guard name.array(of: UInt8.self) == Array(entry.name.utf8) else {
      throw .malformed(
        offset: at, reason: "the local header of '\(entry.name)' has another name")
    }
    _ = try cursor.take(Int(extraLength), "extra fields")
    entry.dataOffset = cursor.position
    _ = try cursor.take(entry.storedCount, "the entry '\(entry.name)'")
  }

  private func requireDisjoint(_ entries: [ZipEntry]) throws(ReadError) {
    let sorted = entries.sorted { $0.headerOffset < $1.headerOffset }
    for (a, b) in zip(sorted, sorted.dropFirst())
    where a.dataOffset + a.storedCount > b.headerOffset {
      throw .malformed(
        offset: b.headerOffset, reason: "the entries '\(a.name)' and '\(b.name)' overlap")
    }
  }
}

/// The 64-bit sizes of an entry, which stand in an extra field where 32 bits do not suffice.
private struct LargeFields {
  private var cursor: ByteCursor?
  private let offset: Int
  private let name: String

  init(_ extra: Bytes, _ offset: Int, _ name: String) {
    (self.offset, self.name) = (offset, name)
    var fields = ByteCursor(extra, origin: offset)
    while let id = try? fields.integer("extra field", as: UInt16.self),
      let size = try? fields.integer("extra field", as: UInt16.self),
      let content = try? fields.take(Int(size), "extra field")
    {
      if id == 1 { cursor = ByteCursor(content, origin: offset) }
    }
  }

  /// A field's value: its own, or the next of the extra field where it is all ones.
  mutating func resolve(_ field: UInt32) throws(ReadError) -> Int {
    guard field == .max else { return Int(field) }
    guard let value = try cursor?.size("a ZIP64 size of '\(name)'", limit: 1 << 48) else {
      throw .malformed(offset: offset, reason: "the entry '\(name)' has no ZIP64 sizes")
    }
    return value
  }
}
