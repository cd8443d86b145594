import CZlib
import SparrowCore
import SparrowRuntime

/// How a `.sparrow` file is written.
public struct ContainerOptions: Sendable {
  /// Whether sections are compressed.
  public enum Compression: Sendable {
    /// zlib for the sections it makes at least 15 % smaller; the others are used in place.
    case automatic
    /// No section is compressed: loading copies nothing.
    case off
  }

  public var compression: Compression

  public init(compression: Compression = .automatic) { self.compression = compression }
}

/// Writes `.sparrow` files; see ``Container`` for reading them.
///
/// The format is specified in Schemas/sparrow-container.md. The same graph and options give the same
/// bytes. Every tensor keeps its storage; equal parts are stored once, values without use not at all.
public enum ContainerWriter {
  /// Writes `graph` beside `path` and renames it there. Throws when the graph breaks a rule or the
  /// system refuses; then nothing is left behind.
  public static func write(
    _ graph: Graph, to path: String, options: ContainerOptions = ContainerOptions()
  ) throws(FormatError) {
    do throws(GraphError) {
      try graph.verify()
    } catch {
      throw .graph(file: path, error)
    }
    let sections = sections(of: graph, options)
    let header = header(sections)
    let file = try AtomicFile(path)
    try file.write(header)
    for section in sections {
      let gap = ContainerLayout.aligned(file.count) - file.count
      try file.write([UInt8](repeating: 0, count: gap))
      try file.write(section.stored)
    }
    try file.commit()
  }

  /// The file's bytes, for containers that are sent or embedded instead of written.
  public static func bytes(
    of graph: Graph, options: ContainerOptions = ContainerOptions()
  ) -> [UInt8] {
    let sections = sections(of: graph, options)
    var writer = ByteWriter()
    writer.append(header(sections))
    for section in sections {
      writer.pad(to: ContainerLayout.aligned(writer.count))
      writer.append(section.stored.array(of: UInt8.self))
    }
    return writer.bytes
  }

  /// The size of the file that ``write(_:to:options:)`` makes.
  public static func byteCount(
    of graph: Graph, options: ContainerOptions = ContainerOptions()
  ) -> Int {
    let sections = sections(of: graph, options)
    let table = sections.count * ContainerLayout.sectionEntrySize
    return sections.reduce(ContainerLayout.headerSize + table) {
      ContainerLayout.aligned($0) + $1.stored.count
    }
  }

  private static func sections(of graph: Graph, _ options: ContainerOptions) -> [StoredSection] {
    var graph = graph
    graph.removeNestedUnusedValues()
    var pool = SectionPool(options)
    var tensors: [(tensor: Tensor, parts: GraphEncoder.Parts)] = []
    for tensor in graph.nestedConstants {
      // The graph comes first in the file, so a part's index is one more than its place here.
      let parts = zip(tensor.storage.code.parts, tensor.storage.parts)
      tensors.append((tensor, parts.map { pool.index($0, $1) + 1 }))
    }
    let encoded = Bytes(copying: GraphEncoder.encode(graph, tensors: tensors))
    return [StoredSection(.graph, encoded, Zlib.crc32(encoded), options)] + pool.sections
  }

  /// The header and the section table.
  private static func header(_ sections: [StoredSection]) -> [UInt8] {
    let tableSize = sections.count * ContainerLayout.sectionEntrySize
    var table = ByteWriter()
    var end = ContainerLayout.headerSize + tableSize
    for section in sections {
      let offset = ContainerLayout.aligned(end)
      table.append(section.kind.rawValue)
      table.append(section.codec.rawValue)
      table.append(UInt8(0))
      table.append(section.checksum)
      table.append(UInt64(offset))
      table.append(UInt64(section.stored.count))
      table.append(UInt64(section.rawCount))
      table.append([UInt8](repeating: 0, count: 16))
      end = offset + section.stored.count
    }
    let tableChecksum = Zlib.crc32(Bytes(copying: table.bytes))
    func header(checksum: UInt32) -> [UInt8] {
      var header = ByteWriter()
      header.append(ContainerLayout.magic)
      header.append(ContainerLayout.majorVersion)
      header.append(ContainerLayout.minorVersion)
      header.append(checksum)
      header.append(UInt64(end))
      header.append(count: sections.count)
      header.append(tableChecksum)
      header.pad(to: ContainerLayout.headerSize)
      return header.bytes
    }
    let checksum = Zlib.crc32(Bytes(copying: header(checksum: 0)))
    return header(checksum: checksum) + table.bytes
  }
}

/// A section ready to be written.
struct StoredSection {
  let kind: SectionKind
  let codec: SectionCodec
  let stored: Bytes
  let rawCount: Int
  let checksum: UInt32

  /// `rawChecksum` is the CRC-32 of `raw`.
  init(_ kind: SectionKind, _ raw: Bytes, _ rawChecksum: UInt32, _ options: ContainerOptions) {
    self.kind = kind
    rawCount = raw.count
    let compressed: Bytes? =
      switch options.compression {
      case .off: nil
      case .automatic: Deflate.compressedWhereItWins(raw)
      }
    codec = compressed == nil ? .none : .zlib
    stored = compressed ?? raw
    checksum = compressed.map { Zlib.crc32($0) } ?? rawChecksum
  }
}

/// The sections of tensors in the order of first use; parts of equal kind and bytes share one.
private struct SectionPool {
  private struct Key: Hashable {
    let kind: SectionKind
    let count: Int
    let checksum: UInt32
  }

  private(set) var sections: [StoredSection] = []
  private let options: ContainerOptions
  private var known: [Key: [(index: Int, raw: Bytes)]] = [:]

  init(_ options: ContainerOptions) { self.options = options }

  mutating func index(_ kind: SectionKind, _ raw: Bytes) -> Int {
    let checksum = Zlib.crc32(raw)
    let key = Key(kind: kind, count: raw.count, checksum: checksum)
    if let same = known[key]?.first(where: { $0.raw == raw }) { return same.index }
    known[key, default: []].append((sections.count, raw))
    sections.append(StoredSection(kind, raw, checksum, options))
    return sections.count - 1
  }
}
