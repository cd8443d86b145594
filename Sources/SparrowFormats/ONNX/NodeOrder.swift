import SparrowCore

/// The order in which a file's nodes can be computed.
enum NodeOrder {
  /// The indices of `nodes` such that each follows the makers of its inputs; the file's own order
  /// where it can be kept. Throws when nodes depend on each other in a circle.
  static func sorted(_ nodes: [NodeMessage]) throws(FormatError) -> [Int] {
    var makers: [String: Int] = [:]
    for (i, node) in nodes.enumerated() {
      for output in node.outputs { makers[output] = i }
    }
    makers[""] = nil
    var waiting = [Int](repeating: 0, count: nodes.count)
    var readers = [[Int]](repeating: [], count: nodes.count)
    for (i, node) in nodes.enumerated() {
      for maker in Set(node.reads.compactMap { makers[$0] }) {
        waiting[i] += 1
        readers[maker].append(i)
      }
    }
    var order: [Int] = []
    for first in nodes.indices where waiting[first] == 0 {
      // Nodes that come before their makers in the file follow right after them.
      var ready = [first]
      while let i = ready.popLast() {
        waiting[i] = -1
        order.append(i)
        for reader in readers[i].sorted(by: >) {
          waiting[reader] -= 1
          if waiting[reader] == 0, reader < first { ready.append(reader) }
        }
      }
    }
    if let stuck = nodes.indices.first(where: { waiting[$0] >= 0 }) {
      let node = nodes[stuck]
      throw node.wire.malformed(
        "\(node.label) depends on its own output: the graph has a cycle")
    }
    return order
  }
}
