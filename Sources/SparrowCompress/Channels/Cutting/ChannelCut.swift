import SparrowCore

/// Channels to remove, by group.
public struct ChannelCut: Sendable, Equatable {
  /// For each of ``ChannelGroups/groups`` the channels that go, ascending.
  public var removed: [[Int]]

  public init(removed: [[Int]]) { self.removed = removed }

  /// Nothing goes.
  public init(nothingOf groups: ChannelGroups) {
    removed = [[Int]](repeating: [], count: groups.groups.count)
  }

  public var count: Int { removed.reduce(0) { $0 + $1.count } }
}

/// The indices that stay on the axes that lose some.
struct KeptIndices {
  private var byAxis: [ValueAxis: [Int]] = [:]

  /// Which axes of a group count.
  enum Scope { case all, readers }

  /// `graph` must tell the lengths of all axes concerned. Throws when the cut is not one of these
  /// groups, or would leave an axis empty.
  init(
    _ cut: ChannelCut, of groups: ChannelGroups, in graph: Graph, scope: Scope
  ) throws(CompressError) {
    guard cut.removed.count == groups.groups.count else {
      throw .badCut(
        reason: "it lists \(cut.removed.count) groups, the graph has \(groups.groups.count)")
    }
    var removed: [ValueAxis: Set<Int>] = [:]
    for (group, channels) in zip(groups.groups, cut.removed) where !channels.isEmpty {
      guard channels.allSatisfy({ (0..<group.count).contains($0) }) else {
        throw .badCut(reason: "group '\(group.name)' has \(group.count) channels")
      }
      for axis in scope == .all ? group.axes : group.readers {
        for channel in channels {
          removed[axis.place, default: []].formUnion(axis.indices[channel])
        }
      }
    }
    for (place, indices) in removed {
      guard graph.values.indices.contains(place.value.index),
        let dimensions = graph[place.value].type?.dimensions,
        dimensions.indices.contains(place.axis), let length = dimensions[place.axis].value
      else { throw .badCut(reason: "the groups are those of another graph") }
      let kept = (0..<length).filter { !indices.contains($0) }
      guard !kept.isEmpty else {
        throw .badCut(reason: "nothing would be left of '\(graph[place.value].name)'")
      }
      byAxis[place] = kept
    }
  }

  /// nil where all stay.
  subscript(_ id: ValueID, _ axis: Int) -> [Int]? { byAxis[ValueAxis(id, axis)] }

  /// What stays on each axis of a value; nil where nothing of it goes.
  func axes(of id: ValueID, rank: Int) -> [[Int]?]? {
    let axes = (0..<rank).map { self[id, $0] }
    return axes.contains { $0 != nil } ? axes : nil
  }
}

extension Tensor {
  /// The elements at the given indices of each axis, all of an axis where it is nil; dense.
  func keeping(_ axes: [[Int]?]) -> Tensor {
    var result = dense()
    for (axis, kept) in axes.enumerated() {
      if let kept { result = result.keeping(kept, ofAxis: axis) }
    }
    return result
  }

  private func keeping(_ indices: [Int], ofAxis axis: Int) -> Tensor {
    guard let source = denseBytes else { return self }
    let outer = shape[..<axis].reduce(1, *)
    let run = shape[(axis + 1)...].reduce(1, *) * dtype.size
    var shape = self.shape
    let stride = shape[axis] * run
    shape[axis] = indices.count
    let bytes = Bytes(count: outer * indices.count * run) { target in
      guard var place = target.baseAddress else { return }
      for i in 0..<outer {
        for index in indices {
          place.copyMemory(from: source.pointer + i * stride + index * run, byteCount: run)
          place += run
        }
      }
    }
    return withExtendedLifetime(source) { Tensor(dtype: dtype, shape: shape, bytes: bytes) }
  }
}
