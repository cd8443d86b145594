import SparrowCore

/// Writes an operator's attributes as AttributeProtos of its NodeProto (field 5). Attributes that
/// are nil are left out, as are empty lists of floats and names, which onnxruntime refuses where an
/// attribute may be absent; all others are written, whether or not they have their default values.
struct ONNXAttributeWriter: AttributeVisitor {
  let node: WireWriter
  /// The operator's graphs, in order.
  let bodies: [LoweredGraph]
  private var nextBody = 0

  init(node: WireWriter, bodies: [LoweredGraph]) { (self.node, self.bodies) = (node, bodies) }

  private func attribute(
    _ key: StaticString, _ kind: AttributeMessage.Kind, _ fill: (WireWriter) -> Void
  ) {
    node.message(5) { attribute in
      attribute.string(1, key.description)
      fill(attribute)
      attribute.integer(20, Int64(kind.rawValue))
    }
  }

  mutating func visit(_ key: StaticString, _ value: inout Int) throws(Never) {
    let value = Int64(value)
    attribute(key, .int) { $0.integer(3, value) }
  }

  mutating func visit(_ key: StaticString, _ value: inout Float) throws(Never) {
    let value = value
    attribute(key, .float) { $0.float(2, value) }
  }

  mutating func visit(_ key: StaticString, _ value: inout Bool) throws(Never) {
    let value: Int64 = value ? 1 : 0
    attribute(key, .int) { $0.integer(3, value) }
  }

  mutating func visit(_ key: StaticString, _ value: inout [Int]) throws(Never) {
    let values = value
    attribute(key, .ints) { attribute in
      for value in values { attribute.integer(8, Int64(value)) }
    }
  }

  mutating func visit(_ key: StaticString, _ value: inout [Int]?) throws(Never) {
    if var values = value { visit(key, &values) }
  }

  mutating func visit(_ key: StaticString, _ value: inout Int?) throws(Never) {
    if var number = value { visit(key, &number) }
  }

  mutating func visit(_ key: StaticString, _ value: inout DType) throws(Never) {
    let code = Int64(value.rawValue)
    attribute(key, .int) { $0.integer(3, code) }
  }

  mutating func visit(_ key: StaticString, _ value: inout Scalar) throws(Never) {
    let scalar = value
    let bytes = (0..<scalar.dtype.size).map {
      UInt8(truncatingIfNeeded: scalar.bits >> UInt64(8 * $0))
    }
    let packed = Tensor(
      dtype: scalar.dtype, shape: [1], bytes: Bytes(copying: bytes)
    ).packed
    attribute(key, .tensor) { attribute in
      attribute.message(5) { tensor in
        tensor.integer(1, 1)
        tensor.integer(2, Int64(scalar.dtype.rawValue))
        tensor.bytes(9, packed)
      }
    }
  }

  mutating func visit(_ key: StaticString, _ value: inout NumberList?) throws(Never) {
    guard let list = value, let bytes = list.tensor.denseBytes else { return }
    attribute(key, .tensor) { attribute in
      attribute.message(5) { tensor in
        tensor.integer(1, Int64(list.values.count))
        tensor.integer(2, Int64(list.dtype.rawValue))
        tensor.bytes(9, bytes)
      }
    }
  }

  mutating func visit(_ key: StaticString, _ value: inout Float?) throws(Never) {
    if var number = value { visit(key, &number) }
  }

  mutating func visit(_ key: StaticString, _ value: inout [Float]) throws(Never) {
    let values = value
    guard !values.isEmpty else { return }
    attribute(key, .floats) { attribute in
      for value in values { attribute.float(7, value) }
    }
  }

  mutating func visit(_ key: StaticString, _ value: inout String) throws(Never) {
    let text = value
    attribute(key, .string) { $0.string(4, text) }
  }

  mutating func visit<C: AttributeChoice>(_ key: StaticString, _ value: inout C) throws(Never) {
    let name = value.name
    attribute(key, .string) { $0.string(4, name) }
  }

  mutating func visit<C: AttributeChoice>(_ key: StaticString, _ value: inout [C]) throws(Never) {
    let names = value.map { $0.name }
    guard !names.isEmpty else { return }
    attribute(key, .strings) { attribute in
      for name in names { attribute.string(9, name) }
    }
  }

  /// ``Lowering`` has made nodes of it.
  mutating func visit(_ key: StaticString, _ value: inout Activation) throws(Never) {}

  mutating func visit(_ key: StaticString, _ value: inout Subgraph) throws(Never) {
    guard nextBody < bodies.count else { return }
    let body = bodies[nextBody]
    nextBody += 1
    attribute(key, .graph) { attribute in
      attribute.message(6) { $0.body(body) }
    }
  }
}
