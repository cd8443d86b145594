import SparrowCore
import SparrowRuntime

/// Writes the graph section: the mirror image of `GraphDecoder`.
struct GraphEncoder {
  /// A tensor's parts as section indices, in the order of ``StorageCode/parts``.
  typealias Parts = [Int]

  private var writer = ByteWriter()
  /// How many constants have been written.
  private var constants = 0

  /// The section's bytes; `tensors` are those of ``SparrowCore/Graph/nestedConstants``, with their
  /// parts.
  static func encode(_ graph: Graph, tensors: [(tensor: Tensor, parts: Parts)]) -> [UInt8] {
    var encoder = GraphEncoder()
    encoder.writer.append(graph.name)
    encoder.writer.append(count: graph.metadata.count)
    for entry in graph.metadata {
      encoder.writer.append(entry.key)
      encoder.writer.append(entry.value)
    }
    encoder.writer.append(count: tensors.count)
    for (tensor, parts) in tensors { encoder.encode(tensor, parts) }
    encoder.encodeContents(of: graph)
    return encoder.writer.bytes
  }

  private mutating func encodeContents(of graph: Graph) {
    writer.append(count: graph.values.count)
    for value in graph.values {
      encode(value)
      guard value.constant != nil else { continue }
      writer.append(count: constants)
      constants += 1
    }
    writer.append(count: graph.nodes.count)
    for node in graph.nodes { encode(node) }
    encode(graph.inputs)
    encode(graph.outputs)
  }

  private mutating func encode(_ tensor: Tensor, _ parts: Parts) {
    writer.append(tensor.dtype.rawValue)
    writer.append(tensor.storage.code.rawValue)
    writer.append(UInt8(clamping: tensor.rank))
    writer.append(tensor.storage.layout.rawValue)
    for dimension in tensor.shape { writer.append(UInt64(dimension)) }
    if case .blocks(let blocks) = tensor.storage {
      writer.append(UInt16(clamping: blocks.outputs))
      writer.append(UInt16(clamping: blocks.inputs))
      for length in [blocks.view.outputs, blocks.view.inputs, blocks.view.positions] {
        writer.append(UInt64(length))
      }
    }
    for section in parts { writer.append(count: section) }
  }

  private mutating func encode(_ value: Value) {
    writer.append(value.name)
    let type = value.type == nil ? 0 : ContainerLayout.hasType
    let constant = value.constant == nil ? 0 : ContainerLayout.isConstant
    writer.append(type | constant)
    if let type = value.type { encode(type) }
  }

  private mutating func encode(_ type: TensorType) {
    writer.append(type.dtype.rawValue)
    guard let dimensions = type.dimensions else {
      writer.append(UInt8.max)
      return
    }
    writer.append(UInt8(clamping: dimensions.count))
    for dimension in dimensions {
      switch dimension {
      case .unknown: writer.append(DimensionCode.unknown.rawValue)
      case .known(let length):
        writer.append(DimensionCode.known.rawValue)
        writer.append(UInt64(clamping: length))
      case .symbol(let name):
        writer.append(DimensionCode.symbol.rawValue)
        writer.append(name)
      }
    }
  }

  private mutating func encode(_ node: Node) {
    writer.append(node.name)
    writer.append(node.op.name)
    writer.append(count: node.inputs.count)
    for id in node.inputs {
      writer.append(id.map { UInt32(clamping: $0.index) } ?? ContainerLayout.noValue)
    }
    encode(node.outputs)
    var attributes = AttributeWriter(constants: constants)
    var op = node.op
    op.visitAttributes(&attributes)
    writer.append(count: attributes.count)
    writer.append(attributes.bytes)
    constants = attributes.constants
  }

  /// A subgraph's bytes; `constants` counts those written.
  static func encode(_ subgraph: Subgraph, constants: inout Int) -> [UInt8] {
    var encoder = GraphEncoder()
    encoder.constants = constants
    encoder.writer.append(subgraph.graph.name)
    encoder.writer.append(count: subgraph.captures)
    encoder.encodeContents(of: subgraph.graph)
    constants = encoder.constants
    return encoder.writer.bytes
  }

  private mutating func encode(_ ids: [ValueID]) {
    writer.append(count: ids.count)
    for id in ids { writer.append(count: id.index) }
  }
}

/// Writes attributes as key, kind and value.
private struct AttributeWriter: AttributeVisitor {
  private var writer = ByteWriter()
  private(set) var count = 0
  /// How many constants have been written, those of subgraphs included.
  private(set) var constants: Int

  init(constants: Int) { self.constants = constants }

  var bytes: [UInt8] { writer.bytes }

  private mutating func begin(_ key: StaticString, _ code: AttributeCode) {
    writer.append(key.description)
    writer.append(code.rawValue)
    count += 1
  }

  mutating func visit(_ key: StaticString, _ value: inout Int) throws(Never) {
    begin(key, .integer)
    writer.append(Int64(value))
  }
  mutating func visit(_ key: StaticString, _ value: inout Float) throws(Never) {
    begin(key, .float)
    writer.append(value.bitPattern)
  }
  mutating func visit(_ key: StaticString, _ value: inout Bool) throws(Never) {
    begin(key, .flag)
    writer.append(UInt8(value ? 1 : 0))
  }
  mutating func visit(_ key: StaticString, _ value: inout [Int]) throws(Never) {
    begin(key, .integers)
    writer.append(count: value.count)
    for integer in value { writer.append(Int64(integer)) }
  }
  mutating func visit(_ key: StaticString, _ value: inout [Int]?) throws(Never) {
    if var list = value { return visit(key, &list) }
    begin(key, .absent)
  }
  mutating func visit(_ key: StaticString, _ value: inout Int?) throws(Never) {
    if var integer = value { return visit(key, &integer) }
    begin(key, .absent)
  }
  mutating func visit(_ key: StaticString, _ value: inout DType) throws(Never) {
    begin(key, .dtype)
    writer.append(value.rawValue)
  }
  mutating func visit(_ key: StaticString, _ value: inout Scalar) throws(Never) {
    begin(key, .scalar)
    writer.append(value.dtype.rawValue)
    writer.append(value.bits)
  }
  mutating func visit(_ key: StaticString, _ value: inout Float?) throws(Never) {
    if var float = value { return visit(key, &float) }
    begin(key, .absent)
  }
  mutating func visit(_ key: StaticString, _ value: inout [Float]) throws(Never) {
    begin(key, .floats)
    writer.append(count: value.count)
    for float in value { writer.append(float.bitPattern) }
  }
  mutating func visit(_ key: StaticString, _ value: inout String) throws(Never) {
    begin(key, .string)
    writer.append(value)
  }
  mutating func visit<C: AttributeChoice>(_ key: StaticString, _ value: inout C) throws(Never) {
    begin(key, .choice)
    writer.append(value.name)
  }
  mutating func visit<C: AttributeChoice>(_ key: StaticString, _ value: inout [C]) throws(Never) {
    begin(key, .choices)
    writer.append(count: value.count)
    for choice in value { writer.append(choice.name) }
  }
  mutating func visit(_ key: StaticString, _ value: inout NumberList?) throws(Never) {
    guard let list = value else { return begin(key, .absent) }
    begin(key, .numbers)
    writer.append(list.dtype.rawValue)
    writer.append(count: list.values.count)
    for number in list.values { writer.append(number.bitPattern) }
  }
  mutating func visit(_ key: StaticString, _ value: inout Activation) throws(Never) {
    begin(key, .activation)
    writer.append(value.name)
    writer.append(value.parameters.0.bitPattern)
    writer.append(value.parameters.1.bitPattern)
  }
  mutating func visit(_ key: StaticString, _ value: inout Subgraph) throws(Never) {
    begin(key, .subgraph)
    writer.append(GraphEncoder.encode(value, constants: &constants))
  }
}

extension Graph {
  /// The tensors of all constants: this graph's in the order of its values, then those of its nodes'
  /// subgraphs, each in the same way.
  var nestedConstants: [Tensor] {
    var result = values.compactMap { $0.constant }
    for node in nodes {
      for subgraph in node.op.subgraphs { result += subgraph.graph.nestedConstants }
    }
    return result
  }

  /// Drops unused values here and in subgraphs.
  mutating func removeNestedUnusedValues() {
    removeUnusedValues()
    for i in nodes.indices {
      nodes[i].op.mapSubgraphs { $0.graph.removeNestedUnusedValues() }
    }
  }
}

extension Storage {
  var code: StorageCode {
    switch self {
    case .dense: .dense
    case .bitmask: .bitmask
    case .compressedRows: .compressedRows
    case .blocks: .blocks
    }
  }

  /// The parts in the order of ``StorageCode/parts``.
  var parts: [Bytes] {
    switch self {
    case .dense(let bytes): [bytes]
    case .bitmask(let mask): [mask.bits, mask.values]
    case .compressedRows(let rows): [rows.starts, rows.columns, rows.values]
    case .blocks(let blocks): [blocks.bits, blocks.values]
    }
  }

  /// The axis order of a blocked tensor.
  var layout: ViewLayout {
    guard case .blocks(let blocks) = self else { return .outputsFirst }
    let view = blocks.view
    let plain = ViewLayout.outputsFirst.view(
      outputs: view.outputs, inputs: view.inputs, positions: view.positions)
    return view == plain ? .outputsFirst : .inputsFirst
  }
}
