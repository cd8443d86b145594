import SparrowCore

extension Graph {
  /// The shapes of all inputs, in order, with an open first dimension taken as a batch of 1; `given`
  /// names the shapes of some inputs. nil when a dimension stays open.
  public func assumedInputShapes(_ given: [String: [Int]] = [:]) -> [[Int]]? {
    var result: [[Int]] = []
    for id in inputs {
      if let shape = given[self[id].name] {
        result.append(shape)
        continue
      }
      guard var dimensions = self[id].type?.dimensions else { return nil }
      if let first = dimensions.first, first.value == nil { dimensions[0] = .known(1) }
      guard let shape = TensorType(.float32, dimensions).shape else { return nil }
      result.append(shape)
    }
    return result
  }

  /// Multiply-adds by weight name, every weight counted as dense, for concrete input shapes; nil for
  /// shapes, and no entry for a weight, where they cannot be known.
  public func multiplyAddsByWeight(inputShapes: [[Int]]?) -> [String: Int] {
    guard let sized = sized(inputShapes) else { return [:] }
    var result: [String: Int] = [:]
    for use in sized.weights() { result[sized[use.value].name] = sized.multiplyAdds(of: use) }
    return result
  }

  /// The graph with as many shapes as can be known.
  private func sized(_ inputShapes: [[Int]]?) -> Graph? {
    if let inputShapes, let special = try? specialized(inputShapes: inputShapes) { return special }
    var copy = self
    if let inputShapes, inputShapes.count == inputs.count {
      for (id, shape) in zip(inputs, inputShapes) {
        guard let dtype = self[id].type?.dtype else { continue }
        copy[id].type = TensorType(dtype, shape: shape)
      }
    }
    return (try? copy.inferTypes()) == nil ? nil : copy
  }
}
