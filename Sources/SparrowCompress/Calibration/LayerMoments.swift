/// What a layer is given and what it ought to give, over all calibration samples and positions, as
/// sums in float64: enough to solve for its best weights by least squares.
public struct LayerMoments: Sendable {
  /// One for each group of a convolution; one for any other layer.
  public var groups: [GroupMoments]

  public init(groups: [GroupMoments]) { self.groups = groups }

  public var isFinite: Bool { groups.allSatisfy { $0.isFinite } }
}

/// The sums of one group with d inputs x positions and o outputs. x is a column of inputs, ordered
/// position by position and inputs within, so that N:M groups and blocks of inputs are neighbours;
/// after them comes the constant 1.
public struct GroupMoments: Sendable {
  /// The sum of [x; 1] [x; 1]^T: `[d + 1, d + 1]`.
  public var inputs: Matrix
  /// The sum of y [x; 1]^T with the wanted outputs y, without the layer's bias: `[o, d + 1]`.
  public var targets: Matrix
  /// The sum of y^2 of each output: `[o]`.
  public var targetSquares: [Double]

  public init(columns: Int, outputs: Int) {
    inputs = Matrix(rows: columns + 1, columns: columns + 1)
    targets = Matrix(rows: outputs, columns: columns + 1)
    targetSquares = [Double](repeating: 0, count: outputs)
  }

  /// d, the inputs x positions.
  public var columns: Int { inputs.rows - 1 }
  public var outputs: Int { targets.rows }
  /// How many columns x were added up.
  public var sampleCount: Double { inputs[columns, columns] }

  public var isFinite: Bool { inputs.isFinite && targets.isFinite }

  /// Adds the sums of other samples.
  mutating func add(_ other: GroupMoments) {
    inputs.add(other.inputs)
    targets.add(other.targets)
    for i in targetSquares.indices { targetSquares[i] += other.targetSquares[i] }
  }
}
