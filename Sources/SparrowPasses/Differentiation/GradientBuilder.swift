import SparrowCore

/// The graph that gradient rules append nodes to, and the arithmetic they are written in.
struct GradientBuilder {
  private(set) var graph: Graph
  /// The label of the node whose rule is running.
  private(set) var label = ""
  private var taken: Set<String>
  private var count = 0
  private var scalars: [Scalar: ValueID] = [:]
  private var vectors: [[Int]: ValueID] = [:]

  init(_ graph: Graph) {
    self.graph = graph
    taken = Set(graph.values.map { $0.name })
  }

  /// The graph with what was added.
  consuming func finished() -> Graph { graph }

  mutating func begin(_ node: Node) { label = node.label }

  // MARK: Types

  func type(_ id: ValueID) throws(DifferentiationError) -> TensorType {
    guard let type = graph[id].type else { throw openShape(id) }
    return type
  }

  func dimensions(_ id: ValueID) throws(DifferentiationError) -> [Dimension] {
    guard let dimensions = try type(id).dimensions else { throw openShape(id) }
    return dimensions
  }

  func rank(_ id: ValueID) throws(DifferentiationError) -> Int { try dimensions(id).count }

  /// The shape of a value whose lengths are all known.
  func shape(_ id: ValueID) throws(DifferentiationError) -> [Int] {
    guard let shape = graph[id].type?.shape else { throw openShape(id) }
    return shape
  }

  func length(_ id: ValueID, axis: Int) throws(DifferentiationError) -> Int {
    guard let length = try dimensions(id)[axis].value else { throw openShape(id) }
    return length
  }

  func constant(_ id: ValueID?) -> Tensor? { id.flatMap { graph[$0].constant } }

  func openShape(_ id: ValueID) -> DifferentiationError {
    let value = graph[id]
    return .openShape(node: label, value: value.name, type: value.type?.text ?? "of unknown type")
  }

  func unsupported(_ reason: String) -> DifferentiationError {
    .unsupported(node: label, reason: reason)
  }

  /// Runs a rule of shapes.
  func resolved<R>(
    _ body: () throws(InferenceError) -> R
  ) throws(DifferentiationError) -> R {
    do throws(InferenceError) {
      return try body()
    } catch {
      throw unsupported(error.reason)
    }
  }

  func axis(_ axis: Int, of id: ValueID) throws(DifferentiationError) -> Int {
    let rank = try rank(id)
    return try resolved { () throws(InferenceError) in try ShapeRules.axis(axis, rank: rank) }
  }

  /// What type inference would be told of a node.
  func context(_ node: Node) throws(DifferentiationError) -> InferenceContext {
    do throws(GraphError) {
      return try graph.context(of: node)
    } catch {
      throw .graph(error)
    }
  }

  // MARK: Nodes

  private mutating func unusedName() -> String {
    repeat { count += 1 } while !taken.insert("gradient.\(count)").inserted
    return "gradient.\(count)"
  }

  /// A name that no value has, like `wanted`.
  mutating func unusedName(_ wanted: String) -> String {
    var (name, n) = (wanted, 1)
    while !taken.insert(name).inserted {
      name = "\(wanted)_\(n)"
      n += 1
    }
    return name
  }

  mutating func add(_ op: Op, _ inputs: ValueID?...) throws(DifferentiationError) -> ValueID {
    try add(op, inputs, outputs: 1)[0]
  }

  mutating func add(
    _ op: Op, _ inputs: [ValueID?], outputs: Int
  ) throws(DifferentiationError) -> [ValueID] {
    let names = (0..<outputs).map { _ in unusedName() }
    do throws(GraphError) {
      return try graph.add(op, inputs, name: names[0], outputs: names)
    } catch {
      throw .graph(error)
    }
  }

  /// Appends a node under another name than the builder's own.
  mutating func add(_ op: Op, _ input: ValueID, named name: String) throws(DifferentiationError)
    -> ValueID
  {
    do throws(GraphError) {
      return try graph.add(op, [input], name: unusedName(name))
    } catch {
      throw .graph(error)
    }
  }

  /// Says what is known of a value's type beyond what follows from its node.
  mutating func declare(_ id: ValueID, as type: TensorType?) {
    if let type { graph[id].type = type }
  }

  /// The node that makes a value; nil for constants and inputs.
  func maker(of id: ValueID) -> Node? { graph.nodes.last { $0.outputs.contains(id) } }

  // MARK: Constants

  /// A number of the element type of `like`.
  mutating func scalar(_ value: Double, like id: ValueID) throws(DifferentiationError) -> ValueID {
    let dtype = try type(id).dtype
    let key = Scalar(dtype: dtype, bits: value.bitPattern)
    if let known = scalars[key] { return known }
    let made = graph.addConstant(unusedName(), Tensor(dtype, [], doubles: [value]))
    scalars[key] = made
    return made
  }

  mutating func constant(_ tensor: Tensor) -> ValueID { graph.addConstant(unusedName(), tensor) }

  /// A vector of int64: axes, lengths, pads.
  mutating func integers(_ values: [Int]) -> ValueID {
    if let known = vectors[values] { return known }
    let made = graph.addConstant(unusedName(), Tensor(values.map { Int64($0) }))
    vectors[values] = made
    return made
  }

  /// A value's shape as a vector, known or computed.
  mutating func shapeValue(_ id: ValueID) throws(DifferentiationError) -> ValueID {
    if let shape = graph[id].type?.shape { return integers(shape) }
    return try add(.shapeOf(ShapeOf()), id)
  }

  /// Zeros of a value's type and shape.
  mutating func zeros(_ id: ValueID) throws(DifferentiationError) -> ValueID {
    var op = ConstantOfShape()
    op.value = Scalar(dtype: try type(id).dtype, bits: 0)
    return try add(.constantOfShape(op), try shapeValue(id))
  }

  // MARK: Arithmetic

  mutating func binary(
    _ function: Binary.Function, _ a: ValueID, _ b: ValueID
  ) throws(DifferentiationError) -> ValueID { try add(.binary(Binary(function)), a, b) }

  mutating func unary(
    _ function: Unary.Function, _ x: ValueID
  ) throws(DifferentiationError) -> ValueID { try add(.unary(Unary(function)), x) }

  mutating func plus(_ a: ValueID, _ b: ValueID) throws(DifferentiationError) -> ValueID {
    try binary(.add, a, b)
  }

  mutating func minus(_ a: ValueID, _ b: ValueID) throws(DifferentiationError) -> ValueID {
    try binary(.sub, a, b)
  }

  mutating func times(_ a: ValueID, _ b: ValueID) throws(DifferentiationError) -> ValueID {
    try binary(.mul, a, b)
  }

  mutating func over(_ a: ValueID, _ b: ValueID) throws(DifferentiationError) -> ValueID {
    try binary(.div, a, b)
  }

  mutating func plus(_ a: ValueID, _ b: Double) throws(DifferentiationError) -> ValueID {
    b == 0 ? a : try binary(.add, a, try scalar(b, like: a))
  }

  mutating func times(_ a: ValueID, _ b: Double) throws(DifferentiationError) -> ValueID {
    b == 1 ? a : try binary(.mul, a, try scalar(b, like: a))
  }

  mutating func negative(_ a: ValueID) throws(DifferentiationError) -> ValueID {
    try unary(.neg, a)
  }

  /// 1 - a.
  mutating func complement(_ a: ValueID) throws(DifferentiationError) -> ValueID {
    try binary(.sub, try scalar(1, like: a), a)
  }

  mutating func compare(
    _ function: Binary.Function, _ a: ValueID, _ b: Double
  ) throws(DifferentiationError) -> ValueID { try binary(function, a, try scalar(b, like: a)) }

  /// a where the condition holds, else b; nil stands for zeros.
  mutating func select(
    _ condition: ValueID, _ a: ValueID?, _ b: ValueID?
  ) throws(DifferentiationError) -> ValueID {
    guard let some = a ?? b else { throw unsupported("nothing to choose from") }
    let zero = try scalar(0, like: some)
    return try add(.where(Where()), condition, a ?? zero, b ?? zero)
  }

  // MARK: Shapes

  /// Sums over axes; all where `axes` is nil.
  mutating func sum(
    _ x: ValueID, axes: [Int]?, keepsDimensions: Bool = true
  ) throws(DifferentiationError) -> ValueID {
    if let axes, axes.isEmpty { return x }
    return try add(
      .reduce(Reduce(.sum, keepsDimensions: keepsDimensions)), x, axes.map { integers($0) })
  }

  mutating func mean(_ x: ValueID, axes: [Int]) throws(DifferentiationError) -> ValueID {
    axes.isEmpty ? x : try add(.reduce(Reduce(.mean)), x, integers(axes))
  }

  /// The elements of `x` under the shape of `target`.
  mutating func reshape(_ x: ValueID, like target: ValueID) throws(DifferentiationError) -> ValueID
  {
    if let shape = graph[x].type?.shape, shape == graph[target].type?.shape { return x }
    var op = Reshape()
    op.allowsZero = true
    return try add(.reshape(op), x, try shapeValue(target))
  }

  mutating func reshape(_ x: ValueID, to shape: [Int]) throws(DifferentiationError) -> ValueID {
    try add(.reshape(Reshape()), x, integers(shape))
  }

  mutating func unsqueeze(_ x: ValueID, axes: [Int]) throws(DifferentiationError) -> ValueID {
    axes.isEmpty ? x : try add(.unsqueeze(Unsqueeze()), x, integers(axes))
  }

  mutating func expand(_ x: ValueID, like target: ValueID) throws(DifferentiationError) -> ValueID {
    if let shape = graph[x].type?.shape, shape == graph[target].type?.shape { return x }
    return try add(.expand(Expand()), x, try shapeValue(target))
  }

  /// Undoes broadcasting: `x`, of the shape that `target` was broadcast to, summed to target's.
  mutating func sum(_ x: ValueID, like target: ValueID) throws(DifferentiationError) -> ValueID {
    let (from, to) = (try dimensions(x), try dimensions(target))
    guard from.count >= to.count else { throw openShape(target) }
    let extra = from.count - to.count
    var axes = Array(0..<extra)
    for (i, length) in to.enumerated() where length != from[extra + i] || length == .unknown {
      guard let known = length.value else { throw openShape(target) }
      if known == 1 { axes.append(extra + i) }
    }
    if axes.isEmpty { return x }
    if axes.count == extra { return try sum(x, axes: axes, keepsDimensions: false) }
    return try reshape(try sum(x, axes: axes), like: target)
  }

  /// A vector with one element a channel, to be broadcast along axis 1 of a tensor of `rank`.
  mutating func alongChannels(
    _ vector: ValueID, rank: Int
  ) throws(DifferentiationError) -> ValueID {
    try unsqueeze(vector, axes: [0] + (2..<max(2, rank)).filter { $0 < rank })
  }

  /// How many elements of `x` one of `part` stands for, as a number of x's type.
  mutating func ratio(
    _ x: ValueID, _ part: ValueID
  ) throws(DifferentiationError) -> ValueID {
    if let all = graph[x].type?.shape?.checkedElementCount,
      let some = graph[part].type?.shape?.checkedElementCount
    {
      return try scalar(some == 0 ? 1 : Double(all / some), like: x)
    }
    let cast = Op.cast(Cast(to: try type(x).dtype))
    let all = try add(cast, try add(.sizeOf(SizeOf()), x))
    let some = try add(cast, try add(.sizeOf(SizeOf()), part))
    return try over(all, some)
  }
}
