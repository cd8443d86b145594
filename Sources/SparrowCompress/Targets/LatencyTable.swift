import SparrowRuntime

/// What each prunable layer takes on this machine at several sparsities, and what everything else
/// takes: measured in the whole network, as it runs after deployment.
public struct LatencyTable: Codable, Hashable, Sendable {
  public static var currentVersion: Int { 1 }

  public var version = LatencyTable.currentVersion
  /// The instruction set of the kernels.
  public var isa: String
  public var threads: Int
  /// The pattern of the zeros.
  public var pattern: String
  /// Milliseconds of one inference before pruning: the median.
  public var whole: Double
  /// Milliseconds of what the layers below have no part in.
  public var rest: Double
  public var layers: [Row]

  /// One layer's times.
  public struct Row: Codable, Hashable, Sendable {
    /// The weight's name.
    public var name: String
    /// The number of weights.
    public var weights: Int
    /// The weights that were zero, ascending from 0.
    public var dropped: [Int]
    /// With so many zeros; never rising.
    public var milliseconds: [Double]

    public init(name: String, weights: Int, times: [(dropped: Int, milliseconds: Double)]) {
      // Where zeros do not pay, the layer runs as it does with fewer of them.
      let curve = DropCurve(
        falling: times.map { DropCurve.Point(dropped: $0.dropped, value: $0.milliseconds) })
      (self.name, self.weights) = (name, weights)
      dropped = curve.points.map { $0.dropped }
      milliseconds = curve.points.map { $0.value }
    }
  }

  public init(
    threads: Int, pattern: String, whole: Double, rest: Double, layers: [Row]
  ) {
    isa = Session.instructionSet
    (self.threads, self.pattern) = (threads, pattern)
    (self.whole, self.rest, self.layers) = (whole, rest, layers)
  }

  /// Whether it was made of these layers, in this way.
  func fits(_ layers: [ScoredLayer], pattern: String, threads: Int) -> Bool {
    version == LatencyTable.currentVersion && isa == Session.instructionSet
      && self.threads == threads && self.pattern == pattern && whole > 0
      && layers.map { $0.layer.name } == self.layers.map { $0.name }
      && layers.map { $0.layer.count } == self.layers.map { $0.weights }
      && self.layers.allSatisfy { $0.dropped.count == $0.milliseconds.count }
  }

  /// The times as costs in milliseconds.
  var costs: LayerCosts {
    LayerCosts(
      kind: .latency, rest: rest,
      layers: layers.map { row in
        DropCurve(
          falling: zip(row.dropped, row.milliseconds).map {
            DropCurve.Point(dropped: $0, value: $1)
          })
      })
  }

  /// Where layers are measured: densely where kernels for sparse weights begin to win.
  static var sparsities: [Double] {
    [0, 0.3, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.925, 0.95, 0.975, 0.99]
  }
}
