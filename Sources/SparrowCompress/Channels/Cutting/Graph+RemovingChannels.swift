import SparrowCore

extension Graph {
  /// The graph without the channels of `cut`: weights, biases and normalisation parameters lose
  /// their indices, and shapes, splits, slices and group counts that name lengths are written anew.
  ///
  /// It computes what the graph computes after ``maskingChannels(_:of:)``, and is an ordinary graph.
  /// `groups` must be those of this graph; throws where they are not, or an axis would be left empty.
  public func removingChannels(
    _ cut: ChannelCut, of groups: ChannelGroups
  ) throws(CompressError) -> Graph {
    var removal = try ChannelRemoval(self, cut, groups)
    return try removal.run()
  }

  /// The graph with zeros for all weights that read a channel of `cut`.
  public func maskingChannels(
    _ cut: ChannelCut, of groups: ChannelGroups
  ) throws(CompressError) -> Graph {
    var graph = self
    for (name, mask) in try readerMasks(cut, of: groups) {
      guard let i = graph.values.firstIndex(where: { $0.name == name }),
        let tensor = graph.values[i].constant
      else { continue }
      graph.values[i].constant = mask.applied(to: tensor)
    }
    return graph
  }

  /// For each weight, by name, that reads a channel of `cut`: which of its elements stay.
  public func readerMasks(
    _ cut: ChannelCut, of groups: ChannelGroups
  ) throws(CompressError) -> [String: WeightMask] {
    let kept = try KeptIndices(cut, of: groups, in: self, scope: .readers)
    var masks: [String: WeightMask] = [:]
    for reader in groups.groups.flatMap({ $0.readers }) {
      let value = self[reader.place.value]
      guard let shape = value.constant?.shape, masks[value.name] == nil,
        let axes = kept.axes(of: reader.place.value, rank: shape.count)
      else { continue }
      masks[value.name] = WeightMask(shape: shape, keeping: axes)
    }
    return masks
  }
}

extension WeightMask {
  /// Keeps the elements at the given indices of each axis, all of an axis where it is nil.
  init(shape: [Int], keeping axes: [[Int]?]) {
    var keeps = [Bool](repeating: true, count: shape.elementCount)
    for (axis, kept) in axes.enumerated() {
      guard let kept else { continue }
      let run = shape[(axis + 1)...].reduce(1, *)
      let stride = run * shape[axis]
      for index in Set(0..<shape[axis]).subtracting(kept) {
        for start in Swift.stride(from: index * run, to: keeps.count, by: stride) {
          for i in start..<start + run { keeps[i] = false }
        }
      }
    }
    self.init(count: keeps.count) { keeps[$0] }
  }
}

/// The cut of one graph under way.
struct ChannelRemoval {
  /// With all that is known of types, before the cut.
  let source: Graph
  let shapes: PartialShapes
  let kept: KeptIndices
  var graph: Graph

  init(_ graph: Graph, _ cut: ChannelCut, _ groups: ChannelGroups) throws(CompressError) {
    (source, shapes) = PartialShapes.refine(graph)
    kept = try KeptIndices(cut, of: groups, in: source, scope: .all)
    self.graph = graph
  }

  mutating func run() throws(CompressError) -> Graph {
    for i in graph.values.indices { shorten(ValueID(i)) }
    for i in graph.nodes.indices { try rewrite(i) }
    do throws(GraphError) {
      try graph.inferTypes()
      graph.removeUnusedValues()
      try graph.verify()
    } catch {
      throw .badCut(reason: error.message)
    }
    return graph
  }

  /// A value's tensor and type without the indices that go.
  private mutating func shorten(_ id: ValueID) {
    let rank = source[id].type?.dimensions?.count ?? 0
    guard let axes = kept.axes(of: id, rank: rank) else { return }
    if let tensor = graph[id].constant {
      let shortened = tensor.keeping(axes)
      graph[id].constant = shortened
      graph[id].type = TensorType(shortened.dtype, shape: shortened.shape)
    } else if let type = graph[id].type, var dimensions = type.dimensions, dimensions.count == rank
    {
      for (axis, kept) in axes.enumerated() {
        if let kept { dimensions[axis] = .known(kept.count) }
      }
      graph[id].type = TensorType(type.dtype, dimensions)
    }
  }

  /// The length of an axis before and after.
  func oldLength(_ id: ValueID, _ axis: Int) -> Int? {
    guard let dimensions = source[id].type?.dimensions, dimensions.indices.contains(axis) else {
      return nil
    }
    return dimensions[axis].value
  }

  func newLength(_ id: ValueID, _ axis: Int) -> Int? {
    kept[id, axis]?.count ?? oldLength(id, axis)
  }

  func isCut(_ id: ValueID?) -> Bool {
    guard let id else { return false }
    return kept.axes(of: id, rank: source[id].type?.dimensions?.count ?? 0) != nil
  }
}
