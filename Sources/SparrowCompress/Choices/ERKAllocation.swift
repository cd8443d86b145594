/// Erdős–Rényi-Kernel: a layer's density is proportional to the sum of its weight's dimensions over
/// their product, `eps * (n_in + n_out + kh + kw) / (n_in * n_out * kh * kw)`; layers that would be
/// denser than dense are, and eps is solved again for the others. The total is met exactly.
/// (RigL, arXiv 1911.11134, section 3.)
public struct ERKAllocation: Allocation {
  public init() {}
  public var name: String { "erk" }

  public func dropCounts(
    _ layers: [ScoredLayer], sparsity: Double
  ) throws(CompressError) -> [Int] {
    let counts = layers.map { $0.layer.count }
    let total = Rounding.dropCount(sparsity, of: counts.reduce(0, +))
    let kept = counts.reduce(0, +) - total
    let densities = Self.densities(shapes: layers.map { $0.layer.weight.shape }, keeping: kept)
    let ideal = zip(densities, counts).map { (1 - $0) * Double($1) }
    return Rounding.apportion(ideal, total: total, limits: counts)
  }

  /// The density of each weight so that `kept` elements stay in all.
  static func densities(shapes: [[Int]], keeping kept: Int) -> [Double] {
    let sums = shapes.map { Double($0.reduce(0, +)) }
    let counts = shapes.map { Double($0.reduce(1, *)) }
    var isDense = [Bool](repeating: false, count: shapes.count)
    while true {
      let sparse = shapes.indices.filter { !isDense[$0] }
      let dense = shapes.indices.reduce(0) { $0 + (isDense[$1] ? counts[$1] : 0) }
      // density * count is eps * sum, so the sums share out what the dense layers leave.
      let eps = (Double(kept) - dense) / sparse.reduce(0) { $0 + sums[$1] }
      let over = sparse.filter { eps * sums[$0] > counts[$0] }
      for i in over { isDense[i] = true }
      if over.isEmpty {
        return shapes.indices.map { isDense[$0] ? 1 : eps * sums[$0] / counts[$0] }
      }
    }
  }
}
