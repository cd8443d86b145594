import CKernels
import CPlatform
import SparrowCore

/// The time one step of a plan took.
public struct StepProfile: Sendable {
  public var node: String
  public var kernel: String
  public var nanoseconds: UInt64
  /// Multiply-adds on stored nonzeros.
  public var multiplyAdds: Int
  /// Those that were done, where a gate closed channels and their work was left out; nil for others.
  public var realisedMultiplyAdds: Int?
  /// The time the dense kernel takes in the place of this sparse one, where that was measured.
  public var denseNanoseconds: UInt64?
  /// How often it ran: once, or once for each sample of a batch that is computed sample by sample.
  /// Times and multiply-adds are those of all runs together.
  public var runs = 1
  /// The threads that shared the work of each run.
  public var threads = 1

  /// Billions of floating-point operations a second, on stored nonzeros; nil for other steps.
  public var gigaflops: Double? {
    let done = realisedMultiplyAdds ?? multiplyAdds
    return multiplyAdds > 0 && nanoseconds > 0 ? 2 * Double(done) / Double(nanoseconds) : nil
  }
}

extension Session {
  /// Runs once and reports each step. Where each sample of a batch is computed by one thread, one
  /// thread computes them all here, one after the other.
  public func profile(
    _ inputs: [Tensor]
  ) throws(RuntimeError) -> (outputs: [Tensor], steps: [StepProfile]) {
    let inputs = try checked(inputs)
    switch try runner(for: inputs) {
    case .whole(let execution): return try profile(execution, inputs)
    case .staged(let execution):
      var profiles: [StepProfile] = []
      let (threads, counts) = (resources.pool.count, resources.weights.workCounts)
      var done: [String: Int] = [:]
      for count in counts.all { done[count.node] = count.realised }
      let outputs = try execution.run(inputs) { node, kernel, multiplyAdds, time in
        let realised = counts.known(node)?.realised
        profiles.append(
          StepProfile(
            node: node, kernel: kernel, nanoseconds: time, multiplyAdds: multiplyAdds,
            realisedMultiplyAdds: realised.map { $0 - (done[node] ?? 0) }, threads: threads))
        done[node] = realised
      }
      return (outputs, profiles)
    }
  }

  private func profile(
    _ execution: Execution, _ inputs: [Tensor]
  ) throws(RuntimeError) -> (outputs: [Tensor], steps: [StepProfile]) {
    var profiles: [StepProfile] = []
    if let plan = execution.plan {
      for (step, label) in zip(plan.steps, plan.labels) {
        profiles.append(
          StepProfile(
            node: label, kernel: step.kernel, nanoseconds: 0,
            multiplyAdds: step.multiplyAdds * execution.samples, runs: execution.samples,
            threads: execution.isProfiledAlone ? 1 : resources.pool.count))
      }
    }
    let counts = execution.plan?.steps.map { $0.workDone } ?? []
    let before = counts.map { $0?.realised ?? 0 }
    let outputs = try execution.run(inputs, pool: resources.pool) { i, time in
      profiles[i].nanoseconds += time
    }
    for (i, count) in counts.enumerated() {
      profiles[i].realisedMultiplyAdds = count.map { $0.realised - before[i] }
    }
    return (outputs, profiles)
  }

  /// Bytes of activations that the plan for these inputs shares among its values, for all samples
  /// that are computed at the same time.
  public func arenaBytes(_ inputs: [Tensor]) throws(RuntimeError) -> Int {
    switch try runner(for: try checked(inputs)) {
    case .whole(let execution): execution.arenaBytes
    case .staged(let execution): execution.arenaBytes
    }
  }

  /// Bytes of the weights packed so far for kernels.
  public var packedWeightBytes: Int { resources.weights.byteCount }

  /// Billions of float32 operations a second that one core does at most, in fused multiply-adds:
  /// the best of several bursts of a twentieth of a millisecond.
  public static func peakGigaflops() -> Double {
    let kernels = sp_kernels_best()
    let lanes = Int(kernels.pointee.vector_floats)
    let sums = Region(count: 12 * max(1, lanes) * MemoryLayout<Float>.size)
    let floats = sums.base.bindMemory(to: Float.self, capacity: 12 * max(1, lanes))
    floats.initialize(repeating: 1, count: 12 * max(1, lanes))
    let steps = 20_000
    var best = 0.0
    for _ in 0..<40 {
      let start = sp_clock_ns()
      kernels.pointee.f32_fma_chains(steps, floats)
      let time = Double(max(1, sp_clock_ns() - start))
      best = max(best, Double(steps * 12 * max(1, lanes) * 2) / time)
    }
    withExtendedLifetime(sums) {}
    return best
  }
}
