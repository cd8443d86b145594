import SparrowCore

/// How much each channel matters: one number a channel, group by group; the lowest go first.
public struct ChannelScores: Sendable, Equatable {
  public var groups: [[Double]]

  public init(groups: [[Double]]) { self.groups = groups }

  /// What the weights alone tell.
  public enum Norm: Sendable {
    /// Sums of |w|.
    case l1
    /// Sums of w^2.
    case l2
    /// |gamma| of the batch normalisations; groups without one score by ``l2``.
    case batchNormScale
  }

  /// The norms of the weight slices that make and read each channel: the mean over the slices, and
  /// relative to the group's mean, so that groups of layers of any scale compare. (DepGraph,
  /// arXiv 2301.12900, section 3.3.)
  public init(_ norm: Norm, of groups: ChannelGroups, in graph: Graph) {
    self.groups = groups.groups.map { group in
      switch norm {
      case .l1: Self.score(group, group.weightAxes, graph) { _, tensor in tensor.map { abs($0) } }
      case .l2: Self.score(group, group.weightAxes, graph) { _, tensor in tensor.map { $0 * $0 } }
      case .batchNormScale:
        Self.score(group, group.scaleAxes(in: graph) ?? group.weightAxes, graph) { _, tensor in
          tensor.map { abs($0) }
        }
      }
    }
  }

  /// Taylor scores: the square of what a slice's removal does to the loss to first order, the sum of
  /// w g over the slice. `gradients` are those of the loss by weight name; weights without one do not
  /// count. (Molchanov et al., arXiv 1906.10771, equation 8.)
  public init(taylor gradients: [String: Tensor], of groups: ChannelGroups, in graph: Graph) {
    self.groups = groups.groups.map { group in
      let axes = group.weightAxes.filter {
        gradients[graph[$0.place.value].name]?.shape == graph[$0.place.value].constant?.shape
      }
      return Self.score(group, axes, graph, power: { $0 * $0 }) { name, weights in
        let gradient = gradients[name]?.floats ?? []
        return zip(weights, gradient).map { $0 * $1 }
      }
    }
  }

  /// Sums `terms` of the axes' weights over each channel's slices, and their mean over the axes,
  /// relative to the group's mean.
  private static func score(
    _ group: ChannelGroup, _ axes: [ChannelAxis], _ graph: Graph,
    power: (Double) -> Double = { $0 }, _ terms: (String, [Float]) -> [Float]
  ) -> [Double] {
    var sums = [Double](repeating: 0, count: group.count)
    for axis in axes {
      let value = graph[axis.place.value]
      guard let tensor = value.constant, let weights = tensor.floats else { continue }
      let perIndex = indexSums(terms(value.name, weights), tensor.shape, axis.place.axis)
      for (channel, indices) in axis.indices.enumerated() {
        sums[channel] += power(indices.reduce(0) { $0 + perIndex[$1] })
      }
    }
    return relative(sums)
  }

  /// The sums over all other axes.
  private static func indexSums(_ values: [Float], _ shape: [Int], _ axis: Int) -> [Double] {
    var sums = [Double](repeating: 0, count: shape[axis])
    let run = shape[(axis + 1)...].reduce(1, *)
    guard values.count == shape.elementCount, run > 0 else { return sums }
    values.withUnsafeBufferPointer { values in
      for start in stride(from: 0, to: values.count, by: run) {
        var sum = 0.0
        for i in start..<start + run { sum += Double(values[i]) }
        sums[start / run % shape[axis]] += sum
      }
    }
    return sums
  }

  /// Over the mean; all 1 where that is 0.
  static func relative(_ sums: [Double]) -> [Double] {
    let mean = sums.reduce(0, +) / Double(max(1, sums.count))
    guard mean > 0, mean.isFinite else { return [Double](repeating: 1, count: sums.count) }
    return sums.map { $0 / mean }
  }
}

extension ChannelGroup {
  /// The axes of weights that make or read the channels, each once.
  var weightAxes: [ChannelAxis] {
    var seen = Set<ValueAxis>()
    return (makers + readers).filter { seen.insert($0.place).inserted }
  }

  /// The factors of the batch normalisations that the channels pass; nil where there is none.
  func scaleAxes(in graph: Graph) -> [ChannelAxis]? {
    let scales = Set(
      entries.compactMap { entry -> ValueID? in
        guard case .batchNormalization = graph.nodes[entry.node].op else { return nil }
        return graph.nodes[entry.node].input(1)
      })
    let found = axes.filter { scales.contains($0.place.value) }
    return found.isEmpty ? nil : found
  }
}
