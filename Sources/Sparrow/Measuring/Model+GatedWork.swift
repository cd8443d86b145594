import SparrowCore
import SparrowRuntime

extension Model {
  /// Runs the model over every sample and returns what each node whose channels gates open and close
  /// multiplied, over all samples: nothing where there are no gates.
  ///
  /// Where the model's batch is fixed and does not divide the samples, the last one counts again for each
  /// place that is left. `progress` is told the samples done.
  public func gatedWork(
    on samples: SampleSource, options: EvaluationOptions = EvaluationOptions(),
    progress: (Int) -> Void = { _ in }
  ) throws(SparrowError) -> [GatedWork] {
    let fixed = try inputTypes().compactMap { $0.type.dimensions?.first?.value }.first
    let session = try session(threads: options.threads, tuning: options.tuning)
    let step = max(1, fixed ?? options.batch)
    for first in stride(from: 0, to: samples.count, by: step) {
      let last = min(first + step, samples.count)
      _ = try run(session, samples.batch(first..<(fixed == nil ? last : first + step)))
      progress(last)
    }
    return session.gatedWork
  }
}
