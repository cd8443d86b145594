extension Graph {
  /// The indices of the nodes that read each value, in order; index by value.
  public func consumers() -> [[Int]] {
    var result = [[Int]](repeating: [], count: values.count)
    for (i, node) in nodes.enumerated() {
      for case let id? in node.inputs where result[id.index].last != i {
        result[id.index].append(i)
      }
    }
    return result
  }

  /// The index of the node that makes each value; nil for inputs and constants.
  public func producers() -> [Int?] {
    var result = [Int?](repeating: nil, count: values.count)
    for (i, node) in nodes.enumerated() {
      for id in node.outputs { result[id.index] = i }
    }
    return result
  }

  /// Takes the tensors of all constants away. What is left tells names and types, and is no valid graph.
  public mutating func dropConstants() {
    for i in values.indices { values[i].constant = nil }
  }

  /// Makes every reader of `old`, and the graph's outputs, use `new` instead.
  ///
  /// A graph output keeps its name: `new` takes over the name of `old`, unless `new` is an input or
  /// an output itself; then nothing is changed and false is returned.
  @discardableResult
  public mutating func replaceUses(of old: ValueID, with new: ValueID) -> Bool {
    if outputs.contains(old) {
      guard !outputs.contains(new), !inputs.contains(new) else { return false }
      let name = self[old].name
      self[old].name = self[new].name
      self[new].name = name
      // A file may declare more of an output than follows from the nodes.
      if let type = self[new].type, let declared = self[old].type {
        self[new].type = type.completed(by: declared)
      }
      for i in outputs.indices where outputs[i] == old { outputs[i] = new }
    }
    for i in nodes.indices {
      for j in nodes[i].inputs.indices where nodes[i].inputs[j] == old { nodes[i].inputs[j] = new }
    }
    return true
  }

  /// Removes the nodes at `indices`.
  public mutating func removeNodes(_ indices: Set<Int>) {
    guard !indices.isEmpty else { return }
    nodes = nodes.enumerated().filter { !indices.contains($0.offset) }.map { $0.element }
  }

  /// Removes nodes whose outputs nobody reads. Returns how many.
  @discardableResult
  public mutating func removeDeadNodes() -> Int {
    var live = [Bool](repeating: false, count: values.count)
    for id in outputs { live[id.index] = true }
    var dead = Set<Int>()
    for i in nodes.indices.reversed() {
      if nodes[i].outputs.contains(where: { live[$0.index] }) {
        for case let id? in nodes[i].inputs { live[id.index] = true }
      } else {
        dead.insert(i)
      }
    }
    removeNodes(dead)
    return dead.count
  }

  /// Drops values that nothing refers to and renumbers the rest. ``ValueID``s from before are void.
  public mutating func removeUnusedValues() {
    var used = [Bool](repeating: false, count: values.count)
    for id in inputs + outputs { used[id.index] = true }
    for node in nodes {
      for case let id? in node.inputs { used[id.index] = true }
      for id in node.outputs { used[id.index] = true }
    }
    var renumbered = [ValueID](repeating: ValueID(0), count: values.count)
    var kept: [Value] = []
    for i in values.indices where used[i] {
      renumbered[i] = ValueID(kept.count)
      kept.append(values[i])
    }
    guard kept.count < values.count else { return }
    values = kept
    inputs = inputs.map { renumbered[$0.index] }
    outputs = outputs.map { renumbered[$0.index] }
    for i in nodes.indices {
      nodes[i].inputs = nodes[i].inputs.map { $0.map { renumbered[$0.index] } }
      nodes[i].outputs = nodes[i].outputs.map { renumbered[$0.index] }
    }
  }

  /// Reorders nodes so that each follows the makers of its inputs, keeping the present order where
  /// it can. Throws when nodes depend on each other in a circle.
  public mutating func sortNodes() throws(GraphError) {
    let producers = self.producers()
    let consumers = self.consumers()
    var waiting = nodes.map { node in
      Set(node.inputs.compactMap { $0.flatMap { producers[$0.index] } }).count
    }
    var isReady = waiting.map { $0 == 0 }
    var order: [Int] = []
    var next = 0
    // A heap would be faster on graphs far out of order; exporters write them nearly sorted.
    var late: [Int] = []
    while order.count < nodes.count {
      let i: Int
      if let first = late.popLast() {
        i = first
      } else {
        while next < nodes.count, !isReady[next] { next += 1 }
        guard next < nodes.count else { break }
        i = next
        next += 1
      }
      order.append(i)
      var released: [Int] = []
      for id in nodes[i].outputs {
        for reader in consumers[id.index] where Set([reader]).isDisjoint(with: released) {
          waiting[reader] -= 1
          guard waiting[reader] == 0 else { continue }
          if reader < next { released.append(reader) } else { isReady[reader] = true }
        }
      }
      late += released.sorted().reversed()
    }
    guard order.count == nodes.count else {
      let done = Set(order)
      let stuck = nodes.indices.first { !done.contains($0) } ?? 0
      throw .invalid("\(nodes[stuck].label) depends on its own output: the graph has a cycle")
    }
    nodes = order.map { nodes[$0] }
  }
}
