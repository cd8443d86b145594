import SparrowCore

/// The trees of a TreeEnsembleRegressor or TreeEnsembleClassifier as a ``TreeEnsemble``.
///
/// Nodes there have numbers of their own in every tree, and leaves are nodes with any number of
/// weights. Here a leaf has one, so a tree whose leaves have several is there several times, each
/// copy with one weight of every leaf.
struct OldTrees {
  var ensemble = TreeEnsemble()
  /// Added to the scores.
  let base: [Double]

  private struct Place: Hashable {
    var (tree, node): (Int64, Int64)
  }

  private struct Node {
    var place: Place
    var feature: Int
    var split: Double
    /// nil: a leaf.
    var mode: Int?
    var (isTrue, isFalse): (Int64, Int64)
    var missing: Int
  }

  /// More nodes than that, copies included, are refused.
  private static let mostNodes = 1 << 22

  private let types: (splits: DType, weights: DType)
  private let nodes: [Node]
  private var indices: [Place: Int] = [:]
  private var weights: [Place: [(target: Int, weight: Double)]] = [:]
  private var (splits, modes, leafWeights): ([Double], [Double], [Double]) = ([], [], [])

  /// Takes the attributes of a node whose leaves' attributes begin with `leaves`.
  init(_ form: inout NodeForm, leaves: String, targets: Int) throws(FormatError) {
    ensemble.targets = targets
    let transform = leaves == "target" ? try form.take("post_transform", .string)?.string : nil
    let names = ["NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT"]
    ensemble.transform = names.firstIndex(of: transform ?? "NONE") ?? 0
    let aggregates = ["AVERAGE", "SUM", "MIN", "MAX"]
    let aggregate = try form.take("aggregate_function", .string)?.string ?? "SUM"
    ensemble.aggregate = aggregates.firstIndex(of: aggregate) ?? 1
    base = try Self.numbers(&form, "base_values").values
    _ = try Self.numbers(&form, "nodes_hitrates")
    let splits = try Self.numbers(&form, "nodes_values")
    nodes = try Self.nodes(&form, splits.values)
    for (i, node) in nodes.enumerated() {
      guard indices.updateValue(i, forKey: node.place) == nil else {
        throw form.malformed("node \(node.place.node) of tree \(node.place.tree) occurs twice")
      }
    }
    let numbers = try Self.numbers(&form, leaves + "_weights")
    let (trees, ids) = (
      try Self.ints(&form, leaves + "_treeids"), try Self.ints(&form, leaves + "_nodeids")
    )
    let owners = try Self.ints(&form, leaves + "_ids")
    guard trees.count == numbers.values.count, ids.count == trees.count, owners.count == ids.count
    else { throw form.malformed("the lists of weights differ in length") }
    types = (splits.dtype, numbers.dtype)
    for (i, weight) in numbers.values.enumerated() {
      guard owners[i] >= 0, owners[i] < targets else {
        throw form.malformed("a weight is for target \(owners[i]) of \(targets)")
      }
      weights[Place(tree: trees[i], node: ids[i]), default: []].append((Int(owners[i]), weight))
    }
    try build(form)
  }

  private static func ints(_ form: inout NodeForm, _ key: String) throws(FormatError) -> [Int64] {
    try form.take(key, .ints)?.ints ?? []
  }

  private static func numbers(
    _ form: inout NodeForm, _ key: String
  ) throws(FormatError) -> NumberList {
    if let floats = try form.take(key, .floats) {
      return NumberList(.float32, floats.floats.map { Double($0) })
    }
    guard let message = try form.take(key + "_as_tensor", .tensor)?.tensor else {
      return NumberList(.float32, [])
    }
    var decoder = TensorDecoder(source: form.source, external: ExternalData(folder: nil))
    return NumberList(try decoder.tensor(message))
  }

  private static func nodes(
    _ form: inout NodeForm, _ splits: [Double]
  ) throws(FormatError) -> [Node] {
    let (trees, ids) = (try ints(&form, "nodes_treeids"), try ints(&form, "nodes_nodeids"))
    let (trueIDs, falseIDs) = (
      try ints(&form, "nodes_truenodeids"), try ints(&form, "nodes_falsenodeids")
    )
    let features = try ints(&form, "nodes_featureids")
    let missing = try ints(&form, "nodes_missing_value_tracks_true")
    let modes = try form.take("nodes_modes", .strings)?.strings ?? []
    let names = ["BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ"]
    let count = trees.count
    guard [ids, trueIDs, falseIDs, features].allSatisfy({ $0.count == count }),
      modes.count == count, splits.count == count, missing.isEmpty || missing.count == count
    else { throw form.malformed("the lists of nodes differ in length") }
    var nodes: [Node] = []
    for i in 0..<count {
      let mode = names.firstIndex(of: modes[i])
      guard mode != nil || modes[i] == "LEAF" else {
        throw form.unsupported("nodes of mode '\(modes[i])' are not supported")
      }
      nodes.append(
        Node(
          place: Place(tree: trees[i], node: ids[i]), feature: Int(features[i]), split: splits[i],
          mode: mode, isTrue: trueIDs[i], isFalse: falseIDs[i],
          missing: missing.isEmpty ? 0 : Int(missing[i])))
    }
    return nodes
  }

  private mutating func build(_ form: NodeForm) throws(FormatError) {
    var children = Set<Place>()
    var copies: [Int64: Int] = [:]
    for node in nodes {
      let tree = node.place.tree
      if node.mode == nil {
        copies[tree] = max(copies[tree] ?? 1, weights[node.place]?.count ?? 0)
        continue
      }
      for child in [node.isTrue, node.isFalse] {
        children.insert(Place(tree: tree, node: child))
      }
    }
    let roots = nodes.filter { !children.contains($0.place) }
    let isAverage = ensemble.aggregate == 0
    if copies.values.contains(where: { $0 > 1 }), ensemble.aggregate > 1 {
      throw form.unsupported("leaves of several weights with MIN or MAX are not supported")
    }
    if isAverage { ensemble.aggregate = 1 }
    let share = isAverage ? 1 / Double(max(roots.count, 1)) : 1
    for root in roots {
      for copy in 0..<(copies[root.place.tree] ?? 1) { try add(root, copy, share, form) }
    }
    ensemble.splits = NumberList(types.splits, splits)
    ensemble.modes = NumberList(.uint8, modes)
    ensemble.leafWeights = NumberList(types.weights, leafWeights)
  }

  /// One copy of a tree: nodes get numbers as they are come to.
  private mutating func add(
    _ root: Node, _ copy: Int, _ share: Double, _ form: NodeForm
  ) throws(FormatError) {
    let first = splits.count
    ensemble.roots.append(first)
    append(root)
    if root.mode == nil {
      // A tree of one leaf: a node whose branches both lead to it.
      let leaf = appendLeaf(root, copy, share)
      (ensemble.trueIDs[first], ensemble.falseIDs[first]) = (leaf, leaf)
      (ensemble.trueLeaves[first], ensemble.falseLeaves[first]) = (1, 1)
      return
    }
    var open = [(root, first)]
    while let (node, index) = open.popLast() {
      guard splits.count < Self.mostNodes, splits.count - first <= nodes.count else {
        throw form.unsupported("there are too many nodes, or they lead in a circle")
      }
      for isTrue in [true, false] {
        let place = Place(tree: node.place.tree, node: isTrue ? node.isTrue : node.isFalse)
        guard let at = indices[place] else {
          throw form.malformed("node \(place.node) of tree \(place.tree) does not exist")
        }
        let isLeaf = nodes[at].mode == nil
        let id = isLeaf ? appendLeaf(nodes[at], copy, share) : splits.count
        if !isLeaf {
          append(nodes[at])
          open.append((nodes[at], id))
        }
        if isTrue {
          (ensemble.trueIDs[index], ensemble.trueLeaves[index]) = (id, isLeaf ? 1 : 0)
        } else {
          (ensemble.falseIDs[index], ensemble.falseLeaves[index]) = (id, isLeaf ? 1 : 0)
        }
      }
    }
  }

  private mutating func append(_ node: Node) {
    splits.append(node.mode == nil ? 0 : node.split)
    modes.append(Double(node.mode ?? 0))
    ensemble.features.append(node.mode == nil ? 0 : node.feature)
    ensemble.missingTracksTrue.append(node.mode == nil ? 0 : node.missing)
    ensemble.trueIDs.append(0)
    ensemble.falseIDs.append(0)
    ensemble.trueLeaves.append(0)
    ensemble.falseLeaves.append(0)
  }

  private mutating func appendLeaf(_ node: Node, _ copy: Int, _ share: Double) -> Int {
    let own = weights[node.place] ?? []
    let leaf = copy < own.count ? own[copy] : (target: 0, weight: 0)
    ensemble.leafTargets.append(leaf.target)
    leafWeights.append(leaf.weight * share)
    return leafWeights.count - 1
  }
}
