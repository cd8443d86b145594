import SparrowCore

/// What can be computed of a graph before more of its values are known.
///
/// Where shapes depend on values, no single plan computes a graph. It is cut:
///
/// ```
/// x -> NonZero -> Transpose -> Gather(y, .) -> Relu       y = Conv(x)
///
/// stage 1    plan: Conv             whole: NonZero        its result has a shape now
/// stage 2    plan: Transpose, Gather, Relu
/// ```
///
/// A stage is a plan of all nodes whose types are known. Of the nodes left over, those whose operands
/// are known by then, and whose results' shapes nothing but running them tells, run one by one on
/// whole tensors. Values that decide the types of others (a Reshape's shape) become constants of what
/// follows.
struct StageCut {
  /// The nodes whose types are all known, as a graph of its own; nil where there are none.
  private(set) var plan: Graph?
  /// Nodes to run one by one afterwards, in order.
  private(set) var wholes: [Node] = []
  /// Values known by then that become constants of what follows.
  private(set) var shapeValues: [ValueID] = []
  /// The nodes that are left.
  private(set) var rest: [Node] = []

  /// Cuts a folded graph whose inputs have concrete types.
  init(_ graph: Graph) {
    var isKnown = graph.values.map { $0.constant != nil }
    for id in graph.inputs { isKnown[id.index] = true }
    var planned: [Node] = []
    for node in graph.nodes {
      let isReady = node.inputs.allSatisfy { id in id.map { isKnown[$0.index] } ?? true }
      if isReady, graph.isPlannable(node) {
        planned.append(node)
        for id in node.outputs { isKnown[id.index] = true }
      } else if isReady, graph.openShapeInputs(of: node).isEmpty {
        wholes.append(node)
      } else {
        rest.append(node)
      }
    }
    var isListed = [Bool](repeating: false, count: isKnown.count)
    for node in rest {
      for id in graph.openShapeInputs(of: node) where isKnown[id.index] && !isListed[id.index] {
        isListed[id.index] = true
        shapeValues.append(id)
      }
    }
    if !planned.isEmpty { plan = graph.part(planned, readBy: wholes + rest) }
  }

  /// Whether the plan is all there is.
  var isComplete: Bool { wholes.isEmpty && rest.isEmpty }
}

extension Graph {
  /// Whether a plan can have a step for a node: its results' types are known.
  fileprivate func isPlannable(_ node: Node) -> Bool {
    !node.op.isControlFlow && node.outputs.allSatisfy { self[$0].type?.shape != nil }
  }

  /// The values that decide the types of a node's results and are not constant.
  fileprivate func openShapeInputs(of node: Node) -> [ValueID] {
    node.op.shapeInputs.compactMap { i in
      node.input(i).flatMap { self[$0].constant == nil ? $0 : nil }
    }
  }

  /// Some of the nodes: what they read is its inputs, what `others` and this graph's outputs need of
  /// them its outputs. Values keep their ``ValueID``s.
  fileprivate func part(_ nodes: [Node], readBy others: [Node]) -> Graph {
    var part = self
    (part.nodes, part.inputs, part.outputs) = (nodes, [], [])
    var isMade = [Bool](repeating: false, count: values.count)
    var isListed = isMade
    for node in nodes {
      for case let id? in node.inputs
      where !isMade[id.index] && !isListed[id.index] && self[id].constant == nil {
        isListed[id.index] = true
        part.inputs.append(id)
      }
      for id in node.outputs { isMade[id.index] = true }
    }
    let wanted = outputs + others.flatMap { $0.inputs.compactMap { $0 } }
    for id in wanted where isMade[id.index] && !isListed[id.index] {
      isListed[id.index] = true
      part.outputs.append(id)
    }
    return part
  }
}
