import SparrowCore

extension Graph {
  /// The graph's inputs in order, from named tensors; every name, type and shape is checked.
  public func inputs(
    named tensors: [(name: String, tensor: Tensor, source: String)]
  ) throws(InputError) -> [Tensor] {
    let types = try inputTypes()
    var found: [String: Tensor] = [:]
    for (name, tensor, source) in tensors {
      guard let declared = types.first(where: { $0.name == name })?.type else {
        throw .input(unknownInput(name))
      }
      guard found[name] == nil else { throw .setting("input '\(name)' is given twice") }
      try check(
        TensorType(tensor.dtype, shape: tensor.shape), against: declared, of: name, from: source)
      found[name] = tensor
    }
    var result: [Tensor] = []
    for (name, type) in types {
      guard let tensor = found[name] else {
        throw .input(
          "input '\(name)' (\(type.text)) is missing; give it with -i \(name)=FILE.npy")
      }
      result.append(tensor)
    }
    return result
  }

  /// The outputs' names, in order.
  public var outputNames: [String] { outputs.map { self[$0].name } }
}
