import CPlatform
import SparrowCore

/// One plan's memory: an arena, the address table, and the outputs.
final class Execution {
  let plan: Plan
  private let arena: Region
  private let table: UnsafeMutablePointer<UnsafeMutableRawPointer>
  private let failure: UnsafeMutablePointer<Failure>
  private var outputs: [Region] = []

  init(_ plan: Plan) throws(RuntimeError) {
    self.plan = plan
    guard let arena = Region(available: plan.arenaBytes) else {
      throw .outOfMemory(bytes: plan.arenaBytes)
    }
    self.arena = arena
    table = .allocate(capacity: max(1, plan.places.count))
    failure = .allocate(capacity: 1)
    failure.initialize(to: .none)
    for i in plan.places.indices {
      switch plan.places[i] {
      case .none, .input, .output: (table + i).initialize(to: arena.base)
      case .arena(let offset): (table + i).initialize(to: arena.base + offset)
      case .constant(let bytes):
        (table + i).initialize(to: UnsafeMutableRawPointer(mutating: bytes.pointer))
      }
    }
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
    for i in outputs.indices where !isKnownUniquelyReferenced(&outputs[i]) {
      outputs[i] = Execution.region(for: plan.outputs[i])
    }
    for i in plan.places.indices {
      switch plan.places[i] {
      case .input(let k):
        let source = inputs[k].denseBytes?.pointer ?? UnsafeRawPointer(arena.base)
        table[i] = UnsafeMutableRawPointer(mutating: source)
      case .output(let k): table[i] = outputs[k].base
      case .none, .arena, .constant: break
      }
    }
    failure.pointee = .none
    let memory = Memory(table: table, failure: failure)
    for (i, step) in plan.steps.enumerated() {
      if let observe {
        let start = sp_clock_ns()
        pool.run(step, memory)
        observe(i, sp_clock_ns() - start)
      } else {
        pool.run(step, memory)
      }
      if failure.pointee != .none {
        throw .badValue(node: plan.labels[i], reason: failure.pointee.reason)
      }
    }
    return collect()
  }

  private func collect() -> [Tensor] {
    var results: [Tensor] = []
    for (i, output) in plan.outputs.enumerated() {
      let region = outputs[i]
      if let slot = output.copiedFrom {
        region.base.copyMemory(from: table[slot], byteCount: region.count)
      }
      results.append(
        Tensor(
          dtype: output.type.dtype, shape: output.shape,
          bytes: Bytes(region)))
    }
    return results
  }
}
