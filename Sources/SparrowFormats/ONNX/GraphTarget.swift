import SparrowCore

/// A graph under construction and what it captures of the graph around it.
final class GraphTarget {
  /// How much a body is told of what it captures.
  enum Precision: CaseIterable {
    /// Types and constants.
    case exact
    /// Element types and ranks. A branch that can only be taken for other lengths contradicts the
    /// exact ones.
    case ranks
    /// Element types.
    case elements
  }

  var builder: GraphBuilder
  let precision: Precision
  /// The captured values of the graph around, in the order of this graph's last inputs.
  private(set) var captures: [ValueID] = []
  private var inner: [ValueID: ValueID] = [:]

  init(_ builder: GraphBuilder, precision: Precision = .exact) {
    (self.builder, self.precision) = (builder, precision)
  }

  /// The input that stands for a value of the graph around.
  func capture(_ outer: ValueID, of target: GraphTarget) -> ValueID {
    if let id = inner[outer] { return id }
    let value = target.builder.graph[outer]
    let known = value.type ?? TensorType(.float32, nil)
    let id = builder.graph.addInput(builder.freshName(value.name), known.at(precision))
    // Known while the body is built; the finished graph has it as an input alone.
    if precision == .exact { builder.graph[id].constant = value.constant }
    inner[outer] = id
    captures.append(outer)
    return id
  }

  /// The finished graph, with the captures that it reads.
  func finish() -> ImportedBody {
    var graph = builder.graph
    for id in graph.inputs { graph[id].constant = nil }
    let readers = graph.consumers()
    let formals = graph.inputs.count - captures.count
    var body = ImportedBody(graph: Graph(), captures: [])
    var inputs = Array(graph.inputs.prefix(formals))
    for (outer, id) in zip(captures, graph.inputs.dropFirst(formals))
    where !readers[id.index].isEmpty || graph.outputs.contains(id) {
      body.captures.append(outer)
      inputs.append(id)
    }
    graph.inputs = inputs
    graph.removeUnusedValues()
    body.graph = graph
    return body
  }
}

/// A finished body, and the values of the graph around that its last inputs stand for.
struct ImportedBody {
  var graph: Graph
  var captures: [ValueID]

  var subgraph: Subgraph { Subgraph(graph, captures: captures.count) }

  /// The body with other captures, which include its own.
  func taking(_ others: [ValueID], of target: GraphTarget) -> Subgraph {
    var graph = self.graph
    let known = Dictionary(uniqueKeysWithValues: zip(captures, graph.inputs.suffix(captures.count)))
    graph.inputs.removeLast(captures.count)
    for outer in others {
      if let id = known[outer] {
        graph.inputs.append(id)
      } else {
        let value = target.builder.graph[outer]
        graph.addInput(graph.unusedName(value.name), value.type ?? TensorType(.float32, nil))
      }
    }
    return Subgraph(graph, captures: others.count)
  }
}

extension TensorType {
  func at(_ precision: GraphTarget.Precision) -> TensorType {
    switch precision {
    case .exact: self
    case .ranks: TensorType(dtype, dimensions?.map { _ in .unknown })
    case .elements: TensorType(dtype, nil)
    }
  }
}
