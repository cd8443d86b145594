import SparrowCore

extension TensorDecoder {
  /// The tensor of a Constant node.
  mutating func constant(_ node: NodeMessage) throws(FormatError) -> Tensor {
    guard node.attributes.count == 1, let attribute = node.attributes.first else {
      throw node.wire.malformed(
        "\(node.label) has \(node.attributes.count) attributes, expected 1")
    }
    if attribute.isReference {
      throw attribute.wire.malformed(
        "\(node.label) refers to an attribute of a function, and there is no function around it")
    }
    switch (attribute.name, attribute.kind) {
    case ("value", .tensor):
      if var message = attribute.tensor {
        if message.name.isEmpty { message.name = node.displayName }
        return try tensor(message)
      }
    case ("sparse_value", .sparseTensor):
      if let message = attribute.sparseTensor { return try tensor(message) }
    case ("value_float", .float): return Tensor(scalar: attribute.float)
    case ("value_floats", .floats), ("value_floats", nil): return Tensor(attribute.floats)
    case ("value_int", .int): return Tensor(scalar: attribute.int)
    case ("value_ints", .ints), ("value_ints", nil): return Tensor(attribute.ints)
    default: break
    }
    throw attribute.wire.unsupported(
      "\(node.label): attribute '\(attribute.name)', \(attribute.kind?.text ?? "empty"), is not "
        + "supported as a constant")
  }
}
