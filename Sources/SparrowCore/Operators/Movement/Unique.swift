/// ONNX Unique: the distinct elements of x, or its distinct slices along `axis`. Outputs: y, indices
/// of first occurrences, for each element of x its index in y, how often each occurs (the last three
/// int64 vectors).
public struct Unique: Operator {
  /// nil: elements of the flattened tensor.
  public var axis: Int?
  /// Ascending; else in the order of first occurrence.
  public var isSorted = true

  public init() {}
  public var name: String { "Unique" }
  public static var variants: [Self] { [Self()] }
  public var inputCount: ClosedRange<Int> { 1...1 }
  public func opset(of dtype: DType) -> Int { dtype == .bfloat16 ? 28 : 1 }

  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.visit("axis", &axis)
    try visitor.visit("sorted", &isSorted)
  }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    let x = try context.type(0)
    var output: [Dimension]? = [.unknown]
    var slices = Dimension.unknown
    if let axis {
      output = x.dimensions
      if let input = x.dimensions {
        let axis = try ShapeRules.axis(axis, rank: input.count)
        output?[axis] = .unknown
        slices = input[axis]
      }
    } else if let input = x.dimensions {
      slices = ShapeRules.product(input)
    }
    let types = [
      TensorType(x.dtype, output), TensorType(.int64, [.unknown]), TensorType(.int64, [slices]),
      TensorType(.int64, [.unknown]),
    ]
    return types.prefixed(context.outputCount)
  }

  public func compute(_ x: Operands) throws(ComputeError) -> [Tensor] {
    let given = try x.tensor(0)
    var (tensor, axis) = (given.reshaped([given.count]), 0)
    if let wanted = self.axis {
      tensor = given
      axis = try ShapeRules.concreteAxis(wanted, rank: given.rank)
    }
    let view = AxisView(tensor.shape, axis: axis)
    let groups = groups(tensor.orderKeys, view)
    var shape = tensor.shape
    shape[axis] = groups.first.count
    let words = tensor.words
    var values: [UInt64] = []
    for outer in 0..<view.outer {
      for slice in groups.first {
        let start = (outer * view.length + slice) * view.inner
        values += words[start..<start + view.inner]
      }
    }
    let results = [
      Tensor(tensor.dtype, shape, words: values),
      Tensor(.int64, [groups.first.count], integers: groups.first),
      Tensor(.int64, [view.length], integers: groups.inverse),
      Tensor(.int64, [groups.first.count], integers: groups.counts),
    ]
    return results.prefixed(x.outputCount)
  }

  private struct Groups {
    /// The first slice of each group, in the order of the output.
    var first: [Int] = []
    var inverse: [Int]
    var counts: [Int] = []
  }

  private func groups(_ keys: [UInt64], _ view: AxisView) -> Groups {
    func key(_ slice: Int, _ i: Int) -> UInt64 {
      let (outer, inner) = (i / view.inner, i % view.inner)
      return keys[(outer * view.length + slice) * view.inner + inner]
    }
    let width = view.outer * view.inner
    /// -1, 0 or 1 as slice `a` comes before, equals or comes after slice `b`.
    func compared(_ a: Int, _ b: Int) -> Int {
      for i in 0..<width {
        let (x, y) = (key(a, i), key(b, i))
        if x != y { return x < y ? -1 : 1 }
      }
      return 0
    }
    let order = (0..<view.length).sorted { a, b in
      let order = compared(a, b)
      return order == 0 ? a < b : order < 0
    }
    var members: [[Int]] = []
    for slice in order {
      if let last = members.last, compared(last[0], slice) == 0 {
        members[members.count - 1].append(slice)
      } else {
        members.append([slice])
      }
    }
    if !isSorted { members.sort { $0[0] < $1[0] } }
    var result = Groups(inverse: [Int](repeating: 0, count: view.length))
    for (i, group) in members.enumerated() {
      result.first.append(group[0])
      result.counts.append(group.count)
      for slice in group { result.inverse[slice] = i }
    }
    return result
  }
}
