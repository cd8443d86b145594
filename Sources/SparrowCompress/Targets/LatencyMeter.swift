import CPlatform
import SparrowCore
import SparrowPasses
import SparrowRuntime

/// Runs networks as they run after deployment, and takes the time.
struct LatencyMeter {
  let inputs: [Tensor]
  let options: SessionOptions
  /// How long one network is run for one figure; a few runs are made in any case.
  var seconds = 0.4

  /// `inputs` are one sample, one tensor an input of every graph that is measured.
  init(_ measures: TargetMeasures, _ graph: Graph) throws(CompressError) {
    guard let inputs = measures.inputs, inputs.count == graph.inputs.count else {
      throw .measuring("a latency needs one tensor for each of the \(graph.inputs.count) inputs")
    }
    (self.inputs, options) = (inputs, measures.session)
  }

  /// A session for the graph after the deployment passes, run once.
  func session(_ graph: Graph) throws(CompressError) -> (session: Session, deployed: Graph) {
    var deployed = graph
    do throws(PassError) {
      try PassDriver(pipeline: .deployment).run(&deployed)
    } catch {
      throw .measuring(error.message)
    }
    let built = deployed
    return try running { () throws(RuntimeError) in
      let session = try Session(built, options: options)
      _ = try session.run(inputs)
      return (session, built)
    }
  }

  /// The median milliseconds of a run of each session, which take turns.
  func medians(_ sessions: [Session]) throws(CompressError) -> [Double] {
    try running { () throws(RuntimeError) in
      for session in sessions { _ = try session.run(inputs) }
      var times = [[UInt64]](repeating: [], count: sessions.count)
      let start = sp_clock_ns()
      var round = 0
      repeat {
        for (i, session) in sessions.enumerated() {
          let begin = sp_clock_ns()
          _ = try session.run(inputs)
          times[i].append(sp_clock_ns() - begin)
        }
        round += 1
      } while round < Self.fewestRounds || !isEnough(since: start, sessions)
      return times.map { Double($0.sorted()[$0.count / 2]) * 1e-6 }
    }
  }

  /// The least milliseconds of each step of each session, by the step's label, all in turns.
  func leastSteps(_ sessions: [Session]) throws(CompressError) -> [[String: Double]] {
    try running { () throws(RuntimeError) in
      var least = [[String: Double]](repeating: [:], count: sessions.count)
      let start = sp_clock_ns()
      var round = 0
      repeat {
        for (i, session) in sessions.enumerated() {
          var times: [String: Double] = [:]
          for step in try session.profile(inputs).steps {
            times[step.node, default: 0] += Double(step.nanoseconds) * 1e-6
          }
          least[i].merge(times) { min($0, $1) }
        }
        round += 1
      } while round < Self.fewestRounds || !isEnough(since: start, sessions)
      return least
    }
  }

  private static var fewestRounds: Int { 7 }

  private func isEnough(since start: UInt64, _ sessions: [Session]) -> Bool {
    Double(sp_clock_ns() - start) >= seconds * 1e9 * Double(sessions.count)
  }

  private func running<T>(
    _ body: () throws(RuntimeError) -> T
  ) throws(CompressError) -> T {
    do throws(RuntimeError) {
      return try body()
    } catch {
      throw .measuring(error.message)
    }
  }
}
