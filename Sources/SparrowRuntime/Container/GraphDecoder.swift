import SparrowCore

/// A tensor as the graph section describes it.
struct TensorRecord {
  var dtype: DType
  var shape: [Int]
  var code: StorageCode
  /// For blocks: their shape and the view they are cut from.
  var blocks: (outputs: Int, inputs: Int, view: WeightView)?
  /// Section indices, in the order of ``StorageCode/parts``.
  var parts: [Int]

  var count: Int { shape.elementCount }
}

/// The contents of the graph section.
struct DecodedGraph {
  /// In place of each constant, here and in subgraphs, stands an int64 scalar: the index of its tensor.
  var graph: Graph
  var tensors: [TensorRecord]
}

/// Reads the graph section.
struct GraphDecoder {
  var cursor: ByteCursor
  private let operators: [String: Op]
  private var tensors: [TensorRecord] = []
  /// How many graphs are around the one that is read.
  private var depth = 0

  init(_ cursor: ByteCursor) {
    self.cursor = cursor
    var operators: [String: Op] = [:]
    for op in Op.catalogue { operators[op.name] = op }
    self.operators = operators
  }

  mutating func decode() throws(ReadError) -> DecodedGraph {
    var graph = Graph(name: try string("graph name"))
    for _ in 0..<(try count("metadata entries", minimum: 8)) {
      let key = try string("metadata key")
      graph.metadata.append(MetadataEntry(key: key, value: try string("metadata value")))
    }
    for _ in 0..<(try count("tensors", minimum: 8)) { tensors.append(try tensor()) }
    try decodeContents(of: &graph)
    guard cursor.remaining == 0 else {
      throw .malformed(offset: cursor.position, reason: "bytes follow the graph")
    }
    return DecodedGraph(graph: graph, tensors: tensors)
  }

  private mutating func decodeContents(of graph: inout Graph) throws(ReadError) {
    for _ in 0..<(try count("values", minimum: 5)) { graph.values.append(try value()) }
    let values = graph.values.count
    for _ in 0..<(try count("nodes", minimum: 18)) { graph.nodes.append(try node(values: values)) }
    graph.inputs = try valueList("graph inputs", values: values)
    graph.outputs = try valueList("graph outputs", values: values)
  }

  /// A graph inside an attribute.
  mutating func subgraph() throws(ReadError) -> Subgraph {
    let at = cursor.position
    guard depth < Subgraph.deepestNesting else {
      throw .overLimit(
        offset: at, what: "the nesting of graphs", found: UInt64(depth + 1),
        limit: UInt64(Subgraph.deepestNesting))
    }
    depth += 1
    defer { depth -= 1 }
    var graph = Graph(name: try string("subgraph name"))
    let captures: UInt32 = try cursor.integer("number of captures")
    try decodeContents(of: &graph)
    guard captures <= graph.inputs.count else {
      throw .malformed(
        offset: at,
        reason: "the subgraph has \(captures) captures and only \(graph.inputs.count) inputs")
    }
    return Subgraph(graph, captures: Int(captures))
  }

  private mutating func tensor() throws(ReadError) -> TensorRecord {
    let at = cursor.position
    let dtype = try dtype()
    let storage: UInt8 = try cursor.integer("tensor storage")
    guard let code = StorageCode(rawValue: storage) else {
      throw .malformed(offset: at + 1, reason: "tensor storage \(storage) does not exist")
    }
    let rank: UInt8 = try cursor.integer("tensor rank")
    let layoutCode: UInt8 = try cursor.integer("tensor layout")
    guard Int(rank) <= ContainerLayout.largestRank, let layout = ViewLayout(rawValue: layoutCode),
      code == .blocks || layout == .outputsFirst
    else {
      throw .malformed(
        offset: at, reason: "tensor rank \(rank) or layout \(layoutCode) is out of range")
    }
    var shape: [Int] = []
    for _ in 0..<rank { shape.append(try dimension("tensor dimension")) }
    guard let count = shape.checkedElementCount,
      !count.multipliedReportingOverflow(by: 64).overflow
    else {
      throw .malformed(offset: at, reason: "the tensor's shape has too many elements")
    }
    let blocks = code == .blocks ? try blockShape(layout, count, at) : nil
    var parts: [Int] = []
    for _ in code.parts {
      let section: UInt32 = try cursor.integer("section index")
      parts.append(Int(clamping: section))
    }
    return TensorRecord(dtype: dtype, shape: shape, code: code, blocks: blocks, parts: parts)
  }

  private mutating func blockShape(
    _ layout: ViewLayout, _ count: Int, _ at: Int
  ) throws(ReadError) -> (outputs: Int, inputs: Int, view: WeightView) {
    let outputs: UInt16 = try cursor.integer("block outputs")
    let inputs: UInt16 = try cursor.integer("block inputs")
    let view = [
      try dimension("view outputs"), try dimension("view inputs"), try dimension("view positions"),
    ]
    // Known to cover the tensor, the products of the view's lengths cannot overflow.
    guard count > 0, view.checkedElementCount == count else {
      throw .malformed(offset: at, reason: "the block view does not cover the tensor's elements")
    }
    return (
      Int(outputs), Int(inputs),
      layout.view(outputs: view[0], inputs: view[1], positions: view[2])
    )
  }

  private mutating func value() throws(ReadError) -> Value {
    var value = Value(name: try string("value name"))
    let at = cursor.position
    let flags: UInt8 = try cursor.integer("value flags")
    guard flags & ~(ContainerLayout.hasType | ContainerLayout.isConstant) == 0 else {
      throw .malformed(offset: at, reason: "value flags \(flags) do not exist")
    }
    if flags & ContainerLayout.hasType != 0 { value.type = try type() }
    guard flags & ContainerLayout.isConstant != 0 else { return value }
    let tensor: UInt32 = try cursor.integer("tensor index")
    guard tensor < tensors.count else {
      throw .malformed(
        offset: at, reason: "tensor \(tensor) does not exist, there are \(tensors.count)")
    }
    value.constant = Tensor(scalar: Int64(tensor))
    return value
  }

  private mutating func type() throws(ReadError) -> TensorType {
    let dtype = try dtype()
    let at = cursor.position
    let rank: UInt8 = try cursor.integer("rank")
    if rank == .max { return TensorType(dtype, nil) }
    guard Int(rank) <= ContainerLayout.largestRank else {
      throw .overLimit(
        offset: at, what: "rank", found: UInt64(rank), limit: UInt64(ContainerLayout.largestRank))
    }
    var dimensions: [Dimension] = []
    for _ in 0..<rank {
      let at = cursor.position
      let code: UInt8 = try cursor.integer("dimension kind")
      switch DimensionCode(rawValue: code) {
      case .unknown: dimensions.append(.unknown)
      case .known: dimensions.append(.known(try dimension("dimension")))
      case .symbol: dimensions.append(.symbol(try string("dimension name")))
      case nil: throw .malformed(offset: at, reason: "dimension kind \(code) does not exist")
      }
    }
    return TensorType(dtype, dimensions)
  }

  private mutating func node(values: Int) throws(ReadError) -> Node {
    let name = try string("node name")
    let at = cursor.position
    let opName = try string("operator name")
    guard let plain = operators[opName] else {
      throw .malformed(offset: at, reason: "operator '\(opName)' is not known")
    }
    var inputs: [ValueID?] = []
    for _ in 0..<(try count("node inputs", minimum: 4)) {
      inputs.append(try optionalValue(values))
    }
    let outputs = try valueList("node outputs", values: values)
    let op = try attributes(of: plain)
    return Node(name: name, op: op, inputs: inputs, outputs: outputs)
  }

  private mutating func attributes(of plain: Op) throws(ReadError) -> Op {
    let at = cursor.position
    var op = plain
    var reader = AttributeReader(op: plain.name, position: at)
    for _ in 0..<(try count("attributes", minimum: 5)) { try reader.append(from: &self) }
    try op.visitAttributes(&reader)
    try reader.finish()
    return op
  }
}

/// The pieces that everything is made of.
extension GraphDecoder {
  mutating func string(_ what: String) throws(ReadError) -> String {
    try cursor.string(what, limit: ContainerLayout.longestString)
  }

  /// A 32-bit count of items of at least `minimum` bytes, which must be there.
  mutating func count(_ what: String, minimum: Int) throws(ReadError) -> Int {
    let at = cursor.position
    let count: UInt32 = try cursor.integer("number of " + what)
    guard count <= cursor.remaining / minimum else {
      let needed = Int64(count) * Int64(minimum) - Int64(cursor.remaining)
      throw .truncated(offset: at, needed: Int(clamping: needed), what: what)
    }
    return Int(count)
  }

  mutating func dimension(_ what: String) throws(ReadError) -> Int {
    try cursor.size(what, limit: ContainerLayout.largestDimension)
  }

  mutating func dtype() throws(ReadError) -> DType {
    let at = cursor.position
    let code: UInt8 = try cursor.integer("element type")
    guard let dtype = DType(rawValue: code) else {
      throw .malformed(offset: at, reason: "element type \(code) does not exist")
    }
    return dtype
  }

  private mutating func optionalValue(_ values: Int) throws(ReadError) -> ValueID? {
    let at = cursor.position
    let index: UInt32 = try cursor.integer("value index")
    if index == ContainerLayout.noValue { return nil }
    guard index < values else {
      throw .malformed(offset: at, reason: "value \(index) does not exist, there are \(values)")
    }
    return ValueID(Int(index))
  }

  private mutating func valueList(_ what: String, values: Int) throws(ReadError) -> [ValueID] {
    var list: [ValueID] = []
    for _ in 0..<(try count(what, minimum: 4)) {
      let at = cursor.position
      guard let id = try optionalValue(values) else {
        throw .malformed(offset: at, reason: "one of the \(what) is left out")
      }
      list.append(id)
    }
    return list
  }
}
