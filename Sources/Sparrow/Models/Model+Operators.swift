import SparrowCore

extension Model {
  /// The types of the operators that its nodes are of, those inside branches and bodies included, in alphabetical
  /// order: what `tools/build-runtime --operators` takes.
  public var operatorTypes: [String] {
    var found: Set<String> = []
    var rest = [graph]
    while let graph = rest.popLast() {
      for node in graph.nodes {
        var (op, visitor) = (node.op, TypeName())
        found.insert(op.accept(&visitor))
        rest += node.op.subgraphs.map(\.graph)
      }
    }
    return found.sorted()
  }
}

private struct TypeName: OperatorVisitor {
  mutating func visit<O: Operator>(_ op: inout O) throws(Never) -> String { "\(O.self)" }
}
