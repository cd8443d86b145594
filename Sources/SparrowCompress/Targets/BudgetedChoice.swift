/// One way to treat a layer.
struct LayerOption: Hashable, Sendable {
  var dropped: Int
  var cost: Double
  var error: Double
}

/// Picks one option for each layer, so that the costs stay within a limit and the errors add up to as
/// little as possible: dynamic programming over the layers.
///
/// What is kept after each layer are the choices so far of which none is both cheaper and better than
/// another. While they are few, that is exact. Where they become more than `bins`, the room is cut into
/// so many bins and each keeps its best choice, with the choice's true cost.
/// (SPDY, arXiv 2201.13096, section 3.1, rounds the costs instead.)
enum BudgetedChoice {
  static var usualBins: Int { 4096 }

  /// The index of each layer's option; nil where even the cheapest ones are above the limit.
  static func choose(
    _ layers: [[LayerOption]], limit: Double, bins: Int = usualBins
  ) -> [Int]? {
    let least = layers.map { $0.map { $0.cost }.min() ?? 0 }
    let room = limit - least.reduce(0, +)
    guard room >= -1e-9 * max(1, abs(limit)), layers.allSatisfy({ !$0.isEmpty }) else { return nil }
    // Each state's parent and option, layer by layer.
    var history: [[Step]] = []
    var front = [State(cost: 0, error: 0)]
    for (options, least) in zip(layers, least) {
      let useful = efficient(options)
      var candidates: [Candidate] = []
      candidates.reserveCapacity(front.count * useful.count)
      for (parent, state) in front.enumerated() {
        for option in useful {
          let cost = state.cost + (options[option].cost - least)
          guard cost <= max(0, room) * (1 + 1e-12) else { continue }
          candidates.append(
            Candidate(
              state: State(cost: cost, error: state.error + finite(options[option].error)),
              step: Step(parent: Int32(parent), option: Int32(option))))
        }
      }
      let kept = efficient(candidates, room: max(0, room), bins: bins)
      front = kept.map { $0.state }
      history.append(kept.map { $0.step })
    }
    // Costs rise and errors fall along the front.
    return path(history, from: front.count - 1)
  }

  /// So that sums of errors can always be compared.
  private static func finite(_ error: Double) -> Double { error < 1e100 ? error : 1e100 }

  private struct State {
    var cost: Double
    var error: Double
  }

  private struct Step {
    var parent: Int32
    var option: Int32
  }

  private struct Candidate {
    var state: State
    var step: Step
  }

  private static func path(_ history: [[Step]], from last: Int) -> [Int] {
    var result = [Int](repeating: 0, count: history.count)
    var state = last
    for layer in history.indices.reversed() {
      let step = history[layer][state]
      result[layer] = Int(step.option)
      state = Int(step.parent)
    }
    return result
  }

  /// The options that no other is at least as cheap and as good as; of equal ones the first.
  private static func efficient(_ options: [LayerOption]) -> [Int] {
    let order = options.indices.sorted { a, b in
      let (x, y) = (options[a], options[b])
      return (x.cost, x.error, a) < (y.cost, y.error, b)
    }
    var result: [Int] = []
    var best = Double.infinity
    for i in order where finite(options[i].error) < best {
      best = finite(options[i].error)
      result.append(i)
    }
    return result
  }

  private static func efficient(
    _ candidates: [Candidate], room: Double, bins: Int
  ) -> [Candidate] {
    let thinned = candidates.count > bins ? bestOfBins(candidates, room, bins) : candidates
    let order = thinned.indices.sorted { a, b in
      let (x, y) = (thinned[a].state, thinned[b].state)
      return (x.cost, x.error, a) < (y.cost, y.error, b)
    }
    var result: [Candidate] = []
    var best = Double.infinity
    for i in order where thinned[i].state.error < best {
      best = thinned[i].state.error
      result.append(thinned[i])
    }
    return result
  }

  /// In each of `bins` equal parts of the room the candidate of least error, of equal ones the
  /// cheapest; the cheapest of all stays as well.
  private static func bestOfBins(
    _ candidates: [Candidate], _ room: Double, _ bins: Int
  ) -> [Candidate] {
    var best = [Int](repeating: -1, count: bins + 1)
    let scale = room > 0 ? Double(bins) / room : 0
    for (i, candidate) in candidates.enumerated() {
      let (cost, error) = (candidate.state.cost, candidate.state.error)
      // The cheapest has a bin of its own, so that there is always a way on.
      let bin = cost <= 0 ? 0 : min(bins, 1 + Int(cost * scale))
      guard best[bin] >= 0 else {
        best[bin] = i
        continue
      }
      let known = candidates[best[bin]].state
      if (error, cost) < (known.error, known.cost) { best[bin] = i }
    }
    return best.filter { $0 >= 0 }.map { candidates[$0] }
  }
}
