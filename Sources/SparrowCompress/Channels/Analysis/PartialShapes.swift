import SparrowCore

/// What is known of the shapes that a graph computes for its Reshapes: `[batch, sequence, 12, 32]`
/// put together of a Shape's entries and constants.
struct PartialShapes {
  enum Entry: Hashable {
    case known(Int)
    /// The length of an axis of a value.
    case length(ValueAxis)
    case unknown
  }

  /// One entry of a Reshape's target, as it can be written anew.
  enum Target: Hashable {
    case length(Int)
    /// The input's length at the same place.
    case copied
    /// Whatever is left.
    case inferred
  }

  private var entries: [ValueID: [Entry]] = [:]
  private var readAxes: [ValueID: Set<Int>] = [:]

  private static var longestShape: Int { 64 }

  /// The graph with the types that follow from partly known shapes too, and those shapes.
  static func refine(_ source: Graph) -> (Graph, PartialShapes) {
    var graph = source
    var shapes = PartialShapes()
    for i in graph.values.indices { shapes.addConstant(ValueID(i), graph) }
    for node in graph.nodes {
      guard let types = try? graph.inferredTypes(of: node) else { continue }
      for (id, type) in zip(node.outputs, types) {
        graph[id].type = merged(type, graph[id].type)
      }
      if case .reshape = node.op { shapes.refineReshape(node, &graph) }
      shapes.evaluate(node, graph)
    }
    shapes.findReadAxes(graph)
    return (graph, shapes)
  }

  /// What both types know.
  private static func merged(_ inferred: TensorType, _ declared: TensorType?) -> TensorType {
    guard let declared, declared.dtype == inferred.dtype else { return inferred }
    guard let a = inferred.dimensions else { return declared }
    guard let b = declared.dimensions, a.count == b.count else { return inferred }
    let dimensions = zip(a, b).map { x, y -> Dimension in
      if x.value != nil || y == .unknown { return x }
      if y.value != nil || x == .unknown { return y }
      return x
    }
    return TensorType(inferred.dtype, dimensions)
  }

  private mutating func addConstant(_ id: ValueID, _ graph: Graph) {
    guard let tensor = graph[id].constant, tensor.rank <= 1, tensor.count <= Self.longestShape,
      !tensor.dtype.isFloatingPoint, let integers = tensor.integers
    else { return }
    entries[id] = integers.map { .known($0) }
  }

  /// The entries of a node's output, where it is shape arithmetic.
  private mutating func evaluate(_ node: Node, _ graph: Graph) {
    guard let output = node.outputs.first, let first = node.input(0) else { return }
    switch node.op {
    case .shapeOf(let op):
      guard let rank = graph[first].type?.dimensions?.count else { return }
      entries[output] = op.axes(rank: rank).map { .length(ValueAxis(first, $0)) }
    case .identity, .cast, .squeeze, .unsqueeze, .reshape:
      guard (graph[output].type?.dimensions?.count ?? 2) <= 1 else { return }
      entries[output] = entries[first]
    case .concat:
      let parts = node.inputs.map { id in id.flatMap { entries[$0] } ?? [] }
      let isKnown = node.inputs.allSatisfy { id in id.map { entries[$0] != nil } ?? false }
      let all = parts.flatMap { $0 }
      if isKnown, all.count <= Self.longestShape { entries[output] = all }
    case .gather:
      guard let source = entries[first], let places = picked(node, graph, count: source.count)
      else { return }
      entries[output] = places.map { source[$0] }
    case .slice(let op):
      guard let source = entries[first], let context = try? graph.context(of: node),
        let parts = try? op.parts(context, dimensions: [.known(source.count)]),
        parts.count == 1, let part = parts[0].part, part.step == 1,
        part.start + part.count <= source.count
      else { return }
      entries[output] = Array(source[part.start..<part.start + part.count])
    default: return
    }
  }

  /// The places that constant indices of a Gather pick out of `count`.
  private func picked(_ node: Node, _ graph: Graph, count: Int) -> [Int]? {
    guard let indices = node.input(1).flatMap({ graph[$0].constant?.integers }) else { return nil }
    let places = indices.map { $0 < 0 ? $0 + count : $0 }
    return places.allSatisfy { (0..<count).contains($0) } ? places : nil
  }

  /// Fills in the output's type where the shape is known in part.
  private func refineReshape(_ node: Node, _ graph: inout Graph) {
    guard let x = node.input(0), let target = node.input(1).flatMap({ entries[$0] }),
      let output = node.outputs.first, let type = graph[output].type
    else { return }
    let own = graph[x].type?.dimensions ?? []
    let dimensions = target.enumerated().map { i, entry -> Dimension in
      switch entry {
      case .known(let length) where length > 0: .known(length)
      case .known(0): own.indices.contains(i) ? own[i] : .unknown
      case .length(let place):
        graph[place.value].type?.dimensions?[place.axis] ?? .unknown
      case .known, .unknown: .unknown
      }
    }
    graph[output].type = Self.merged(TensorType(type.dtype, dimensions), type)
  }

  /// The target of a Reshape as it can be written anew; nil where it cannot.
  func target(of node: Node, in graph: Graph) -> [Target]? {
    guard case .reshape(let op) = node.op, let x = node.input(0), let shape = node.input(1),
      let given = entries[shape]
    else { return nil }
    let own = graph[x].type?.dimensions ?? []
    var result: [Target] = []
    for (i, entry) in given.enumerated() {
      switch entry {
      case .known(0): result.append(.copied)
      case .known(let length): result.append(length > 0 ? .length(length) : .inferred)
      case .unknown: result.append(.inferred)
      case .length(let place):
        let length = graph[place.value].type?.dimensions?[place.axis] ?? .unknown
        let isOwn = place == ValueAxis(x, i)
        let isSame = own.indices.contains(i) && own[i] == length && length != .unknown
        result.append(isOwn || isSame ? .copied : .inferred)
      }
    }
    if op.allowsZero, result.contains(.copied) { return nil }
    return result.filter({ $0 == .inferred }).count <= 1 ? result : nil
  }

  /// The axes whose lengths are used of what a Shape node gives.
  func axesRead(of node: Node, rank: Int) -> Set<Int> {
    guard case .shapeOf(let op) = node.op, let output = node.outputs.first else {
      return Set(0..<rank)
    }
    return readAxes[output] ?? Set(op.axes(rank: rank))
  }

  /// Notes for each Shape which entries its readers pick; all of them where one is no Gather.
  private mutating func findReadAxes(_ graph: Graph) {
    let consumers = graph.consumers()
    for node in graph.nodes {
      guard case .shapeOf = node.op, let output = node.outputs.first,
        let all = entries[output], !graph.outputs.contains(output)
      else { continue }
      var read = Set<Int>()
      for reader in consumers[output.index] {
        let used = graph.nodes[reader].outputs.first.flatMap { entries[$0] }
        switch graph.nodes[reader].op {
        case .gather, .slice: Self.add(used ?? all, to: &read)
        default: Self.add(all, to: &read)
        }
      }
      readAxes[output] = read
    }
  }

  private static func add(_ entries: [Entry], to axes: inout Set<Int>) {
    for case .length(let place) in entries { axes.insert(place.axis) }
  }
}

extension ShapeOf {
  /// The axes whose lengths it gives.
  func axes(rank: Int) -> Range<Int> {
    let first = min(max(start < 0 ? start + rank : start, 0), rank)
    let last = min(max(end.map { $0 < 0 ? $0 + rank : $0 } ?? rank, first), rank)
    return first..<last
  }
}
