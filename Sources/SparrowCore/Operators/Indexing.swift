/// ONNX Concat along an axis.
public struct Concat: Operator {
  public var axis = 0

  public init(axis: Int = 0) { self.axis = axis }

  public var name: String { "Concat" }
  public static var variants: [Self] { [Self()] }
  public var inputCount: ClosedRange<Int> { 1...Int.max }

  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.visit("axis", &axis)
  }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    let first = try context.type(0)
    guard var output = first.dimensions else { return [first] }
    let axis = try ShapeRules.axis(axis, rank: output.count)
    for i in context.inputs.indices.dropFirst() {
      let next = try context.type(i)
      guard next.dtype == first.dtype else {
        throw InferenceError("input \(i) is \(next.dtype.name), input 0 is \(first.dtype.name)")
      }
      guard let dimensions = next.dimensions else {
        output[axis] = .unknown
        continue
      }
      guard dimensions.count == output.count else {
        throw InferenceError(
          "input \(i) has rank \(dimensions.count), input 0 has rank \(output.count)")
      }
      for j in output.indices where j != axis {
        output[j] = try ShapeRules.unify(output[j], dimensions[j], what: "axis \(j)")
      }
      if let a = output[axis].value, let b = dimensions[axis].value {
        output[axis] = .known(a + b)
      } else {
        output[axis] = .unknown
      }
    }
    return [TensorType(first.dtype, output)]
  }
}

/// ONNX Split along an axis. Inputs: x, lengths?.
public struct Split: Operator {
  public var axis = 0
  public var outputs: Int?

  public init(axis: Int = 0) { self.axis = axis }

  public var name: String { "Split" }
  public static var variants: [Self] { [Self()] }
  public var inputCount: ClosedRange<Int> { 1...2 }
  public var shapeInputs: [Int] { [1] }

  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.visit("axis", &axis)
    try visitor.visit("num_outputs", &outputs)
  }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    let x = try context.type(0)
    let count = context.outputCount
    guard let input = x.dimensions else { return [TensorType](repeating: x, count: count) }
    let axis = try ShapeRules.axis(axis, rank: input.count)
    var lengths = [Dimension](repeating: .unknown, count: count)
    if context.has(1) {
      if let given = context.integers(1) {
        guard given.count == count,
          given.allSatisfy({ $0 >= 0 && $0 <= TensorType.longestAxis }),
          input[axis].value == nil || given.reduce(0, +) == input[axis].value
        else { throw InferenceError("the split lengths do not add up to x's axis \(axis)") }
        lengths = given.map { .known($0) }
      }
    } else if let total = input[axis].value, count > 0 {
      let chunk = (total + count - 1) / count
      lengths = (0..<count).map { .known(max(0, min(chunk, total - $0 * chunk))) }
    }
    return lengths.map { length in
      var output = input
      output[axis] = length
      return TensorType(x.dtype, output)
    }
  }
}

/// ONNX Slice. Inputs: x, starts, ends, axes?, steps?.
public struct Slice: Operator {
  public init() {}
  public var name: String { "Slice" }
  public static var variants: [Self] { [Self()] }
  public var inputCount: ClosedRange<Int> { 3...5 }
  public var shapeInputs: [Int] { [1, 2, 3, 4] }

  /// One axis's part: first position, step (may be negative) and number of elements.
  public struct Part: Hashable, Sendable {
    public var axis: Int
    public var start: Int
    public var step: Int
    public var count: Int
  }

  /// The sliced axes of a tensor of `shape`; nil where starts, ends, axes or steps are not known.
  public func parts(
    _ context: InferenceContext, dimensions: [Dimension]
  ) throws(InferenceError) -> [(axis: Int, part: Part?)]? {
    guard let starts = context.integers(1), let ends = context.integers(2) else { return nil }
    var given = Array(starts.indices)
    if context.has(3) {
      guard let known = context.integers(3) else { return nil }
      given = known
    }
    var steps = [Int](repeating: 1, count: starts.count)
    if context.has(4) {
      guard let known = context.integers(4) else { return nil }
      steps = known
    }
    guard ends.count == starts.count, given.count == starts.count, steps.count == starts.count
    else { throw InferenceError("starts, ends, axes and steps differ in length") }
    let axes = try ShapeRules.axes(given, rank: dimensions.count)
    var parts: [(axis: Int, part: Part?)] = []
    for i in axes.indices {
      guard steps[i] != 0, steps[i] != Int.min else { throw InferenceError("a step is 0") }
      let part = dimensions[axes[i]].value.map { length in
        Self.part(axes[i], starts[i], ends[i], steps[i], length)
      }
      parts.append((axes[i], part))
    }
    return parts
  }

  private static func part(_ axis: Int, _ start: Int, _ end: Int, _ step: Int, _ n: Int) -> Part {
    func clamped(_ position: Int, _ low: Int, _ high: Int) -> Int {
      // Positions may be the extremes of Int64; adding n to a negative one cannot overflow.
      min(max(position < 0 ? position + n : position, low), high)
    }
    if step > 0 {
      let first = clamped(start, 0, n)
      let last = clamped(end, 0, n)
      let span = max(0, last - first)
      let count = span == 0 ? 0 : (span - 1) / step + 1
      return Part(axis: axis, start: first, step: step, count: count)
    }
    let first = clamped(start, 0, n - 1)
    let last = clamped(end, -1, n - 1)
    let span = n == 0 ? 0 : max(0, first - last)
    return Part(axis: axis, start: first, step: step, count: span == 0 ? 0 : (span - 1) / -step + 1)
  }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    let x = try context.type(0)
    guard var output = x.dimensions else { return [x] }
    guard let parts = try parts(context, dimensions: output) else {
      return [TensorType(x.dtype, output.map { _ in .unknown })]
    }
    for (axis, part) in parts {
      output[axis] = part.map { .known($0.count) } ?? .unknown
    }
    return [TensorType(x.dtype, output)]
  }
}

/// ONNX Gather: rows of `data` along `axis` at integer indices (negative ones count from the end).
public struct Gather: Operator {
  public var axis = 0

  public init(axis: Int = 0) { self.axis = axis }

  public var name: String { "Gather" }
  public static var variants: [Self] { [Self()] }
  public var inputCount: ClosedRange<Int> { 2...2 }

  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.visit("axis", &axis)
  }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    let data = try context.type(0)
    guard let input = data.dimensions, let indices = try context.dimensions(1) else {
      return [TensorType(data.dtype, nil)]
    }
    let axis = try ShapeRules.axis(axis, rank: input.count)
    return [TensorType(data.dtype, Array(input[..<axis]) + indices + Array(input[(axis + 1)...]))]
  }
}

/// ONNX GatherND. Inputs: data, indices `[..., q]`.
public struct GatherND: Operator {
  public var batchDimensions = 0

  public init() {}

  public var name: String { "GatherND" }
  public static var variants: [Self] { [Self()] }
  public var inputCount: ClosedRange<Int> { 2...2 }

  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.visit("batch_dims", &batchDimensions)
  }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    let data = try context.type(0)
    guard let input = data.dimensions, let indices = try context.dimensions(1),
      let depth = indices.last?.value
    else { return [TensorType(data.dtype, nil)] }
    guard batchDimensions >= 0, depth >= 1, batchDimensions < indices.count,
      batchDimensions + depth <= input.count
    else {
      throw InferenceError(
        "index vectors of \(depth) with batch_dims \(batchDimensions) do not fit a tensor of rank "
          + "\(input.count)")
    }
    return [TensorType(data.dtype, indices.dropLast() + input[(batchDimensions + depth)...])]
  }
}

/// ONNX ConstantOfShape. Input: shape.
public struct ConstantOfShape: Operator {
  public var value = Scalar(0)

  public init() {}

  public var name: String { "ConstantOfShape" }
  public static var variants: [Self] { [Self()] }
  public var inputCount: ClosedRange<Int> { 1...1 }
  public var shapeInputs: [Int] { [0] }

  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.visit("value", &value)
  }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    guard let shape = context.integers(0) else { return [TensorType(value.dtype, nil)] }
    for length in shape where length < 0 {
      throw InferenceError("the shape has the entry \(length)")
    }
    return [TensorType(value.dtype, shape: shape)]
  }
}
