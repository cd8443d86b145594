import CPlatform
import SparrowCore

/// Runs steps by themselves on memory of its own, to see which of them is fastest.
final class StepTimer {
  /// A step, and what it was prepared with.
  typealias Contestant = (step: Step, preparation: Preparation)

  /// Runs of each step that count; one more comes before them.
  private let rounds: Int
  /// Nothing is begun after this moment.
  private let deadline: UInt64
  private var memory = Region(count: 0)
  /// What the caches hold instead of a step's weights, as they do when other steps have run.
  private let others = Region(count: StepTimer.cacheBytes)

  /// About the last level of cache that a core has for itself.
  private static var cacheBytes: Int { 2 << 20 }
  /// How long ``Tuning/quick`` may delay a plan.
  private static var quickNanoseconds: UInt64 { 100_000_000 }

  /// nil where nothing is to be measured. (Not a failable initialiser: nothing is made then.)
  static func make(_ tuning: Tuning) -> StepTimer? {
    switch tuning {
    case .off: nil
    case .quick: StepTimer(rounds: 2, deadline: sp_clock_ns() + StepTimer.quickNanoseconds)
    case .full: StepTimer(rounds: 7, deadline: .max)
    }
  }

  private init(rounds: Int, deadline: UInt64) {
    (self.rounds, self.deadline) = (rounds, deadline)
    others.base.initializeMemory(as: UInt8.self, repeating: 0, count: others.count)
  }

  var hasTime: Bool { sp_clock_ns() < deadline }

  /// The least time of each, in nanoseconds. They take turns, so that a slow moment of the machine is
  /// one for all. nil where there is not enough memory.
  func leastTimes(_ contestants: [Contestant], pool: ThreadPool) -> [UInt64]? {
    guard let layout = OperandLayout(contestants), reserve(layout.byteCount) else { return nil }
    let table = UnsafeMutablePointer<UnsafeMutableRawPointer>.allocate(capacity: layout.slotCount)
    defer { table.deallocate() }
    table.initialize(repeating: memory.base, count: layout.slotCount)
    for (slot, offset) in layout.offsets { table[slot] = memory.base + offset }
    var failure = Failure.none
    var least = [UInt64](repeating: .max, count: contestants.count)
    withUnsafeMutablePointer(to: &failure) { failure in
      let addresses = Memory(table: table, failure: failure)
      for round in 0...rounds {
        for (i, contestant) in contestants.enumerated() {
          for (slot, offset) in layout.scratch[i] { table[slot] = memory.base + offset }
          fillCaches(pool)
          let start = sp_clock_ns()
          if contestant.preparation.threads == 1 {
            ThreadPool.runAlone(contestant.step, addresses)
          } else {
            pool.run(contestant.step, addresses)
          }
          let time = sp_clock_ns() - start
          if round > 0 { least[i] = min(least[i], time) }
        }
      }
    }
    return least
  }

  /// Makes the memory at least `bytes` large, of ordinary numbers.
  private func reserve(_ bytes: Int) -> Bool {
    guard bytes > memory.count else { return true }
    guard let larger = Region(available: bytes) else { return false }
    memory = larger
    memory.base.initializeMemory(
      as: Float.self, repeating: 0.5, count: bytes / MemoryLayout<Float>.size)
    return true
  }

  private func fillCaches(_ pool: ThreadPool) {
    let lines = others.count / 64
    pool.forEach(pool.count) { _ in
      var sum: UInt8 = 0
      for line in 0..<lines {
        sum &+= others.base.load(fromByteOffset: line * 64, as: UInt8.self)
      }
      precondition(sum == 0)
    }
  }
}

/// Where the operands and scratch memory of steps that compute the same are, one after the other.
private struct OperandLayout {
  /// Of each slot that any of them reads or writes.
  private(set) var offsets: [(slot: Int, offset: Int)] = []
  /// Of each one's own scratch memory, all from the same place on.
  private(set) var scratch: [[(slot: Int, offset: Int)]] = []
  private(set) var byteCount = 0
  private(set) var slotCount = 0

  /// nil where that is more than a plan may take.
  init?(_ contestants: [StepTimer.Contestant]) {
    var sizes: [Int: Int] = [:]
    for (_, preparation) in contestants {
      for operand in preparation.inputs.compactMap({ $0 }) + preparation.outputs
      where preparation.denseInputs.contains(operand.value) {
        let known = sizes[operand.value.index] ?? 0
        sizes[operand.value.index] = max(known, operand.extent * operand.dtype.size)
      }
    }
    for slot in sizes.keys.sorted() {
      guard let offset = place(sizes[slot] ?? 0) else { return nil }
      offsets.append((slot, offset))
      slotCount = max(slotCount, slot + 1)
    }
    let start = byteCount
    var end = start
    for (_, preparation) in contestants {
      byteCount = start
      var places: [(slot: Int, offset: Int)] = []
      for bytes in preparation.scratchSizes {
        guard let offset = place(bytes) else { return nil }
        places.append((preparation.firstScratchSlot + places.count, offset))
      }
      scratch.append(places)
      slotCount = max(slotCount, preparation.firstScratchSlot + places.count)
      end = max(end, byteCount)
    }
    byteCount = end
    slotCount = max(1, slotCount)
  }

  private mutating func place(_ bytes: Int) -> Int? {
    guard bytes <= Limits.arenaBytes - byteCount else { return nil }
    let offset = byteCount
    byteCount = (offset + bytes + 127) / 64 * 64
    return offset
  }
}

extension Preparation.Operand {
  /// Elements from the first to the last, and what is between them.
  fileprivate var extent: Int {
    guard let strides else { return count }
    return zip(shape, strides).reduce(1) { $0 + max(0, $1.0 - 1) * $1.1 }
  }
}
