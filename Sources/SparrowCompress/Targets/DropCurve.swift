/// A quantity as it follows from the number of weights that a layer loses: linear between points, and
/// constant beyond the first and the last.
public struct DropCurve: Hashable, Sendable {
  public struct Point: Hashable, Sendable {
    /// The number of weights the layer has lost.
    public var dropped: Int
    public var value: Double

    public init(dropped: Int, value: Double) { (self.dropped, self.value) = (dropped, value) }
  }

  /// In ascending order of `dropped`, none twice; never empty.
  public let points: [Point]

  /// Costs: a value above one of fewer dropped weights is taken down to it.
  public init(falling points: [Point]) { self.init(points) { min($0, $1) } }

  /// Errors: a value below one of fewer dropped weights is taken up to it.
  public init(rising points: [Point]) { self.init(points) { max($0, $1) } }

  private init(_ given: [Point], _ combine: (Double, Double) -> Double) {
    var points: [Point] = []
    for point in given.sorted(by: { $0.dropped < $1.dropped }) {
      guard let last = points.last else {
        points.append(point)
        continue
      }
      let value = combine(last.value, point.value)
      if last.dropped == point.dropped { points.removeLast() }
      points.append(Point(dropped: point.dropped, value: value))
    }
    self.points = points.isEmpty ? [Point(dropped: 0, value: 0)] : points
  }

  /// The value where `dropped` weights are gone.
  public func value(at dropped: Int) -> Double {
    var (low, high) = (0, points.count - 1)
    guard dropped > points[low].dropped else { return points[low].value }
    guard dropped < points[high].dropped else { return points[high].value }
    while high - low > 1 {
      let middle = (low + high) / 2
      if points[middle].dropped <= dropped { low = middle } else { high = middle }
    }
    let (a, b) = (points[low], points[high])
    let part = Double(dropped - a.dropped) / Double(b.dropped - a.dropped)
    return a.value + (b.value - a.value) * part
  }

  /// The value with every point's weights gone.
  public var last: Double { points.last?.value ?? 0 }
}

/// The numbers of weights a layer may lose, as choices of equal steps: each keeps nine tenths of what
/// the one before keeps. (OBC, arXiv 2208.11580, section 6.)
enum DropGrid {
  private static var keptPart: Double { 0.9 }

  /// From 0 to all but `least` of `count` weights, ascending.
  static func drops(of count: Int, keepingAtLeast least: Int = 1) -> [Int] {
    var result: [Int] = []
    var density = 1.0
    while true {
      let kept = Int((density * Double(count)).rounded())
      guard kept >= max(1, least), density > 1e-4 else { break }
      if result.last != count - kept { result.append(count - kept) }
      density *= keptPart
    }
    return result.isEmpty ? [0] : result
  }
}
