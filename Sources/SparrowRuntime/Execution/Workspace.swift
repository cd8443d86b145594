import CPlatform
import SparrowCore

/// The memory that a plan computes one sample in: an arena, and the address of every slot. A sample is
/// all that the plan's inputs hold.
final class Workspace {
  /// Where inputs are read and outputs written, one after the other; those of a sample begin at its
  /// number times their length.
  struct Addresses {
    let inputs: UnsafeMutablePointer<UnsafeRawPointer?>
    let outputs: UnsafeMutablePointer<UnsafeMutableRawPointer>
  }

  /// What a step found wrong, and which.
  struct Fault {
    var step: Int
    var failure: Failure
  }

  /// An input or output in memory of the caller: its slot, which one it is, and the bytes of a sample.
  private typealias Part = (slot: Int, index: Int, bytes: Int)

  let plan: Plan
  private let arena: Region
  private let table: UnsafeMutablePointer<UnsafeMutableRawPointer>
  private let failure: UnsafeMutablePointer<Failure>
  private var inputs: [Part] = []
  private var outputs: [Part] = []
  private var copies: [Part] = []

  convenience init(_ plan: Plan) throws(RuntimeError) {
    guard let arena = Region(available: plan.arenaBytes) else {
      throw .outOfMemory(bytes: plan.arenaBytes)
    }
    self.init(plan, arena)
  }

  private init(_ plan: Plan, _ arena: Region) {
    (self.plan, self.arena) = (plan, arena)
    table = .allocate(capacity: max(1, plan.places.count))
    failure = .allocate(capacity: 1)
    failure.initialize(to: .none)
    for (slot, place) in plan.places.enumerated() {
      (table + slot).initialize(to: arena.base)
      switch place {
      case .none: break
      case .arena(let offset): table[slot] = arena.base + offset
      case .constant(let bytes): table[slot] = UnsafeMutableRawPointer(mutating: bytes.pointer)
      case .input(let k): inputs.append((slot, k, plan.inputs[k].byteCount))
      case .output(let k): outputs.append((slot, k, plan.outputs[k].byteCount))
      }
    }
    for (k, output) in plan.outputs.enumerated() {
      if let slot = output.copiedFrom { copies.append((slot, k, output.byteCount)) }
    }
  }

  deinit {
    table.deallocate()
    failure.deallocate()
  }

  var memory: Memory { Memory(table: table, failure: failure) }

  /// Computes one sample, with all workers of `pool` or on the calling thread; `observe` is told the
  /// time of each step. What ended it early, nil for nothing.
  func run(
    _ sample: Int, _ addresses: Addresses, pool: ThreadPool?,
    observe: ((Int, UInt64) -> Void)? = nil
  ) -> Fault? {
    for part in inputs {
      guard let base = addresses.inputs[part.index] else { continue }
      table[part.slot] = UnsafeMutableRawPointer(mutating: base + sample * part.bytes)
    }
    for part in outputs { table[part.slot] = addresses.outputs[part.index] + sample * part.bytes }
    failure.pointee = .none
    for (i, step) in plan.steps.enumerated() {
      let order: ThreadPool.Order = i % 2 == 0 ? .forward : .backward
      let start = observe == nil ? 0 : sp_clock_ns()
      if let pool {
        pool.run(step, memory, order)
      } else {
        ThreadPool.runAlone(step, memory, order)
      }
      observe?(i, sp_clock_ns() - start)
      if failure.pointee != .none { return Fault(step: i, failure: failure.pointee) }
    }
    for part in copies {
      let target = addresses.outputs[part.index] + sample * part.bytes
      target.copyMemory(from: table[part.slot], byteCount: part.bytes)
    }
    return nil
  }
}
