/// Each layer's survivors by Adam on the squared error of its outputs, the mask fixed: 1000 steps of
/// rate 0.001 on all calibration samples at once. (Hubara et al., "Accelerated Sparse Neural
/// Training", arXiv 2102.08124, section 4.)
///
/// It ends near what ``LeastSquaresRepair`` finds exactly, without its factorisations.
public struct AdaPruneRepair: LayerwiseRepair {
  public var steps = 1000
  public var rate = 1e-3

  public init() {}
  public var name: String { "adaprune" }

  public func repaired(
    _ problem: LayerProblem, mask: LayerMask, current: LayerWeights
  ) throws(CompressError) -> LayerWeights {
    var groups: [Matrix] = []
    for (g, group) in problem.groups.enumerated() {
      let count = max(1, problem.moments.groups[g].sampleCount)
      groups.append(descend(group, current.groups[g], mask.groups[g], count))
    }
    return LayerWeights(groups: groups, bias: problem.bias(for: groups))
  }

  /// Adam as Kingma and Ba (arXiv 1412.6980) give it; the gradient is 2 (W H - R) / samples.
  private func descend(
    _ problem: GroupProblem, _ start: Matrix, _ mask: [[Bool]], _ count: Double
  ) -> Matrix {
    let (first, second) = (0.9, 0.999)
    let keeps = mask.flatMap { $0 }
    var weights = start
    var mean = [Double](repeating: 0, count: keeps.count)
    var square = mean
    for step in 1...max(1, steps) {
      let products = weights.multiplied(by: problem.hessian)
      let correction = (1 - pow(first, step), 1 - pow(second, step))
      for i in keeps.indices where keeps[i] {
        let gradient = 2 * (products.elements[i] - problem.right.elements[i]) / count
        mean[i] += (1 - first) * (gradient - mean[i])
        square[i] += (1 - second) * (gradient * gradient - square[i])
        let scale = (square[i] / correction.1).squareRoot() + 1e-8
        weights.elements[i] -= rate * mean[i] / correction.0 / scale
      }
    }
    return weights
  }

  private func pow(_ base: Double, _ exponent: Int) -> Double {
    (0..<exponent).reduce(1) { product, _ in product * base }
  }
}
