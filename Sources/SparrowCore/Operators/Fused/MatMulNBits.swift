/// com.microsoft MatMulNBits: x times a matrix of 2, 4 or 8-bit weights, quantised in blocks along
/// its reduction.
///
/// Inputs: x `[..,K]`, weights (uint8 `[N, blocks, bytes of a block]`, the lowest bits first), scales
/// (`N * blocks` of them), zero_points? (packed as the weights are, each row in whole bytes, or of x's
/// type; 2^(bits - 1) where absent), g_idx? (refused), bias? `[N]`. Output `[..,N]`.
public struct MatMulNBits: Operator {
  /// The matrix is K x N.
  public var k = 1
  public var n = 1
  public var bits = 4
  public var block = 32
  /// How exact a kernel may be; Sparrow's is float32.
  public var accuracy = 0

  public init() {}
  public var name: String { "MatMulNBits" }
  public var domain: String { "com.microsoft" }
  public static var variants: [Self] { [Self()] }
  public var inputCount: ClosedRange<Int> { 3...6 }

  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.visit("K", &k)
    try visitor.visit("N", &n)
    try visitor.visit("bits", &bits)
    try visitor.visit("block_size", &block)
    try visitor.visit("accuracy_level", &accuracy)
  }

  private static var largest: Int { 1 << 30 }

  private var blocks: Int { (k + block - 1) / block }
  /// Weights in a byte.
  private var packed: Int { 8 / bits }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    for size in [k, n, block] where size < 1 || size > Self.largest {
      throw InferenceError("K, N or block_size is \(size)")
    }
    guard bits == 2 || bits == 4 || bits == 8, block % packed == 0 else {
      throw InferenceError("weights of \(bits) bits in blocks of \(block) are not supported")
    }
    guard !context.has(4) else { throw InferenceError("g_idx is not supported") }
    let x = try context.type(0)
    if let all = try context.type(1).shape?.checkedElementCount,
      all != n * blocks * (block / packed)
    {
      throw InferenceError("there are \(all) bytes of weights for \(n) x \(k)")
    }
    if let all = try context.type(2).shape?.checkedElementCount, all != n * blocks {
      throw InferenceError("there are \(all) scales, expected \(n * blocks)")
    }
    guard let shape = x.dimensions, let last = shape.last else { return [TensorType(x.dtype, nil)] }
    _ = try ShapeRules.unify(last, .known(k), what: "x's last axis and K")
    return [TensorType(x.dtype, shape.dropLast() + [.known(n)])]
  }

  /// The weights as `[N, K]` float32.
  public func weights(
    _ bytes: Tensor, scales: Tensor, zeros: Tensor?
  ) throws(ComputeError) -> Tensor {
    guard bytes.dtype == .uint8, bytes.count == n * blocks * (block / packed),
      scales.count == n * blocks
    else { throw ComputeError("the weights or scales do not fit \(n) x \(k)") }
    let source = bytes.array(of: UInt8.self)
    let factors = scales.doubles
    let shifts = try zeroPoints(zeros)
    let mask = UInt8(truncatingIfNeeded: (1 << bits) - 1)
    var result: [Float] = []
    result.reserveCapacity(n * k)
    for row in 0..<n {
      for i in 0..<k {
        let place = row * blocks + i / block
        let at = i % block
        let byte = source[place * (block / packed) + at / packed]
        let value = byte >> UInt8(at % packed * bits) & mask
        result.append(Float((Double(value) - shifts[place]) * factors[place]))
      }
    }
    return Tensor(result, shape: [n, k])
  }

  private func zeroPoints(_ zeros: Tensor?) throws(ComputeError) -> [Double] {
    guard let zeros else {
      return [Double](repeating: Double(1 << (bits - 1)), count: n * blocks)
    }
    if zeros.dtype != .uint8 {
      guard zeros.count == n * blocks else { throw ComputeError("the zero points do not fit") }
      return zeros.doubles
    }
    let rowBytes = (blocks + packed - 1) / packed
    guard zeros.count == n * rowBytes else { throw ComputeError("the zero points do not fit") }
    let source = zeros.array(of: UInt8.self)
    let mask = UInt8(truncatingIfNeeded: (1 << bits) - 1)
    return (0..<(n * blocks)).map { i in
      let (row, at) = i.quotientAndRemainder(dividingBy: blocks)
      return Double(source[row * rowBytes + at / packed] >> UInt8(at % packed * bits) & mask)
    }
  }

  public func compute(_ x: Operands) throws(ComputeError) -> [Tensor] {
    do throws(InferenceError) {
      _ = try inferTypes(x.context)
    } catch {
      throw ComputeError(error)
    }
    let tensor = try x.tensor(0)
    let w = try weights(try x.tensor(1), scales: try x.tensor(2), zeros: x.optional(3)).array(
      of: Float.self)
    let bias = x.optional(5)?.doubles ?? [Double](repeating: 0, count: n)
    guard bias.count == n else { throw ComputeError("there are \(bias.count) biases, not \(n)") }
    let values = tensor.doubles
    var y: [Double] = []
    for row in 0..<(tensor.count / k) {
      for column in 0..<n {
        var sum = bias[column]
        for i in 0..<k { sum += values[row * k + i] * Double(w[column * k + i]) }
        y.append(sum)
      }
    }
    return [Tensor(tensor.dtype, tensor.shape.dropLast() + [n], doubles: y)]
  }
}
