/// ONNX Reshape. Inputs: x, shape (int64; 0 copies a dimension, one -1 is inferred).
public struct Reshape: Operator {
  /// Zeros in the shape mean length 0 instead of "copy".
  public var allowsZero = false

  public init() {}

  public var name: String { "Reshape" }
  public static var variants: [Self] { [Self()] }
  public var inputCount: ClosedRange<Int> { 2...2 }
  public var shapeInputs: [Int] { [1] }

  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.visit("allowzero", &allowsZero)
  }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    let x = try context.type(0)
    guard let target = context.integers(1) else {
      let rank = try context.dimensions(1)?.first?.value
      guard let rank, rank >= 0, rank <= 64 else { return [TensorType(x.dtype, nil)] }
      return [TensorType(x.dtype, [Dimension](repeating: .unknown, count: rank))]
    }
    var output: [Dimension] = []
    var open: Int?
    for (i, length) in target.enumerated() {
      if length == -1 {
        guard open == nil else { throw InferenceError("the shape has more than one -1") }
        open = i
        output.append(.unknown)
      } else if length == 0, !allowsZero {
        if let input = x.dimensions, i >= input.count {
          throw InferenceError("entry \(i) of the shape copies a dimension that x does not have")
        }
        output.append(x.dimensions?[i] ?? .unknown)
      } else {
        guard length >= 0 else { throw InferenceError("the shape has the entry \(length)") }
        output.append(.known(length))
      }
    }
    guard let input = x.dimensions else { return [TensorType(x.dtype, output)] }
    let total = ShapeRules.product(input)
    if let open {
      let others = output.enumerated().filter { $0.offset != open }.map { $0.element }
      output[open] = try quotient(input, others, total)
    } else if let count = total.value, let made = ShapeRules.product(output).value, count != made {
      throw InferenceError("cannot make a shape of \(made) elements from x's \(count)")
    }
    return [TensorType(x.dtype, output)]
  }

  private func quotient(
    _ input: [Dimension], _ others: [Dimension], _ total: Dimension
  ) throws(InferenceError) -> Dimension {
    if let count = total.value, let rest = ShapeRules.product(others).value {
      guard rest != 0 else { return count == 0 ? .known(0) : .unknown }
      guard count % rest == 0 else {
        throw InferenceError("x's \(count) elements do not divide by \(rest)")
      }
      return .known(count / rest)
    }
    // Equal symbols cancel: [n, c, 4] -> [n, -1] is [n, 4c].
    var left = input
    for dimension in others where dimension.value == nil {
      guard dimension != .unknown, let i = left.firstIndex(of: dimension) else { return .unknown }
      left.remove(at: i)
    }
    guard let count = ShapeRules.product(left).value,
      let rest = ShapeRules.product(others.filter { $0.value != nil }).value,
      rest != 0, count % rest == 0
    else { return others.isEmpty ? total : .unknown }
    return .known(count / rest)
  }
}

/// ONNX Flatten to a matrix, split before `axis`.
public struct Flatten: Operator {
  public var axis = 1

  public init(axis: Int = 1) { self.axis = axis }

  public var name: String { "Flatten" }
  public static var variants: [Self] { [Self()] }
  public var inputCount: ClosedRange<Int> { 1...1 }

  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.visit("axis", &axis)
  }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    let x = try context.type(0)
    guard let input = x.dimensions else { return [TensorType(x.dtype, [.unknown, .unknown])] }
    let split = axis < 0 ? axis + input.count : axis
    guard split >= 0, split <= input.count else {
      throw InferenceError("axis \(axis) is outside a tensor of rank \(input.count)")
    }
    let output = [ShapeRules.product(input[..<split]), ShapeRules.product(input[split...])]
    return [TensorType(x.dtype, output)]
  }
}

/// ONNX Squeeze. Inputs: x, axes?.
public struct Squeeze: Operator {
  public init() {}
  public var name: String { "Squeeze" }
  public static var variants: [Self] { [Self()] }
  public var inputCount: ClosedRange<Int> { 1...2 }
  public var shapeInputs: [Int] { [1] }
  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    let x = try context.type(0)
    guard let input = x.dimensions else { return [x] }
    if !context.has(1) {
      guard input.allSatisfy({ $0.value != nil }) else { return [TensorType(x.dtype, nil)] }
      return [TensorType(x.dtype, input.filter { $0 != .known(1) })]
    }
    guard let given = context.integers(1) else { return [TensorType(x.dtype, nil)] }
    let axes = try ShapeRules.axes(given, rank: input.count)
    for axis in axes {
      if let length = input[axis].value, length != 1 {
        throw InferenceError("axis \(axis) has length \(length), only 1 can be squeezed")
      }
    }
    let kept = input.indices.filter { !axes.contains($0) }.map { input[$0] }
    return [TensorType(x.dtype, kept)]
  }
}

/// ONNX Unsqueeze. Inputs: x, axes.
public struct Unsqueeze: Operator {
  public init() {}
  public var name: String { "Unsqueeze" }
  public static var variants: [Self] { [Self()] }
  public var inputCount: ClosedRange<Int> { 2...2 }
  public var shapeInputs: [Int] { [1] }
  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    let x = try context.type(0)
    guard let input = x.dimensions, let given = context.integers(1) else {
      return [TensorType(x.dtype, nil)]
    }
    let axes = try ShapeRules.axes(given, rank: input.count + given.count)
    var rest = input[...]
    var output: [Dimension] = []
    for i in 0..<(input.count + axes.count) {
      output.append(axes.contains(i) ? .known(1) : rest.popFirst() ?? .known(1))
    }
    return [TensorType(x.dtype, output)]
  }
}

/// ONNX Transpose; no permutation reverses the axes.
public struct Transpose: Operator {
  public var permutation: [Int]?

  public init(_ permutation: [Int]? = nil) { self.permutation = permutation }

  public var name: String { "Transpose" }
  public static var variants: [Self] { [Self()] }
  public var inputCount: ClosedRange<Int> { 1...1 }

  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.visit("perm", &permutation)
  }

  /// The permutation for a tensor of `rank`: output axis i is input axis result[i].
  public func resolved(rank: Int) throws(InferenceError) -> [Int] {
    let permutation = self.permutation ?? Array((0..<rank).reversed())
    guard permutation.sorted() == Array(0..<rank) else {
      throw InferenceError("perm is not a permutation of the \(rank) axes")
    }
    return permutation
  }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    let x = try context.type(0)
    guard let input = x.dimensions else { return [x] }
    return [TensorType(x.dtype, try resolved(rank: input.count).map { input[$0] })]
  }
}

/// ONNX Expand: broadcasts x to a shape. Inputs: x, shape.
public struct Expand: Operator {
  public init() {}
  public var name: String { "Expand" }
  public static var variants: [Self] { [Self()] }
  public var inputCount: ClosedRange<Int> { 2...2 }
  public var shapeInputs: [Int] { [1] }
  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    let x = try context.type(0)
    guard let shape = context.integers(1) else { return [try openType(x, context)] }
    for length in shape where length < 0 {
      throw InferenceError("the shape has the entry \(length)")
    }
    return [TensorType(x.dtype, try ShapeRules.broadcast(x.dimensions, shape.map { .known($0) }))]
  }

  /// The rank follows from the length of the shape.
  private func openType(
    _ x: TensorType, _ context: InferenceContext
  ) throws(InferenceError) -> TensorType {
    guard let input = x.dimensions, let length = try context.dimensions(1)?.first?.value,
      length >= 0, length <= 64
    else { return TensorType(x.dtype, nil) }
    let rank = max(length, input.count)
    return TensorType(x.dtype, [Dimension](repeating: .unknown, count: rank))
  }
}

/// ONNX Shape: the dimensions of x from `start` to `end` as int64.
public struct ShapeOf: Operator {
  public var start = 0
  public var end: Int?

  public init() {}

  public var name: String { "Shape" }
  public static var variants: [Self] { [Self()] }
  public var inputCount: ClosedRange<Int> { 1...1 }

  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.visit("start", &start)
    try visitor.visit("end", &end)
  }

  private func range(_ rank: Int) -> Range<Int> {
    let first = min(max(start < 0 ? start + rank : start, 0), rank)
    let last = min(max(end.map { $0 < 0 ? $0 + rank : $0 } ?? rank, first), rank)
    return first..<last
  }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    guard let input = try context.dimensions(0) else { return [TensorType(.int64, [.unknown])] }
    return [TensorType(.int64, shape: [range(input.count).count])]
  }

  public func valueFromTypes(_ context: InferenceContext) -> Tensor? {
    guard let input = context.inputs.first??.type.dimensions else { return nil }
    guard let lengths = TensorType(.int64, Array(input[range(input.count)])).shape else {
      return nil
    }
    return Tensor(lengths.map { Int64($0) })
  }
}
