import Foundation
import SparrowCore
import SparrowFormats
import SparrowTestSupport
import Testing

@testable import SparrowRuntime

@Suite struct ContainerRoundTripTests {
  static let shapes: [[Int]] = [[7, 5], [2, 3, 3, 3], [16, 40], [1, 1], [65]]

  @Test(arguments: DType.allCases, StorageVariant.allCases)
  func everyTypeAndStorageReadsBackAsWritten(dtype: DType, variant: StorageVariant) throws {
    for (i, shape) in Self.shapes.enumerated() {
      let tensor = sparseTensor(dtype, shape, density: 0.3, seed: UInt64(i + 1)).stored(variant)
      let graph = try Self.graph(of: [tensor])
      for compression in [ContainerOptions.Compression.automatic, .off] {
        let bytes = ContainerWriter.bytes(of: graph, options: .init(compression: compression))
        let read = try Container.read(bytes: Bytes(copying: bytes))
        let found = try #require(read.values[0].constant)
        #expect(found == tensor)
        #expect(found.storage.name == tensor.storage.name)
        #expect(found.storedByteCount == tensor.storedByteCount)
      }
    }
  }

  @Test(arguments: [[], [0], [3, 0], [0, 4]], [StorageVariant.dense, .bitmask, .compressedRows])
  func scalarsAndEmptyTensorsReadBack(shape: [Int], variant: StorageVariant) throws {
    for value: Float in [0, -2.5] {
      let tensor = Tensor([Float](repeating: value, count: shape.elementCount), shape: shape)
        .stored(variant)
      let bytes = ContainerWriter.bytes(of: try Self.graph(of: [tensor]))
      let read = try Container.read(bytes: Bytes(copying: bytes))
      #expect(read.values[0].constant == tensor)
    }
  }

  @Test func graphsReadBackAsWritten() throws {
    let graph = try smallGraph()
    let folder = try TemporaryFolder()
    let path = folder.path("small.sparrow")
    try ContainerWriter.write(graph, to: path)
    let read = try Container.read(path: path)
    #expect(read.text == graph.text)
    #expect(read.name == graph.name)
    #expect(read.metadata == graph.metadata)
    #expect(read.values.map(\.type) == graph.values.map(\.type))
    #expect(read.values.map(\.constant) == graph.values.map(\.constant))
    #expect(read.nodes.map(\.op) == graph.nodes.map(\.op))
    #expect(read.nodes.map(\.name) == graph.nodes.map(\.name))
    #expect(read.nodes.map(\.inputs) == graph.nodes.map(\.inputs))
    #expect(
      try Data(contentsOf: URL(fileURLWithPath: path)) == Data(ContainerWriter.bytes(of: graph)))
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path).count == 1)
  }

  @Test(arguments: Op.catalogue)
  func everyAttributeReadsBack(op: Op) throws {
    var changed = op
    var changer = AttributeChanger()
    changed.visitAttributes(&changer)
    for op in [op, changed] {
      var graph = Graph(name: "one")
      let x = graph.addInput("x", TensorType(.float32, nil))
      let y = graph.addValue("y")
      graph.nodes = [Node(name: "n", op: op, inputs: [nil, x], outputs: [y])]
      // Not verified: the types of such a graph need not make sense.
      let read = try Self.decodedGraph(
        ContainerWriter.bytes(of: graph, options: .init(compression: .off)))
      #expect(read.nodes[0].op == op)
      #expect(read.nodes[0].inputs == [nil, x])
    }
  }

  @Test func equalTensorsAreStoredOnce() throws {
    let tensor = sparseTensor(.float32, [64, 64], density: 1, seed: 3)
    let copy = Tensor(
      dtype: .float32, shape: [4096], bytes: Bytes(copying: tensor.array(of: Float.self)))
    let one = ContainerWriter.bytes(of: try Self.graph(of: [tensor]))
    let two = ContainerWriter.bytes(of: try Self.graph(of: [tensor, copy]))
    #expect(two.count < one.count + 256)
    let read = try Container.read(bytes: Bytes(copying: two))
    #expect(read.values[0].constant == tensor)
    #expect(read.values[1].constant == copy)
  }

  @Test func unusedValuesAreNotStored() throws {
    var graph = try Self.graph(of: [Tensor(scalar: Float(1))])
    let plain = ContainerWriter.bytes(of: graph)
    graph.addConstant("unused", sparseTensor(.float32, [64], density: 1, seed: 3))
    #expect(ContainerWriter.bytes(of: graph) == plain)
  }

  @Test func uncompressedSectionsAreUsedInPlace() throws {
    let tensor = randomFloats([64, 64], seed: 5)
    let file = Bytes(copying: ContainerWriter.bytes(of: try Self.graph(of: [tensor])))
    let read = try Container.read(bytes: file)
    let bytes = try #require(read.values[0].constant?.denseBytes)
    #expect(bytes.region === file.region)
    #expect(bytes.offset % 64 == 0)
  }

  @Test func zlibIsUsedWhereItWins() throws {
    let zeros = Tensor([Float](repeating: 0, count: 100_000))
    let noise = randomFloats([20_000], seed: 9)
    let small = ContainerWriter.bytes(of: try Self.graph(of: [zeros]))
    #expect(small.count < 2_000)
    let automatic = ContainerWriter.bytes(of: try Self.graph(of: [noise])).count
    #expect((80_000..<81_000).contains(automatic))
  }

  /// A graph that passes constants through.
  static func graph(of tensors: [Tensor]) throws -> Graph {
    var graph = Graph(name: "constants")
    let ids = tensors.enumerated().map { graph.addConstant("c\($0)", $1) }
    for id in ids {
      graph.outputs.append(
        try graph.add(.identity(Identity()), [id], name: "y\(id.index)"))
    }
    return graph
  }

  /// The graph of an uncompressed container, not verified.
  static func decodedGraph(_ file: [UInt8]) throws -> Graph {
    let bytes = Bytes(copying: file)
    let section = try SectionTable(bytes, file: "test").sections[0]
    var decoder = GraphDecoder(ByteCursor(bytes.slice(section.offset, section.storedCount)))
    return try decoder.decode().graph
  }
}

/// Gives every attribute a value that is not its default.
private struct AttributeChanger: AttributeVisitor {
  mutating func visit(_ key: StaticString, _ value: inout Int) throws(Never) { value = -7 - value }
  mutating func visit(_ key: StaticString, _ value: inout Float) throws(Never) { value += 0.1 }
  mutating func visit(_ key: StaticString, _ value: inout Bool) throws(Never) { value.toggle() }
  mutating func visit(_ key: StaticString, _ value: inout [Int]) throws(Never) {
    value = [.max, -1]
  }
  mutating func visit(_ key: StaticString, _ value: inout [Int]?) throws(Never) {
    value = value == nil ? [.min, 5] : nil
  }
  mutating func visit(_ key: StaticString, _ value: inout Int?) throws(Never) {
    value = value == nil ? 42 : nil
  }
  mutating func visit(_ key: StaticString, _ value: inout DType) throws(Never) { value = .bfloat16 }
  mutating func visit(_ key: StaticString, _ value: inout Scalar) throws(Never) {
    value = Scalar(dtype: .int64, bits: .max)
  }
  mutating func visit<C: AttributeChoice>(_ key: StaticString, _ value: inout C) throws(Never) {
    for choice in C.allCases where choice != value {
      value = choice
      return
    }
  }
  mutating func visit(_ key: StaticString, _ value: inout Float?) throws(Never) {
    value = value == nil ? 0.25 : nil
  }
  mutating func visit(_ key: StaticString, _ value: inout [Float]) throws(Never) {
    value = [-0.5, .infinity]
  }
  mutating func visit(_ key: StaticString, _ value: inout String) throws(Never) { value = "ij->ji" }
  mutating func visit<C: AttributeChoice>(_ key: StaticString, _ value: inout [C]) throws(Never) {
    value = C.allCases.reversed()
  }
  mutating func visit(_ key: StaticString, _ value: inout NumberList?) throws(Never) {
    value = value == nil ? NumberList(.float16, [1.5, .infinity]) : nil
  }
  mutating func visit(_ key: StaticString, _ value: inout Activation) throws(Never) {
    value = .hardSigmoid(alpha: 0.25, beta: -1)
  }
  mutating func visit(_ key: StaticString, _ value: inout Subgraph) throws(Never) {
    var graph = Graph(name: "body")
    let x = graph.addInput("x", TensorType(.float32, [.symbol("n")]))
    let y = graph.addValue("y")
    graph.nodes = [Node(name: "n", op: .if(If()), inputs: [x], outputs: [y])]
    graph.outputs = [y]
    value = Subgraph(graph, captures: 1)
  }
}
