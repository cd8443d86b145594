import SparrowCore
import SparrowTestSupport
import Testing

@testable import SparrowFormats
@testable import SparrowRuntime

/// One test an error: a sound container is changed in one place, checksums put right where the error
/// lies behind them.
@Suite struct ContainerErrorTests {
  let graph: Graph
  let file: [UInt8]

  init() throws {
    graph = try smallGraph()
    file = ContainerWriter.bytes(of: graph, options: .init(compression: .off))
  }

  /// The message of the error that reading gives; empty when it gives none.
  private func message(_ file: [UInt8]) -> String {
    do throws(ContainerError) {
      _ = try Container.read(bytes: Bytes(copying: file), file: "model.sparrow")
      return ""
    } catch {
      return error.message
    }
  }

  /// The file with `count` bytes at an offset replaced.
  private func changed(_ offset: Int, _ bytes: [UInt8]) -> [UInt8] {
    var file = file
    file.replaceSubrange(offset..<(offset + bytes.count), with: bytes)
    return file
  }

  private func entry(_ section: Int, _ field: Int) -> Int {
    ContainerLayout.headerSize + section * ContainerLayout.sectionEntrySize + field
  }

  @Test func aMissingFile() throws {
    let folder = try TemporaryFolder()
    #expect(throws: ContainerError.self) { try Container.read(path: folder.path("none")) }
    #expect(throws: ContainerError.self) { try Container.read(path: folder.url.path) }
  }

  @Test func otherFiles() {
    #expect(message([]) == "model.sparrow: this is not a .sparrow file")
    #expect(message(Array("ONNX and more text".utf8)).contains("not a .sparrow file"))
    #expect(message(Array(file.prefix(30))).contains("the header"))
  }

  @Test func aDamagedHeader() {
    #expect(message(changed(9, [1])).contains("the header's checksum is wrong"))
    #expect(message(changed(63, [1])).contains("the header's checksum is wrong"))
  }

  @Test func newerVersions() {
    let major = message(resealed(changed(8, [2, 0])))
    #expect(major.contains("format version is 2.1, this program reads up to 1.1"))
    #expect(message(resealed(changed(10, [9, 0]))).isEmpty)
  }

  @Test func aFileOfAnotherSize() {
    #expect(message(Array(file.dropLast())).contains("the file should have \(file.count) bytes"))
    #expect(message(file + [0]).contains("and has \(file.count + 1)"))
    let trailing = resealed(changed(16, littleEndian(UInt64(file.count + 64))))
    #expect(message(trailing + [UInt8](repeating: 0, count: 64)).contains("bytes follow the last"))
  }

  @Test func aDamagedSectionTable() {
    #expect(message(changed(entry(0, 40), [1])).contains("the section table's checksum is wrong"))
    #expect(message(resealed(changed(entry(0, 40), [1]))).contains("reserved bytes"))
    #expect(message(resealed(changed(40, [1]))).contains("reserved header bytes"))
    let huge = resealed(changed(24, littleEndian(UInt32.max)))
    #expect(message(huge).contains("the section table"))
  }

  @Test func sectionsOutOfPlace() {
    #expect(message(resealed(changed(entry(1, 0), [77, 0]))).contains("section kind 77"))
    #expect(message(resealed(changed(entry(1, 2), [9]))).contains("section codec 9"))
    #expect(message(resealed(changed(entry(1, 8), [1]))).contains("the section starts at byte"))
    let long = resealed(changed(entry(1, 16), littleEndian(UInt64(file.count))))
    #expect(message(long).contains("an uncompressed section has"))
    let outside = littleEndian(UInt64(file.count)) + littleEndian(UInt64(file.count))
    #expect(message(resealed(changed(entry(1, 16), outside))).contains("beyond the end"))
    #expect(message(resealed(changed(entry(1, 23), [0x7f]))).contains("stored size is"))
    let kind = SectionKind.graph.rawValue
    #expect(
      message(resealed(changed(entry(1, 0), littleEndian(kind)))).contains("must be the graph"))
    let other = SectionKind.maskValues.rawValue
    #expect(
      message(resealed(changed(entry(1, 0), littleEndian(other)))).contains(
        "does not hold its mask"))
  }

  @Test func bytesBetweenSections() throws {
    let table = try SectionTable(Bytes(copying: file), file: "")
    let gap = table.sections[1].offset - 1
    #expect(message(changed(gap, [1])).contains("bytes between sections are not 0"))
  }

  @Test func anImpossibleInflation() {
    var bomb = resealed(changed(entry(1, 2), [SectionCodec.zlib.rawValue]))
    bomb.replaceSubrange(entry(1, 24)..<entry(1, 32), with: littleEndian(UInt64(1 << 40)))
    #expect(message(resealed(bomb)).contains("cannot inflate to"))
    let notZlib = resealed(changed(entry(1, 2), [SectionCodec.zlib.rawValue]))
    #expect(message(notZlib).contains("compressed data is damaged"))
  }

  @Test func damageInOneOfManyCompressedSections() throws {
    // Enough of them to be inflated on several threads.
    var many = Graph(name: "many")
    for i in 0..<40 {
      let tensor = sparseTensor(.float32, [100, 256], density: 0.1, seed: UInt64(i))
      let id = many.addConstant("c\(i)", tensor)
      many.outputs.append(try many.add(.identity(Identity()), [id], name: "y\(i)"))
    }
    var file = ContainerWriter.bytes(of: many)
    let read = try Container.read(bytes: Bytes(copying: file))
    #expect(read.values.map(\.constant) == many.values.map(\.constant))
    let sections = try SectionTable(Bytes(copying: file), file: "").sections
    #expect(sections.allSatisfy { $0.codec == .zlib })
    for section in [30, 17] { file[sections[section].offset + 100] ^= 0xff }
    #expect(throws: ContainerError.self) { try Container.read(bytes: Bytes(copying: file)) }
    do throws(ContainerError) {
      _ = try Container.read(bytes: Bytes(copying: file), verifyChecksums: false)
      Issue.record("damage was not found")
    } catch {
      #expect(error.message.contains("tensor 'c16': its elements: it"))
    }
  }

  @Test func everyDamagedPayloadByteIsFound() throws {
    for section in try SectionTable(Bytes(copying: file), file: "").sections {
      for offset in section.offset..<(section.offset + section.storedCount) {
        let damaged = changed(offset, [file[offset] ^ 0x10])
        #expect(message(damaged).contains("the checksum of section"), "byte \(offset)")
      }
    }
  }

  @Test func tensorsThatDoNotFitTheirSections() throws {
    for (i, value) in graph.values.enumerated() {
      guard let tensor = value.constant else { continue }
      // Another shape for the same sections.
      var other = graph
      let large = Tensor(dtype: tensor.dtype, shape: [2] + tensor.shape, storage: tensor.storage)
      other.values[i] = Value(name: value.name, constant: large)
      let text = message(ContainerWriter.bytes(of: other, options: .init(compression: .off)))
      let isBlocks = tensor.storage.code == .blocks
      let expected = isBlocks ? "the block view does not cover" : "tensor '\(value.name)': its"
      #expect(text.contains(expected), "value \(i): \(text)")
    }
  }

  @Test func aSectionWithoutATensor() throws {
    var sections = try parts(of: file)
    sections.append((.elements, [1, 2, 3, 4]))
    #expect(message(container(sections)).contains("belongs to no tensor"))
    sections.removeLast()
    #expect(container(sections) == file)
    #expect(message(container([])).contains("must be the graph"))
  }

  @Test func bytesAfterTheGraph() throws {
    var sections = try parts(of: file)
    sections[0].bytes.append(0)
    #expect(message(container(sections)).contains("bytes follow the graph"))
    sections[0].bytes.removeLast(2)
    #expect(message(container(sections)).contains("the file ends where"))
  }

  @Test func subgraphsThatBreakARule() throws {
    let type = TensorType(.float32, shape: [2])
    func nested(_ levels: Int, captures: Int) -> Graph {
      var graph = Graph(name: "level")
      let (x, y) = (graph.addInput("x", type), graph.addValue("y", type))
      let body = levels == 0 ? Graph() : nested(levels - 1, captures: captures)
      let op = Op.loop(Loop(body: Subgraph(body, captures: levels == 0 ? 0 : captures)))
      graph.nodes = [Node(name: "n", op: op, inputs: [nil, nil, x], outputs: [y])]
      graph.outputs = [y]
      return graph
    }
    let deep = message(ContainerWriter.bytes(of: nested(32, captures: 1)))
    #expect(deep.contains("the nesting of graphs is 33, more than the limit of 32"))
    let captured = message(ContainerWriter.bytes(of: nested(1, captures: 2)))
    #expect(captured.contains("the subgraph has 2 captures and only 1 inputs"))
    let contradictory = message(ContainerWriter.bytes(of: nested(1, captures: 1)))
    #expect(contradictory.contains("in a subgraph of Loop 'n'"))
  }

  @Test func graphsThatBreakARule() throws {
    var cyclic = graph
    cyclic.nodes.swapAt(0, cyclic.nodes.count - 1)
    let text = message(ContainerWriter.bytes(of: cyclic))
    #expect(text.contains("model.sparrow:") && text.contains("before any node makes it"))
    let folder = try TemporaryFolder()
    #expect(throws: FormatError.self) {
      try ContainerWriter.write(cyclic, to: folder.path("cyclic.sparrow"))
    }
    #expect(throws: FormatError.self) {
      try ContainerWriter.write(graph, to: folder.path("no/such/folder.sparrow"))
    }
  }
}

/// The raw bytes of an uncompressed container's sections.
private func parts(of file: [UInt8]) throws -> [(kind: SectionKind, bytes: [UInt8])] {
  try SectionTable(Bytes(copying: file), file: "").sections.map {
    ($0.kind, Array(file[$0.offset..<($0.offset + $0.storedCount)]))
  }
}

/// An uncompressed container of the given sections.
private func container(_ sections: [(kind: SectionKind, bytes: [UInt8])]) -> [UInt8] {
  var table: [UInt8] = []
  var data: [UInt8] = []
  let start = ContainerLayout.headerSize + sections.count * ContainerLayout.sectionEntrySize
  for (kind, bytes) in sections {
    let gap = ContainerLayout.aligned(start + data.count) - start - data.count
    data += [UInt8](repeating: 0, count: gap)
    table += littleEndian(kind.rawValue) + [0, 0] + littleEndian(Zlib.crc32(Bytes(copying: bytes)))
    table += littleEndian(UInt64(start + data.count))
    table += littleEndian(UInt64(bytes.count)) + littleEndian(UInt64(bytes.count))
    table += [UInt8](repeating: 0, count: 16)
    data += bytes
  }
  var header = ContainerLayout.magic + littleEndian(ContainerLayout.majorVersion)
  header += littleEndian(ContainerLayout.minorVersion) + [0, 0, 0, 0]
  header += littleEndian(UInt64(start + data.count)) + littleEndian(UInt32(sections.count))
  header += [UInt8](repeating: 0, count: ContainerLayout.headerSize - header.count)
  return resealed(header + table + data)
}

func littleEndian<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
  withUnsafeBytes(of: value.littleEndian) { Array($0) }
}

/// A container with the checksums of its header and section table put right.
func resealed(_ file: [UInt8]) -> [UInt8] {
  var file = file
  let count = file[24..<28].reversed().reduce(0) { $0 << 8 | Int($1) }
  let end = ContainerLayout.headerSize + count * ContainerLayout.sectionEntrySize
  if end <= file.count {
    let table = Bytes(copying: Array(file[ContainerLayout.headerSize..<end]))
    file.replaceSubrange(28..<32, with: littleEndian(Zlib.crc32(table)))
  }
  file.replaceSubrange(12..<16, with: [0, 0, 0, 0])
  let header = Bytes(copying: Array(file[..<ContainerLayout.headerSize]))
  file.replaceSubrange(12..<16, with: littleEndian(Zlib.crc32(header)))
  return file
}
