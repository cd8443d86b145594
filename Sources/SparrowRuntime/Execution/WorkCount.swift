import CPlatform
import SparrowCore

/// The multiply-adds of a node whose number depends on values, summed over its runs. Safe to use from
/// several threads.
final class WorkCount: @unchecked Sendable {
  let node: String
  private let region = Region(count: 2 * MemoryLayout<sp_atomic64>.stride)
  private let sums: UnsafeMutablePointer<sp_atomic64>

  init(node: String) {
    self.node = node
    sums = region.base.bindMemory(to: sp_atomic64.self, capacity: 2)
    sums.initialize(repeating: sp_atomic64(), count: 2)
  }

  /// With every channel open.
  var nominal: Int { Int(clamping: sp_atomic64_load(sums)) }
  /// Of open channels.
  var realised: Int { Int(clamping: sp_atomic64_load(sums + 1)) }

  @inline(__always)
  func add(nominal: Int, realised: Int) {
    sp_atomic64_add(sums, UInt64(truncatingIfNeeded: nominal))
    sp_atomic64_add(sums + 1, UInt64(truncatingIfNeeded: realised))
  }
}

/// One count for each node of a session's plans. Safe to use from several threads.
final class WorkCounts: @unchecked Sendable {
  private let counts = KeptValues<String, WorkCount>()

  func count(of node: String) -> WorkCount { counts.add(node, WorkCount(node: node)) }

  /// The count of a node; nil where it has none.
  func known(_ node: String) -> WorkCount? { counts.value(node) }

  var all: [WorkCount] { counts.all }
}

/// The multiply-adds of a node whose channels a gate opens and closes, over all runs of a session.
public struct GatedWork: Hashable, Sendable {
  /// The node, as errors and profiles name it.
  public var node: String
  /// With every channel open.
  public var multiplyAdds: Int
  /// Done, closed channels left out.
  public var realisedMultiplyAdds: Int

  public init(node: String, multiplyAdds: Int, realisedMultiplyAdds: Int) {
    (self.node, self.multiplyAdds) = (node, multiplyAdds)
    self.realisedMultiplyAdds = realisedMultiplyAdds
  }
}

extension Session {
  /// What the runs so far multiplied in each node whose closed channels are left out, in the order of
  /// the nodes' names.
  public var gatedWork: [GatedWork] {
    resources.weights.workCounts.all
      .map {
        GatedWork(
          node: $0.node, multiplyAdds: $0.nominal, realisedMultiplyAdds: $0.realised)
      }
      .sorted { $0.node < $1.node }
  }
}
