import SparrowCore

extension Op {
  /// Whether output 0 is always input 0's bytes, perhaps under another shape.
  var isView: Bool {
    switch self {
    case .flatten, .identity, .reshape, .squeeze, .unsqueeze: true
    default: false
    }
  }

  /// Whether output 0 is input 0's bytes for these types: ``isView``, and casts, expansions and
  /// transpositions that change nothing.
  func isView(
    input: (dtype: DType, shape: [Int]), output: (dtype: DType, shape: [Int])
  ) -> Bool {
    if isView { return true }
    switch self {
    case .cast: return input.dtype == output.dtype
    case .expand: return input.shape.elementCount == output.shape.elementCount
    case .transpose(let op):
      // Moving axes of length 1 moves no element.
      guard let permutation = try? op.resolved(rank: input.shape.count) else { return false }
      let moved = permutation.filter { input.shape[$0] != 1 }
      return zip(moved, moved.dropFirst()).allSatisfy { $0 < $1 }
    default: return false
    }
  }
}
