extension Graph {
  /// Replaces each If whose condition is known by the nodes of the branch that is taken, in place;
  /// so for an If inside that branch. Returns how many.
  ///
  /// `condition` tells the value of an If's first input in this graph; by default that of a constant.
  /// ``ValueID``s stay valid: the branch's own values are appended, under names that are not taken,
  /// and the node's outputs keep their places, names and types. Types of what follows may be known
  /// better after ``inferTypes()``.
  @discardableResult
  public mutating func inlineBranches(
    where condition: (Graph, ValueID) -> Bool? = { graph, id in
      graph[id].constant?.integers?.first.map { $0 != 0 }
    }
  ) -> Int {
    guard nodes.contains(where: { if case .if = $0.op { true } else { false } }) else { return 0 }
    var names: Set<String>?
    var result: [Node] = []
    var count = 0
    // Nodes still to be looked at, the next one last.
    var waiting = Array(nodes.reversed())
    while let node = waiting.popLast() {
      guard case .if(let op) = node.op, let id = node.input(0), let taken = condition(self, id)
      else {
        result.append(node)
        continue
      }
      var taking = names ?? Set(values.map { $0.name })
      let inlined = inlinedNodes(of: taken ? op.thenBranch : op.elseBranch, node, &taking)
      names = taking
      waiting += inlined.reversed()
      count += 1
    }
    nodes = result
    return count
  }

  /// The nodes of a branch on this graph's values, which are added where they do not exist.
  private mutating func inlinedNodes(
    of branch: Subgraph, _ node: Node, _ names: inout Set<String>
  ) -> [Node] {
    let inner = branch.graph
    var places = [ValueID?](repeating: nil, count: inner.values.count)
    for (id, capture) in zip(inner.inputs, node.inputs.dropFirst()) { places[id.index] = capture }
    // What a node of the branch makes for the first output takes that output's place.
    var isMade = [Bool](repeating: false, count: inner.values.count)
    for made in inner.nodes { for id in made.outputs { isMade[id.index] = true } }
    var copies: [(from: ValueID, to: ValueID)] = []
    for (id, output) in zip(inner.outputs, node.outputs) {
      if isMade[id.index], places[id.index] == nil {
        places[id.index] = output
        if self[output].type == nil { self[output].type = inner[id].type }
      } else {
        copies.append((id, output))
      }
    }
    func place(_ id: ValueID) -> ValueID {
      if let place = places[id.index] { return place }
      var value = inner[id]
      var n = 1
      let base = value.name
      while !names.insert(value.name).inserted {
        value.name = "\(base)_\(n)"
        n += 1
      }
      values.append(value)
      let place = ValueID(values.count - 1)
      places[id.index] = place
      return place
    }
    var result: [Node] = []
    for var made in inner.nodes {
      made.inputs = made.inputs.map { $0.map { place($0) } }
      made.outputs = made.outputs.map { place($0) }
      result.append(made)
    }
    for (from, to) in copies {
      result.append(
        Node(
          name: self[to].name, op: .identity(Identity()), inputs: [place(from)], outputs: [to]))
    }
    return result
  }
}
