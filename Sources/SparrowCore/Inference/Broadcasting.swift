/// Shape rules shared by several operators.
public enum ShapeRules {
  /// NumPy broadcasting of two shapes; nil when either rank is unknown.
  public static func broadcast(
    _ a: [Dimension]?, _ b: [Dimension]?
  ) throws(InferenceError) -> [Dimension]? {
    guard let a, let b else { return nil }
    let rank = max(a.count, b.count)
    var result: [Dimension] = []
    for i in 0..<rank {
      let x = i < rank - a.count ? .known(1) : a[i - (rank - a.count)]
      let y = i < rank - b.count ? .known(1) : b[i - (rank - b.count)]
      result.append(try broadcast(x, y, axis: i))
    }
    return result
  }

  private static func broadcast(
    _ x: Dimension, _ y: Dimension, axis: Int
  ) throws(InferenceError) -> Dimension {
    if x == y { return x }
    if x == .known(1) { return y }
    if y == .known(1) { return x }
    switch (x, y) {
    case (.known(let m), .known(let n)):
      throw InferenceError("dimensions \(m) and \(n) at axis \(axis) cannot be broadcast together")
    case (.known, _): return x
    case (_, .known): return y
    default: return .unknown
    }
  }

  /// An axis counted from the front; `axis` may be negative.
  public static func axis(_ axis: Int, rank: Int) throws(InferenceError) -> Int {
    let resolved = axis < 0 ? axis + rank : axis
    guard resolved >= 0, resolved < rank else {
      throw InferenceError("axis \(axis) is outside a tensor of rank \(rank)")
    }
    return resolved
  }

  /// Axes counted from the front; each may be given once.
  public static func axes(_ axes: [Int], rank: Int) throws(InferenceError) -> [Int] {
    var result: [Int] = []
    for given in axes {
      let resolved = try axis(given, rank: rank)
      guard !result.contains(resolved) else {
        throw InferenceError("axis \(given) is given twice")
      }
      result.append(resolved)
    }
    return result
  }

  /// The dimension two operands must share.
  public static func unify(
    _ x: Dimension, _ y: Dimension, what: String
  ) throws(InferenceError) -> Dimension {
    switch (x, y) {
    case (.known(let m), .known(let n)):
      guard m == n else { throw InferenceError("\(what): \(m) and \(n) must be equal") }
      return x
    case (.known, _): return x
    case (_, .known): return y
    default: return x == y ? x : .unknown
    }
  }

  /// A product of dimensions: known when all are; itself when the others are 1.
  public static func product(_ dimensions: some Sequence<Dimension>) -> Dimension {
    var known = 1
    var open: Dimension?
    for dimension in dimensions {
      if let value = dimension.value {
        let (next, overflow) = known.multipliedReportingOverflow(by: value)
        if overflow { return .unknown }
        known = next
      } else if open == nil {
        open = dimension
      } else {
        return .unknown
      }
    }
    guard let open else { return .known(known) }
    return known == 1 ? open : .unknown
  }

  /// Throws unless the rank is one of `allowed`; unknown ranks pass.
  public static func require(
    rank dimensions: [Dimension]?, _ allowed: ClosedRange<Int>, _ what: String
  ) throws(InferenceError) {
    guard let dimensions, !allowed.contains(dimensions.count) else { return }
    let expected =
      allowed.lowerBound == allowed.upperBound
      ? "\(allowed.lowerBound)" : "\(allowed.lowerBound) or more"
    throw InferenceError("\(what) has rank \(dimensions.count), expected \(expected)")
  }
}

extension ShapeRules {
  /// The type of an elementwise function of inputs 0 and 1, which must have one element type.
  static func elementwise(_ context: InferenceContext) throws(InferenceError) -> TensorType {
    let (a, b) = (try context.type(0), try context.type(1))
    guard a.dtype == b.dtype else {
      throw InferenceError("operands are \(a.dtype.name) and \(b.dtype.name), expected equal types")
    }
    return TensorType(a.dtype, try broadcast(a.dimensions, b.dimensions))
  }
}

extension ShapeRules {
  /// Throws unless a shape can be broadcast to `target` as it is; unknown ranks pass.
  static func require(
    _ shape: [Dimension]?, broadcastsTo target: [Dimension], _ what: String
  ) throws(InferenceError) {
    guard let shape else { return }
    let result = try broadcast(target, shape) ?? []
    let fits =
      result.count == target.count
      && zip(result, target).allSatisfy { made, wanted in
        wanted.value == nil || made.value == nil || made == wanted
      }
    guard fits else {
      let wanted = target.map { $0.text }.joined(separator: ",")
      throw InferenceError("\(what) cannot be broadcast to [\(wanted)]")
    }
  }
}
