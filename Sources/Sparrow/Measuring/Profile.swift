import SparrowCore
import SparrowRuntime

/// What each step of a model takes.
public struct Profile: Sendable {
  public var steps: [StepProfile]
  /// Billions of float32 operations a second that the threads of a step do at most.
  public var peakGigaflops: Double
}

extension Model {
  /// The time of each step: the least of a few runs. Steps that run sparse are timed once more with
  /// dense kernels in their place.
  public func profile(
    _ inputs: [Tensor], threads: Int = 1, optimizes: Bool = true, tuning: Tuning = .off,
    skipsClosedChannels: Bool = true
  ) throws(SparrowError) -> Profile {
    let model = optimizes ? try optimized() : self
    let options = SessionOptions(
      threads: threads, tuning: tuning, skipsClosedChannels: skipsClosedChannels)
    do throws(RuntimeError) {
      var steps = try model.leastTimes(inputs, options: options)
      if steps.contains(where: { $0.isSparse }) {
        // All channels in both, so that the steps are the same.
        let dense = try model.leastTimes(
          inputs,
          options: SessionOptions(threads: threads, forcesDense: true, skipsClosedChannels: false))
        let times = Dictionary(
          dense.map { ($0.node, $0.nanoseconds) }, uniquingKeysWith: { first, _ in first })
        for i in steps.indices where steps[i].isSparse {
          steps[i].denseNanoseconds = times[steps[i].node]
        }
      }
      return Profile(
        steps: steps,
        peakGigaflops: Session.peakGigaflops() * Double(steps.first?.threads ?? threads))
    } catch {
      throw .runtime(model: path, error)
    }
  }

  private func leastTimes(
    _ inputs: [Tensor], options: SessionOptions
  ) throws(RuntimeError) -> [StepProfile] {
    let session = try Session(graph, options: options)
    for _ in 0..<3 { _ = try session.run(inputs) }
    var least = try session.profile(inputs).steps
    for _ in 0..<4 {
      for (i, step) in try session.profile(inputs).steps.enumerated() {
        least[i].nanoseconds = min(least[i].nanoseconds, step.nanoseconds)
      }
    }
    return least
  }
}

extension StepProfile {
  /// Whether a sparse kernel computes the step.
  var isSparse: Bool { kernel.hasPrefix("f32_spm") }
}
