/// ONNX DFT along one axis. Inputs: x `[..., 1]` (real) or `[..., 2]` (complex), the transform's
/// length?, axis? (-2 where it is left out).
///
/// One-sided, a forward transform gives the first half of the spectrum, and an inverse one takes it
/// to give real numbers `[..., 1]`.
public struct DFT: Operator {
  public var isInverse = false
  public var isOneSided = false

  public init() {}
  public var name: String { "DFT" }
  public static var variants: [Self] { [Self()] }
  public var inputCount: ClosedRange<Int> { 1...3 }
  public var shapeInputs: [Int] { [1, 2] }

  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.visit("inverse", &isInverse)
    try visitor.visit("onesided", &isOneSided)
  }

  private var makesReal: Bool { isInverse && isOneSided }

  /// The axis; nil where it is not known.
  private func axis(_ context: InferenceContext, rank: Int) throws(InferenceError) -> Int? {
    guard context.has(2) else { return try ShapeRules.axis(-2, rank: rank) }
    guard let given = context.integers(2) else { return nil }
    guard given.count == 1 else { throw InferenceError("the axis is not a scalar") }
    let axis = try ShapeRules.axis(given[0], rank: rank)
    guard axis < rank - 1 else {
      throw InferenceError("axis \(given[0]) is that of the complex parts")
    }
    return axis
  }

  /// The transform's length; nil where it is not known.
  private func length(
    _ context: InferenceContext, _ signal: Dimension
  ) throws(InferenceError) -> Int? {
    if context.has(1) {
      guard let given = context.integers(1) else { return nil }
      guard given.count == 1, given[0] >= 1, given[0] <= TensorType.longestAxis else {
        throw InferenceError("the transform's length is not a positive scalar")
      }
      return given[0]
    }
    guard let count = signal.value else { return nil }
    let length = makesReal ? 2 * (count - 1) : count
    guard length >= 1 else { throw InferenceError("the transform's length is 0") }
    return length
  }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    let x = try context.type(0)
    guard var output = x.dimensions else { return [x] }
    try ShapeRules.require(rank: output, 2...Int.max, "x")
    if let parts = output.last?.value, parts != 1 && parts != 2 {
      throw InferenceError("x's last axis has \(parts) elements, expected 1 or 2")
    }
    if let axis = try axis(context, rank: output.count) {
      let length = try length(context, output[axis])
      output[axis] =
        length.map { .known(isOneSided && !isInverse ? $0 / 2 + 1 : $0) } ?? .unknown
    } else {
      output = output.map { _ in .unknown }
    }
    output[output.count - 1] = .known(makesReal ? 1 : 2)
    return [TensorType(x.dtype, output)]
  }

  public func compute(_ x: Operands) throws(ComputeError) -> [Tensor] {
    let tensor = try x.tensor(0)
    let type = try outputTypes(x)[0]
    let found: (axis: Int?, length: Int?)
    do throws(InferenceError) {
      let axis = try axis(x.context, rank: tensor.rank)
      found = (axis, try length(x.context, .known(tensor.shape[axis ?? 0])))
    } catch {
      throw ComputeError(error)
    }
    guard let axis = found.axis, let length = found.length else {
      throw ComputeError("the axis or the length is not an integer")
    }
    guard length <= 1 << 26 else { throw ComputeError("a transform of length \(length)") }
    let input = ComplexRuns(tensor.shape, axis: axis)
    let output = ComplexRuns(type.shape, axis: axis)
    let fourier = Fourier(length)
    let values = tensor.doubles
    var results = [Double](repeating: 0, count: type.shape.elementCount)
    for run in 0..<input.count {
      var signal = input.signal(run, in: values, padded: length)
      if makesReal { complete(&signal) }
      if isInverse { fourier.inverse(&signal) } else { fourier.transform(&signal) }
      output.store(signal, run, in: &results)
    }
    return [Tensor(type.dtype, type.shape, doubles: results)]
  }

  /// The second half of the spectrum of real numbers, from the first.
  private func complete(_ x: inout Fourier.Signal) {
    let n = x.count
    if n > 0 { x.imaginary[0] = 0 }
    if n % 2 == 0, n > 0 { x.imaginary[n / 2] = 0 }
    for i in n / 2 + 1..<Swift.max(n, n / 2 + 1) {
      (x.real[i], x.imaginary[i]) = (x.real[n - i], -x.imaginary[n - i])
    }
  }
}

/// The runs along one axis of a tensor whose last axis holds one or two parts of complex numbers.
private struct ComplexRuns {
  private let length: Int
  private let inner: Int
  private let parts: Int
  let count: Int

  init(_ shape: [Int], axis: Int) {
    let split = AxisView(Array(shape.dropLast()), axis: axis)
    (length, inner, parts) = (split.length, split.inner, shape[shape.count - 1])
    count = split.outer * split.inner
  }

  private func place(_ run: Int, _ i: Int) -> Int {
    ((run / inner * length + i) * inner + run % inner) * parts
  }

  /// The elements of a run, cut or padded with zeros.
  func signal(_ run: Int, in values: [Double], padded count: Int) -> Fourier.Signal {
    var signal = Fourier.Signal(zeros: count)
    for i in 0..<Swift.min(length, count) {
      signal.real[i] = values[place(run, i)]
      if parts == 2 { signal.imaginary[i] = values[place(run, i) + 1] }
    }
    return signal
  }

  func store(_ signal: Fourier.Signal, _ run: Int, in values: inout [Double]) {
    for i in 0..<length {
      values[place(run, i)] = signal.real[i]
      if parts == 2 { values[place(run, i) + 1] = signal.imaginary[i] }
    }
  }
}
