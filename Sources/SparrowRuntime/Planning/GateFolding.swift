import SparrowCore

/// The gates of a convolution: values of bool `[N, C, 1, 1]` that say which channels are open.
struct ConvolutionGates {
  /// Of the channels that it computes; those are written one after the other, without the closed ones.
  var outputs: ValueID?
  /// Of the channels that it reads, which lie one after the other likewise.
  var inputs: ValueID?

  /// Where the preparation of a gated convolution has the values of ``outputs`` and ``inputs``: after
  /// those of the operator.
  static var firstInput: Int { 4 }
}

/// Convolutions that leave out what gates close. A gate is a node that puts zeros in the places of closed
/// channels, between convolutions:
///
/// ```
/// y = where(open, conv(x), 0)    runs as   conv(x), the open channels alone, in the place of where
/// conv(y)                                  conv of the open channels alone
/// ```
///
/// Both or neither: only those who know of the gate can read what is left. A convolution may be on both
/// sides. Those of sparse weights stay: their kernels leave out more.
struct GateFolding {
  /// By the place of the gate: the convolution that runs there, and where it was.
  private var producers: [Int: (node: Node, origin: Int)] = [:]
  private var movedNodes: Set<Int> = []
  private var gates: [Int: ConvolutionGates] = [:]

  /// No gates.
  init() {}

  /// The gates of a graph whose types are all concrete; `runsSparse` tells of a convolution.
  init(_ graph: Graph, runsSparse: (Int) -> Bool) {
    let uses = ValueUses(graph)
    var found: [(place: Int, gate: Gate)] = []
    var isDense: [Int: Bool] = [:]
    func dense(_ i: Int) -> Bool {
      if let known = isDense[i] { return known }
      let result = !runsSparse(i)
      isDense[i] = result
      return result
    }
    for (i, node) in graph.nodes.enumerated() {
      guard let gate = Gate(node, graph, uses), ([gate.producer] + gate.readers).allSatisfy(dense)
      else { continue }
      found.append((i, gate))
    }
    for (place, gate) in found {
      var node = graph.nodes[gate.producer]
      node.outputs = graph.nodes[place].outputs
      producers[place] = (node, gate.producer)
      movedNodes.insert(gate.producer)
      gates[place, default: ConvolutionGates()].outputs = gate.open
    }
    let places = producers.reduce(into: [Int: Int]()) { $0[$1.value.origin] = $1.key }
    for (_, gate) in found {
      for reader in gate.readers {
        gates[places[reader] ?? reader, default: ConvolutionGates()].inputs = gate.open
      }
    }
  }

  /// Whether node `i` runs in the place of a gate instead.
  func isMoved(_ i: Int) -> Bool { movedNodes.contains(i) }

  /// The convolution that runs in the place of node `i`, a gate; nil where that is none.
  func moved(to i: Int) -> Node? { producers[i]?.node }

  /// The gates of the convolution that runs in the place of node `i`.
  func gates(at i: Int) -> ConvolutionGates? { gates[i] }
}

/// Who makes and who reads each value.
private struct ValueUses {
  var makers: [Int?]
  var readers: [[Int]]
  var isOutput: Set<ValueID>

  init(_ graph: Graph) {
    makers = [Int?](repeating: nil, count: graph.values.count)
    readers = [[Int]](repeating: [], count: graph.values.count)
    isOutput = Set(graph.outputs)
    for (i, node) in graph.nodes.enumerated() {
      for case let id? in node.inputs { readers[id.index].append(i) }
      for id in node.outputs { makers[id.index] = i }
    }
  }
}

/// A node that closes channels, between convolutions.
private struct Gate {
  let open: ValueID
  /// The convolution before it.
  let producer: Int
  /// Those after it.
  let readers: [Int]

  init?(_ node: Node, _ graph: Graph, _ uses: ValueUses) {
    guard case .where = node.op, let open = node.input(0), let x = node.input(1),
      let zero = node.input(2).flatMap({ graph[$0].constant }), zero.count == 1,
      zero.floats?.first == 0, let y = node.outputs.first, !uses.isOutput.contains(x),
      !uses.isOutput.contains(y), uses.readers[x.index].count == 1,
      let producer = uses.makers[x.index],
      case .conv(let op) = graph.nodes[producer].op, op.group == 1,
      graph.nodes[producer].input(3) == nil, Gate.isPlain(x, graph), Gate.isPlain(y, graph),
      let shape = graph[x].type?.shape, graph[y].type?.shape == shape,
      graph[open].type
        == TensorType(.bool, shape: shape.prefix(2) + shape.dropFirst(2).map { _ in 1 })
    else { return nil }
    let readers = uses.readers[y.index]
    guard !readers.isEmpty, readers.allSatisfy({ Gate.reads(y, graph.nodes[$0]) }) else {
      return nil
    }
    (self.open, self.producer, self.readers) = (open, producer, readers)
  }

  /// Whether a value is float32 with one or two spatial axes.
  private static func isPlain(_ id: ValueID, _ graph: Graph) -> Bool {
    guard let type = graph[id].type, let shape = type.shape else { return false }
    return type.dtype == .float32 && (3...4).contains(shape.count)
  }

  /// Whether a node is a convolution of `y`, which it reads nowhere else.
  private static func reads(_ y: ValueID, _ node: Node) -> Bool {
    guard case .conv(let op) = node.op, op.group == 1 else { return false }
    return node.inputs.first == y && node.inputs.filter { $0 == y }.count == 1
  }
}
