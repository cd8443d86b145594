/// What a scatter operator does where an update meets an element.
public enum ScatterReduction: AttributeChoice {
  case none, add, mul, max, min

  public var name: String {
    switch self {
    case .none: "none"
    case .add: "add"
    case .mul: "mul"
    case .max: "max"
    case .min: "min"
    }
  }

  /// `data` with update i combined into element `positions[i]`, in order. Integers wrap around; for
  /// bool a sum is "or", a product "and".
  func scatter(_ data: Tensor, _ positions: [Int], _ updates: Tensor) throws(ComputeError) -> Tensor
  {
    guard updates.dtype == data.dtype else {
      throw ComputeError("updates are \(updates.dtype.name), data is \(data.dtype.name)")
    }
    guard self != .none, data.dtype.isFloatingPoint else {
      return scatterWords(data, positions, updates)
    }
    var values = data.doubles
    for (position, update) in zip(positions, updates.doubles) {
      values[position] = combined(values[position], update)
    }
    return Tensor(data.dtype, data.shape, doubles: values)
  }

  private func combined(_ a: Double, _ b: Double) -> Double {
    switch self {
    case .none: b
    case .add: a + b
    case .mul: a * b
    case .max: a.isNaN || b.isNaN ? .nan : Swift.max(a, b)
    case .min: a.isNaN || b.isNaN ? .nan : Swift.min(a, b)
    }
  }

  private func scatterWords(_ data: Tensor, _ positions: [Int], _ updates: Tensor) -> Tensor {
    var values = data.words
    let isBool = data.dtype == .bool
    var keys = self == .max || self == .min ? data.orderKeys : []
    let newKeys = keys.isEmpty ? [] : updates.orderKeys
    for (i, (position, update)) in zip(positions, updates.words).enumerated() {
      switch self {
      case .none: values[position] = update
      case .add:
        values[position] = isBool ? values[position] | update : values[position] &+ update
      case .mul:
        values[position] = isBool ? values[position] & update : values[position] &* update
      case .max, .min:
        let (old, new) = (keys[position], newKeys[i])
        guard self == .max ? new > old : new < old else { continue }
        (keys[position], values[position]) = (new, update)
      }
    }
    return Tensor(data.dtype, data.shape, words: values)
  }
}
