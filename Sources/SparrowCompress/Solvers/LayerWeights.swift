import SparrowCore

/// A layer's weights as matrices, one a group, `[outputs, positions * inputs]` in the column order of
/// ``GroupMoments``, and its bias.
public struct LayerWeights: Sendable, Equatable {
  public var groups: [Matrix]
  /// One an output, all groups together.
  public var bias: [Double]

  public init(groups: [Matrix], bias: [Double]) { (self.groups, self.bias) = (groups, bias) }
}

/// Which weights stay, in the same form: rows of flags.
public struct LayerMask: Sendable, Equatable {
  public var groups: [[[Bool]]]

  public init(groups: [[[Bool]]]) { self.groups = groups }

  public var keptCount: Int {
    groups.reduce(0) { $0 + $1.reduce(0) { $0 + $1.reduce(0) { $0 + ($1 ? 1 : 0) } } }
  }
}

/// How a weight tensor's elements lie in a layer's matrices.
struct WeightLayout: Sendable {
  let view: WeightView
  let groups: Int

  var outputs: Int { view.outputs / groups }
  var columns: Int { view.inputs * view.positions }

  /// The element of the tensor for group, row and column.
  func element(_ group: Int, _ row: Int, _ column: Int) -> Int {
    view.element(
      output: group * outputs + row, input: column % view.inputs, position: column / view.inputs)
  }

  func matrices(_ tensor: Tensor) -> [Matrix] {
    let values = tensor.floats ?? []
    return (0..<groups).map { g in
      var matrix = Matrix(rows: outputs, columns: columns)
      for row in 0..<outputs {
        for column in 0..<columns {
          matrix[row, column] = Double(values[element(g, row, column)])
        }
      }
      return matrix
    }
  }

  func mask(_ mask: WeightMask) -> LayerMask {
    LayerMask(
      groups: (0..<groups).map { g in
        (0..<outputs).map { row in (0..<columns).map { mask[element(g, row, $0)] } }
      })
  }

  func mask(_ mask: LayerMask) -> WeightMask {
    var keeps = [Bool](repeating: true, count: view.count)
    for (g, rows) in mask.groups.enumerated() {
      for (row, flags) in rows.enumerated() {
        for (column, flag) in flags.enumerated() { keeps[element(g, row, column)] = flag }
      }
    }
    return WeightMask(count: keeps.count) { keeps[$0] }
  }

  /// The tensor of `matrices`, of the type and shape of `tensor`.
  func tensor(_ matrices: [Matrix], like tensor: Tensor) -> Tensor {
    var values = [Double](repeating: 0, count: tensor.count)
    for (g, matrix) in matrices.enumerated() {
      for row in 0..<outputs {
        for column in 0..<columns {
          values[element(g, row, column)] = matrix[row, column]
        }
      }
    }
    return Tensor(tensor.dtype, tensor.shape, doubles: values)
  }

  /// Scores of a tensor's elements from those of the matrices.
  func scores(_ matrices: [Matrix]) -> Scores {
    var values = [Float](repeating: 0, count: view.count)
    for (g, matrix) in matrices.enumerated() {
      for row in 0..<outputs {
        for column in 0..<columns {
          values[element(g, row, column)] = Float(matrix[row, column])
        }
      }
    }
    return Scores(values)
  }
}

extension LayerWeights {
  /// The same with zeros where `mask` drops.
  func masked(by mask: LayerMask) -> LayerWeights {
    var result = self
    for (g, rows) in mask.groups.enumerated() {
      for (row, flags) in rows.enumerated() {
        for (column, flag) in flags.enumerated() where !flag { result.groups[g][row, column] = 0 }
      }
    }
    return result
  }
}
