extension Graph {
  /// Adds a value. The name is made unique by a suffix where it is taken.
  @discardableResult
  public mutating func addValue(_ name: String, _ type: TensorType? = nil) -> ValueID {
    values.append(Value(name: name, type: type))
    return ValueID(values.count - 1)
  }

  /// Adds a graph input.
  @discardableResult
  public mutating func addInput(_ name: String, _ type: TensorType) -> ValueID {
    let id = addValue(name, type)
    inputs.append(id)
    return id
  }

  /// Adds a constant.
  @discardableResult
  public mutating func addConstant(_ name: String, _ tensor: Tensor) -> ValueID {
    values.append(
      Value(name: name, type: TensorType(tensor.dtype, shape: tensor.shape), constant: tensor))
    return ValueID(values.count - 1)
  }

  /// Appends a node with one output named after it; its type is inferred.
  @discardableResult
  public mutating func add(
    _ op: Op, _ inputs: [ValueID?], name: String
  ) throws(GraphError) -> ValueID {
    try add(op, inputs, name: name, outputs: [name])[0]
  }

  /// Appends a node with named outputs; their types are inferred.
  public mutating func add(
    _ op: Op, _ inputs: [ValueID?], name: String, outputs: [String]
  ) throws(GraphError) -> [ValueID] {
    var trimmed = inputs
    while let last = trimmed.last, last == nil { trimmed.removeLast() }
    let ids = outputs.map { addValue($0) }
    let node = Node(name: name, op: op, inputs: trimmed, outputs: ids)
    let types = try inferredTypes(of: node)
    for (id, type) in zip(ids, types) { self[id].type = type }
    nodes.append(node)
    return ids
  }

  /// A name no value has yet: `base`, or `base` with a number.
  public func unusedName(_ base: String) -> String {
    let taken = Set(values.map { $0.name })
    if !taken.contains(base) { return base }
    var n = 1
    while taken.contains("\(base)_\(n)") { n += 1 }
    return "\(base)_\(n)"
  }
}
