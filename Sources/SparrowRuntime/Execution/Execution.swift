import CPlatform
import SparrowCore

/// All that runs with inputs of certain shapes need: plans, their memory, and the outputs.
///
/// A batch whose samples are computed apart (``BatchSplit``) is shared out by whole samples: each
/// worker takes one, runs all its steps by itself in a workspace of its own, and takes the next.
/// What is left after rounds of one sample a worker, and would keep at most half of them busy, is
/// computed by all workers together, one sample after the other, as is what is not a batch.
final class Execution {
  let inputShapes: [[Int]]
  /// 1 where a plan takes all the inputs at once.
  let samples: Int
  private let outputShapes: [[Int]]
  /// Of all workers together; nil where every sample is computed by one.
  private let together: Workspace?
  /// One a worker, for the samples before `apartCount`.
  private let apart: [Workspace]
  private let apartCount: Int
  private let sampleStep: Step?
  private let addresses: Workspace.Addresses
  private let faults: UnsafeMutablePointer<Workspace.Fault?>
  private var outputs: [Region] = []
  /// What the latest run returned: its buffer is used again once the caller has let go of it.
  private var results: [Tensor] = []

  /// For a plan that takes all inputs at once.
  convenience init(_ plan: Plan) throws(RuntimeError) {
    try self.init(samples: 1, workers: 1) { (_) throws(RuntimeError) in plan }
  }

  /// For `samples` computed apart; `plan` makes the plan of one, for a number of workers.
  convenience init(
    samples: Int, workers: Int, plan: (Int) throws(RuntimeError) -> Plan
  ) throws(RuntimeError) {
    let apartCount = Execution.apartCount(samples, workers)
    var apart: [Workspace] = []
    if apartCount > 0 {
      let own = try plan(1)
      for _ in 0..<workers { apart.append(try Workspace(own)) }
    }
    let together = apartCount < samples ? try Workspace(try plan(workers)) : nil
    guard let sample = (together ?? apart.first)?.plan else {
      throw .badInput("a batch of \(samples) samples is empty")
    }
    self.init(samples, sample, together, apart, apartCount)
  }

  private init(
    _ samples: Int, _ sample: Plan, _ together: Workspace?, _ apart: [Workspace], _ apartCount: Int
  ) {
    (self.samples, self.together) = (samples, together)
    (self.apart, self.apartCount) = (apart, apartCount)
    inputShapes = sample.inputs.map { Execution.shape($0.shape, samples) }
    outputShapes = sample.outputs.map { Execution.shape($0.shape, samples) }
    let addresses = Workspace.Addresses(
      inputs: .allocate(capacity: max(1, inputShapes.count)),
      outputs: .allocate(capacity: max(1, outputShapes.count)))
    let faults = UnsafeMutablePointer<Workspace.Fault?>.allocate(capacity: samples)
    faults.initialize(repeating: nil, count: samples)
    (self.addresses, self.faults) = (addresses, faults)
    sampleStep =
      apartCount == 0
      ? nil
      : Step(tasks: apartCount, kernel: "sample") { work in
        faults[work.task] = apart[work.worker].run(work.task, addresses, pool: nil)
      }
    for output in sample.outputs { outputs.append(Region(count: samples * output.byteCount)) }
    for (i, output) in outputs.enumerated() { (addresses.outputs + i).initialize(to: output.base) }
    addresses.inputs.initialize(repeating: nil, count: max(1, inputShapes.count))
  }

  deinit {
    addresses.inputs.deallocate()
    addresses.outputs.deallocate()
    faults.deallocate()
  }

  /// How many samples are computed by one worker each.
  static func apartCount(_ samples: Int, _ workers: Int) -> Int {
    guard samples > 1, workers > 1 else { return 0 }
    let rest = samples % workers
    return rest > workers / 2 ? samples : samples - rest
  }

  private static func shape(_ sample: [Int], _ samples: Int) -> [Int] {
    samples == 1 ? sample : [samples] + sample.dropFirst()
  }

  /// The plan whose steps a profile shows.
  var plan: Plan? { (apart.first ?? together)?.plan }

  /// Whether a profile's steps run on one thread.
  var isProfiledAlone: Bool { !apart.isEmpty }

  /// Memory of all activations.
  var arenaBytes: Int {
    apart.reduce(together?.plan.arenaBytes ?? 0) { $0 + $1.plan.arenaBytes }
  }

  /// Runs on inputs of the execution's shapes. They are read in place; each output is memory of its
  /// own, reused by the next run once the caller has let go of it.
  ///
  /// With `observe` every sample is computed by itself, which is told the time of each of its steps.
  func run(
    _ inputs: [Tensor], pool: ThreadPool, observe: ((Int, UInt64) -> Void)? = nil
  ) throws(RuntimeError) -> [Tensor] {
    prepare(inputs)
    if let observe {
      for sample in 0..<samples {
        let fault =
          isProfiledAlone
          ? apart.first?.run(sample, addresses, pool: nil, observe: observe)
          : together?.run(sample, addresses, pool: pool, observe: observe)
        try check(fault)
      }
      return collect()
    }
    if let sampleStep, let own = apart.first {
      pool.run(sampleStep, own.memory)
      for sample in 0..<apartCount { try check(faults[sample]) }
    }
    for sample in apartCount..<samples {
      try check(together?.run(sample, addresses, pool: pool))
    }
    return collect()
  }

  private func prepare(_ inputs: [Tensor]) {
    results.removeAll(keepingCapacity: true)
    for i in outputs.indices {
      if !isKnownUniquelyReferenced(&outputs[i]) { outputs[i] = Region(count: outputs[i].count) }
      addresses.outputs[i] = outputs[i].base
    }
    for i in inputs.indices { addresses.inputs[i] = inputs[i].denseBytes?.pointer }
  }

  private func check(_ fault: Workspace.Fault?) throws(RuntimeError) {
    guard let fault, let plan else { return }
    let said = fault.failure == .said ? plan.steps[fault.step].complaint?.reason : nil
    throw .badValue(node: plan.labels[fault.step], reason: said ?? fault.failure.reason)
  }

  private func collect() -> [Tensor] {
    guard let plan else { return [] }
    for i in outputs.indices {
      results.append(
        Tensor(
          dtype: plan.outputs[i].type.dtype, shape: outputShapes[i], bytes: Bytes(outputs[i])))
    }
    return results
  }
}
