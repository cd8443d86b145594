import SparrowCore

/// What the surviving weights do about the lost ones. Repairs are made in a recipe's order.
public protocol Repair: Sendable {
  /// The name on the command line, in recipes and in reports.
  var name: String { get }
}

/// A repair of one layer after the other: each sees its inputs as the layers before it, already
/// compressed and repaired, make them, and the outputs that the whole network had there.
public protocol LayerwiseRepair: Repair {
  /// New weights with zeros where `mask` drops; `current` are those that the criterion and the
  /// repairs before this one left.
  func repaired(
    _ problem: LayerProblem, mask: LayerMask, current: LayerWeights
  ) throws(CompressError) -> LayerWeights
}

/// A repair of the compressed network as a whole, after all repairs layer by layer.
public protocol NetworkRepair: Repair {
  /// The graph repaired; `original` is the network before anything was dropped.
  func repaired(
    _ graph: Graph, _ original: Graph, _ run: CalibrationRun, _ settings: CalibrationSettings
  ) throws(CompressError) -> Graph
}

/// The change of the survivors that belongs to the criterion: those of exact-obs, sparsegpt,
/// block-fisher and m-fac. It must come first.
public struct OBSRepair: Repair {
  public init() {}
  public var name: String { "obs" }
}

/// Each layer's best weights under its mask by least squares; see ``MaskedLeastSquares``.
public struct LeastSquaresRepair: LayerwiseRepair {
  public init() {}
  public var name: String { "least-squares" }
  public func repaired(
    _ problem: LayerProblem, mask: LayerMask, current: LayerWeights
  ) throws(CompressError) -> LayerWeights {
    try MaskedLeastSquares.solve(problem, mask: mask)
  }
}

/// Each output's mean is made what it was, by the bias alone.
public struct BiasRepair: LayerwiseRepair {
  public init() {}
  public var name: String { "bias" }
  public func repaired(
    _ problem: LayerProblem, mask: LayerMask, current: LayerWeights
  ) throws(CompressError) -> LayerWeights {
    LayerWeights(groups: current.groups, bias: problem.bias(for: current.groups))
  }
}

/// Each output's mean and variance are made what they were, by one factor an output and the bias.
/// (Frantar and Alistarh, arXiv 2208.11580, section 6, for batch normalisation's place.)
public struct MeanVarianceRepair: LayerwiseRepair {
  public init() {}
  public var name: String { "mean-variance" }

  public func repaired(
    _ problem: LayerProblem, mask: LayerMask, current: LayerWeights
  ) throws(CompressError) -> LayerWeights {
    var groups: [Matrix] = []
    for (sums, weights) in zip(problem.moments.groups, current.groups) {
      var scaled = weights
      let (d, count) = (sums.columns, max(1, sums.sampleCount))
      for row in 0..<weights.rows {
        var (square, mean) = (0.0, 0.0)
        for i in 0..<d where weights[row, i] != 0 {
          mean += weights[row, i] * sums.inputs[d, i] / count
          for j in 0..<d { square += weights[row, i] * weights[row, j] * sums.inputs[i, j] }
        }
        let wantedMean = sums.targets[row, d] / count
        let wanted = sums.targetSquares[row] / count - wantedMean * wantedMean
        let found = square / count - mean * mean
        guard wanted > 0, found > 1e-12 * wanted else { continue }
        let factor = (wanted / found).squareRoot()
        for i in 0..<d { scaled[row, i] *= factor }
      }
      groups.append(scaled)
    }
    return LayerWeights(groups: groups, bias: problem.bias(for: groups))
  }
}
