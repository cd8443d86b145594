import SparrowCore

/// A graph being rewritten, with who makes and who reads each value. Only live nodes count: those
/// that a graph output depends on.
///
/// A rewrite puts its new node in the place of the *last* node of the pattern and keeps that node's
/// output value. So every input is made before it, names of outputs stay, and nothing has to be
/// moved; the other nodes of the pattern are dead afterwards.
struct Rewriter {
  private(set) var graph: Graph
  private var makers: [Int?] = []
  private var readers: [[Int]] = []
  private(set) var isLive: [Bool] = []
  private var isOutput: [Bool] = []

  init(_ graph: Graph) {
    self.graph = graph
    refresh()
  }

  /// Brings makers, readers and liveness up to date.
  mutating func refresh() {
    isOutput = [Bool](repeating: false, count: graph.values.count)
    for id in graph.outputs { isOutput[id.index] = true }
    makers = graph.producers()
    readers = [[Int]](repeating: [], count: graph.values.count)
    isLive = [Bool](repeating: false, count: graph.nodes.count)
    for i in graph.nodes.indices.reversed() {
      let node = graph.nodes[i]
      guard node.outputs.contains(where: { isOutput[$0.index] || !readers[$0.index].isEmpty })
      else { continue }
      isLive[i] = true
      for case let id? in node.inputs where readers[id.index].last != i {
        readers[id.index].append(i)
      }
    }
  }

  func node(_ i: Int) -> Node { graph.nodes[i] }
  func type(_ id: ValueID) -> TensorType? { graph[id].type }
  func rank(_ id: ValueID) -> Int? { graph[id].type?.dimensions?.count }
  func isFloat32(_ id: ValueID) -> Bool { graph[id].type?.dtype == .float32 }
  func isGraphOutput(_ id: ValueID) -> Bool { isOutput[id.index] }

  func constant(_ id: ValueID?) -> Tensor? { id.flatMap { graph[$0].constant } }

  /// The node that makes a value as its only output.
  func maker(_ id: ValueID?) -> Int? {
    guard let id, let i = makers[id.index], graph.nodes[i].outputs.count == 1 else { return nil }
    return i
  }

  func readers(_ id: ValueID) -> [Int] { readers[id.index] }

  /// Whether exactly one node reads the value and the graph does not give it out.
  func isPrivate(_ id: ValueID) -> Bool { readers[id.index].count == 1 && !isOutput[id.index] }

  /// Whether nobody but the pattern sees the values between its nodes: every output of `inner` is
  /// read by `inner` and `last` alone, and none is a graph output.
  func isClosed(_ inner: Set<Int>, last: Int) -> Bool {
    inner.allSatisfy { i in
      graph.nodes[i].outputs.allSatisfy { id in
        !isOutput[id.index] && readers[id.index].allSatisfy { inner.contains($0) || $0 == last }
      }
    }
  }

  /// Puts a new computation in the place of node `i`, whose single output it now makes.
  mutating func replace(_ i: Int, _ op: Op, _ inputs: [ValueID?], name: String? = nil) {
    var inputs = inputs
    while let last = inputs.last, last == nil { inputs.removeLast() }
    graph.nodes[i].op = op
    graph.nodes[i].inputs = inputs
    if let name { graph.nodes[i].name = name }
  }

  /// Inserts a node before node `i`; the types of its output are inferred.
  mutating func insert(
    _ op: Op, _ inputs: [ValueID], name: String, before i: Int
  ) throws(GraphError) -> ValueID {
    let output = graph.addValue(graph.unusedName(name))
    let node = Node(name: name, op: op, inputs: inputs, outputs: [output])
    graph[output].type = try graph.inferredTypes(of: node)[0]
    graph.nodes.insert(node, at: i)
    return output
  }

  /// Lets everyone read `new` instead of `old`; false where that would rename an input or output.
  mutating func replaceUses(of old: ValueID, with new: ValueID) -> Bool {
    if isOutput[old.index], graph[new].constant != nil { return false }
    return graph.replaceUses(of: old, with: new)
  }

  /// A new constant called `name` or so.
  mutating func addConstant(_ name: String, _ tensor: Tensor) -> ValueID {
    graph.addConstant(graph.unusedName(name), tensor)
  }

  /// The constant `tensor` in the place of input `id` of `node`: in place where only `node` reads
  /// it, so that it keeps its name, else as a new one called `name` or so.
  mutating func setConstant(
    _ id: ValueID?, of node: Int, to tensor: Tensor, name: String
  ) -> ValueID {
    if let id, readers[id.index] == [node], !isOutput[id.index],
      graph.nodes[node].inputs.filter({ $0 == id }).count == 1
    {
      graph[id].constant = tensor
      graph[id].type = TensorType(tensor.dtype, shape: tensor.shape)
      return id
    }
    let base = id.map { graph[$0].name } ?? name
    return addConstant(base, tensor)
  }
}

extension Graph {
  /// Offers each live node to `rewrite`, at most `limit` rewrites; drops the nodes that died.
  mutating func rewriteNodes(
    limit: Int, _ rewrite: (Int, inout Rewriter) -> Bool
  ) -> Int {
    var rewriter = Rewriter(self)
    var changes = 0
    var i = 0
    while i < rewriter.graph.nodes.count, changes < limit {
      if rewriter.isLive[i], rewrite(i, &rewriter) {
        changes += 1
        rewriter.refresh()
      }
      i += 1
    }
    guard changes > 0 else { return 0 }
    self = rewriter.graph
    removeDeadNodes()
    return changes
  }
}
