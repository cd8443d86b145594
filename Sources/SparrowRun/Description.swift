import SparrowCore
import SparrowHost
import SparrowRuntime

/// What --describe tells.
enum Description {
  static func show(_ graph: Graph, _ name: String) throws(RunFailure) {
    var rows: [[String]] = []
    for (kind, ids) in [("input", graph.inputs), ("output", graph.outputs)] {
      for id in ids { rows.append(["\(kind) \(graph[id].name)", graph[id].type?.text ?? "?"]) }
    }
    let weights = graph.values.compactMap { $0.constant }
    let stored = weights.reduce(0) { $0 + $1.storedByteCount }
    rows.append(["operators", "\(graph.nodes.count)"])
    rows.append(["constants", Text.bytes(stored)])
    if let shapes = graph.assumedInputShapes() {
      let work = graph.multiplyAddsByWeight(inputShapes: shapes)
      rows.append(["multiply-adds", Text.count(work.values.reduce(0, +))])
    }
    rows.append(["instructions here", Session.instructionSet])
    try Console.say(name + "\n" + Text.table(rows))
  }
}
