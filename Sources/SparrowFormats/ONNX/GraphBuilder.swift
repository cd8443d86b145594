import SparrowCore

/// The graph under construction: values by name, and nodes whose types are inferred as they come.
struct GraphBuilder {
  let source: WireSource
  var graph: Graph
  private var names: Set<String>

  /// `reserved`: the names that values of the file have or will have.
  init(_ source: WireSource, name: String, reserved: Set<String>) {
    self.source = source
    graph = Graph(name: name)
    names = reserved
  }

  /// A name that no value of the file has.
  mutating func freshName(_ base: String) -> String {
    if names.insert(base).inserted { return base }
    var n = 1
    while !names.insert("\(base)_\(n)").inserted { n += 1 }
    return "\(base)_\(n)"
  }

  /// A constant that a lift introduces.
  mutating func constant(_ tensor: Tensor, for form: NodeForm, _ suffix: String) -> ValueID {
    graph.addConstant(freshName(form.message.displayName + "_" + suffix), tensor)
  }

  /// An operator that a lift introduces before the node itself.
  mutating func emit(
    _ op: Op, _ inputs: [ValueID?], for form: NodeForm, _ suffix: String
  ) throws(FormatError) -> ValueID {
    let name = freshName(form.message.displayName + "_" + suffix)
    return try add(op, inputs, name: name, outputs: [name], at: form)[0]
  }

  /// The node itself.
  mutating func add(
    _ op: Op, _ inputs: [ValueID?], name: String, outputs: [String], at form: NodeForm
  ) throws(FormatError) -> [ValueID] {
    do {
      return try graph.add(op, inputs, name: name, outputs: outputs)
    } catch {
      switch error {
      case .inference(let node, let reason):
        throw source.malformed(form.message.wire.offset, "\(node): \(reason)")
      case .invalid: throw .graph(file: source.file, error)
      }
    }
  }

  func rank(of id: ValueID) -> Int? { graph[id].type?.dimensions?.count }
  func dtype(of id: ValueID) -> DType? { graph[id].type?.dtype }
  func constant(_ id: ValueID) -> Tensor? { graph[id].constant }
}
