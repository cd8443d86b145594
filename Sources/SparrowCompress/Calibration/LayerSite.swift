import SparrowCore

/// Where a layer stands in a graph of concrete shapes, and what of it calibration can change.
struct LayerSite {
  var node: Int
  var input: ValueID
  var output: ValueID
  var geometry: LayerGeometry
  var bias: Bias
  /// What the layer's output goes through.
  var continuation: Continuation

  /// Where a correction of the outputs' means goes.
  enum Bias {
    case none
    /// The node's own input 2; nil where it has none yet.
    case own(ValueID?)
    /// A constant that a following node adds.
    case following(ValueID)
  }

  /// nil where the weight has several readers or the node is of a kind that is not understood.
  init?(_ layer: Layer, in graph: Graph, _ consumers: [[Int]], _ producers: [Int?]) {
    let readers = consumers[layer.use.value.index]
    guard readers.count == 1, !graph.outputs.contains(layer.use.value) else { return nil }
    let node = graph.nodes[readers[0]]
    guard node.input(1) == layer.use.value, node.input(0) != layer.use.value,
      let input = node.input(0), graph[input].type?.dtype == .float32,
      let output = node.outputs.first,
      let geometry = LayerGeometry(node, in: graph, view: layer.use.view)
    else { return nil }
    (self.node, self.input, self.output) = (readers[0], input, output)
    self.geometry = geometry
    bias = Self.bias(node, output, layer, graph, consumers)
    if case .none = bias, node.input(2) != nil { return nil }
    continuation = Continuation(of: output, madeBy: readers[0], graph, consumers, producers)
  }

  private static func bias(
    _ node: Node, _ output: ValueID, _ layer: Layer, _ graph: Graph, _ consumers: [[Int]]
  ) -> Bias {
    if case .matMul = node.op {
      guard let id = following(output, layer, graph, consumers) else { return .none }
      return .following(id)
    }
    guard let id = node.input(2) else { return .own(nil) }
    let isOwn =
      graph[id].constant?.count == layer.use.view.outputs && consumers[id.index].count == 1
    return isOwn ? .own(id) : .none
  }

  /// The constant vector that the only reader of `output` adds to it.
  private static func following(
    _ output: ValueID, _ layer: Layer, _ graph: Graph, _ consumers: [[Int]]
  ) -> ValueID? {
    guard consumers[output.index].count == 1, !graph.outputs.contains(output) else { return nil }
    let reader = graph.nodes[consumers[output.index][0]]
    guard case .binary(let op) = reader.op, op.function == .add else { return nil }
    for case let id? in reader.inputs where id != output {
      guard let tensor = graph[id].constant, tensor.count == layer.use.view.outputs,
        tensor.shape.last == tensor.count, consumers[id.index].count == 1
      else { return nil }
      return id
    }
    return nil
  }
}
