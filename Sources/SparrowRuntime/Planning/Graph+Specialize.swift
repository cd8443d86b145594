import SparrowCore

extension Graph {
  /// This graph for concrete input shapes (one an input, in order): every type is known, and every
  /// value that follows from shapes and constants alone is a constant.
  public func specialized(inputShapes: [[Int]]) throws(RuntimeError) -> Graph {
    throw .badInput("specialisation is not built yet")
  }
}
