import CPlatform
import SparrowCore

/// Reads `.sparrow` files: a network and its tensors, dense or sparse, in one memory-mapped file.
///
/// The format is specified in Schemas/sparrow-container.md.
public enum Container {
  /// Reads the file at `path`. It stays mapped for as long as the graph's tensors live: those of
  /// uncompressed sections are used in place.
  ///
  /// With `verifyChecksums` every stored byte is read and checked; without it, tensors that are
  /// used in place are not touched until they are needed.
  public static func read(
    path: String, verifyChecksums: Bool = true
  ) throws(ContainerError) -> Graph {
    let region: Region
    do throws(FileError) {
      region = try Region(mapping: path)
    } catch {
      throw .file(error)
    }
    return try read(bytes: Bytes(region), file: path, verifyChecksums: verifyChecksums)
  }

  /// Reads a container that is in memory already; `file` is for messages.
  public static func read(
    bytes: Bytes, file: String = "the container", verifyChecksums: Bool = true
  ) throws(ContainerError) -> Graph {
    let table = try SectionTable(bytes, file: file)
    let pool = ThreadPool(count: workers(for: bytes.count))
    var reader = ContainerReader(bytes: bytes, file: file, sections: table.sections, pool: pool)
    if verifyChecksums { try reader.verifyChecksums() }
    let graph = try reader.graph()
    do throws(GraphError) {
      try graph.verify()
    } catch {
      throw .graph(file: file, error)
    }
    return graph
  }

  /// Below a quarter of a megabyte a worker takes longer to start than it saves.
  private static func workers(for byteCount: Int) -> Int {
    max(1, min(byteCount >> 18, 16, Int(sp_cpu_count())))
  }
}

/// Turns sections into a graph.
private struct ContainerReader {
  let bytes: Bytes
  let file: String
  let sections: [Section]
  let pool: ThreadPool
  /// The raw bytes of each section; tensors may share them.
  private var contents: [Bytes]

  init(bytes: Bytes, file: String, sections: [Section], pool: ThreadPool) {
    (self.bytes, self.file, self.sections, self.pool) = (bytes, file, sections, pool)
    contents = sections.map { bytes.slice($0.offset, $0.storedCount) }
  }

  func verifyChecksums() throws(ContainerError) {
    let checksums = pool.map(sections.count, 0 as UInt32) { i in
      let checksum = Zlib.crc32(contents[i])
      // Read again when it is needed: until then the file takes no memory.
      contents[i].releasePages()
      return checksum
    }
    for (i, section) in sections.enumerated() where checksums[i] != section.checksum {
      throw .checksum(
        file: file, part: "section \(i) (\(section.kind.name)) at byte \(section.offset)",
        found: checksums[i], expected: section.checksum)
    }
  }

  mutating func graph() throws(ContainerError) -> Graph {
    let decoded = try decodeGraph()
    var graph = decoded.graph
    try inflate(owners: try owners(of: decoded))
    var tensors = [Tensor?](repeating: nil, count: decoded.tensors.count)
    try graph.mapConstants { index, name throws(ContainerError) in
      if let known = tensors[index] { return known }
      let tensor = try self.tensor(decoded.tensors[index], name)
      tensors[index] = tensor
      return tensor
    }
    return graph
  }

  /// The name of a tensor that each section belongs to, once every part is known to be of the right
  /// kind and no larger than its tensor can need.
  private func owners(of decoded: DecodedGraph) throws(ContainerError) -> [String] {
    var owners = [String?](repeating: nil, count: sections.count)
    owners[0] = decoded.graph.name
    var graph = decoded.graph
    try graph.mapConstants { index, name throws(ContainerError) in
      let record = decoded.tensors[index]
      for (kind, part) in zip(record.code.parts, record.parts) {
        try checkPart(kind, part, record, name)
        owners[part] = name
      }
      return nil
    }
    var result: [String] = []
    for (i, owner) in owners.enumerated() {
      guard let owner else {
        throw .malformed(
          file: file, offset: sections[i].offset,
          reason: "section \(i) (\(sections[i].kind.name)) belongs to no tensor")
      }
      result.append(owner)
    }
    return result
  }

  /// Inflates every compressed section but the graph's.
  private mutating func inflate(owners: [String]) throws(ContainerError) {
    let compressed = sections.indices.dropFirst().filter { sections[$0].codec == .zlib }
    do throws(InflationFailure) {
      let raw = try Zlib.inflate(
        compressed.map { CompressedStream(stored: contents[$0], count: sections[$0].rawCount) },
        pool)
      for (i, bytes) in zip(compressed, raw) { contents[i] = bytes }
    } catch {
      let section = compressed[error.stream]
      throw .tensor(
        file: file, name: owners[section],
        reason: "its \(sections[section].kind.name): "
          + error.error.message(expected: sections[section].rawCount))
    }
  }

  private mutating func decodeGraph() throws(ContainerError) -> DecodedGraph {
    guard let first = sections.first, first.kind == .graph,
      !sections.dropFirst().contains(where: { $0.kind == .graph })
    else {
      throw .malformed(
        file: file, offset: ContainerLayout.headerSize,
        reason: "the first section, and no other, must be the graph")
    }
    let inPlace = first.codec == .none
    do throws(ZlibError) {
      guard first.rawCount <= ContainerLayout.largestGraphSection else { throw .tooLong }
      if !inPlace { contents[0] = try Zlib.inflate(contents[0], count: first.rawCount) }
    } catch {
      let expected = min(first.rawCount, ContainerLayout.largestGraphSection)
      throw .malformed(
        file: file, offset: first.offset,
        reason: "the graph section: " + error.message(expected: expected))
    }
    var decoder = GraphDecoder(ByteCursor(contents[0], origin: inPlace ? first.offset : 0))
    do throws(ReadError) {
      return try decoder.decode()
    } catch {
      if inPlace { throw ContainerError(error, file: file) }
      throw .malformed(
        file: file, offset: nil, reason: "in the inflated graph section " + error.message)
    }
  }

  private func tensor(
    _ record: TensorRecord, _ name: String
  ) throws(ContainerError) -> Tensor {
    let parts = record.parts.map { contents[$0] }
    do throws(StorageError) {
      return Tensor(dtype: record.dtype, shape: record.shape, storage: try storage(record, parts))
    } catch {
      throw .tensor(file: file, name: name, reason: error.message)
    }
  }

  private func checkPart(
    _ kind: SectionKind, _ index: Int, _ record: TensorRecord, _ name: String
  ) throws(ContainerError) {
    guard sections.indices.contains(index), sections[index].kind == kind else {
      throw .tensor(
        file: file, name: name, reason: "section \(index) does not hold its \(kind.name)")
    }
    let limit = record.largestPart(kind)
    guard sections[index].rawCount <= limit else {
      throw .tensor(
        file: file, name: name,
        reason: "its \(kind.name) take \(sections[index].rawCount) bytes, at most \(limit) are "
          + "possible for \(record.count) elements")
    }
  }

  private func storage(
    _ record: TensorRecord, _ parts: [Bytes]
  ) throws(StorageError) -> Storage {
    let (dtype, count) = (record.dtype, record.count)
    switch record.code {
    case .dense:
      guard parts[0].count == count * dtype.size else {
        throw .wrongSize(part: "elements", found: parts[0].count, expected: count * dtype.size)
      }
      return .dense(parts[0])
    case .bitmask:
      return .bitmask(try Bitmask(bits: parts[0], values: parts[1], dtype: dtype, count: count))
    case .compressedRows:
      return .compressedRows(
        try CompressedRows(
          starts: parts[0], columns: parts[1], values: parts[2], dtype: dtype,
          shape: record.shape))
    case .blocks:
      guard let blocks = record.blocks else { throw .badBlock("its block shape is missing") }
      return .blocks(
        try Blocks(
          outputs: blocks.outputs, inputs: blocks.inputs, view: blocks.view, bits: parts[0],
          values: parts[1], dtype: dtype, count: count))
    }
  }
}

extension Graph {
  /// Replaces the constants of a ``DecodedGraph``, subgraphs' too, by what `tensor` makes of a tensor's
  /// index and a value's name.
  fileprivate mutating func mapConstants(
    _ tensor: (Int, String) throws(ContainerError) -> Tensor?
  ) throws(ContainerError) {
    for i in values.indices {
      guard let index = values[i].constant?.integers?.first else { continue }
      values[i].constant = try tensor(index, values[i].name)
    }
    for i in nodes.indices {
      try nodes[i].op.mapSubgraphs { subgraph throws(ContainerError) in
        try subgraph.graph.mapConstants(tensor)
      }
    }
  }
}

extension TensorRecord {
  /// The most bytes a part of a tensor of this shape can take.
  func largestPart(_ kind: SectionKind) -> Int {
    switch kind {
    case .graph: 0
    case .elements, .maskValues, .rowValues: count * dtype.size
    case .maskBits, .blockBits: (count + 7) / 8
    case .rowStarts: ((shape.first ?? 1) + 1) * 4
    case .rowColumns: count * 4
    case .blockValues: largestBlockValues
    }
  }

  /// Every block kept, each padded to its full size.
  private var largestBlockValues: Int {
    guard let blocks else { return 0 }
    let (elements, overflow) = count.multipliedReportingOverflow(
      by: blocks.outputs * blocks.inputs * dtype.size)
    return overflow ? .max : elements
  }
}
