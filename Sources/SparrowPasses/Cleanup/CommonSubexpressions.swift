import SparrowCore

/// Merges nodes that compute the same from the same inputs, and equal constants.
public struct CommonSubexpressions: Pass {
  public static let name = "common-subexpressions"

  /// Merge equal floating-point constants of more than one element too. Not before training: two
  /// parameters that start equal would be tied.
  public var mergesParameters: Bool

  public init(mergesParameters: Bool = false) { self.mergesParameters = mergesParameters }

  public func run(_ graph: inout Graph, limit: Int) throws(PassError) -> Int {
    var replaced: [ValueID: ValueID] = [:]
    var changes = mergeConstants(&graph, limit: limit, &replaced)
    changes += mergeNodes(&graph, limit: limit - changes, &replaced)
    guard changes > 0 else { return 0 }
    graph.removeDeadNodes()
    return changes
  }

  private struct Computation: Hashable {
    var op: Op
    var inputs: [ValueID?]
    var outputCount: Int
  }

  // Pattern: y = f(a), z = f(a), g(y, z) -> y = f(a), g(y, y)
  private func mergeNodes(
    _ graph: inout Graph, limit: Int, _ replaced: inout [ValueID: ValueID]
  ) -> Int {
    var seen: [Computation: Int] = [:]
    let outputs = Set(graph.outputs)
    var changes = 0
    for i in graph.nodes.indices {
      let inputs = graph.nodes[i].inputs.map { id in id.map { replaced[$0] ?? $0 } }
      graph.nodes[i].inputs = inputs
      let node = graph.nodes[i]
      let key = Computation(op: node.op, inputs: inputs, outputCount: node.outputs.count)
      guard let first = seen[key] else {
        seen[key] = i
        continue
      }
      // A graph output keeps the node that makes it, and its name.
      guard changes < limit, !node.outputs.contains(where: outputs.contains) else { continue }
      for (old, new) in zip(node.outputs, graph.nodes[first].outputs) { replaced[old] = new }
      changes += 1
    }
    return changes
  }

  /// Cheap to compute; constants of equal storage and elements have equal ones.
  private struct Fingerprint: Hashable {
    var dtype: DType
    var shape: [Int]
    var sample: [UInt8]
  }

  private func mergeConstants(
    _ graph: inout Graph, limit: Int, _ replaced: inout [ValueID: ValueID]
  ) -> Int {
    var seen: [Fingerprint: [ValueID]] = [:]
    let readers = graph.consumers()
    let outputs = Set(graph.outputs)
    var changes = 0
    for i in graph.values.indices where !readers[i].isEmpty && changes < limit {
      let id = ValueID(i)
      guard let constant = graph[id].constant, !outputs.contains(id), isMergeable(constant) else {
        continue
      }
      let key = fingerprint(constant)
      if let first = seen[key]?.first(where: { graph[$0].constant == constant }) {
        replaced[id] = first
        changes += 1
      } else {
        seen[key, default: []].append(id)
      }
    }
    return changes
  }

  private func isMergeable(_ constant: Tensor) -> Bool {
    mergesParameters || constant.count <= 1 || !constant.dtype.isFloatingPoint
  }

  private func fingerprint(_ tensor: Tensor) -> Fingerprint {
    var sample: [UInt8] = []
    if let bytes = tensor.denseBytes {
      bytes.withUnsafeBytes { raw in
        let step = max(1, raw.count / 64)
        for i in stride(from: 0, to: raw.count, by: step) { sample.append(raw[i]) }
      }
      // Of a mapped file, whole neighbourhoods of each page came in.
      bytes.releasePages()
    }
    return Fingerprint(dtype: tensor.dtype, shape: tensor.shape, sample: sample)
  }
}
