import SparrowCore

/// Finds what must be cut together: it walks through the nodes and binds the atoms of their axes by
/// what each operator does with them.
///
/// The dependency graph of DepGraph (arXiv 2301.12900, section 3.2) at the level of single indices:
/// one index of an axis is an atom, and what an operator copies, adds or multiplies element by
/// element unites atoms. An operator that mixes the indices of an axis (softmax, a mean, a norm), and
/// any that is not understood, freezes it: such indices are never cut.
struct ChannelAnalysis {
  /// The graph with everything that is known of its types.
  let graph: Graph
  let shapes: PartialShapes
  var atoms: AxisAtoms
  /// Where weights make channels (a convolution's outputs) and read them (its inputs).
  var makers: [WeightAxis] = []
  var readers: [WeightAxis] = []
  /// Batch axes of products of two activations: attention heads.
  var headAxes: [ValueAxis] = []
  /// Axes that a Reshape merges into one, or splits one into; bound when all else is.
  var merges: [AxisMerge] = []

  /// An axis of a constant that a node multiplies by.
  struct WeightAxis {
    var node: Int
    var place: ValueAxis
  }

  /// Neighbouring axes whose indices, row-major, are those of one axis.
  struct AxisMerge {
    var whole: ValueAxis
    var parts: [ValueAxis]
  }

  init(_ source: Graph) {
    (graph, shapes) = PartialShapes.refine(source)
    atoms = AxisAtoms(graph)
    for id in graph.inputs + graph.outputs { freeze(id) }
    freezeSingletons()
    for (i, node) in graph.nodes.enumerated() { visit(node, i) }
    for merge in merges { bind(merge) }
  }

  /// An axis of length 1 has nothing to lose.
  private mutating func freezeSingletons() {
    for i in graph.values.indices {
      let value = ValueID(i)
      for axis in 0..<atoms.rank(of: value) {
        let place = ValueAxis(value, axis)
        if let range = atoms[place], range.count == 1 { atoms.freeze(place) }
      }
    }
  }

  func dimensions(_ id: ValueID) -> [Dimension]? { graph[id].type?.dimensions }
  func rank(_ id: ValueID) -> Int? { dimensions(id)?.count }
  func isConstant(_ id: ValueID) -> Bool { graph[id].constant != nil }

  /// Freezes every axis of a value.
  mutating func freeze(_ id: ValueID) {
    for axis in 0..<atoms.rank(of: id) { atoms.freeze(ValueAxis(id, axis)) }
  }

  /// Freezes all that a node touches.
  mutating func freeze(_ node: Node) {
    for case let id? in node.inputs { freeze(id) }
    for id in node.outputs { freeze(id) }
  }

  /// Binds all axes of two values of one rank; those at `frozen` are frozen instead.
  mutating func bind(_ a: ValueID, _ b: ValueID, freezing frozen: [Int] = []) {
    guard let rank = rank(a), rank == self.rank(b) else {
      freeze(a)
      freeze(b)
      return
    }
    for axis in 0..<rank {
      let (x, y) = (ValueAxis(a, axis), ValueAxis(b, axis))
      if frozen.contains(axis) {
        atoms.freeze(x)
        atoms.freeze(y)
      } else {
        atoms.bind(x, y)
      }
    }
  }

  /// Binds the axes of `x` to those of `output` that broadcasting aligns them with, counted from the
  /// end; an axis of length 1 that is repeated binds nothing. The last `skipping` axes of both are
  /// left out.
  mutating func bindBroadcast(_ x: ValueID, to output: ValueID, skipping: Int = 0) {
    guard let rank = rank(output), let own = dimensions(x), own.count <= rank else {
      freeze(x)
      freeze(output)
      return
    }
    for axis in 0..<max(0, own.count - skipping) where own[axis] != .known(1) {
      atoms.bind(ValueAxis(x, axis), ValueAxis(output, axis + rank - own.count))
    }
  }

  /// The axis `axis` counted from the front; nil where there is none.
  func resolved(_ axis: Int, of id: ValueID) -> Int? {
    rank(id).flatMap { try? ShapeRules.axis(axis, rank: $0) }
  }
}
