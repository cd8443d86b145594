import SparrowCore

/// A tensor in a few lines: its type, and its largest scores or first values.
package enum TensorSummary {
  package static func text(_ name: String, _ tensor: Tensor) -> String {
    let head = "\(name): \(TensorType(tensor.dtype, shape: tensor.shape).text)"
    guard tensor.count > 0 else { return head }
    if let classes = tensor.shape.last, tensor.rank == 2, classes >= 5, let scores = tensor.floats {
      let best = top(5, of: scores.prefix(classes))
      return head + "\n  top 5: "
        + best.map { "\($0) (\(number(scores[$0])))" }.joined(separator: ", ")
        + (tensor.shape[0] > 1 ? " in the first of \(tensor.shape[0]) rows" : "")
    }
    let values = tensor.floats.map { $0.prefix(8).map(number) }
    let integers = tensor.integers.map { $0.prefix(8).map { "\($0)" } }
    let shown = (values ?? integers ?? []).joined(separator: ", ")
    return head + "\n  " + shown + (tensor.count > 8 ? ", ..." : "")
  }

  /// The indices of the `count` largest, largest first, equals in order.
  private static func top(_ count: Int, of scores: ArraySlice<Float>) -> [Int] {
    let order = scores.indices.sorted { a, b in
      scores[a] != scores[b] ? scores[a] > scores[b] : a < b
    }
    return Array(order.prefix(count))
  }

  private static func number(_ value: Float) -> String { Text.compact(Double(value)) }
}
