import SparrowCore

/// Nodes that a plan does not run, because a neighbouring step does their work on the way:
///
/// ```
/// product(transpose(x), y)             the product reads x through strides
/// transpose(product(x, y))             the product writes through strides
/// div(product(x, y), 8), mul(.., 8)    the product scales one operand while it packs it
/// layer_normalization(add(x, y))       the normalisation adds y
/// ```
///
/// Products are float32 ones of two computed matrices here; a transposition or sum is folded where
/// nothing else reads it.
struct NodeFolding {
  /// How a product reads what a transposition would have made.
  struct View {
    let source: ValueID
    /// In elements, one an axis.
    let strides: [Int]
  }

  /// What becomes of a product's result.
  struct Result {
    /// The value that the step writes.
    let value: ValueID
    /// Where in it the elements of the product's own result go, in elements; nil: one after the other.
    var strides: [Int]?
    var scale: Float = 1
  }

  private(set) var isFolded: [Bool]
  private(set) var views: [ValueID: View] = [:]
  private(set) var sums: [ValueID: (ValueID, ValueID)] = [:]
  /// By the product's place among the nodes.
  private(set) var results: [Int: Result] = [:]

  private let graph: Graph
  private var users: [[Int]]
  private var makers: [Int?]

  init(_ graph: Graph) {
    self.graph = graph
    isFolded = [Bool](repeating: false, count: graph.nodes.count)
    users = [[Int]](repeating: [], count: graph.values.count)
    makers = [Int?](repeating: nil, count: graph.values.count)
    for (i, node) in graph.nodes.enumerated() {
      for id in node.inputs { if let id { users[id.index].append(i) } }
      for id in node.outputs { makers[id.index] = i }
    }
    // A graph output has a reader of its own.
    for id in graph.outputs { users[id.index].append(graph.nodes.count) }
    for (i, node) in graph.nodes.enumerated() {
      switch node.op {
      case .transpose(let op): isFolded[i] = folds(op, node)
      case .binary(let op) where op.activation == .none: isFolded[i] = folds(op, i, node)
      default: break
      }
    }
  }

  private mutating func folds(_ op: Transpose, _ node: Node) -> Bool {
    guard let source = node.inputs.first ?? nil, let y = node.outputs.first,
      let from = shape(source), let to = shape(y), from.count >= 2,
      let order = try? op.resolved(rank: from.count),
      !Op.transpose(op).isView(input: (.float32, from), output: (.float32, to))
    else { return false }
    let strides = order.map { from.rowMajorStrides[$0] }
    if readersAreProducts(y), strides.suffix(2).contains(1) {
      views[y] = View(source: source, strides: strides)
      return true
    }
    guard let product = privateProduct(source), results[product] == nil else { return false }
    var targets = from.rowMajorStrides
    for (axis, moved) in order.enumerated() { targets[moved] = to.rowMajorStrides[axis] }
    guard targets.last == 1 else { return false }
    results[product] = Result(value: y, strides: targets)
    return true
  }

  private mutating func folds(_ op: Binary, _ i: Int, _ node: Node) -> Bool {
    guard let a = node.input(0), let b = node.input(1), let y = node.outputs.first,
      let result = shape(y)
    else { return false }
    switch op.function {
    case .add:
      guard shape(a) == result, shape(b) == result, users[y.index].count == 1,
        let reader = nodeAt(users[y.index][0]), case .layerNormalization(let norm) = reader.op,
        norm.takesAddend(shape: result, scale: reader.input(1).flatMap { graph[$0].type?.shape }),
        reader.outputs.count == 1, reader.inputs.first == y, reader.input(3) == nil,
        reader.inputs.dropFirst().allSatisfy({ $0 != y })
      else { return false }
      sums[y] = (a, b)
      return true
    case .mul:
      return scales(a, by: b, { $0 }, to: y, result) || scales(b, by: a, { $0 }, to: y, result)
    case .div: return scales(a, by: b, { 1 / $0 }, to: y, result)
    case .and, .bitwiseAnd, .bitwiseOr, .bitwiseXor, .equal, .greater, .greaterOrEqual, .less,
      .lessOrEqual, .max, .min, .or, .pow,
      .prelu, .sub, .xor:
      return false
    }
  }

  private mutating func scales(
    _ x: ValueID, by factor: ValueID, _ scale: (Float) -> Float, to y: ValueID, _ result: [Int]
  ) -> Bool {
    guard let constant = graph[factor].constant, constant.dtype == .float32,
      constant.shape.elementCount == 1, shape(x) == result,
      let product = privateProduct(x), results[product] == nil
    else { return false }
    let value = scale(constant.withElements(of: Float.self) { $0.first ?? 0 })
    guard value.isNormal else { return false }
    results[product] = Result(value: y, scale: value)
    return true
  }

  // MARK: What a value is

  private func nodeAt(_ i: Int) -> Node? { i < graph.nodes.count ? graph.nodes[i] : nil }

  /// The concrete shape of a float32 value that is no constant.
  private func shape(_ id: ValueID) -> [Int]? {
    let value = graph[id]
    guard value.constant == nil, value.type?.dtype == .float32 else { return nil }
    return value.type?.shape
  }

  /// Whether a node multiplies two computed matrices (or stacks of them).
  private func isProduct(_ node: Node) -> Bool {
    guard case .matMul = node.op, let a = node.input(0), let b = node.input(1),
      let left = shape(a), let right = shape(b)
    else { return false }
    return left.count >= 2 && right.count >= 2
  }

  private func readersAreProducts(_ id: ValueID) -> Bool {
    let readers = users[id.index]
    return !readers.isEmpty
      && readers.allSatisfy { i in
        guard let reader = nodeAt(i) else { return false }
        return isProduct(reader) && !reader.inputs.dropFirst(2).contains(id)
      }
  }

  /// The product without bias or activation that makes `id`, if nothing but one node reads it.
  private func privateProduct(_ id: ValueID) -> Int? {
    guard users[id.index].count == 1, let i = makers[id.index], let made = nodeAt(i),
      case .matMul(let op) = made.op, op.activation == .none, made.input(2) == nil, isProduct(made)
    else { return nil }
    return i
  }
}
