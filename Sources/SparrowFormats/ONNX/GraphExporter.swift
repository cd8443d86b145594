import SparrowCore

/// Writes a graph as an ONNX file. Everything but the weights is small and encoded first; weights
/// are decoded and written one after the other.
///
/// ```
/// ModelProto   ir_version, producer, opset_import, metadata
///              graph: tag, length
/// GraphProto     nodes, name, inputs, outputs
///                initializer: tag, length     once a constant
/// TensorProto      dims, type, name
///                  raw_data: tag, length, elements
/// ```
struct GraphExporter {
  /// A constant and the part of its TensorProto before the elements.
  private struct Initializer {
    var tensor: Tensor
    var head: WireWriter
    /// Where the elements are in the external file; nil where they are in the model.
    var externalOffset: Int?

    var elementBytes: Int { tensor.dtype.packedByteCount(tensor.count) ?? 0 }
    /// Bytes of the TensorProto.
    var count: Int { head.count + (externalOffset == nil ? elementBytes : 0) }
  }

  private let graph: Graph
  private let path: String
  private let lowered: LoweredGraph
  private var initializers: [Initializer] = []
  private var externalBytes = 0

  /// Tensors in external data begin at multiples of a page, so that they can be mapped.
  private static let externalAlignment = 4096
  /// Smaller tensors stay in the model even where others are external.
  private static let smallestExternal = 1024

  /// `limit`: the most bytes a model file may have; weights of a larger one go beside it.
  init(_ graph: Graph, to path: String, limit: Int) {
    (self.graph, self.path) = (graph, path)
    lowered = Lowering.lower(graph)
    let constants = lowered.constants
    let total = constants.reduce(1 << 20) { $0 + $1.tensor.count * $1.tensor.dtype.size + 1024 }
    for (name, tensor) in constants {
      add(name, tensor, external: total > limit && tensor.count > Self.smallestExternal)
    }
  }

  private mutating func add(_ name: String, _ tensor: Tensor, external: Bool) {
    let head = WireWriter()
    head.tensorHead(name, tensor)
    var initializer = Initializer(tensor: tensor, head: head)
    if external {
      let alignment = Self.externalAlignment
      let offset = (externalBytes + alignment - 1) / alignment * alignment
      head.entry(13, "location", externalName)
      head.entry(13, "offset", "\(offset)")
      head.entry(13, "length", "\(initializer.elementBytes)")
      head.integer(14, 1)
      initializer.externalOffset = offset
      externalBytes = offset + initializer.elementBytes
    } else {
      head.header(9, count: UInt32(clamping: initializer.elementBytes))
    }
    initializers.append(initializer)
  }

  /// The file beside the model, by its name there.
  private var externalName: String {
    (path.split(separator: "/").last.map { String($0) } ?? "model") + ".data"
  }

  func write() throws(FormatError) {
    let body = graphBody()
    var bodyCount = body.count
    var headers: [WireWriter] = []
    for initializer in initializers {
      let header = WireWriter()
      header.header(5, count: UInt32(clamping: initializer.count))
      headers.append(header)
      bodyCount += header.count + initializer.count
    }
    let model = modelHead()
    model.header(7, count: UInt32(clamping: bodyCount))
    guard model.count + bodyCount <= ONNXLimits.fileBytes else {
      throw .unsupported(
        file: path, offset: nil,
        reason: "the model without its weights would take \(model.count + bodyCount) bytes, more "
          + "than an ONNX file can have (\(ONNXLimits.fileBytes))")
    }
    let data = try writeExternal()
    let file = try AtomicFile(path)
    try model.write(to: file)
    try body.write(to: file)
    for (header, initializer) in zip(headers, initializers) {
      try header.write(to: file)
      try initializer.head.write(to: file)
      if initializer.externalOffset == nil { try Self.write(initializer.tensor, to: file) }
    }
    try data?.commit()
    try file.commit()
  }

  private static func write(_ tensor: Tensor, to file: AtomicFile) throws(FormatError) {
    try file.write(tensor.packed)
  }

  private func writeExternal() throws(FormatError) -> AtomicFile? {
    guard externalBytes > 0 else { return nil }
    let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
    let file = try AtomicFile(folder + externalName)
    for initializer in initializers {
      guard let offset = initializer.externalOffset else { continue }
      try file.write([UInt8](repeating: 0, count: offset - file.count))
      try Self.write(initializer.tensor, to: file)
    }
    return file
  }

  private func modelHead() -> WireWriter {
    let model = WireWriter()
    let opset = max(ONNX.writtenOpset, lowered.opset)
    model.integer(1, ONNX.irVersion(of: opset))
    model.string(2, ONNX.producer)
    for domain in [""] + lowered.domains.sorted() {
      model.message(8) { entry in
        entry.string(1, domain)
        entry.integer(2, domain.isEmpty ? Int64(opset) : ONNX.writtenDomainVersion(domain))
      }
    }
    for entry in graph.metadata where !entry.key.hasPrefix(ONNX.metadataPrefix) {
      model.entry(14, entry.key, entry.value)
    }
    return model
  }

  /// The graph without its initializers.
  private func graphBody() -> WireWriter {
    let body = WireWriter()
    body.graph(lowered)
    return body
  }
}

extension WireWriter {
  /// The fields of a GraphProto but its initializers.
  fileprivate func graph(_ graph: LoweredGraph) {
    for node in graph.nodes {
      message(1) { message in
        for input in node.inputs { message.string(1, input) }
        for output in node.outputs { message.string(2, output) }
        message.string(3, node.name)
        message.string(4, node.op.name)
        if !node.op.domain.isEmpty { message.string(7, node.op.domain) }
        var op = node.op
        var writer = ONNXAttributeWriter(node: message, bodies: node.bodies)
        op.visitAttributes(&writer)
      }
    }
    // Checkers ask for a name.
    string(2, graph.name.isEmpty ? "graph" : graph.name)
    for (name, type) in graph.inputs { value(11, name, type) }
    for (name, type) in graph.outputs { value(12, name, type) }
  }

  /// A body with its initializers, which stay in the model even where those of the graph are
  /// external.
  func body(_ graph: LoweredGraph) {
    self.graph(graph)
    for (name, tensor) in graph.constants {
      message(5) { message in
        message.tensorHead(name, tensor)
        if let bytes = tensor.dense().denseBytes { message.bytes(9, bytes) }
      }
    }
  }

  /// The fields of a TensorProto before its elements.
  fileprivate func tensorHead(_ name: String, _ tensor: Tensor) {
    for length in tensor.shape { integer(1, Int64(length)) }
    integer(2, Int64(tensor.dtype.rawValue))
    string(8, name)
  }
}

extension ONNX {
  /// Writes a graph as an ONNX file of operator set ``writtenOpset``.
  ///
  /// Sparse weights are written dense. A model too large for one file (2 GiB) keeps its weights in
  /// `PATH.data` beside it. Each file appears complete or not at all.
  public static func write(_ graph: Graph, to path: String) throws(FormatError) {
    try write(graph, to: path, limit: ONNXLimits.fileBytes)
  }

  static func write(_ graph: Graph, to path: String, limit: Int) throws(FormatError) {
    try GraphExporter(graph, to: path, limit: limit).write()
  }
}
