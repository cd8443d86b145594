import CPlatform
import SparrowCore

/// One plan's memory: an arena, the address table, and the outputs.
final class Execution {
  let plan: Plan
  private let arena: Region
  private let table: UnsafeMutablePointer<UnsafeMutableRawPointer>
  private let failure: UnsafeMutablePointer<Failure>
  private var outputs: [Region] = []
  /// What the latest run returned: its buffer is used again once the caller has let go of it.
  private var results: [Tensor] = []
  /// Slots whose address differs from run to run.
  private let inputSlots: [(slot: Int, input: Int)]
  private let outputSlots: [(slot: Int, output: Int)]

  init(_ plan: Plan) throws(RuntimeError) {
    self.plan = plan
    guard let arena = Region(available: plan.arenaBytes) else {
      throw .outOfMemory(bytes: plan.arenaBytes)
    }
    self.arena = arena
    table = .allocate(capacity: max(1, plan.places.count))
    failure = .allocate(capacity: 1)
    failure.initialize(to: .none)
    var inputSlots: [(slot: Int, input: Int)] = []
    var outputSlots: [(slot: Int, output: Int)] = []
    for i in plan.places.indices {
      if case .input(let k) = plan.places[i] { inputSlots.append((i, k)) }
      if case .output(let k) = plan.places[i] { outputSlots.append((i, k)) }
      switch plan.places[i] {
      case .none, .input, .output: (table + i).initialize(to: arena.base)
      case .arena(let offset): (table + i).initialize(to: arena.base + offset)
      case .constant(let bytes):
        (table + i).initialize(to: UnsafeMutableRawPointer(mutating: bytes.pointer))
      }
    }
    (self.inputSlots, self.outputSlots) = (inputSlots, outputSlots)
    for output in plan.outputs { outputs.append(Execution.region(for: output)) }
  }

  deinit {
    table.deallocate()
    failure.deallocate()
  }

  private static func region(for output: Plan.Output) -> Region {
    Region(count: output.shape.elementCount * output.type.dtype.size)
  }

  /// Runs the plan. Inputs are read in place; each output is memory of its own, reused by the next
  /// run once the caller has let go of it.
  func run(
    _ inputs: [Tensor], pool: ThreadPool, observe: ((Int, UInt64) -> Void)? = nil
  ) throws(RuntimeError) -> [Tensor] {
    results.removeAll(keepingCapacity: true)
    for i in outputs.indices where !isKnownUniquelyReferenced(&outputs[i]) {
      outputs[i] = Execution.region(for: plan.outputs[i])
    }
    for place in inputSlots {
      let source = inputs[place.input].denseBytes?.pointer ?? UnsafeRawPointer(arena.base)
      table[place.slot] = UnsafeMutableRawPointer(mutating: source)
    }
    for place in outputSlots { table[place.slot] = outputs[place.output].base }
    failure.pointee = .none
    let memory = Memory(table: table, failure: failure)
    for (i, step) in plan.steps.enumerated() {
      let order: ThreadPool.Order = i % 2 == 0 ? .forward : .backward
      if let observe {
        let start = sp_clock_ns()
        pool.run(step, memory, order)
        observe(i, sp_clock_ns() - start)
      } else {
        pool.run(step, memory, order)
      }
      if failure.pointee != .none {
        throw .badValue(node: plan.labels[i], reason: failure.pointee.reason)
      }
    }
    return collect()
  }

  private func collect() -> [Tensor] {
    for i in plan.outputs.indices {
      let region = outputs[i]
      if let slot = plan.outputs[i].copiedFrom {
        region.base.copyMemory(from: table[slot], byteCount: region.count)
      }
      results.append(
        Tensor(
          dtype: plan.outputs[i].type.dtype, shape: plan.outputs[i].shape, bytes: Bytes(region)))
    }
    return results
  }
}
