/// ai.onnx.ml TreeEnsemble (5): decision trees whose leaves add up to the targets.
///
/// Input: x `[N,F]`. Output `[N,targets]`. A node compares feature `features[i]` with `splits[i]` as
/// `modes[i]` says (0 <=, 1 <, 2 >=, 3 >, 4 ==, 5 !=, 6 member of its set) and goes on to node or leaf
/// `trueIDs[i]` or `falseIDs[i]`. NaN takes the true branch where `missingTracksTrue[i]` is 1. The sets
/// stand one after the other in ``members``, in the order in which trees are walked from their roots,
/// true branches first, each ended by NaN.
public struct TreeEnsemble: Operator {
  /// 0 average, 1 sum, 2 least, 3 greatest.
  public var aggregate = 1
  public var targets = 1
  /// 0 none, 1 softmax, 2 logistic, 3 softmax of those that are not 0, 4 probit.
  public var transform = 0
  public var features: [Int] = []
  public var splits: NumberList?
  public var modes: NumberList?
  public var (trueIDs, falseIDs): ([Int], [Int]) = ([], [])
  /// 1 where the branch ends in a leaf.
  public var (trueLeaves, falseLeaves): ([Int], [Int]) = ([], [])
  public var missingTracksTrue: [Int] = []
  public var hitRates: NumberList?
  public var leafTargets: [Int] = []
  public var leafWeights: NumberList?
  public var members: NumberList?
  public var roots: [Int] = []

  public init() {}
  public var name: String { "TreeEnsemble" }
  public var domain: String { "ai.onnx.ml" }
  public static var variants: [Self] { [Self()] }
  public var inputCount: ClosedRange<Int> { 1...1 }

  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.visit("aggregate_function", &aggregate)
    try visitor.visit("leaf_targetids", &leafTargets)
    try visitor.visit("leaf_weights", &leafWeights)
    try visitor.visit("membership_values", &members)
    try visitor.visit("n_targets", &targets)
    try visitor.visit("nodes_falseleafs", &falseLeaves)
    try visitor.visit("nodes_falsenodeids", &falseIDs)
    try visitor.visit("nodes_featureids", &features)
    try visitor.visit("nodes_hitrates", &hitRates)
    // Files leave an empty list out.
    var missing = missingTracksTrue.isEmpty ? nil : missingTracksTrue
    try visitor.visit("nodes_missing_value_tracks_true", &missing)
    missingTracksTrue = missing ?? []
    try visitor.visit("nodes_modes", &modes)
    try visitor.visit("nodes_splits", &splits)
    try visitor.visit("nodes_trueleafs", &trueLeaves)
    try visitor.visit("nodes_truenodeids", &trueIDs)
    try visitor.visit("post_transform", &transform)
    try visitor.visit("tree_roots", &roots)
  }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    let x = try context.type(0)
    guard x.dtype.isFloatingPoint else {
      throw InferenceError("x is \(x.dtype.name), expected floating point")
    }
    guard targets > 0, targets <= TensorType.longestAxis else {
      throw InferenceError("n_targets is \(targets)")
    }
    try ShapeRules.require(rank: x.dimensions, 2...2, "x")
    return [TensorType(x.dtype, [x.dimensions?[0] ?? .unknown, .known(targets)])]
  }

  public func compute(_ x: Operands) throws(ComputeError) -> [Tensor] {
    let tensor = try x.tensor(0)
    do throws(InferenceError) {
      _ = try inferTypes(x.context)
    } catch {
      throw ComputeError(error)
    }
    let (rows, columns) = (tensor.shape[0], tensor.shape[1])
    let trees = try CheckedTrees(self, columns: columns)
    let values = tensor.doubles
    var y: [Double] = []
    for row in 0..<rows {
      let own = values[(row * columns)..<((row + 1) * columns)]
      y += PostTransform.apply(transform, trees.scores(own))
    }
    return [Tensor(tensor.dtype, [rows, targets], doubles: y)]
  }
}

/// Trees whose every index is in range and whose every walk comes to an end.
private struct CheckedTrees {
  private let op: TreeEnsemble
  private let (splits, modes, weights): ([Double], [Double], [Double])
  private var sets: [Int: Set<Double>] = [:]

  init(_ op: TreeEnsemble, columns: Int) throws(ComputeError) {
    self.op = op
    splits = op.splits?.values ?? []
    modes = op.modes?.values ?? []
    weights = op.leafWeights?.values ?? []
    let count = op.features.count
    let lists = [
      splits.count, modes.count, op.trueIDs.count, op.falseIDs.count, op.trueLeaves.count,
      op.falseLeaves.count,
    ]
    guard lists.allSatisfy({ $0 == count }), op.leafTargets.count == weights.count,
      op.missingTracksTrue.isEmpty || op.missingTracksTrue.count == count
    else { throw ComputeError("the lists of nodes, or of leaves, differ in length") }
    guard op.leafTargets.allSatisfy({ $0 >= 0 && $0 < op.targets }) else {
      throw ComputeError("a leaf's target is not below \(op.targets)")
    }
    for i in 0..<count {
      guard op.features[i] >= 0, op.features[i] < columns, modes[i] >= 0, modes[i] <= 6 else {
        throw ComputeError("node \(i) compares feature \(op.features[i]) of \(columns)")
      }
      for (id, isLeaf) in [
        (op.trueIDs[i], op.trueLeaves[i]), (op.falseIDs[i], op.falseLeaves[i]),
      ] where id < 0 || id >= (isLeaf != 0 ? weights.count : count) {
        throw ComputeError("node \(i) leads to \(id), which does not exist")
      }
    }
    try walk(count)
  }

  /// Visits the nodes in the order in which the sets are listed.
  private mutating func walk(_ count: Int) throws(ComputeError) {
    var members = (op.members?.values ?? [])[...]
    var seen = [Bool](repeating: false, count: count)
    for root in op.roots {
      guard root >= 0, root < count else { throw ComputeError("root \(root) does not exist") }
      var open = [root]
      while let node = open.popLast() {
        guard !seen[node] else { throw ComputeError("two ways lead to node \(node)") }
        seen[node] = true
        if modes[node] == 6 {
          guard let end = members.firstIndex(where: { $0.isNaN }) else {
            throw ComputeError("membership_values has no set for node \(node)")
          }
          sets[node] = Set(members[..<end])
          members = members[(end + 1)...]
        }
        if op.falseLeaves[node] == 0 { open.append(op.falseIDs[node]) }
        if op.trueLeaves[node] == 0 { open.append(op.trueIDs[node]) }
      }
    }
  }

  private func leaf(_ root: Int, _ x: ArraySlice<Double>) -> Int {
    var node = root
    while true {
      let value = x[x.startIndex + op.features[node]]
      var isTrue =
        switch modes[node] {
        case 0: value <= splits[node]
        case 1: value < splits[node]
        case 2: value >= splits[node]
        case 3: value > splits[node]
        case 4: value == splits[node]
        case 5: value != splits[node]
        default: sets[node]?.contains(value) ?? false
        }
      if value.isNaN, !op.missingTracksTrue.isEmpty { isTrue = op.missingTracksTrue[node] != 0 }
      let next = isTrue ? op.trueIDs[node] : op.falseIDs[node]
      if (isTrue ? op.trueLeaves[node] : op.falseLeaves[node]) != 0 { return next }
      node = next
    }
  }

  func scores(_ x: ArraySlice<Double>) -> [Double] {
    let start: Double = op.aggregate == 2 ? .infinity : op.aggregate == 3 ? -.infinity : 0
    var result = [Double](repeating: start, count: op.targets)
    for root in op.roots {
      let leaf = leaf(root, x)
      let (target, weight) = (op.leafTargets[leaf], weights[leaf])
      switch op.aggregate {
      case 0: result[target] += weight / Double(op.roots.count)
      case 2: result[target] = Swift.min(result[target], weight)
      case 3: result[target] = Swift.max(result[target], weight)
      default: result[target] += weight
      }
    }
    return result
  }
}

/// What ai.onnx.ml makes of a row of scores.
enum PostTransform {
  static func apply(_ transform: Int, _ scores: [Double]) -> [Double] {
    switch transform {
    case 1, 3:
      let largest = scores.max() ?? 0
      let powers = scores.map { score in
        transform == 3 && abs(score) <= 1e-7
          ? score * Math.exp(-largest) : Math.exp(score - largest)
      }
      let sum = powers.reduce(0, +)
      return powers.map { sum == 0 ? 0.5 : $0 / sum }
    case 2: return scores.map { 1 / (1 + Math.exp(-$0)) }
    case 4: return scores.map { Double(2).squareRoot() * inverseErf(2 * $0 - 1) }
    default: return scores
    }
  }

  /// Winitzki's approximation, which ai.onnx.ml's implementations share.
  private static func inverseErf(_ x: Double) -> Double {
    let logarithm = Math.log((1 - x) * (1 + x))
    let a = 2 / (Double.pi * 0.147) + 0.5 * logarithm
    let root = ((a * a - logarithm / 0.147).squareRoot() - a).squareRoot()
    return x < 0 ? -root : root
  }
}
