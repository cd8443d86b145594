import SparrowCore

/// How the channels of a step are scored, by the name of its criterion.
enum ChannelCriterion {
  case norm(ChannelScores.Norm)
  /// What the layers that read a channel lose by it after their best repair: ``ChannelElimination``.
  case elimination

  init(_ criterion: any Criterion) throws(CompressError) {
    switch criterion {
    case is MagnitudeCriterion: self = .norm(.l2)
    case is ExactOBSCriterion: self = .elimination
    default:
      throw .conflict(
        "pattern \(ChannelPattern().name) takes the criteria \(MagnitudeCriterion().name) and "
          + "\(ExactOBSCriterion().name), found \(criterion.name)")
    }
  }
}

/// Gathers what calibration tells of the layers that read each group, and scores a group as soon as
/// its last reader is known, so that only few matrices are kept at a time.
final class ReaderMoments {
  private let groups: ChannelGroups
  private let graph: Graph
  /// How many channels of each group may go.
  private let most: [Int]
  private var known: [ValueID: [(weights: Matrix, hessian: Matrix)]] = [:]
  /// The readers of each group that are not known yet.
  private var missing: [Set<ValueID>]
  private(set) var scores: [[Double]?]

  init(_ groups: ChannelGroups, in graph: Graph, most: [Int]) {
    (self.groups, self.graph, self.most) = (groups, graph, most)
    missing = groups.groups.map { Set($0.readers.map { $0.place.value }) }
    scores = groups.groups.map { _ in nil }
  }

  /// The weights to calibrate.
  var readers: Set<ValueID> { missing.reduce(into: []) { $0.formUnion($1) } }

  func add(_ problem: LayerProblem) {
    let id = problem.layer.use.value
    known[id] = zip(problem.weights.groups, problem.groups).map { ($0, $1.hessian) }
    finish(id)
  }

  /// Takes a reader that calibration says nothing about for one of uncorrelated inputs.
  func addUncalibrated(_ layer: Layer) {
    let layout = WeightLayout(view: layer.use.view, groups: 1)
    known[layer.use.value] = layout.matrices(layer.weight).map { weights in
      var hessian = Matrix(rows: weights.columns, columns: weights.columns)
      for i in 0..<weights.columns { hessian[i, i] = 1 }
      return (weights, hessian)
    }
    finish(layer.use.value)
  }

  private func finish(_ id: ValueID) {
    for i in groups.groups.indices where missing[i].remove(id) != nil && missing[i].isEmpty {
      scores[i] = score(i)
    }
    let needed = missing.indices.filter { !missing[$0].isEmpty }
      .reduce(into: Set<ValueID>()) { set, i in
        set.formUnion(groups.groups[i].readers.map { $0.place.value })
      }
    known = known.filter { needed.contains($0.key) }
  }

  private func score(_ i: Int) -> [Double] {
    let group = groups.groups[i]
    var readers: [[ChannelElimination.Reader]] = []
    var seen = Set<ValueID>()
    for axis in group.readers where seen.insert(axis.place.value).inserted {
      guard let parts = known[axis.place.value],
        let shape = graph[axis.place.value].constant?.shape
      else { continue }
      let inputs = max(1, shape[axis.place.axis])
      let columns = axis.indices.map { indices in
        stride(from: 0, to: parts.first?.weights.columns ?? 0, by: inputs).flatMap { position in
          indices.map { position + $0 }
        }
      }
      let energy = parts.reduce(0.0) { $0 + Self.energy($1.weights, $1.hessian) }
      guard energy > 0 else { continue }
      readers.append(
        parts.compactMap {
          ChannelElimination.Reader(
            weights: $0.weights, hessian: $0.hessian, columns: columns, scale: 1 / energy)
        })
    }
    Self.balance(&readers, channels: group.count)
    var elimination = ChannelElimination(readers.flatMap { $0 }, channels: group.count)
    return elimination.scores(removing: most[i])
  }

  /// Gives every layer that reads the group the same say: a classifier's few outputs matter no less
  /// than a convolution's many. The sum of all losses stays, so that groups still compare.
  private static func balance(_ readers: inout [[ChannelElimination.Reader]], channels: Int) {
    let losses = readers.map { parts in
      parts.reduce(0.0) { sum, part in
        sum + part.scale * (0..<channels).reduce(0.0) { $0 + part.loss(of: $1) }
      }
    }
    let mean = losses.reduce(0, +) / Double(max(1, losses.count))
    for i in readers.indices where losses[i] > 0 {
      for j in readers[i].indices { readers[i][j].scale *= mean / losses[i] }
    }
  }

  /// The sum of squares of the outputs: tr(W H W^T).
  private static func energy(_ weights: Matrix, _ hessian: Matrix) -> Double {
    let products = weights.multiplied(by: hessian)
    return zip(products.elements, weights.elements).reduce(0) { $0 + $1.0 * $1.1 }
  }
}
